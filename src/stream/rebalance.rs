//! What a stream thread does when the group assigns or revokes partitions, when tasks have been restored, or when the next offset no longer
//! exists.

use super::assignment::Assignment;
use super::failure::Failure;
use super::joining::is_wanted;
use super::options::InputTopic;
use super::restoring::{Answer, Answered};
use super::task::StreamTask;
use super::tasks::Taken;
use super::thread::{CycleEnd, REVOKE_LIMIT, StreamThread};
use crate::clock::monotonic;
use crate::event::Stream;
use crate::fault;
use crate::kafka::Offset;

impl StreamThread {
    /// Accepts an assignment.
    pub(super) fn assigned(&mut self, partitions: Vec<(String, i32)>) -> Result<(), Failure> {
        // Acknowledges the rebalance without fetching anything: no task runs before its state has been compared or restored.
        self.member.assign([])?;
        let topics: Vec<&str> = self.inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
        self.assignment = Assignment::of(partitions, &topics, self.member.membership());
        for (task, missing) in &self.assignment.incomplete {
            tracing::warn!(thread = self.number, task, missing, "task parked: some of its topics were not assigned");
        }
        if let Some(membership) = &self.assignment.membership {
            tracing::info!(thread = self.number, generation = membership.generation, tasks = ?self.assignment.tasks, "assigned");
            self.tasks.assigned(&self.assignment.tasks);
        } else {
            tracing::info!(thread = self.number, "the assignment was lost before it could be accepted");
            self.tasks.clear();
        }
        self.progress.assigned(&self.assignment, monotonic());
        self.metrics.tasks_assigned(self.assignment.tasks.len() as u64);
        self.ask()
    }

    /// Asks the restoring thread for the tasks that do not run.
    pub(super) fn ask(&mut self) -> Result<(), Failure> {
        self.restoring.request(self.tasks.request())?;
        self.report_states();
        Ok(())
    }

    /// Lets the tasks run that the restoring thread has finished since.
    pub(super) fn accept(&mut self) -> Result<(), Failure> {
        let (mut runs, mut is_held) = (false, false);
        while let Some(Answer { request, task, state }) = self.restoring.answer()? {
            match state {
                Answered::Kept => runs |= self.tasks.keep(task, request),
                Answered::Outdated => self.tasks.outdate(task, request),
                Answered::Restored(restored) => match self.tasks.restored(task, request, StreamTask::new(*restored)) {
                    Taken::Runs => runs = true,
                    Taken::Held => is_held = true,
                    Taken::Dropped => {}
                },
            }
        }
        if is_held && self.assignment.membership.is_some() {
            self.ask()?;
        }
        if runs {
            self.report_states();
            self.resume_reading()?;
        }
        Ok(())
    }

    /// Reports which tasks do not run yet.
    fn report_states(&self) {
        let parked = self.assignment.incomplete.iter().map(|(number, _)| *number).collect();
        let settled = self.assignment.is_complete() && self.tasks.all_run();
        self.report.states(self.tasks.restoring().collect(), parked, settled, monotonic());
    }

    /// Assigns the inputs of every running task at their next offsets: only its accounts topics until its deletions are known, then
    /// everything.
    pub(super) fn resume_reading(&mut self) -> Result<(), Failure> {
        self.reads_deletions = self.misses_deletions();
        let topics = &self.inputs.topics;
        let inputs = self.tasks.running().flat_map(|(number, task)| {
            let is_left_out =
                move |topic: &InputTopic| number == 0 && topic.stream == Stream::Usage && fault::is_mutant("partition-not-read");
            let inputs = topics.iter().zip(&task.positions).filter(move |(topic, _)| task.reads(topic) && !is_left_out(topic));
            inputs.map(move |(topic, position)| (topic.name.as_str(), number, Offset::Offset(position.next)))
        });
        self.member.assign(inputs)?;
        Ok(())
    }

    /// Whether the deletions of a running task are not known yet.
    pub(super) fn misses_deletions(&mut self) -> bool {
        // Every task is asked, because each remembers that it has come to the end of its accounts topics.
        self.tasks.running_mut().filter_map(|(_, task)| (!task.has_deletions(&self.inputs)).then_some(())).count() > 0
    }

    /// Gives up all partitions: after a last cycle, or at once if other members own them already. Tasks without unwritten state are held in
    /// case the next assignment returns them.
    pub(super) fn revoked(&mut self, lost: bool) -> Result<(), Failure> {
        let count = self.tasks.running().count() as u64;
        tracing::info!(thread = self.number, lost, tasks = count, "revoked");
        fault::point("in-revocation");
        let mut end = CycleEnd::Committed;
        if lost {
            self.metrics.tasks_lost(count);
            self.tasks.clear();
            self.check_name()?;
        } else {
            self.metrics.tasks_revoked(count);
            end = self.cycle(REVOKE_LIMIT, |_| true)?;
            self.tasks.revoked();
        }
        fault::point("in-revocation");
        self.assignment = Assignment::default();
        self.progress.assigned(&self.assignment, monotonic());
        self.report.revoked(monotonic());
        self.member.unassign()?;
        if end == CycleEnd::Failed { self.recover() } else { Ok(()) }
    }

    /// Fails if another process has taken over the name of this member, whose session has ended.
    fn check_name(&self) -> Result<(), Failure> {
        let (Some(namesake), Some(own)) = (&self.namesake, &self.assignment.membership) else { return Ok(()) };
        namesake.check(own, || is_wanted(&self.clock, &self.stop))
    }

    /// The record at the next offset no longer exists. Restoring again compares every offset with the log and reports the exact loss.
    pub(super) fn out_of_range(&mut self) -> Result<(), Failure> {
        tracing::warn!(thread = self.number, "the next offset to read no longer exists");
        self.member.assign([])?;
        self.tasks.drop_states();
        self.ask()
    }
}
