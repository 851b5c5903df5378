//! Detects a thread that makes no progress, so that the process exits instead of hanging unnoticed.

use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::failure::Failure;

/// How long the group may leave a thread without a complete assignment.
const ASSIGNMENT_LIMIT: Duration = Duration::from_mins(5);
/// How long a task may lack one of its topics.
const INCOMPLETE_LIMIT: Duration = Duration::from_mins(1);
/// How long a thread may receive no records although an input has not been read to its end.
const STALL_LIMIT: Duration = Duration::from_mins(5);

/// When a thread last made progress.
pub(super) struct Progress {
    /// Since when there has been no complete assignment.
    unassigned: Option<Instant>,
    last_record: Instant,
}

impl Progress {
    /// A thread that starts at `now`, without an assignment.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { unassigned: Some(now), last_record: now }
    }

    /// The assignment has changed.
    pub(super) fn assigned(&mut self, assignment: &Assignment, now: Instant) {
        if assignment.is_complete() {
            self.unassigned = None;
        } else {
            self.unassigned.get_or_insert(now);
        }
    }

    /// A record has arrived, or reading starts.
    pub(super) const fn read(&mut self, now: Instant) {
        self.last_record = now;
    }

    /// Fails if the thread makes no progress. `unfinished`: a task with an input that has not been read to its end.
    pub(super) fn check(&self, assignment: &Assignment, unfinished: Option<i32>, now: Instant) -> Result<(), Failure> {
        if let Some(since) = self.unassigned {
            let waited = now.duration_since(since);
            if let Some((partition, missing)) = assignment.incomplete.first()
                && waited > INCOMPLETE_LIMIT
            {
                return Err(Failure::IncompleteAssignment { partition: *partition, missing: missing.clone() });
            }
            if waited > ASSIGNMENT_LIMIT {
                return Err(Failure::NoProgress { what: format!("no assignment from the group for {} s", waited.as_secs()) });
            }
        }
        if let Some(number) = unfinished
            && now.duration_since(self.last_record) > STALL_LIMIT
        {
            let what = format!("no records for {} s, and partition {number} has not been read to its end", STALL_LIMIT.as_secs());
            return Err(Failure::NoProgress { what });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    const SECOND: Duration = Duration::from_secs(1);

    fn incomplete() -> Assignment {
        Assignment { incomplete: vec![(3, "billing".to_owned())], ..Assignment::default() }
    }

    fn code(result: Result<(), Failure>) -> Option<&'static str> {
        result.err().map(|failure| failure.code())
    }

    #[test]
    fn a_thread_without_an_assignment_fails_after_five_minutes() {
        let begun = monotonic();
        let progress = Progress::begin(begun);
        let check = |after| code(progress.check(&Assignment::default(), None, begun + after));
        assert_eq!(check(ASSIGNMENT_LIMIT), None);
        assert_eq!(check(ASSIGNMENT_LIMIT + SECOND), Some("no_progress"));
    }

    #[test]
    fn a_task_that_lacks_a_topic_fails_after_a_minute() {
        let begun = monotonic();
        let mut progress = Progress::begin(begun);
        progress.assigned(&incomplete(), begun + SECOND);
        let check = |after| code(progress.check(&incomplete(), None, begun + after));
        assert_eq!(check(INCOMPLETE_LIMIT), None);
        assert_eq!(check(INCOMPLETE_LIMIT + SECOND), Some("incomplete_assignment"));
    }

    #[test]
    fn a_second_incomplete_assignment_does_not_restart_the_clock() {
        let begun = monotonic();
        let mut progress = Progress::begin(begun);
        progress.assigned(&incomplete(), begun);
        progress.assigned(&incomplete(), begun + INCOMPLETE_LIMIT);
        assert_eq!(code(progress.check(&incomplete(), None, begun + INCOMPLETE_LIMIT + SECOND)), Some("incomplete_assignment"));
    }

    #[test]
    fn silence_counts_as_a_stall_only_before_the_end_of_an_input() {
        let begun = monotonic();
        let mut progress = Progress { unassigned: None, last_record: begun };
        let late = begun + STALL_LIMIT + SECOND;
        let check = |progress: &Progress, unfinished| code(progress.check(&Assignment::default(), unfinished, late));
        assert_eq!(check(&progress, None), None);
        assert_eq!(check(&progress, Some(3)), Some("no_progress"));
        progress.read(begun + SECOND);
        assert_eq!(check(&progress, Some(3)), None);
    }
}
