//! A payload as a tree that borrows its text: scalars stay as they are written, so that amounts and large ids lose nothing.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Maximum nesting; payloads are checked before, JSON held in text is not.
const DEPTH_MAX: usize = 128;

/// A JSON value.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    /// Its text.
    pub json: Cow<'a, str>,
    /// What is in it.
    pub inner: Inner<'a>,
}

/// The members or elements of a value.
#[derive(Clone, Debug)]
pub enum Inner<'a> {
    /// Text, a number, true, false or null.
    Scalar,
    /// Members in the order in which they are written.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
    /// Elements.
    Array(Vec<Tree<'a>>),
}

impl<'a> Tree<'a> {
    /// Parses a whole text; `None` if it is not JSON or nested too deep.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Parser { rest: text }.value(0)
    }

    /// The member of this key, the last of repeated ones, or the element of this index.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Self> {
        match &self.inner {
            Inner::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            Inner::Array(elements) => elements.get(key.parse::<usize>().ok()?),
            Inner::Scalar => None,
        }
    }

    /// Whether it is neither null nor empty text.
    #[must_use]
    pub fn is_given(&self) -> bool {
        is_given(&self.json)
    }

    /// The content of text; the digits of a number; `true` or `false`. `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.inner {
            Inner::Scalar => scalar_text(&self.json),
            Inner::Object(_) | Inner::Array(_) => None,
        }
    }

    /// The same without borrowing.
    #[must_use]
    pub fn into_owned(self) -> Tree<'static> {
        let inner = match self.inner {
            Inner::Scalar => Inner::Scalar,
            Inner::Object(members) => {
                Inner::Object(members.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect())
            }
            Inner::Array(elements) => Inner::Array(elements.into_iter().map(Tree::into_owned).collect()),
        };
        Tree { json: Cow::Owned(self.json.into_owned()), inner }
    }
}

/// Whether the JSON text of a value is neither null nor empty text.
pub(super) fn is_given(json: &str) -> bool {
    !matches!(json, "null" | "\"\"")
}

/// The content of a scalar's JSON text; `None` for null.
pub(super) fn scalar_text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        None => (json != "null").then_some(Cow::Borrowed(json)),
    }
}

/// Reads JSON that has been found valid. Text that is not ends the value instead of failing.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Option<Tree<'a>> {
        self.rest = self.rest.trim_start();
        let start = self.rest;
        let inner = match start.as_bytes().first()? {
            _ if depth == DEPTH_MAX => return None,
            b'{' => Inner::Object(self.members(depth)?),
            b'[' => Inner::Array(self.elements(depth)?),
            b'"' => {
                self.string()?;
                Inner::Scalar
            }
            _ => {
                let end = start.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(start.len());
                self.advance(end)?;
                Inner::Scalar
            }
        };
        let json = start.get(..start.len() - self.rest.len())?;
        Some(Tree { json: Cow::Borrowed(json), inner })
    }

    fn members(&mut self, depth: usize) -> Option<Vec<(Cow<'a, str>, Tree<'a>)>> {
        let mut members = Vec::new();
        self.advance(1)?;
        while !self.ends_with(b'}')? {
            let key = self.string()?;
            self.rest = self.rest.trim_start();
            self.advance(1)?;
            members.push((scalar_text(key)?, self.value(depth + 1)?));
        }
        Some(members)
    }

    fn elements(&mut self, depth: usize) -> Option<Vec<Tree<'a>>> {
        let mut elements = Vec::new();
        self.advance(1)?;
        while !self.ends_with(b']')? {
            elements.push(self.value(depth + 1)?);
        }
        Some(elements)
    }

    /// Skips a comma; whether the object or array ends here, which is then consumed.
    fn ends_with(&mut self, bracket: u8) -> Option<bool> {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        let ends = *self.rest.as_bytes().first()? == bracket;
        if ends {
            self.advance(1)?;
        }
        Some(ends)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let text = self.rest;
        let mut end = 1;
        loop {
            let bytes = text.as_bytes().get(end..)?;
            let at = memchr::memchr2(b'"', b'\\', bytes)?;
            if bytes.get(at) == Some(&b'"') {
                end += at + 1;
                break;
            }
            end += at + 2;
        }
        self.advance(end)?;
        text.get(..end)
    }

    fn advance(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_keeps_its_text() {
        let text = r#" {"a" : [1.50, {"b\u0022":"x\"]}"} , null],"c":1e400 ,"d":{},"e":[],"c":-0 } "#;
        let tree = Tree::parse(text).unwrap();
        let json = |path: &[&str]| path.iter().try_fold(&tree, |tree, key| tree.child(key)).map(|tree| tree.json.to_string());
        assert_eq!(json(&["a", "0"]).unwrap(), "1.50");
        assert_eq!(json(&["a", "1", "b\""]).unwrap(), r#""x\"]}""#);
        assert_eq!(json(&["a", "1"]).unwrap(), r#"{"b\u0022":"x\"]}"}"#);
        assert_eq!(json(&["a", "2"]).unwrap(), "null");
        assert_eq!(json(&["a", "3"]), None);
        assert_eq!(json(&["c"]).unwrap(), "-0");
        assert_eq!((json(&["d"]).unwrap(), json(&["e"]).unwrap()), ("{}".to_owned(), "[]".to_owned()));
        assert_eq!(tree.json, text.trim());
    }

    #[test]
    fn what_is_not_json_is_no_tree() {
        for text in ["", " ", "{", "[1,]", "{\"a\"}", "nul", "\"", "1 2", "{}x"] {
            assert!(Tree::parse(text).is_none(), "{text}");
        }
        assert!(Tree::parse(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).is_none());
    }

    #[test]
    fn scalars_have_text() {
        let text = |json| Tree::parse(json).unwrap().text().map(Cow::into_owned);
        assert_eq!(text(r#""a\u00e9""#).as_deref(), Some("a\u{e9}"));
        assert_eq!((text("7.0").as_deref(), text("true").as_deref()), (Some("7.0"), Some("true")));
        assert_eq!((text("null"), text("[1]"), text("{}")), (None, None, None));
    }

    proptest::proptest! {
        #[test]
        fn any_text_parses_exactly_if_it_is_json(text in r#"[\[\]{},:"\\a1. \u{e9}]{0,30}"#) {
            let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            let tree = Tree::parse(&text);
            proptest::prop_assert_eq!(tree.is_some(), valid);
        }
    }
}
