//! Whether a task is catching up: one of its inputs has not been read to its end, and its next record is old.

use std::time::{Duration, Instant};

use crate::time::Timestamp;

/// How long a task catches up before the log says so.
const LOG_AFTER: Duration = Duration::from_secs(10);

/// How far one input partition has been read.
#[derive(Clone, Debug)]
pub(in crate::stream) struct Position {
    /// The next offset to read.
    pub next: i64,
    /// The offset up to which everything has been read; beyond `next` where only control records follow.
    pub read_to: i64,
    /// Whether it has been read to its end, as far as that is known.
    pub at_end: bool,
    /// The broker's timestamp of the last record, which stands in for that of the next one.
    pub last: Option<Timestamp>,
}

impl Position {
    /// A position before anything has been read.
    pub(in crate::stream) const fn at(next: i64) -> Self {
        Self { next, read_to: next, at_end: false, last: None }
    }

    /// Advances past a record.
    pub(in crate::stream) fn pass(&mut self, offset: i64, timestamp: Option<Timestamp>) {
        self.next = offset + 1;
        self.read_to = self.read_to.max(self.next);
        self.at_end = false;
        self.last = timestamp;
    }

    /// The consumer has come to an end of the partition.
    pub(in crate::stream) fn reach_end(&mut self, end: i64) {
        self.read_to = self.read_to.max(end);
        self.at_end = true;
    }

    /// The partition's end is known to be at `end`. If that is beyond what was read, the next record has arrived by `now`, after the end
    /// was reached.
    pub(in crate::stream) fn follow_end(&mut self, end: i64, now: Timestamp) {
        if self.at_end && end > self.read_to {
            (self.at_end, self.last) = (false, Some(now));
        }
    }

    /// Records and control records between what was read and the end; `None` while the end is unknown.
    pub(in crate::stream) fn lag(&self, known_end: Option<i64>) -> Option<u64> {
        let end = known_end.or(self.at_end.then_some(self.read_to))?;
        Some(u64::try_from(end - self.read_to).unwrap_or(0))
    }

    /// Whether this input keeps the task in catch-up. Until its first record arrives, the age of the backlog is unknown, so the task waits.
    fn is_behind(&self, now: Timestamp, age_ms: i64) -> bool {
        !self.at_end && self.last.is_none_or(|last| now.since(last) > age_ms)
    }
}

/// What a task does in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) enum Mode {
    /// Score and publish.
    Live,
    /// Only update the state.
    CatchingUp,
    /// Catching up for so long that it publishes anyway, with a flag on each change.
    Overdue,
}

/// What the log says about catch-up. A start or a single old record, which are over in a moment, are not worth a line.
#[derive(Debug, Default)]
pub(in crate::stream) struct CatchUpLog {
    since: Option<Instant>,
    is_logged: bool,
}

impl CatchUpLog {
    /// What to log after a round in this mode, if anything.
    pub(in crate::stream) fn note(&mut self, mode: Mode, now: Instant) -> Option<&'static str> {
        if mode == Mode::Live {
            return std::mem::take(self).is_logged.then_some("caught up: scores and publishes again");
        }
        let lasted = now.duration_since(*self.since.get_or_insert(now));
        (!self.is_logged && lasted >= LOG_AFTER).then(|| {
            self.is_logged = true;
            "catching up: old records update the state, nothing is scored or published"
        })
    }
}

/// Tracks how long a task has been catching up.
#[derive(Clone, Debug, Default)]
pub(in crate::stream) struct CatchUp {
    since: Option<Timestamp>,
}

impl CatchUp {
    /// The mode at `now`. `age_ms`: a next record older than this means catch-up, `None` means never; `limit_ms`: how long publishing may
    /// be held back.
    pub(in crate::stream) fn mode<'a>(
        &mut self,
        positions: impl IntoIterator<Item = &'a Position>,
        now: Timestamp,
        age_ms: Option<i64>,
        limit_ms: i64,
    ) -> Mode {
        if !age_ms.is_some_and(|age_ms| positions.into_iter().any(|position| position.is_behind(now, age_ms))) {
            self.since = None;
            return Mode::Live;
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= limit_ms { Mode::Overdue } else { Mode::CatchingUp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR_MS, MINUTE_MS};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn mode(positions: &[Position]) -> Mode {
        CatchUp::default().mode(positions, NOW, Some(5 * MINUTE_MS), HOUR_MS)
    }

    fn read(at_end: bool, age_ms: i64) -> Position {
        Position { at_end, last: Some(NOW.plus(-age_ms)), ..Position::at(1) }
    }

    #[test]
    fn one_old_input_holds_the_task_back() {
        assert_eq!(mode(&[read(false, 6 * MINUTE_MS), read(true, 0)]), Mode::CatchingUp);
        assert_eq!(mode(&[read(false, 4 * MINUTE_MS), read(true, 9 * HOUR_MS)]), Mode::Live);
    }

    #[test]
    fn an_input_that_has_delivered_nothing_holds_the_task_back_and_an_empty_one_does_not() {
        assert_eq!(mode(&[Position::at(0)]), Mode::CatchingUp);
        assert_eq!(mode(&[Position { at_end: true, ..Position::at(0) }]), Mode::Live);
    }

    #[test]
    fn with_catch_up_disabled_a_task_publishes_whatever_its_backlog() {
        let backlog = [read(false, 300 * 24 * HOUR_MS), Position::at(0)];
        let mut catch_up = CatchUp::default();
        assert_eq!(catch_up.mode(&backlog, NOW, None, HOUR_MS), Mode::Live);
        assert_eq!(catch_up.mode(&backlog, NOW.plus(2 * HOUR_MS), None, HOUR_MS), Mode::Live);
    }

    #[test]
    fn after_an_hour_it_publishes_anyway_and_the_next_catch_up_gets_a_full_hour() {
        let (mut catch_up, old, live) = (CatchUp::default(), [read(false, 6 * MINUTE_MS)], [read(true, 0)]);
        let mut at = |millis, positions: &[Position]| catch_up.mode(positions, NOW.plus(millis), Some(5 * MINUTE_MS), HOUR_MS);
        assert_eq!(at(0, &old), Mode::CatchingUp);
        assert_eq!(at(HOUR_MS - 1, &old), Mode::CatchingUp);
        assert_eq!(at(HOUR_MS, &old), Mode::Overdue);
        assert_eq!(at(HOUR_MS + 1, &live), Mode::Live);
        assert_eq!(at(HOUR_MS + 2, &old), Mode::CatchingUp);
    }

    #[test]
    fn a_record_advances_the_position_and_clears_the_end() {
        let mut position = Position { at_end: true, ..Position::at(5) };
        position.pass(9, Some(NOW));
        assert_eq!((position.next, position.at_end, position.last), (10, false, Some(NOW)));
    }

    #[test]
    fn the_log_names_the_begin_and_end_of_a_catch_up_that_lasts() {
        let (mut log, begun) = (CatchUpLog::default(), crate::clock::monotonic());
        let mut note = |mode, seconds| log.note(mode, begun + Duration::from_secs(seconds)).is_some();
        assert!(!note(Mode::CatchingUp, 0) && !note(Mode::Live, 9), "a moment");
        assert!(!note(Mode::CatchingUp, 20) && note(Mode::CatchingUp, 30) && !note(Mode::CatchingUp, 31));
        assert!(note(Mode::Live, 40) && !note(Mode::Live, 41));
    }

    #[test]
    fn an_end_that_moves_on_beyond_what_was_read_is_an_end_no_longer() {
        let mut position = Position::at(5);
        position.reach_end(7);
        position.follow_end(7, NOW);
        assert!(position.at_end, "only control records lie between 5 and 7");
        position.follow_end(9, NOW);
        assert!(!position.at_end);
        let late = |millis| Position { ..position.clone() }.is_behind(NOW.plus(millis), 5 * MINUTE_MS);
        assert!(!late(MINUTE_MS), "its next record has only just arrived");
        assert!(late(6 * MINUTE_MS), "unless it still cannot be read later");
    }

    #[test]
    fn the_lag_comes_from_a_known_end() {
        let mut position = Position::at(5);
        assert_eq!((position.lag(None), position.lag(Some(9))), (None, Some(4)));
        position.reach_end(7);
        assert_eq!((position.lag(None), position.lag(Some(7)), position.lag(Some(9))), (Some(0), Some(0), Some(2)));
        assert_eq!(position.lag(Some(6)), Some(0), "an older reading of the end");
    }
}
