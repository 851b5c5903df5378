//! What can be added up in any order.

use crate::account::support::Durations;

/// A sum that starts at nothing and to which others are added, in any order.
pub(super) trait Additive: Default {
    /// Adds all of another.
    fn add(&mut self, other: &Self);
}

impl Additive for u64 {
    fn add(&mut self, other: &Self) {
        *self += other;
    }
}

impl Additive for Durations {
    fn add(&mut self, other: &Self) {
        self.merge(other);
    }
}

/// Some of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub some: u64,
    pub all: u64,
}

impl Share {
    /// Counts one.
    pub fn count(&mut self, one: bool) {
        self.some += u64::from(one);
        self.all += 1;
    }
}

impl Additive for Share {
    fn add(&mut self, other: &Self) {
        self.some += other.some;
        self.all += other.all;
    }
}

/// Real numbers are summed in whole trillionths, so that their order leaves no trace.
const TRILLIONTHS: f64 = 1e12;

/// A real number in trillionths.
#[expect(clippy::cast_possible_truncation, reason = "what is summed is far inside the range")]
pub(super) fn trillionths(value: f64) -> i128 {
    (value * TRILLIONTHS).round() as i128
}

/// A sum of trillionths as a real number.
pub(super) fn from_trillionths(sum: i128) -> f64 {
    sum as f64 / TRILLIONTHS
}
