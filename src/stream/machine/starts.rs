//! Which tasks this process has started: `--accept-loss` and `--resume-from` apply to the start of a task, not to the life of the process.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::offsets::Permits;
use crate::fault;

/// The tasks whose start is over: their first restore needed no permit, or what it permitted has been committed.
#[derive(Debug, Default)]
pub struct Starts(Mutex<BTreeSet<i32>>);

impl Starts {
    /// What is permitted when a task is restored now.
    pub(in crate::stream) fn permits(&self, task: i32, given: Permits) -> Permits {
        let started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if started.contains(&task) && !fault::is_mutant("permits-for-ever") { Permits::none(given.start) } else { given }
    }

    /// The start of a task is over.
    pub(in crate::stream) fn over(&self, task: i32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::section::Start;

    #[test]
    fn a_permit_holds_until_the_start_of_its_task_is_over() {
        let given = Permits { start: Start::Latest, resume_from_stamp: true, accept_loss: true };
        let starts = Starts::default();
        assert_eq!((starts.permits(1, given), starts.permits(1, given)), (given, given));
        starts.over(1);
        assert_eq!((starts.permits(1, given), starts.permits(2, given)), (Permits::none(Start::Latest), given));
    }
}
