//! Sums by labels from user data, with a bounded number of labels.

use std::collections::BTreeMap;

use super::additive::{Additive, Sign, Summand};

/// Maximum number of labels. Those that sort first are kept, whatever the order of arrival; the rest is summed under [`OTHER`].
const MAX_LABELS: usize = 10_000;

/// The label of the sum over excess labels.
pub(super) const OTHER: &str = "other";

/// Sums by label.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally<V> {
    kept: BTreeMap<Box<str>, V>,
    others: Option<Box<V>>,
}

impl<V: Summand> Tally<V> {
    /// Lets `change` add to or subtract from the sum of a label.
    pub fn change(&mut self, label: &str, sign: Sign, change: impl FnOnce(&mut V)) {
        if let Some(value) = self.kept.get_mut(label) {
            change(value);
            if sign == Sign::Minus && value.is_zero() {
                self.kept.remove(label);
            }
            return;
        }
        if sign == Sign::Minus {
            // It exceeded the maximum when it was added.
            return change(self.others.get_or_insert_default());
        }
        change(self.kept.entry(label.into()).or_default());
        if self.kept.len() > MAX_LABELS
            && let Some((_, last)) = self.kept.pop_last()
        {
            self.others.get_or_insert_default().add(&last);
        }
    }

    /// The sums of the first `limit` labels in order, then one for all others.
    pub fn labelled(&self, limit: usize) -> Vec<(String, V)> {
        let mut labelled: Vec<_> = self.kept.iter().take(limit).map(|(label, value)| (label.to_string(), copy(value))).collect();
        let beyond = self.kept.values().skip(limit).chain(self.others.as_deref());
        let mut others: Option<V> = None;
        beyond.for_each(|value| others.get_or_insert_default().add(value));
        if let Some(others) = others {
            match labelled.iter_mut().find(|(label, _)| label == OTHER) {
                Some((_, own)) => own.add(&others),
                None => labelled.push((OTHER.to_owned(), others)),
            }
        }
        labelled
    }
}

impl<V> Tally<V> {
    /// The sums of the kept labels, in order.
    pub fn sums(&self) -> impl Iterator<Item = (&str, &V)> {
        self.kept.iter().map(|(label, sum)| (&**label, sum))
    }
}

impl Tally<u64> {
    /// The count of a label.
    pub fn get(&self, label: &str) -> u64 {
        self.kept.get(label).copied().unwrap_or_default()
    }
}

impl<V: Summand> Additive for Tally<V> {
    fn merge(&mut self, other: &Self, sign: Sign) {
        for (label, value) in &other.kept {
            self.change(label, sign, |own| own.merge(value, sign));
        }
        if let Some(others) = &other.others {
            self.others.get_or_insert_default().merge(others, sign);
        }
    }
}

fn copy<V: Additive>(value: &V) -> V {
    let mut copy = V::default();
    copy.add(value);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: impl IntoIterator<Item = usize>) -> Tally<u64> {
        let mut tally = Tally::default();
        labels.into_iter().for_each(|label| tally.change(&format!("{label:06}"), Sign::Plus, |count| *count += 1));
        tally
    }

    #[test]
    fn labels_beyond_the_limit_are_summed_as_other() {
        let labelled = of([1, 2, 2, 3, 4]).labelled(2);
        assert_eq!(labelled, [("000001".to_owned(), 1), ("000002".to_owned(), 2), (OTHER.to_owned(), 2)]);
    }

    #[test]
    fn a_label_whose_sum_returns_to_0_is_dropped() {
        let mut tally = of([1, 2, 2]);
        tally.merge(&of([1, 2]), Sign::Minus);
        assert_eq!(tally, of([2]));
    }

    #[test]
    fn the_kept_labels_do_not_depend_on_the_order() {
        let forward = of(0..MAX_LABELS + 5);
        let mut halves = of((0..MAX_LABELS + 5).rev().filter(|label| label % 2 == 0));
        halves.add(&of((0..MAX_LABELS + 5).filter(|label| label % 2 == 1)));
        assert_eq!(forward, halves);
        assert_eq!(forward.others, Some(Box::new(5)));
    }
}
