//! The bad-run rule: if most records are bad, the topic or the configuration is wrong, not the data.
//!
//! `run` applies it while it reads a topic partition, before the partition is drained into the dead letters; `replay` applies it to the
//! totals of each stream.

use super::StreamCounts;
use crate::event::Code;

/// When a run of records counts as bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The share of bad records must exceed this, 0..=1.
    pub share: f64,
    /// Records that must have been read, at least.
    pub records: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { share: 0.5, records: 200 }
    }
}

/// The records read from one source so far.
#[derive(Clone, Debug, Default)]
pub struct BadRun {
    read: u64,
    bad: [u64; Code::ALL.len()],
}

/// A bad run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Records read.
    pub read: u64,
    /// Bad records.
    pub bad: u64,
    /// The most frequent code; of equals, the first.
    pub commonest: Code,
}

impl BadRun {
    /// The totals of a stream.
    #[must_use]
    pub fn of(counts: &StreamCounts) -> Self {
        let mut run = Self { read: counts.read, ..Self::default() };
        for (code, count) in counts.dead_letter.iter().filter(|(code, _)| is_sign(*code)) {
            run.add(code, count);
        }
        run
    }

    /// Counts a record, with its code if it is bad. Only a bad record can complete a bad run.
    pub fn count(&mut self, code: Option<Code>, thresholds: Thresholds) -> Option<Finding> {
        self.read += 1;
        self.add(code.filter(|code| is_sign(*code))?, 1);
        self.finding(thresholds)
    }

    /// The bad run, if these records are one.
    #[must_use]
    pub fn finding(&self, thresholds: Thresholds) -> Option<Finding> {
        if self.read < thresholds.records || !self.is_mostly_bad(thresholds) {
            return None;
        }
        let most = self.bad.iter().max()?;
        let commonest = Code::ALL.into_iter().zip(&self.bad).find(|(_, count)| *count == most)?.0;
        Some(Finding { read: self.read, bad: self.bad.iter().sum(), commonest })
    }

    /// Whether most records are bad, but too few to decide. They must not be committed until more have been read.
    #[must_use]
    pub fn is_open(&self, thresholds: Thresholds) -> bool {
        self.read < thresholds.records && self.is_mostly_bad(thresholds)
    }

    fn add(&mut self, code: Code, count: u64) {
        if let Some(bad) = self.bad.get_mut(code.index()) {
            *bad += count;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 records are read in one run")]
    fn is_mostly_bad(&self, thresholds: Thresholds) -> bool {
        self.bad.iter().sum::<u64>() as f64 > thresholds.share * self.read as f64
    }
}

/// Whether a code suggests a wrong topic. `future_time` does not: the producer's clock causes it.
fn is_sign(code: Code) -> bool {
    code != Code::FutureTime
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Counts, Outcome};
    use crate::event::{Rejection, Stream};

    fn first_finding(codes: impl IntoIterator<Item = Option<Code>>) -> Option<Finding> {
        let mut run = BadRun::default();
        codes.into_iter().find_map(|code| run.count(code, Thresholds::default()))
    }

    #[test]
    fn a_topic_of_rubbish_is_noticed_at_its_200th_record() {
        let finding = first_finding(std::iter::repeat_n(Some(Code::InvalidJson), 1000));
        assert_eq!(finding, Some(Finding { read: 200, bad: 200, commonest: Code::InvalidJson }));
    }

    #[test]
    fn half_is_not_more_than_half() {
        let alternating = (0..1000).map(|i| (i % 2 == 1).then_some(Code::WrongType));
        assert_eq!(first_finding(alternating), None);
    }

    #[test]
    fn few_records_and_wrong_clocks_prove_nothing() {
        assert_eq!(first_finding(std::iter::repeat_n(Some(Code::TooDeep), 199)), None);
        assert_eq!(first_finding(std::iter::repeat_n(Some(Code::FutureTime), 1000)), None);
    }

    #[test]
    fn a_run_is_open_while_its_few_records_are_mostly_bad() {
        let (mut run, thresholds) = (BadRun::default(), Thresholds::default());
        assert!(!run.is_open(thresholds));
        run.count(Some(Code::InvalidJson), thresholds);
        assert!(run.is_open(thresholds));
        run.count(None, thresholds);
        assert!(!run.is_open(thresholds));
    }

    #[test]
    fn the_commonest_code_is_named() {
        let codes = (0..300).map(|i| Some(if i % 3 == 0 { Code::InvalidJson } else { Code::MissingField }));
        assert_eq!(first_finding(codes).map(|finding| finding.commonest), Some(Code::MissingField));
    }

    #[test]
    fn the_totals_of_a_stream_follow_the_same_rule() {
        let mut counts = Counts::default();
        let rejected = |code| Outcome::DeadLetter(Rejection::new(code, "why"));
        (0..150).for_each(|_| counts.count(Stream::Usage, &rejected(Code::InvalidJson)));
        (0..150).for_each(|_| counts.count(Stream::Usage, &rejected(Code::FutureTime)));
        let finding = |counts: &Counts| BadRun::of(counts.of(Stream::Usage)).finding(Thresholds::default());
        assert_eq!(finding(&counts), None);
        counts.count(Stream::Usage, &rejected(Code::InvalidJson));
        assert_eq!(finding(&counts), Some(Finding { read: 301, bad: 151, commonest: Code::InvalidJson }));
    }
}
