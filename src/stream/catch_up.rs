//! Whether a task is catching up: one of its inputs has not been read to its end, and its next record is old.

use crate::time::Timestamp;

/// How far one input partition has been read.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// The next offset to read.
    pub next: i64,
    /// Whether it has been read to its end.
    pub at_end: bool,
    /// The broker's timestamp of the last record, which stands in for that of the next one.
    pub last: Option<Timestamp>,
}

impl Position {
    /// A position before anything has been read.
    pub(super) const fn at(next: i64) -> Self {
        Self { next, at_end: false, last: None }
    }

    /// Advances past a record.
    pub(super) fn pass(&mut self, offset: i64, timestamp: Option<Timestamp>) {
        self.next = offset + 1;
        self.at_end = false;
        self.last = timestamp;
    }

    /// Whether this input keeps the task in catch-up. Until its first record arrives, the age of the backlog is unknown, so the task waits.
    fn is_behind(&self, now: Timestamp, age_ms: i64) -> bool {
        !self.at_end && self.last.is_none_or(|last| now.since(last) > age_ms)
    }
}

/// What a task does in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Score and publish.
    Live,
    /// Only update the state.
    CatchingUp,
    /// Catching up for so long that it publishes anyway, with a flag on each change.
    Overdue,
}

/// Tracks how long a task has been catching up.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUp {
    since: Option<Timestamp>,
}

impl CatchUp {
    /// The mode at `now`. `age_ms`: a next record older than this means catch-up, `None` means never; `limit_ms`: how long publishing may be
    /// held back.
    pub(super) fn mode<'a>(
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
        Position { next: 1, at_end, last: Some(NOW.plus(-age_ms)) }
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
        let mut position = Position { next: 5, at_end: true, last: None };
        position.pass(9, Some(NOW));
        assert_eq!((position.next, position.at_end, position.last), (10, false, Some(NOW)));
    }
}
