//! The tasks that the group has assigned to a thread, each in one state.
//!
//! ```text
//!   assigned -> Restoring -> Running -- its transaction failed, or its next offset no longer exists --> Restoring
//!                   ^           |
//!                   +-----------+ revoked, or assigned again: its state is held until it has been compared with what is committed
//! ```

use std::collections::BTreeMap;

use super::commit_point::CommitPoint;
use super::task::StreamTask;

/// What a task is doing.
enum TaskState {
    /// It waits for the restoring thread: to be read from the changelog, or for `held` to be compared with what is committed.
    Restoring {
        held: Option<Box<StreamTask>>,
        /// The first request that asked for it since it came into this state. Answers to earlier ones may be out of date.
        asked: Option<u64>,
    },
    /// It reads, scores and commits.
    Running(Box<StreamTask>),
}

/// Asks the restoring thread for every task that does not run.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Counts up.
    pub number: u64,
    /// The tasks.
    pub tasks: BTreeMap<i32, Wanted>,
}

impl Request {
    /// The tasks whose state is held, with its commit point.
    pub(super) fn held(&self) -> BTreeMap<i32, CommitPoint> {
        self.tasks.iter().filter_map(|(task, wanted)| Some((*task, wanted.held.clone()?))).collect()
    }
}

/// A task that does not run.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The first request that asked for it. Whatever was restored for that one or a later one has been accepted.
    pub asked: u64,
    /// The commit point of its state, if it is held.
    pub held: Option<CommitPoint>,
}

/// What became of a restored task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It runs.
    Runs,
    /// It must be compared first.
    Held,
    /// Nobody waits for it any more.
    Dropped,
}

/// The tasks by partition number.
#[derive(Default)]
pub(super) struct Tasks {
    states: BTreeMap<i32, TaskState>,
    requests: u64,
}

impl Tasks {
    /// The running tasks.
    pub(super) fn running(&self) -> impl Iterator<Item = (i32, &StreamTask)> {
        self.states.iter().filter_map(|(number, state)| match state {
            TaskState::Running(task) => Some((*number, &**task)),
            TaskState::Restoring { .. } => None,
        })
    }

    /// The running tasks, for a cycle.
    pub(super) fn running_mut(&mut self) -> impl Iterator<Item = (&i32, &mut StreamTask)> {
        self.states.iter_mut().filter_map(|(number, state)| match state {
            TaskState::Running(task) => Some((number, &mut **task)),
            TaskState::Restoring { .. } => None,
        })
    }

    /// A running task.
    pub(super) fn get_mut(&mut self, number: i32) -> Option<&mut StreamTask> {
        match self.states.get_mut(&number)? {
            TaskState::Running(task) => Some(task),
            TaskState::Restoring { .. } => None,
        }
    }

    /// Whether a task runs.
    pub(super) fn is_running(&self, number: i32) -> bool {
        matches!(self.states.get(&number), Some(TaskState::Running(_)))
    }

    /// The tasks that do not run.
    pub(super) fn restoring(&self) -> impl Iterator<Item = i32> {
        self.states.iter().filter(|(_, state)| matches!(state, TaskState::Restoring { .. })).map(|(number, _)| *number)
    }

    /// Whether every assigned task runs.
    pub(super) fn all_run(&self) -> bool {
        self.restoring().next().is_none()
    }

    /// The group has assigned these tasks: others are dropped, and held state must be compared before it may run.
    pub(super) fn assigned(&mut self, numbers: &[i32]) {
        let mut before = std::mem::take(&mut self.states);
        let held = |state: Option<TaskState>| match state {
            Some(TaskState::Running(task)) => Some(task),
            Some(TaskState::Restoring { held, .. }) => held,
            None => None,
        };
        self.states =
            numbers.iter().map(|number| (*number, TaskState::Restoring { held: held(before.remove(number)), asked: None })).collect();
    }

    /// The group has taken the tasks back after a last cycle. State that is not in the changelog is dropped: the next owner starts from
    /// what is committed. The rest is held in case the next assignment returns it.
    pub(super) fn revoked(&mut self) {
        for state in self.states.values_mut() {
            let before = std::mem::replace(state, TaskState::Restoring { held: None, asked: None });
            *state = match before {
                TaskState::Running(task) => TaskState::Restoring { held: Some(task).filter(|task| !task.is_dirty()), asked: None },
                TaskState::Restoring { held, .. } => TaskState::Restoring { held, asked: None },
            };
        }
    }

    /// The state of this task no longer matches what is committed.
    pub(super) fn drop_state(&mut self, number: i32) {
        if let Some(state) = self.states.get_mut(&number) {
            *state = TaskState::Restoring { held: None, asked: None };
        }
    }

    /// Drops the state of every task.
    pub(super) fn drop_states(&mut self) {
        self.states.values_mut().for_each(|state| *state = TaskState::Restoring { held: None, asked: None });
    }

    /// Forgets all tasks.
    pub(super) fn clear(&mut self) {
        self.states.clear();
    }

    /// The next request to the restoring thread.
    pub(super) fn request(&mut self) -> Request {
        self.requests += 1;
        let mut tasks = BTreeMap::new();
        for (number, state) in &mut self.states {
            if let TaskState::Restoring { held, asked } = state {
                let asked = *asked.get_or_insert(self.requests);
                tasks.insert(*number, Wanted { asked, held: held.as_ref().map(|task| task.commit_point.clone()) });
            }
        }
        Request { number: self.requests, tasks }
    }

    /// A request was answered: the held state equals what is committed. True if the task runs now.
    pub(super) fn keep(&mut self, number: i32, request: u64) -> bool {
        let Some(TaskState::Restoring { held, asked }) = self.states.get_mut(&number) else { return false };
        let Some(mut task) = held.take_if(|_| answers(request, *asked)) else { return false };
        task.reassigned();
        self.states.insert(number, TaskState::Running(task));
        true
    }

    /// The held state does not equal what is committed.
    pub(super) fn outdate(&mut self, number: i32, request: u64) {
        if let Some(TaskState::Restoring { held, asked }) = self.states.get_mut(&number)
            && answers(request, *asked)
        {
            *held = None;
        }
    }

    /// A task has been read from the changelog. If that was asked for before the last change of its state, it must still be compared, and
    /// is held until then.
    pub(super) fn restored(&mut self, number: i32, request: u64, task: StreamTask) -> Taken {
        match self.states.get_mut(&number) {
            Some(TaskState::Restoring { asked, .. }) if answers(request, *asked) => {
                // Only now: readers see one state per task.
                task.shared.show();
                self.states.insert(number, TaskState::Running(Box::new(task)));
                Taken::Runs
            }
            Some(TaskState::Restoring { held: held @ None, .. }) => {
                task.shared.show();
                *held = Some(Box::new(task));
                Taken::Held
            }
            _ => Taken::Dropped,
        }
    }
}

/// Whether an answer to this request holds for a task that was first asked for in `asked`.
fn answers(request: u64, asked: Option<u64>) -> bool {
    asked.is_some_and(|asked| request >= asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OutputRecord;
    use crate::stream::machine::load::Load;
    use crate::stream::machine::task::tests::restored_task;
    use crate::telemetry::Metrics;

    fn running(tasks: &Tasks) -> Vec<i32> {
        tasks.running().map(|(number, _)| number).collect()
    }

    fn clean_task() -> StreamTask {
        let mut task = restored_task();
        task.committed(0, Load::default(), &Metrics::new(&prometheus::Registry::new(), 50).unwrap());
        task
    }

    /// Tasks 0 and 1, running and without unwritten state.
    fn two_running() -> Tasks {
        let mut tasks = Tasks::default();
        tasks.assigned(&[0, 1]);
        let request = tasks.request().number;
        (0..2).for_each(|number| assert_eq!(tasks.restored(number, request, clean_task()), Taken::Runs));
        tasks
    }

    #[test]
    fn a_restored_task_runs_while_others_are_still_being_restored() {
        let mut tasks = Tasks::default();
        tasks.assigned(&[0, 1]);
        let request = tasks.request();
        assert_eq!(tasks.restored(1, request.number, clean_task()), Taken::Runs);
        assert_eq!((running(&tasks), tasks.restoring().collect::<Vec<_>>()), (vec![1], vec![0]));
        assert!(tasks.get_mut(1).is_some() && tasks.get_mut(0).is_none() && !tasks.all_run());
    }

    #[test]
    fn a_rebalance_keeps_the_state_of_tasks_that_come_back_and_compares_it_before_they_run() {
        let mut tasks = two_running();
        tasks.revoked();
        assert!(running(&tasks).is_empty());
        tasks.assigned(&[1, 2]);
        let request = tasks.request();
        assert_eq!(request.tasks.keys().copied().collect::<Vec<_>>(), [1, 2]);
        assert!(request.tasks[&1].held.is_some() && request.tasks[&2].held.is_none());
        assert!(tasks.keep(1, request.number) && !tasks.keep(2, request.number));
        assert_eq!(running(&tasks), [1]);
    }

    #[test]
    fn an_answer_from_before_the_last_assignment_does_not_let_a_task_run() {
        let mut tasks = two_running();
        tasks.revoked();
        tasks.assigned(&[0, 1]);
        let old = tasks.request().number;
        tasks.revoked();
        tasks.assigned(&[0, 1]);
        assert!(!tasks.keep(0, old), "nobody has asked since");
        let new = tasks.request().number;
        assert!(!tasks.keep(0, old));
        assert!(tasks.keep(0, new));
    }

    #[test]
    fn a_restore_that_outlasts_a_rebalance_is_not_lost_but_compared() {
        let mut tasks = Tasks::default();
        tasks.assigned(&[0]);
        let old = tasks.request().number;
        tasks.revoked();
        tasks.assigned(&[0]);
        tasks.request();
        assert_eq!(tasks.restored(0, old, clean_task()), Taken::Held);
        let request = tasks.request();
        assert!(request.tasks[&0].held.is_some());
        assert!(tasks.keep(0, request.number));
    }

    #[test]
    fn a_revocation_keeps_only_tasks_whose_state_is_written() {
        let mut tasks = two_running();
        tasks.get_mut(1).unwrap().changes.push(OutputRecord { key: String::new(), value: None, headers: Vec::new() });
        tasks.revoked();
        tasks.assigned(&[0, 1]);
        let held: Vec<bool> = tasks.request().tasks.values().map(|wanted| wanted.held.is_some()).collect();
        assert_eq!(held, [true, false]);
    }

    #[test]
    fn a_task_whose_transaction_failed_is_restored_and_the_others_run_on() {
        let mut tasks = two_running();
        tasks.drop_state(0);
        assert_eq!(running(&tasks), [1]);
        let request = tasks.request();
        assert_eq!(request.tasks, BTreeMap::from([(0, Wanted { asked: request.number, held: None })]));
        assert_eq!(tasks.restored(1, request.number, clean_task()), Taken::Dropped, "it already runs");
        assert_eq!(tasks.restored(0, request.number, clean_task()), Taken::Runs);
    }

    #[test]
    fn outdated_state_is_dropped() {
        let mut tasks = two_running();
        tasks.assigned(&[0, 1]);
        let request = tasks.request().number;
        tasks.outdate(0, request);
        assert!(!tasks.keep(0, request) && tasks.keep(1, request));
    }
}
