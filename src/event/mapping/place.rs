//! Where a value is: a JSON pointer into the payload or an element of one of its lists, the record's key, or a header.

use std::borrow::Cow;
use std::fmt;

use super::tree::{Inner, Tree, scalar_text};
use crate::event::{Raw, extended_json};

/// A place, as written: `/data/id`, `^/currency`, `@key`, `@key/id`, `@header/ce_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    root: Root,
    steps: Vec<String>,
    written: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    /// The innermost element that is being read, or one that many levels further out.
    Element { outwards: usize },
    /// The record's key.
    Key,
    /// A header.
    Header(String),
}

/// What places are resolved in: the record, and the elements being read, from the payload inwards.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) raw: &'s Raw<'s>,
    pub(super) element: &'s Tree<'s>,
    pub(super) outer: Option<&'s Scope<'s>>,
}

impl<'s> Scope<'s> {
    /// The same with an element of a list in it.
    pub(super) const fn inside(&'s self, element: &'s Tree<'s>) -> Self {
        Self { raw: self.raw, element, outer: Some(self) }
    }

    fn outwards(&self, levels: usize) -> Option<&Self> {
        (0..levels).try_fold(self, |scope, _| scope.outer)
    }
}

impl Place {
    /// Reads a place. Levels outwards are counted but not checked.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn parse(written: &str) -> Result<Self, String> {
        let wrong = || {
            "is not a place: write a pointer such as `/data/id`, `^/id` for one level out of a list, `@key`, `@key/id` or `@header/name`; \
             for constant text write { value = \"...\" }"
                .to_owned()
        };
        let inner = written.trim_start_matches('^');
        let outwards = written.len() - inner.len();
        let (root, pointer) = match inner.strip_prefix('@') {
            None => (Root::Element { outwards }, inner),
            Some(_) if outwards > 0 => return Err(wrong()),
            Some(special) => match special.split_once('/').map_or((special, ""), |(name, rest)| (name, rest)) {
                ("key", "") => (Root::Key, ""),
                ("key", _) => (Root::Key, special.strip_prefix("key").unwrap_or_default()),
                ("header", name) if !name.is_empty() => (Root::Header(name.to_owned()), ""),
                _ => return Err(wrong()),
            },
        };
        let steps = match pointer.strip_prefix('/') {
            Some(steps) => steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
            // The whole element; alone it would be easy to write by mistake.
            None if pointer.is_empty() && (outwards > 0 || inner.starts_with('@')) => Vec::new(),
            None => return Err(wrong()),
        };
        Ok(Self { root, steps, written: written.to_owned() })
    }

    /// The element itself, for a list of scalars.
    #[must_use]
    pub fn element() -> Self {
        Self { root: Root::Element { outwards: 0 }, steps: Vec::new(), written: ".".to_owned() }
    }

    /// Whether it is a header.
    #[must_use]
    pub const fn is_header(&self) -> bool {
        matches!(self.root, Root::Header(_))
    }

    /// How many levels out of lists it leads.
    #[must_use]
    pub const fn outwards(&self) -> usize {
        match self.root {
            Root::Element { outwards } => outwards,
            Root::Key | Root::Header(_) => 0,
        }
    }

    /// The value there, unless it is missing, null or empty text.
    pub(super) fn value<'s>(&self, scope: &Scope<'s>) -> Option<Cow<'s, Tree<'s>>> {
        let found = match &self.root {
            Root::Element { outwards } => {
                // The scopes outlive the borrow of this one only through its outer references.
                let element = if *outwards == 0 { scope.element } else { scope.outwards(*outwards)?.element };
                descend(element, &self.steps)
            }
            Root::Key => {
                let key = std::str::from_utf8(scope.raw.key?).ok()?;
                if self.steps.is_empty() { Some(Cow::Owned(text(key))) } else { descend_into_text(key, &self.steps) }
            }
            Root::Header(name) => Some(Cow::Owned(text(scope.raw.headers.text(name)?))),
        };
        found.filter(|value| value.is_given())
    }
}

/// A tree of one text.
fn text(content: &str) -> Tree<'static> {
    Tree { json: Cow::Owned(serde_json::Value::from(content).to_string()), inner: Inner::Scalar }
}

/// Follows a pointer; a step into text goes on in the JSON that the text holds. A step into a value of `MongoDB`'s, such as `$date`, stays
/// where that value is plain by now.
fn descend<'s>(tree: &'s Tree<'s>, steps: &[String]) -> Option<Cow<'s, Tree<'s>>> {
    let Some((step, rest)) = steps.split_first() else { return Some(Cow::Borrowed(tree)) };
    match tree.inner {
        Inner::Scalar if extended_json::is_wrapper(step) => descend(tree, rest),
        Inner::Scalar if tree.json.starts_with('"') => descend_into_text(&scalar_text(&tree.json)?, steps),
        _ => descend(tree.child(step)?, rest),
    }
}

fn descend_into_text<'s>(content: &str, steps: &[String]) -> Option<Cow<'s, Tree<'s>>> {
    let tree = Tree::parse(content)?;
    // Each text held in text is shorter than the one around it, so this ends.
    descend(&tree, steps).map(|found| Cow::Owned(found.into_owned().into_owned()))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
