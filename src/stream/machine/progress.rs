//! Detects a thread that the group leaves without work, so that the process exits instead of hanging unnoticed. The watchdog, outside of
//! the thread, notices everything else that stalls.

use std::time::{Duration, Instant};

use super::assignment::Assignment;
use crate::stream::failure::Failure;

/// How long the group may leave a thread without a complete assignment.
const ASSIGNMENT_LIMIT: Duration = Duration::from_mins(5);
/// How long a task may lack one of its topics.
const INCOMPLETE_LIMIT: Duration = Duration::from_mins(1);
/// Since when a thread has had no complete assignment, if it has none.
pub(super) struct Progress {
    unassigned: Option<Instant>,
}

impl Progress {
    /// A thread that starts at `now`, without an assignment.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { unassigned: Some(now) }
    }

    /// The assignment has changed.
    pub(super) fn assigned(&mut self, assignment: &Assignment, now: Instant) {
        if assignment.is_complete() {
            self.unassigned = None;
        } else {
            self.unassigned.get_or_insert(now);
        }
    }

    /// Fails if that has lasted for too long.
    pub(super) fn check(&self, assignment: &Assignment, now: Instant) -> Result<(), Failure> {
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
        let check = |after| code(progress.check(&Assignment::default(), begun + after));
        assert_eq!(check(ASSIGNMENT_LIMIT), None);
        assert_eq!(check(ASSIGNMENT_LIMIT + SECOND), Some("no_progress"));
    }

    #[test]
    fn a_task_that_lacks_a_topic_fails_after_a_minute() {
        let begun = monotonic();
        let mut progress = Progress::begin(begun);
        progress.assigned(&incomplete(), begun + SECOND);
        let check = |after| code(progress.check(&incomplete(), begun + after));
        assert_eq!(check(INCOMPLETE_LIMIT), None);
        assert_eq!(check(INCOMPLETE_LIMIT + SECOND), Some("incomplete_assignment"));
    }

    #[test]
    fn a_second_incomplete_assignment_does_not_restart_the_clock() {
        let begun = monotonic();
        let mut progress = Progress::begin(begun);
        progress.assigned(&incomplete(), begun);
        progress.assigned(&incomplete(), begun + INCOMPLETE_LIMIT);
        assert_eq!(code(progress.check(&incomplete(), begun + INCOMPLETE_LIMIT + SECOND)), Some("incomplete_assignment"));
    }
}
