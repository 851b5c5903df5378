//! Label values taken from user data, limited in number.

use std::collections::BTreeSet;

/// The value for everything beyond the limit.
pub const OTHER: &str = "other";
/// The value for accounts that have none.
pub const NONE: &str = "none";

/// Values of one label: the first `max` are kept, later ones become `other`.
#[derive(Debug)]
pub struct BoundedLabel {
    seen: BTreeSet<Box<str>>,
    max: usize,
}

impl BoundedLabel {
    /// A label with at most `max` values of its own.
    pub const fn new(max: usize) -> Self {
        Self { seen: BTreeSet::new(), max }
    }

    /// The value to use for `text`.
    pub fn value<'a>(&mut self, text: Option<&'a str>) -> &'a str {
        let Some(text) = text else { return NONE };
        if self.seen.contains(text) {
            return text;
        }
        if self.seen.len() >= self.max {
            return OTHER;
        }
        self.seen.insert(text.into());
        text
    }
}

/// The labels of an account's series that come from user data.
#[derive(Debug)]
pub(super) struct AccountLabels {
    pub(super) segment: BoundedLabel,
    pub(super) csm: BoundedLabel,
}

impl AccountLabels {
    /// At most `max` values for each.
    pub(super) const fn new(max: usize) -> Self {
        Self { segment: BoundedLabel::new(max), csm: BoundedLabel::new(max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_limit_become_other_and_known_ones_stay() {
        let mut label = BoundedLabel::new(2);
        assert_eq!(["a", "b", "c", "a"].map(|text| label.value(Some(text))), ["a", "b", OTHER, "a"]);
        assert_eq!(label.value(None), NONE);
    }
}
