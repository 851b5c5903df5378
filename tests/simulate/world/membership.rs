//! The members of the group: heartbeats, sessions, joins.

use churnwatch::fault::is_mutant;

use super::action::Action;
use super::{REBALANCE_LIMIT, SESSION, World};
use crate::broker::group::Joined;

impl World<'_> {
    /// The members learn of a rebalance with one of their next heartbeats.
    pub(super) fn tell_members(&mut self) {
        let owners: Vec<usize> = self.broker.group.members.iter().map(|member| member.owner).collect();
        for owner in owners {
            let wait = self.random.within(0..1_500);
            self.plan_in(wait, Action::Heartbeat(owner));
        }
        let generation = self.broker.group.generation;
        self.plan_in(REBALANCE_LIMIT, Action::RebalanceLimit(generation));
    }

    pub fn plan_join(&mut self, id: usize) {
        let wait = self.random.within(1..5);
        self.plan_in(wait, Action::Join(id));
    }

    pub(super) fn heartbeat(&mut self, id: usize) {
        if self.is_held_up(id, || Action::Heartbeat(id)) {
            return;
        }
        let process = &mut self.processes[id];
        if process.cut_until > self.now {
            let at = process.cut_until + 100;
            return self.plan_at(at, Action::Heartbeat(id));
        }
        let Some(own) = process.consumer.member else { return };
        match self.broker.group.members.iter().find(|member| member.id == own) {
            None if process.name.is_some() && self.broker.group.members.iter().any(|member| member.name == process.name) => {
                process.consumer.is_fenced = true;
            }
            None => {
                process.consumer.member = None;
                if !process.consumer.revoked(true) {
                    self.plan_join(id);
                }
            }
            Some(member) if self.broker.group.rebalancing.is_some() && !member.has_joined => {
                if !process.consumer.revoked(false) {
                    self.plan_join(id);
                }
            }
            Some(_) => {}
        }
    }

    pub(super) fn session(&mut self, id: usize, member: u64) {
        let process = &self.processes[id];
        let is_silent = !process.is_alive || process.paused_until > self.now || process.cut_until > self.now;
        if !is_silent && process.consumer.member == Some(member) {
            return;
        }
        let was_rebalancing = self.broker.group.rebalancing.is_some();
        if self.broker.group.remove(member, self.now) {
            self.log(|| format!("process {id}: session ended"));
            if !was_rebalancing {
                self.tell_members();
            }
            self.complete_if_gathered();
        }
    }

    pub(super) fn local_loss(&mut self, id: usize) {
        if self.is_held_up(id, || Action::LocalLoss(id)) || self.processes[id].cut_until <= self.now {
            return;
        }
        let consumer = &mut self.processes[id].consumer;
        // A member that waits to be admitted keeps its id, and asks again with it.
        if consumer.generation.is_some() {
            consumer.member = None;
            consumer.revoked(true);
        }
    }

    /// The session of the member that a process is, if it is one, ends unless it is heard of.
    pub(super) fn plan_session(&mut self, id: usize) {
        if let Some(member) = self.processes[id].consumer.member {
            self.plan_in(SESSION, Action::Session(id, member));
        }
    }

    pub(super) fn join(&mut self, id: usize) {
        if self.is_held_up(id, || Action::Join(id)) {
            return;
        }
        if self.processes[id].cut_until > self.now || self.broker.group_back > self.now {
            let at = self.processes[id].cut_until.max(self.broker.group_back) + 100;
            return self.plan_at(at, Action::Join(id));
        }
        if self.processes[id].joined.is_none() && self.is_name_taken(id) {
            self.processes[id].consumer.is_fenced = true;
            return;
        }
        let was_rebalancing = self.broker.group.rebalancing.is_some();
        let was_member = self.is_back(id);
        let process = &mut self.processes[id];
        process.joined.get_or_insert(self.now);
        let joined = self.broker.group.join(id, process.consumer.member, process.name.as_deref(), self.now);
        self.log(|| format!("process {id} joins: {joined:?}"));
        match joined {
            Joined::Waits(member) => self.processes[id].consumer.member = Some(member),
            Joined::Fenced => self.processes[id].consumer.is_fenced = true,
            Joined::Replaced { member, before } => {
                self.processes[id].consumer.member = Some(member);
                let others = self.processes.iter().position(|process| process.consumer.member == Some(before));
                if let Some(other) = others {
                    if other > id && self.is_at_work(other) && was_member {
                        self.checks.fences_successor(id, other);
                    }
                    let wait = self.random.within(0..1_500);
                    self.plan_in(wait, Action::Heartbeat(other));
                }
                if self.broker.group.rebalancing.is_none() {
                    let generation = self.broker.group.generation;
                    self.plan_in(5, Action::Sync(id, generation));
                    return;
                }
            }
        }
        if !was_rebalancing && self.broker.group.rebalancing.is_some() {
            self.tell_members();
        }
        self.complete_if_gathered();
    }

    /// Whether a process has been a member before, or started so long ago that it may have been replaced.
    pub fn is_back(&self, id: usize) -> bool {
        self.processes[id].joined.is_some() || self.now >= self.processes[id].began + SESSION
    }

    /// Whether a process has been a member for so long that whoever has its name knows. The name is looked up, and used up to half a session
    /// later: in between, two processes that start or come back at the same time may fence each other.
    pub fn is_at_work(&self, id: usize) -> bool {
        let process = &self.processes[id];
        process.is_alive && process.joined.is_some_and(|joined| self.now > joined + SESSION / 2 + 100)
    }

    /// Before a name is used for the first time: whether a later process has it, as `Namesake::check_first_use` finds out.
    pub fn is_name_taken(&self, id: usize) -> bool {
        let process = &self.processes[id];
        let holder = self.broker.group.holder(process.name.as_deref());
        self.now >= process.began + SESSION && holder.is_some() && holder != process.predecessor && !is_mutant("name-not-looked-up")
    }

    pub(super) fn complete_if_gathered(&mut self) {
        if self.broker.group.is_gathered() && !self.broker.group.members.is_empty() {
            self.broker.group.complete(self.setting.tasks);
            let generation = self.broker.group.generation;
            let owners: Vec<usize> = self.broker.group.members.iter().map(|member| member.owner).collect();
            self.log(|| format!("generation {generation}: {owners:?}"));
            for owner in owners {
                let wait = self.random.within(2..40);
                self.plan_in(wait, Action::Sync(owner, generation));
            }
        }
    }

    pub(super) fn sync(&mut self, id: usize, generation: i32) {
        if self.is_held_up(id, || Action::Sync(id, generation)) {
            return;
        }
        if self.processes[id].cut_until > self.now {
            let at = self.processes[id].cut_until + 100;
            return self.plan_at(at, Action::Sync(id, generation));
        }
        let Some(own) = self.processes[id].consumer.member else { return };
        if self.broker.group.generation != generation || !self.broker.group.assignment.contains_key(&own) {
            let wait = self.random.within(1..100);
            return self.plan_in(wait, Action::Heartbeat(id));
        }
        let (from, to) = self.broker.group.assignment[&own];
        let topics = self.setting.inputs.topics.iter();
        let partitions = topics.flat_map(|topic| (from..to).map(|task| (topic.name.clone(), task as i32))).collect();
        self.processes[id].consumer.assigned(partitions, generation);
        if self.broker.group.rebalancing.is_some() {
            let wait = self.random.within(0..1_500);
            self.plan_in(wait, Action::Heartbeat(id));
        }
    }
}
