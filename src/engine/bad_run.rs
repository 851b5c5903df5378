//! The bad-run rule: if most records are bad, the topic or the configuration is wrong, not the data. Records of unknown types are bad only
//! while no event of the stream has been read: a topic may carry more than what is needed of it.
//!
//! `run` applies it while it reads a topic partition, before the partition is drained into the dead letters; `replay` applies it to the
//! totals of each stream.

use std::borrow::Cow;

use super::{Outcome, StreamCounts};
use crate::event::{Code, Rejection};

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
    /// By [`Code::index`].
    bad: [Bad; Code::ALL.len()],
    unknown: u64,
}

/// The bad records of one code.
#[derive(Clone, Debug, Default)]
struct Bad {
    count: u64,
    /// The reason given for the newest of them.
    reason: Cow<'static, str>,
}

/// A bad run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Records read.
    pub read: u64,
    /// Bad records.
    pub bad: u64,
    /// The most frequent code; of equals, the first. `None`: most often, the type is unknown.
    pub commonest: Option<Code>,
    /// Why the newest record with this code is bad; empty for the totals of a replay.
    pub reason: Cow<'static, str>,
}

impl Finding {
    /// What is wrong most often.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self.commonest {
            Some(code) => code.name(),
            None => "unknown_type",
        }
    }
}

impl BadRun {
    /// The totals of a stream in a replay. `future_time` does not indicate a wrong file there: the instant of the replay may simply be
    /// early.
    #[must_use]
    pub fn of_replay(counts: &StreamCounts) -> Self {
        let unknown = if counts.is_known() { 0 } else { counts.ignored };
        let mut run = Self { read: counts.read, unknown, ..Self::default() };
        for (code, count) in counts.dead_letter.iter().filter(|(code, _)| *code != Code::FutureTime) {
            run.add(code, count, Cow::Borrowed(""));
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
            Outcome::DeadLetter(Rejection { code, reason }) => self.add(*code, 1, reason.clone()),
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
        let most = self.bad.iter().map(|bad| bad.count).max()?;
        let (commonest, bad) = Code::ALL.into_iter().zip(&self.bad).find(|(_, bad)| bad.count == most)?;
        let (commonest, reason) = if most > self.unknown {
            (Some(commonest), bad.reason.clone())
        } else {
            (None, Cow::Borrowed("the type is not one of the stream's"))
        };
        Some(Finding { read: self.read, bad: self.bad_records(), commonest, reason })
    }

    /// Whether most records are bad, but too few to decide. They must not be committed until more have been read.
    #[must_use]
    pub fn is_open(&self, thresholds: Thresholds) -> bool {
        self.read < thresholds.records && self.is_mostly_bad(thresholds)
    }

    fn add(&mut self, code: Code, count: u64, reason: Cow<'static, str>) {
        if let Some(bad) = self.bad.get_mut(code.index()) {
            bad.count += count;
            bad.reason = reason;
        }
    }

    fn bad_records(&self) -> u64 {
        self.bad.iter().map(|bad| bad.count).sum::<u64>() + self.unknown
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 records are read in one run")]
    fn is_mostly_bad(&self, thresholds: Thresholds) -> bool {
        self.bad_records() as f64 > thresholds.share * self.read as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Counts;
    use crate::event::Stream;

    fn first_finding(codes: impl IntoIterator<Item = Option<Code>>) -> Option<Finding> {
        let mut run = BadRun::default();
        codes.into_iter().find_map(|code| run.count(&ended(code), true, Thresholds::default()))
    }

    fn ended(code: Option<Code>) -> Outcome {
        code.map_or(Outcome::Applied, |code| Outcome::DeadLetter(rejected(code)))
    }

    fn rejected(code: Code) -> Rejection {
        Rejection::new(code, format!("why it is {}", code.name()))
    }

    #[test]
    fn a_topic_of_rubbish_is_noticed_at_its_200th_record() {
        let finding = first_finding(std::iter::repeat_n(Some(Code::InvalidJson), 1000));
        let reason = "why it is invalid_json".into();
        assert_eq!(finding, Some(Finding { read: 200, bad: 200, commonest: Some(Code::InvalidJson), reason }));
    }

    #[test]
    fn half_is_not_more_than_half() {
        let alternating = (0..1000).map(|i| (i % 2 == 1).then_some(Code::WrongType));
        assert_eq!(first_finding(alternating), None);
    }

    #[test]
    fn few_records_prove_nothing() {
        assert_eq!(first_finding(std::iter::repeat_n(Some(Code::TooDeep), 199)), None);
    }

    #[test]
    fn records_from_the_future_are_a_bad_run_too() {
        let finding = first_finding(std::iter::repeat_n(Some(Code::FutureTime), 300)).unwrap();
        assert_eq!((finding.commonest, &*finding.reason), (Some(Code::FutureTime), "why it is future_time"));
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
    fn the_commonest_code_is_named_with_its_own_reason() {
        let codes = (0..300).map(|i| Some(if i % 3 == 0 { Code::InvalidJson } else { Code::MissingField }));
        let finding = first_finding(codes).unwrap();
        assert_eq!((finding.commonest, &*finding.reason), (Some(Code::MissingField), "why it is missing_field"));
    }

    #[test]
    fn unknown_types_alone_are_a_bad_run_until_an_event_of_the_stream_has_been_read() {
        let (mut run, thresholds) = (BadRun::default(), Thresholds::default());
        (0..199).for_each(|_| assert_eq!(run.count(&Outcome::Ignored, false, thresholds), None));
        assert!(run.is_open(thresholds));
        let finding = run.clone().count(&Outcome::Ignored, false, thresholds).unwrap();
        assert_eq!((finding.read, finding.bad, finding.cause()), (200, 200, "unknown_type"));
        run.count(&Outcome::Applied, true, thresholds);
        assert!(!run.is_open(thresholds), "the unknown ones so far are forgiven");
        (0..1000).for_each(|_| assert_eq!(run.count(&Outcome::Ignored, true, thresholds), None));
    }

    #[test]
    fn a_replay_of_unknown_types_is_a_bad_run_only_if_nothing_of_the_stream_was_applied() {
        let mut counts = Counts::default();
        (0..300).for_each(|_| counts.count(Stream::Billing, &Outcome::Ignored));
        let finding = |counts: &Counts| BadRun::of_replay(counts.of(Stream::Billing)).finding(Thresholds::default());
        assert_eq!(finding(&counts).map(|finding| (finding.bad, finding.commonest)), Some((300, None)));
        counts.count(Stream::Billing, &Outcome::Duplicate);
        assert_eq!(finding(&counts), None);
    }

    #[test]
    fn the_totals_of_a_replay_follow_the_same_rule_except_for_records_from_the_future() {
        let mut counts = Counts::default();
        let dead_letter = |code| Outcome::DeadLetter(rejected(code));
        (0..150).for_each(|_| counts.count(Stream::Usage, &dead_letter(Code::InvalidJson)));
        (0..150).for_each(|_| counts.count(Stream::Usage, &dead_letter(Code::FutureTime)));
        let finding = |counts: &Counts| BadRun::of_replay(counts.of(Stream::Usage)).finding(Thresholds::default());
        assert_eq!(finding(&counts), None);
        counts.count(Stream::Usage, &dead_letter(Code::InvalidJson));
        let finding = finding(&counts).unwrap();
        assert_eq!((finding.read, finding.bad, finding.commonest), (301, 151, Some(Code::InvalidJson)));
    }
}
