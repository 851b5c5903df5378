//! What somebody may do, between two runs of the service, to the topics and the group that it relies on.

use std::cmp::Reverse;
use std::sync::Arc;

use super::action::{Action, Planned};
use super::{PROGRESS_LIMIT, SWEEP, World};
use crate::broker::Topic;
use crate::broker::group::Group;
use crate::check::Violation;
use crate::load::{BILLING, USAGE};

/// What somebody may do to the topics and the group.
#[derive(Clone, Copy, Debug)]
enum Damage {
    OffsetMoved,
    ChangelogHeadDeleted,
    TopicReplaced,
    InputDeleted,
    /// Unread records are deleted twice, and the operator accepts the first loss.
    InputDeletedTwice,
}

impl Damage {
    const ALL: [Self; 5] =
        [Self::OffsetMoved, Self::ChangelogHeadDeleted, Self::TopicReplaced, Self::InputDeleted, Self::InputDeletedTwice];

    /// The exit code by which the service must refuse it.
    const fn code(self) -> &'static str {
        match self {
            Self::OffsetMoved => "offsets_moved",
            Self::ChangelogHeadDeleted => "state_incomplete",
            Self::TopicReplaced => "topic_recreated",
            Self::InputDeleted | Self::InputDeletedTwice => "input_lost",
        }
    }
}

impl World<'_> {
    /// Somebody damages what the service relies on while no process runs: the next one must refuse to go on.
    pub(super) fn vandalise(&mut self) -> Result<(), Violation> {
        let damage = Damage::ALL[self.random.within(0..Damage::ALL.len() as u64) as usize];
        let task = self.random.within(0..self.setting.tasks as u64) as usize;
        self.log(|| format!("damage to task {task}: {damage:?}"));
        self.processes.iter_mut().for_each(|process| process.is_alive = false);
        self.queue.clear();
        self.broker.group = Group::default();
        (self.broker.coordinator_back, self.broker.group_back, self.broker.disk_back, self.broker.slowness) = (0, 0, 0, 0);
        self.broker.leaders_back.clear();
        self.fleet = vec![None];
        let is_done = match damage {
            Damage::OffsetMoved => {
                let next = self.broker.committed.get_mut(&(BILLING, task)).filter(|next| **next > 0);
                next.map(|next| *next -= 1).is_some()
            }
            Damage::ChangelogHeadDeleted => {
                let log = self.broker.log_mut(Topic::Changelog, task);
                (1..log.end()).any(|start| log.delete_before(start))
            }
            Damage::TopicReplaced => {
                self.inputs = Arc::clone(&self.setting.replaced);
                true
            }
            Damage::InputDeleted | Damage::InputDeletedTwice => {
                self.write_load(5);
                self.delete_unread(task, 1)
            }
        };
        if !is_done {
            return Ok(());
        }
        self.accepts_loss = matches!(damage, Damage::InputDeletedTwice);
        self.checks.damaged = Some(task);
        self.plan_in(1, Action::Start(0, None));
        self.plan_in(SWEEP, Action::Sweep);
        if self.accepts_loss {
            let start = self.broker.log(Topic::Input(USAGE), task).start as i64;
            self.run_while(damage, |world| world.broker.committed.get(&(USAGE, task)).is_none_or(|next| *next < start))?;
            self.write_load(10);
            while !self.delete_unread(task, usize::MAX) {
                self.write_load(10);
            }
        }
        let commits = self.checks.commits + 2 * self.setting.tasks as u64;
        self.checks.expected_exit = Some(damage.code());
        self.run_while(damage, |world| world.checks.expected_exit.is_some() && world.checks.commits <= commits)?;
        if self.checks.expected_exit.is_none() { Ok(()) } else { Err(not_refused(damage)) }
    }

    /// Deletes so many records that the group has not read yet; true if there were any.
    fn delete_unread(&mut self, task: usize, most: usize) -> bool {
        let next = self.broker.committed.get(&(USAGE, task)).copied().unwrap_or(0) as usize;
        let log = self.broker.log_mut(Topic::Input(USAGE), task);
        let has_more = log.end() > next + 1;
        log.start = if has_more { next.saturating_add(most).min(log.end()) } else { log.start };
        has_more
    }

    fn run_while(&mut self, damage: Damage, lasts: impl Fn(&Self) -> bool) -> Result<(), Violation> {
        let begun = self.now;
        while lasts(self)
            && let Some(Reverse(Planned(at, _, action))) = self.queue.pop()
        {
            self.now = at;
            self.act(action);
            if let Some(violation) = self.checks.violation.take() {
                return Err(violation);
            }
            if self.now > begun + PROGRESS_LIMIT {
                return Err(not_refused(damage));
            }
        }
        Ok(())
    }
}

fn not_refused(damage: Damage) -> Violation {
    Violation::new("damage", format!("{damage:?}: the service does not exit with {}", damage.code()))
}
