//! Whether a thread goes on: it exits rather than standing still unseen.

use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::failure::Failure;
use super::task::Task;
use crate::clock::monotonic;

/// How long the group may give no assignment, or an incomplete one.
const ASSIGNMENT_LIMIT: Duration = Duration::from_mins(5);
/// How long a task may be without one of its topics.
const INCOMPLETE_LIMIT: Duration = Duration::from_mins(1);
/// How long an input that has not reached its end may give nothing.
const STALL_LIMIT: Duration = Duration::from_mins(5);

/// When a thread last went on.
pub(super) struct Progress {
    /// Since when there is no complete assignment.
    unassigned: Option<Instant>,
    last_record: Instant,
}

impl Progress {
    /// Of a thread that begins.
    pub(super) fn begin() -> Self {
        Self { unassigned: Some(monotonic()), last_record: monotonic() }
    }

    /// The assignment is another.
    pub(super) fn assigned(&mut self, assignment: &Assignment) {
        if assignment.is_complete() {
            self.unassigned = None;
        } else {
            self.unassigned.get_or_insert_with(monotonic);
        }
    }

    /// A record came, or reading begins.
    pub(super) fn read(&mut self) {
        self.last_record = monotonic();
    }

    /// Fails where nothing goes on.
    pub(super) fn check<'a>(&self, assignment: &Assignment, mut tasks: impl Iterator<Item = &'a Task>) -> Result<(), Failure> {
        if let Some(since) = self.unassigned {
            let waited = monotonic().duration_since(since);
            if let Some((partition, missing)) = assignment.incomplete.first()
                && waited > INCOMPLETE_LIMIT
            {
                return Err(Failure::IncompleteAssignment { partition: *partition, missing: missing.clone() });
            }
            if waited > ASSIGNMENT_LIMIT {
                return Err(Failure::NoProgress { what: format!("the group has given no assignment for {} s", waited.as_secs()) });
            }
        }
        let waiting = |task: &&Task| task.positions.iter().any(|position| !position.at_end);
        if let Some(task) = tasks.find(waiting)
            && monotonic().duration_since(self.last_record) > STALL_LIMIT
        {
            let what =
                format!("partition {} has given nothing for {} s and has not reached its end", task.shared.number(), STALL_LIMIT.as_secs());
            return Err(Failure::NoProgress { what });
        }
        Ok(())
    }
}
