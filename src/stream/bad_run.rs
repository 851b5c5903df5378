//! Telling a topic of the wrong kind from a few bad records, before it is drained into the dead letters.

use crate::event::Code;

/// When records make a bad run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// More than this share of the records is bad, 0..=1.
    pub share: f64,
    /// Of at least so many records.
    pub records: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { share: 0.5, records: 200 }
    }
}

/// What one topic partition has given since it was assigned.
#[derive(Clone, Debug, Default)]
pub(super) struct BadRun {
    read: u64,
    bad: [u64; Code::ALL.len()],
}

/// A bad run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Records read.
    pub read: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// The commonest code, the first of equals.
    pub commonest: Code,
}

impl BadRun {
    /// Counts a record. `future_time` is no sign of a wrong topic: a wrong clock makes it.
    pub(super) fn count(&mut self, code: Option<Code>, limits: Limits) -> Option<Verdict> {
        self.read += 1;
        let code = code.filter(|code| *code != Code::FutureTime)?;
        if let Some(count) = self.bad.get_mut(code.index()) {
            *count += 1;
        }
        if self.read < limits.records || !self.is_mostly_bad(limits) {
            return None;
        }
        let most = self.bad.iter().max()?;
        let commonest = Code::ALL.into_iter().zip(&self.bad).find(|(_, count)| *count == most)?.0;
        Some(Verdict { read: self.read, bad: self.bad.iter().sum(), commonest })
    }

    /// Whether it would be a bad run, had there been more records: nothing of it should be committed while more are to come.
    pub(super) fn is_open(&self, limits: Limits) -> bool {
        self.read < limits.records && self.is_mostly_bad(limits)
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 records are not read in one run")]
    fn is_mostly_bad(&self, limits: Limits) -> bool {
        self.bad.iter().sum::<u64>() as f64 > limits.share * self.read as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_verdict(codes: impl IntoIterator<Item = Option<Code>>) -> Option<Verdict> {
        let mut run = BadRun::default();
        codes.into_iter().find_map(|code| run.count(code, Limits::default()))
    }

    #[test]
    fn a_topic_of_rubbish_is_noticed_at_its_200th_record() {
        let verdict = first_verdict(std::iter::repeat_n(Some(Code::InvalidJson), 1000));
        assert_eq!(verdict, Some(Verdict { read: 200, bad: 200, commonest: Code::InvalidJson }));
    }

    #[test]
    fn half_is_not_more_than_half() {
        let alternating = (0..1000).map(|i| (i % 2 == 1).then_some(Code::WrongType));
        assert_eq!(first_verdict(alternating), None);
    }

    #[test]
    fn few_records_and_wrong_clocks_conclude_nothing() {
        assert_eq!(first_verdict(std::iter::repeat_n(Some(Code::TooDeep), 199)), None);
        assert_eq!(first_verdict(std::iter::repeat_n(Some(Code::FutureTime), 1000)), None);
    }

    #[test]
    fn a_run_is_open_while_its_few_records_are_mostly_bad() {
        let (mut run, limits) = (BadRun::default(), Limits::default());
        assert!(!run.is_open(limits));
        run.count(Some(Code::InvalidJson), limits);
        assert!(run.is_open(limits));
        run.count(None, limits);
        assert!(!run.is_open(limits));
    }

    #[test]
    fn the_commonest_code_is_named() {
        let codes = (0..300).map(|i| Some(if i % 3 == 0 { Code::InvalidJson } else { Code::MissingField }));
        assert_eq!(first_verdict(codes).map(|verdict| verdict.commonest), Some(Code::MissingField));
    }
}
