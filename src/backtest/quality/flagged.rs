//! What a set of flagged points catches.

use super::interval::{Interval, wilson};

/// Flagged points, such as those in the red band, against what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Flagged {
    /// Number of flagged points.
    pub flagged: u64,
    /// Number of points that churned.
    pub churned: u64,
    /// Number of points that are both.
    pub caught: u64,
    /// caught / flagged; `None` if none is flagged.
    pub precision: Option<f64>,
    /// Its Wilson interval, which takes points as independent.
    pub precision_interval: Option<Interval>,
    /// caught / churned; `None` if none churned.
    pub recall: Option<f64>,
    /// Its Wilson interval.
    pub recall_interval: Option<Interval>,
}

impl Flagged {
    /// Counts pairs of (flagged, churned).
    #[must_use]
    pub fn of(points: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (flagged, churned) in points {
            counts.flagged += u64::from(flagged);
            counts.churned += u64::from(churned);
            counts.caught += u64::from(flagged && churned);
        }
        let Self { flagged, churned, caught, .. } = counts;
        let share = |of: u64| (of > 0).then(|| caught as f64 / of as f64);
        Self {
            precision: share(flagged),
            precision_interval: wilson(caught, flagged),
            recall: share(churned),
            recall_interval: wilson(caught, churned),
            ..counts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_of_the_flagged_and_recall_of_the_churned() {
        let found = Flagged::of([(true, true), (true, false), (true, true), (true, true), (false, true), (false, true), (false, false)]);
        assert_eq!((found.flagged, found.churned, found.caught), (4, 5, 3));
        assert_eq!((found.precision, found.recall), (Some(0.75), Some(0.6)));
        assert_eq!(found.precision_interval, wilson(3, 4));
    }

    #[test]
    fn shares_of_nothing_are_absent() {
        let found = Flagged::of([(false, false)]);
        assert_eq!((found.precision, found.recall, found.recall_interval), (None, None, None));
    }
}
