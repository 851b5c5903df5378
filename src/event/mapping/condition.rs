//! Conditions on the value at a place.

use super::place::{Place, Scope};
use super::tree::{Inner, Tree};

/// A condition: all of a rule's must hold.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Where the value is.
    pub place: Place,
    /// What must hold for it.
    pub test: Test,
}

/// What must hold for a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It matches one of these; a list holds if one of its elements does. An empty pattern stands for a missing value.
    AnyOf(Vec<Pattern>),
    /// It matches none of these. A missing value matches only an empty pattern.
    NoneOf(Vec<Pattern>),
    /// Whether it is given, that is, neither missing nor null nor empty text.
    Given(bool),
    /// Whether it equals the value at another place; does not hold if either is missing.
    Same(Place, bool),
}

/// Text to compare with, in any case; `*` stands for any text.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// A pattern as written.
    #[must_use]
    pub fn new(written: &str) -> Self {
        Self(written.to_lowercase().split('*').map(str::to_owned).collect())
    }

    /// Whether it stands for a missing value.
    fn is_missing(&self) -> bool {
        matches!(self.0.as_slice(), [text] if text.is_empty())
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let (first, last) = match self.0.as_slice() {
            [] => return text.is_empty(),
            [whole] => return text == *whole,
            [first, .., last] => (first, last),
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else { return false };
        for part in self.0.iter().take(self.0.len() - 1).skip(1) {
            match rest.split_once(part.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

impl Condition {
    /// Whether it holds.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> bool {
        let value = self.place.value(scope);
        match &self.test {
            Test::AnyOf(patterns) => matches_one(value.as_deref(), patterns),
            Test::NoneOf(patterns) => !matches_one(value.as_deref(), patterns),
            Test::Given(given) => value.is_some() == *given,
            Test::Same(other, same) => {
                let other = other.value(scope);
                let both = value.as_deref().zip(other.as_deref());
                both.is_some_and(|(value, other)| (value.json == other.json) == *same)
            }
        }
    }
}

/// Whether all conditions hold.
pub(super) fn all_hold(conditions: &[Condition], scope: &Scope<'_>) -> bool {
    conditions.iter().all(|condition| condition.holds(scope))
}

fn matches_one(value: Option<&Tree<'_>>, patterns: &[Pattern]) -> bool {
    match value {
        Some(value) => is_one_of(value, patterns),
        None => patterns.iter().any(Pattern::is_missing),
    }
}

fn is_one_of(value: &Tree<'_>, patterns: &[Pattern]) -> bool {
    match &value.inner {
        Inner::Array(elements) => elements.iter().any(|element| is_one_of(element, patterns)),
        Inner::Scalar => value.text().is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(&text))),
        Inner::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let matches = |pattern, text| Pattern::new(pattern).matches(text);
        assert!(matches("Subscription_*", "SUBSCRIPTION_created"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "aXbYc"));
        assert!(matches("a*", "a"));
        assert!(!matches("a*a", "a"));
        assert!(!matches("a*b*c", "acb"));
        assert!(!matches("a", "ab"));
        assert!(matches("", ""));
    }
}
