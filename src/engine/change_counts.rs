//! Counts of the changes that a task published, for Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{Band, Cause};

/// Segments with a count of their own, at most; band changes of all others are counted as [`OTHER`].
const MAX_SEGMENTS: usize = 1_000;
/// The label for all further segments.
const OTHER: &str = "other";

/// Changes published since this instance took over the task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeCounts {
    changes: BTreeMap<Cause, u64>,
    band_changes: BTreeMap<(Band, Band, Box<str>), u64>,
    segments: BTreeSet<Box<str>>,
}

impl ChangeCounts {
    /// Counts a change.
    pub(super) fn count(&mut self, cause: Cause) {
        *self.changes.entry(cause).or_default() += 1;
    }

    /// Counts a band change of an account; `segment` is empty if it has none.
    pub(super) fn count_band_change(&mut self, from: Band, to: Band, segment: &str) {
        let segment = self.label(segment);
        *self.band_changes.entry((from, to, segment)).or_default() += 1;
    }

    /// Changes by cause.
    pub fn changes(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.changes.iter().map(|(cause, count)| (*cause, *count))
    }

    /// Band changes: from, to, segment (empty: none), count.
    pub fn band_changes(&self) -> impl Iterator<Item = (Band, Band, &str, u64)> {
        self.band_changes.iter().map(|((from, to, segment), count)| (*from, *to, &**segment, *count))
    }

    /// The label that a segment is counted under.
    fn label(&mut self, segment: &str) -> Box<str> {
        if !self.segments.contains(segment) {
            if self.segments.len() >= MAX_SEGMENTS {
                return OTHER.into();
            }
            self.segments.insert(segment.into());
        }
        segment.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn band_changes_of_segments_beyond_the_limit_are_counted_together() {
        let mut published = ChangeCounts::default();
        for n in 0..MAX_SEGMENTS + 2 {
            published.count_band_change(Band::Green, Band::Red, &format!("s{n}"));
        }
        published.count_band_change(Band::Green, Band::Red, "s1");
        let of = |segment: &str| published.band_changes().find(|change| change.2 == segment).map(|change| change.3);
        assert_eq!((of("s0"), of("s1"), of(OTHER), of("s1000")), (Some(1), Some(2), Some(2), None));
    }
}
