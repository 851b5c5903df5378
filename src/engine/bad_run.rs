//! The bad-run rule: if most records are bad, the topic or the configuration is wrong, not the data. Records of unknown types are bad only
//! while no event of the stream has been read: a topic may carry more than what is needed of it.
//!
//! `run` applies it while it reads a topic partition, before the partition is drained into the dead letters; `replay` applies it to the
//! totals of each stream.

use super::{Outcome, StreamCounts};
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
    unknown: u64,
}

/// A bad run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Records read.
    pub read: u64,
    /// Bad records.
    pub bad: u64,
    /// The most frequent code; of equals, the first. `None`: most often, the type is unknown.
    pub commonest: Option<Code>,
}

impl Finding {
    /// What is wrong most often.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self.commonest {
            Some(code) => code.name(),
            None => "an unknown type",
        }
    }
}

impl BadRun {
    /// The totals of a stream.
    #[must_use]
    pub fn of(counts: &StreamCounts) -> Self {
        let unknown = if counts.is_known() { 0 } else { counts.ignored };
        let mut run = Self { read: counts.read, unknown, ..Self::default() };
        for (code, count) in counts.dead_letter.iter().filter(|(code, _)| is_sign(*code)) {
            run.add(code, count);
        }
        run
    }

    /// Counts a record. Only a bad one can complete a bad run. `is_known`: whether an event of its stream has ever been read.
    pub fn count(&mut self, outcome: &Outcome, is_known: bool, thresholds: Thresholds) -> Option<Finding> {
        self.read += 1;
        if is_known {
            self.unknown = 0;
        }
        match outcome {
            Outcome::DeadLetter(rejection) if is_sign(rejection.code) => self.add(rejection.code, 1),
            Outcome::Ignored if !is_known => self.unknown += 1,
            _ => return None,
        }
        self.finding(thresholds)
    }

    /// The bad run, if these records are one.
    #[must_use]
    pub fn finding(&self, thresholds: Thresholds) -> Option<Finding> {
        if self.read < thresholds.records || !self.is_mostly_bad(thresholds) {
            return None;
        }
        let most = self.bad.iter().max()?;
        let code = Code::ALL.into_iter().zip(&self.bad).find(|(_, count)| *count == most)?.0;
        Some(Finding { read: self.read, bad: self.bad(), commonest: (*most > self.unknown).then_some(code) })
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
        self.bad() as f64 > thresholds.share * self.read as f64
    }

    fn bad(&self) -> u64 {
        self.bad.iter().sum::<u64>() + self.unknown
    }
}

/// Whether a code suggests a wrong topic. `future_time` does not: the producer's clock causes it.
fn is_sign(code: Code) -> bool {
    code != Code::FutureTime
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Counts;
    use crate::event::{Rejection, Stream};

    fn ended(code: Option<Code>) -> Outcome {
        code.map_or(Outcome::Applied, |code| Outcome::DeadLetter(Rejection::new(code, "why")))
    }

    fn first_finding(codes: impl IntoIterator<Item = Option<Code>>) -> Option<Finding> {
        let mut run = BadRun::default();
        codes.into_iter().find_map(|code| run.count(&ended(code), true, Thresholds::default()))
    }

    #[test]
    fn a_topic_of_rubbish_is_noticed_at_its_200th_record() {
        let finding = first_finding(std::iter::repeat_n(Some(Code::InvalidJson), 1000));
        assert_eq!(finding, Some(Finding { read: 200, bad: 200, commonest: Some(Code::InvalidJson) }));
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
        run.count(&ended(Some(Code::InvalidJson)), true, thresholds);
        assert!(run.is_open(thresholds));
        run.count(&ended(None), true, thresholds);
        assert!(!run.is_open(thresholds));
    }

    #[test]
    fn the_commonest_code_is_named() {
        let codes = (0..300).map(|i| Some(if i % 3 == 0 { Code::InvalidJson } else { Code::MissingField }));
        assert_eq!(first_finding(codes).and_then(|finding| finding.commonest), Some(Code::MissingField));
    }

    #[test]
    fn unknown_types_alone_are_a_bad_run_until_an_event_of_the_stream_has_been_read() {
        let (mut run, thresholds) = (BadRun::default(), Thresholds::default());
        (0..199).for_each(|_| assert_eq!(run.count(&Outcome::Ignored, false, thresholds), None));
        assert!(run.is_open(thresholds));
        let finding = run.clone().count(&Outcome::Ignored, false, thresholds).unwrap();
        assert_eq!((finding.read, finding.bad, finding.cause()), (200, 200, "an unknown type"));
        run.count(&Outcome::Applied, true, thresholds);
        assert!(!run.is_open(thresholds), "the unknown ones so far are forgiven");
        (0..1000).for_each(|_| assert_eq!(run.count(&Outcome::Ignored, true, thresholds), None));
    }

    #[test]
    fn a_stream_of_unknown_types_is_a_bad_run_only_if_nothing_of_it_was_applied() {
        let mut counts = Counts::default();
        (0..300).for_each(|_| counts.count(Stream::Billing, &Outcome::Ignored));
        let finding = |counts: &Counts| BadRun::of(counts.of(Stream::Billing)).finding(Thresholds::default());
        assert_eq!(finding(&counts).map(|finding| (finding.bad, finding.commonest)), Some((300, None)));
        counts.count(Stream::Billing, &Outcome::Duplicate);
        assert_eq!(finding(&counts), None);
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
        assert_eq!(finding(&counts), Some(Finding { read: 301, bad: 151, commonest: Some(Code::InvalidJson) }));
    }
}
