//! What a stream thread does when the group assigns or revokes partitions, or when the next offset no longer exists.

use std::collections::BTreeMap;
use std::time::Duration;

use super::assignment::Assignment;
use super::committed::Halt;
use super::failure::Failure;
use super::group_event::note;
use super::options::InputTopic;
use super::task::StreamTask;
use super::thread::{CycleEnd, REVOKE_LIMIT, StreamThread};
use crate::clock::monotonic;
use crate::event::Stream;
use crate::fault;
use crate::kafka::Offset;

impl StreamThread {
    /// Accepts an assignment.
    pub(super) fn assigned(&mut self, partitions: Vec<(String, i32)>) -> Result<(), Failure> {
        // Acknowledges the rebalance without fetching anything: a restore takes longer than the group would wait.
        self.member.assign([])?;
        let topics: Vec<&str> = self.inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
        self.assignment = Assignment::of(partitions, &topics, self.member.membership());
        for (task, missing) in &self.assignment.incomplete {
            tracing::warn!(thread = self.number, task, missing, "task parked: some of its topics were not assigned");
        }
        if let Some(membership) = &self.assignment.membership {
            tracing::info!(thread = self.number, generation = membership.generation, tasks = ?self.assignment.tasks, "assigned");
        } else {
            tracing::info!(thread = self.number, "the assignment was lost before it could be accepted");
        }
        self.progress.assigned(&self.assignment, monotonic());
        let tasks = &self.assignment.tasks;
        self.metrics.tasks_assigned(tasks.len() as u64);
        self.tasks.retain(|number, _| tasks.contains(number));
        self.prepare()
    }

    /// Restores the tasks that the thread does not hold, then resumes reading all of them at their offsets. If a rebalance interrupts it, no
    /// task is kept.
    pub(super) fn prepare(&mut self) -> Result<(), Failure> {
        if self.assignment.membership.is_none() {
            self.tasks.clear();
            return Ok(());
        }
        self.member.assign([])?;
        self.restorer.verify_topics()?;
        self.report.restoring(&self.assignment.tasks, self.assignment.incomplete.iter().map(|(number, _)| *number));
        if self.restore()? == Restore::Interrupted {
            self.tasks.clear();
            return Ok(());
        }
        self.tasks.values_mut().for_each(StreamTask::reassigned);
        self.report.restored();
        self.progress.read(monotonic());
        self.reads_deletions = true;
        self.resume_reading()
    }

    /// Restores tasks while polling the group's consumer, so that rebalances are noticed.
    fn restore(&mut self) -> Result<Restore, Failure> {
        let held = self.tasks.iter().map(|(number, task)| (*number, task.commit_point.clone())).collect();
        let (member, events, stop) = (&self.member, &mut self.events, &self.stop);
        let mut alive = || {
            while let Some(event) = member.poll(Duration::ZERO) {
                note(event.content(), || member.assignment_lost(), events)?;
            }
            Ok(events.is_empty() && !stop.is_requested())
        };
        let began = monotonic();
        let restored = match self.restorer.restore(&self.assignment.tasks, &held, &mut alive) {
            Ok(restored) => restored,
            Err(Halt::Failed(failure)) => return Err(failure),
            Err(Halt::Interrupted) => return Ok(Restore::Interrupted),
        };
        let numbers: Vec<_> = restored.keys().copied().collect();
        for (number, restored) in restored {
            restored.shared.show();
            self.tasks.insert(number, StreamTask::new(restored));
        }
        let lasted = monotonic().duration_since(began);
        self.metrics.restored(lasted);
        tracing::info!(thread = self.number, tasks = ?numbers, millis = lasted.as_millis(), "restored");
        Ok(Restore::Done)
    }

    /// Assigns the inputs of every task at their next offsets: only the accounts topics until the deletions of all tasks are known, then
    /// everything.
    pub(super) fn resume_reading(&mut self) -> Result<(), Failure> {
        self.reads_deletions &= !self.tasks.values_mut().all(|task| task.has_deletions(&self.inputs));
        let is_read = |topic: &InputTopic| !self.reads_deletions || topic.stream == Stream::Accounts;
        self.member.assign(self.tasks.iter().flat_map(|(number, task)| {
            let inputs = self.inputs.topics.iter().zip(&task.positions).filter(|(topic, _)| is_read(topic));
            inputs.map(|(topic, position)| (topic.name.as_str(), *number, Offset::Offset(position.next)))
        }))?;
        Ok(())
    }

    /// Gives up all partitions: after a last cycle, or at once if other members own them already. Tasks without unwritten state are kept in
    /// case the next assignment returns them.
    pub(super) fn revoked(&mut self, lost: bool) -> Result<(), Failure> {
        tracing::info!(thread = self.number, lost, tasks = ?self.tasks.keys().collect::<Vec<_>>(), "revoked");
        fault::point("in-revocation");
        let count = self.tasks.len() as u64;
        let mut end = CycleEnd::Committed;
        if lost {
            self.metrics.tasks_lost(count);
            self.tasks.clear();
        } else {
            self.metrics.tasks_revoked(count);
            end = self.cycle(REVOKE_LIMIT, |_| true)?;
            if end == CycleEnd::Failed {
                self.tasks.clear();
            }
            drop_unwritten(&mut self.tasks);
        }
        fault::point("in-revocation");
        self.assignment = Assignment::default();
        self.progress.assigned(&self.assignment, monotonic());
        self.report.revoked();
        self.member.unassign()?;
        if end == CycleEnd::Failed { self.recover() } else { Ok(()) }
    }

    /// The record at the next offset no longer exists. Restoring again compares every offset with the log and reports the exact loss.
    pub(super) fn out_of_range(&mut self) -> Result<(), Failure> {
        tracing::warn!(thread = self.number, "the next offset to read no longer exists");
        self.tasks.clear();
        self.prepare()
    }
}

#[derive(PartialEq)]
enum Restore {
    Done,
    Interrupted,
}

/// Drops the tasks with unwritten state: the next owner starts from what is committed, so this state would no longer match it.
fn drop_unwritten(tasks: &mut BTreeMap<i32, StreamTask>) {
    tasks.retain(|_, task| !task.is_dirty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OutputRecord;
    use crate::stream::task::tests::restored_task;
    use crate::telemetry::Metrics;

    #[test]
    fn a_revocation_keeps_only_tasks_whose_state_is_written() {
        let metrics = Metrics::new(&prometheus::Registry::new(), 50).unwrap();
        let mut tasks = BTreeMap::from([(0, restored_task()), (1, restored_task())]);
        for task in tasks.values_mut() {
            task.committed(0, &metrics);
        }
        tasks.entry(1).and_modify(|task| task.changes.push(OutputRecord { key: String::new(), value: None, headers: Vec::new() }));
        drop_unwritten(&mut tasks);
        assert_eq!(tasks.into_keys().collect::<Vec<_>>(), [0]);
    }
}
