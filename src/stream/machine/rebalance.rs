//! What a member does when the group assigns or revokes partitions, when tasks have been restored, or when the next offset no longer exists.

use super::assignment::{Assignment, Membership};
use super::event::{Answer, Answered, Effect, GroupEvent, KnownEnds, Now};
use super::member::{AfterCycle, Member, Phase};
use super::task::StreamTask;
use super::tasks::Taken;
use crate::event::Stream;
use crate::fault;
use crate::stream::failure::Failure;
use crate::stream::options::InputTopic;

impl Member {
    pub(super) fn act_on(&mut self, event: GroupEvent, now: Now, ends: &KnownEnds<'_>) -> Result<(), Failure> {
        match event {
            GroupEvent::Assigned(partitions) => {
                // Acknowledges the rebalance without fetching anything: no task runs before its state has been compared or restored.
                self.effects.push_back(Effect::Accept);
                self.phase = Phase::Accepting(partitions);
            }
            GroupEvent::Revoked { lost } => self.revoked(lost, now, ends)?,
            GroupEvent::OutOfRange if self.assignment.membership.is_some() => self.out_of_range(now),
            // Of partitions that have been given up since.
            GroupEvent::OutOfRange => {}
        }
        Ok(())
    }

    /// The assignment is accepted, unless it was lost before.
    pub(super) fn accepted(&mut self, partitions: Vec<(String, i32)>, membership: Option<Membership>, now: Now) {
        let topics: Vec<&str> = self.inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
        let partitions = if membership.is_some() { partitions } else { Vec::new() };
        self.assignment = Assignment::of(partitions, &topics, membership);
        for (task, missing) in &self.assignment.incomplete {
            tracing::warn!(thread = self.number, task, missing, "task parked: some of its topics were not assigned");
        }
        if let Some(membership) = &self.assignment.membership {
            tracing::info!(thread = self.number, generation = membership.generation, tasks = ?self.assignment.tasks, "assigned");
            self.tasks.assigned(&self.assignment.tasks);
            self.known_as = Some(membership.clone());
        } else {
            tracing::info!(thread = self.number, "the assignment was lost before it could be accepted");
            self.tasks.clear();
            self.known_as = None;
        }
        self.progress.assigned(&self.assignment, now.monotonic);
        self.metrics.tasks_assigned(self.assignment.tasks.len() as u64);
        self.ask(now);
    }

    /// Asks the restoring machine for the tasks that do not run.
    pub(super) fn ask(&mut self, now: Now) {
        self.effects.push_back(Effect::Restore(self.tasks.request()));
        self.report_states(now);
    }

    /// Lets the tasks run that the restoring machine has finished since.
    pub(super) fn accept_answers(&mut self, now: Now) {
        let (mut runs, mut is_held) = (false, false);
        while let Some(Answer { request, task, state }) = self.answers.pop_front() {
            match state {
                Answered::Kept => runs |= self.tasks.keep(task, request),
                Answered::Outdated => self.tasks.outdate(task, request),
                Answered::Restored(restored) => match self.tasks.restored(task, request, StreamTask::new(*restored, now.monotonic)) {
                    Taken::Runs => runs = true,
                    Taken::Held => is_held = true,
                    Taken::Dropped => {}
                },
            }
        }
        if is_held && self.assignment.membership.is_some() {
            self.ask(now);
        }
        if runs {
            self.report_states(now);
            self.resume_reading();
        }
    }

    /// Reports which tasks do not run yet.
    fn report_states(&self, now: Now) {
        let parked = self.assignment.incomplete.iter().map(|(number, _)| *number).collect();
        let settled = self.assignment.is_complete() && self.tasks.all_run();
        self.report.states(self.tasks.restoring().collect(), parked, settled, now.monotonic);
    }

    /// Has the inputs of the running tasks assigned, unless a group event is waiting: an assignment would answer a rebalance that has
    /// begun, and a named member that has lost its session would join again before it has looked its name up.
    pub(super) fn resume_reading(&mut self) {
        self.effects.push_back(Effect::Drain);
        self.must_resume = true;
    }

    /// Assigns the inputs of every running task at their next offsets: only its accounts topics until its deletions are known, then
    /// everything.
    pub(super) fn assign_inputs(&mut self) {
        self.reads_deletions = self.misses_deletions();
        let topics = &self.inputs.topics;
        let inputs = self.tasks.running().flat_map(|(number, task)| {
            let is_left_out =
                move |topic: &InputTopic| number == 0 && topic.stream == Stream::Usage && fault::is_mutant("partition-not-read");
            let inputs = topics.iter().zip(&task.positions).enumerate();
            let inputs = inputs.filter(move |(_, (topic, _))| task.reads(topic) && !is_left_out(topic));
            inputs.map(move |(index, (_, position))| (index, number, position.next))
        });
        self.effects.push_back(Effect::Assign(inputs.collect()));
    }

    /// Whether the deletions of a running task are not known yet.
    pub(super) fn misses_deletions(&mut self) -> bool {
        // Every task is asked, because each remembers that it has come to the end of its accounts topics.
        self.tasks.running_mut().filter_map(|(_, task)| (!task.has_deletions(&self.inputs)).then_some(())).count() > 0
    }

    /// Gives up all partitions: after a last cycle, or at once if other members own them already. Tasks without unwritten state are held in
    /// case the next assignment returns them.
    fn revoked(&mut self, lost: bool, now: Now, ends: &KnownEnds<'_>) -> Result<(), Failure> {
        let count = self.tasks.running().count() as u64;
        tracing::info!(thread = self.number, lost, tasks = count, "revoked");
        fault::point("in-revocation");
        if !lost {
            self.metrics.tasks_revoked(count);
            return self.last_cycle(now, ends, AfterCycle::GiveUp);
        }
        self.metrics.tasks_lost(count);
        self.tasks.clear();
        self.give_up(false, now);
        Ok(())
    }

    /// Gives up all partitions, but looks the name up first: to give them up is to rejoin, by name alone if the session has ended, and another
    /// process may have the name by then. `takes_producer`: the producer must be replaced.
    pub(super) fn give_up(&mut self, takes_producer: bool, now: Now) {
        if self.options.instance.is_some() && !fault::is_mutant("name-not-looked-up") {
            self.effects.push_back(Effect::CheckName(self.known_as.clone()));
            self.phase = Phase::Checking { takes_producer };
        } else {
            self.give_up_partitions(takes_producer, now);
        }
    }

    pub(super) fn give_up_partitions(&mut self, takes_producer: bool, now: Now) {
        fault::point("before-unassign");
        self.assignment = Assignment::default();
        self.progress.assigned(&self.assignment, now.monotonic);
        self.report.revoked(now.monotonic);
        self.effects.push_back(Effect::Unassign);
        if takes_producer {
            self.recover(true);
        } else {
            self.phase = Phase::Reading;
        }
    }

    /// The record at the next offset no longer exists. Restoring again compares every offset with the log and reports the exact loss.
    fn out_of_range(&mut self, now: Now) {
        tracing::warn!(thread = self.number, "the next offset to read no longer exists");
        self.tasks.drop_states();
        self.ask(now);
    }
}
