//! The model of a consumer: membership, what the group has said, and how far each partition has been read.

use std::collections::VecDeque;

use churnwatch::stream::machine::{GroupEvent, Membership};

/// The next offset of a partition whose next record has been deleted.
pub const LOST: usize = usize::MAX;

/// A partition that is read: the input, the task, the next offset.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub input: usize,
    pub partition: usize,
    pub next: usize,
    /// The end that was last reported.
    pub ended_at: Option<usize>,
}

/// What the group waits for: librdkafka holds a rebalance back until the application has assigned or unassigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    Assign,
    Revoke,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "librdkafka keeps them apart, too")]
pub struct Consumer {
    /// The id of the member, once it has joined.
    pub member: Option<u64>,
    pub generation: Option<i32>,
    pub said: VecDeque<GroupEvent>,
    pub is_fenced: bool,
    pub is_lost: bool,
    /// Whether an assignment was lost that has been replaced before its revocation was taken: `Consumer::lost_before`.
    was_lost: bool,
    pub pending: Option<Pending>,
    /// Whether a revocation has come while an assignment was pending.
    pub is_due_again: bool,
    pub positions: Vec<Position>,
    /// When the first fetch after an assignment can answer.
    pub ready_at: u64,
    /// Which position is read next.
    turn: usize,
}

/// The number of a member.
pub fn number_of(membership: &Membership) -> u64 {
    membership.member.trim_start_matches("member-").parse().unwrap()
}

impl Consumer {
    pub fn membership(&self) -> Option<Membership> {
        let (member, generation) = (self.member?, self.generation?);
        (!self.is_lost).then(|| Membership { generation, member: format!("member-{member}") })
    }

    /// Reads these partitions from now on. True if that has answered a revocation.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = (usize, usize, usize)>, ready_at: u64) -> bool {
        let position = |(input, partition, next)| Position { input, partition, next, ended_at: None };
        self.positions = partitions.into_iter().map(position).collect();
        self.ready_at = ready_at;
        self.was_lost |= std::mem::take(&mut self.is_lost);
        self.has_answered()
    }

    /// Gives the partitions back. True if that has answered a revocation.
    pub fn unassign(&mut self) -> bool {
        self.positions.clear();
        self.is_lost = false;
        self.has_answered()
    }

    fn has_answered(&mut self) -> bool {
        let has_answered = self.pending.take() == Some(Pending::Revoke);
        if has_answered {
            self.generation = None;
        }
        has_answered
    }

    /// The group has assigned these tasks.
    pub fn assigned(&mut self, partitions: Vec<(String, i32)>, generation: i32) {
        self.generation = Some(generation);
        self.pending = Some(Pending::Assign);
        self.said.push_back(GroupEvent::Assigned(partitions));
    }

    /// The group takes the tasks back. False if there is nothing to give up: the member can join at once.
    pub fn revoked(&mut self, is_lost: bool) -> bool {
        if self.generation.is_none() {
            return false;
        }
        // Another rebalance is only begun once the last has been answered: the next heartbeat finds out again.
        if self.pending == Some(Pending::Assign) {
            self.is_due_again = true;
            return true;
        }
        self.is_lost |= is_lost;
        if self.pending != Some(Pending::Revoke) {
            self.pending = Some(Pending::Revoke);
            self.said.push_back(GroupEvent::Revoked { lost: false });
        }
        true
    }

    /// The next event of the group; whether an assignment was lost is known only now.
    pub fn take(&mut self) -> Option<GroupEvent> {
        match self.said.pop_front()? {
            GroupEvent::Revoked { .. } => Some(GroupEvent::Revoked { lost: std::mem::take(&mut self.was_lost) || self.is_lost }),
            other => Some(other),
        }
    }

    /// The next record of a position has been deleted. It is not read on until it is assigned again.
    pub fn lose(&mut self, place: usize) {
        self.positions[place].next = LOST;
        self.said.push_back(GroupEvent::OutOfRange);
    }

    /// The place of the position that is read next, each in turn.
    pub fn next_turn(&mut self) -> Option<usize> {
        self.turn += 1;
        (!self.positions.is_empty()).then(|| self.turn % self.positions.len())
    }
}
