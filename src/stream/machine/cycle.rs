//! The commit cycles of a member: when one is due, and what follows its transaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::event::{Effect, KnownEnds, Now};
use super::member::{AfterCycle, Member, Phase};
use super::task::StreamTask;
use crate::fault;
use crate::kafka::{COMMIT_LIMIT, Commit, TransactionError};
use crate::stream::failure::Failure;
use crate::telemetry::TransactionOutcome;

/// How long the last cycle before partitions are given up may take.
const REVOKE_LIMIT: Duration = Duration::from_secs(5);

impl Member {
    pub(super) fn cycle_if_due(&mut self, now: Now, ends: &KnownEnds<'_>) -> Result<(), Failure> {
        let options = Arc::clone(&self.options);
        let is_ready = |task: &StreamTask| !task.awaits_verdict(&options);
        if self.is_nearly_full() {
            self.cycle(now, ends, COMMIT_LIMIT, AfterCycle::ReadOn, |_| true)
        } else if self.tasks.running().any(|(_, task)| now.monotonic >= task.next_cycle() && is_ready(task)) {
            let joins = |task: &StreamTask| task.is_nearly_due(now.monotonic, &options) && is_ready(task);
            self.cycle(now, ends, COMMIT_LIMIT, AfterCycle::ReadOn, joins)
        } else {
            Ok(())
        }
    }

    /// The last cycle before partitions are given up. What awaits its verdict is not written, and will be read again.
    pub(super) fn last_cycle(&mut self, now: Now, ends: &KnownEnds<'_>, then: AfterCycle) -> Result<(), Failure> {
        let options = Arc::clone(&self.options);
        self.cycle(now, ends, REVOKE_LIMIT, then, |task| !task.awaits_verdict(&options))
    }

    /// Begins one commit cycle over the chosen tasks: scores them, and writes what there is to write.
    pub(super) fn cycle(
        &mut self,
        now: Now,
        ends: &KnownEnds<'_>,
        limit: Duration,
        then: AfterCycle,
        chosen: impl Fn(&StreamTask) -> bool,
    ) -> Result<(), Failure> {
        fault::point("before-cycle");
        let Some(membership) = self.assignment.membership.clone() else {
            self.cycle_ended(then, now);
            return Ok(());
        };
        let budget = self.transactions.limits().left_for_each_of(self.tasks.running().count(), self.load());
        let mut dirty = BTreeSet::new();
        for (number, task) in self.tasks.running_mut().filter(|(_, task)| chosen(task)) {
            task.follow_ends(&self.inputs, |topic| ends(topic, *number), now.wall);
            task.round(now, &self.options, budget);
            if task.is_dirty() {
                dirty.insert(*number);
            }
        }
        if dirty.is_empty() {
            self.must_report = true;
            self.cycle_ended(then, now);
            return Ok(());
        }
        let written = self.tasks.running().filter(|(number, _)| dirty.contains(number)).map(|(_, task)| task);
        self.transactions.begin(&written.collect::<Vec<_>>())?;
        self.phase = Phase::Writing { tasks: dirty, limit, then };
        let membership = Some(membership).filter(|_| !fault::is_mutant("membership-left-out"));
        self.effects.push_back(Effect::Write { membership, limit });
        Ok(())
    }

    pub(super) fn committed(
        &mut self,
        commit: &Commit,
        lasted: Duration,
        tasks: &BTreeSet<i32>,
        (limit, then): (Duration, AfterCycle),
        now: Now,
    ) {
        self.transactions.committed(lasted, limit);
        self.metrics.transaction(TransactionOutcome::Committed, lasted);
        for (number, task) in self.tasks.running_mut().filter(|(number, _)| tasks.contains(number)) {
            self.options.starts.over(*number);
            // The commit marker takes the offset after the last record.
            let end = commit.last.iter().find(|(partition, _)| partition == number).map_or(-1, |(_, offset)| offset + 2);
            task.committed(end, self.transactions.changelog(*number), &self.metrics);
        }
        self.report.committed(now.wall, lasted);
        self.must_report = true;
        let is_repeated = commit.may_be_repeated && !fault::is_mutant("late-requests-ignored");
        match then {
            AfterCycle::ReadOn if is_repeated => {
                // At once, while the coordinator answers.
                self.phase = Phase::Replacing;
                self.effects.push_back(Effect::ReplaceProducer);
            }
            AfterCycle::GiveUp if is_repeated => {
                self.tasks.revoked();
                self.give_up(true, now);
            }
            _ => self.cycle_ended(then, now),
        }
    }

    /// A transaction failed: the state of its tasks no longer matches what is committed.
    pub(super) fn failed(
        &mut self,
        error: &TransactionError,
        lasted: Duration,
        tasks: BTreeSet<i32>,
        (limit, then): (Duration, AfterCycle),
        now: Now,
    ) -> Result<(), Failure> {
        let is_unclear = matches!(error, TransactionError::Unclear(_));
        self.metrics.transaction(if is_unclear { TransactionOutcome::Unclear } else { TransactionOutcome::Aborted }, lasted);
        self.transactions.failed(error, lasted, limit, self.number, self.options.instance.is_some())?;
        let is_kept = fault::is_mutant("state-kept-after-abort") || is_unclear && fault::is_mutant("unclear-outcome-repeated");
        tasks.into_iter().filter(|_| !is_kept).for_each(|number| self.tasks.drop_state(number));
        match then {
            AfterCycle::ReadOn => self.recover(false),
            AfterCycle::GiveUp => {
                self.tasks.revoked();
                self.give_up(true, now);
            }
            AfterCycle::Leave => return Err(Failure::last_commit_failed()),
        }
        Ok(())
    }

    /// After a transaction that failed.
    pub(super) fn recover(&mut self, gave_up: bool) {
        // Looks first whether the group already knows another process by the name of this one, which then has nothing left to do.
        self.effects.extend([Effect::Drain, Effect::ReplaceProducer]);
        self.phase = Phase::Recovering { gave_up };
    }

    /// A cycle is over: committed, or there was nothing to commit.
    pub(super) fn cycle_ended(&mut self, then: AfterCycle, now: Now) {
        match then {
            AfterCycle::ReadOn => self.phase = Phase::Reading,
            AfterCycle::GiveUp => {
                self.tasks.revoked();
                self.give_up(false, now);
            }
            AfterCycle::Leave => self.phase = Phase::Left,
        }
    }
}
