//! Faults as they happen, and what fills the place of a process that is gone.

use churnwatch::stream::machine::Event;

use super::action::Action;
use super::{SESSION, World};
use crate::broker::Topic;
use crate::fault::{Fault, Kind};
use crate::load::USAGE;
use crate::process::{Actor, Process};

/// Bad records in a burst.
const BURST: usize = 250;

impl World<'_> {
    pub(super) fn fault(&mut self, fault: Fault) {
        self.log(|| format!("fault: {fault:?}"));
        let (now, id) = (self.now, self.fleet[fault.slot]);
        match fault.kind {
            Kind::Coordinator(millis) => self.broker.coordinator_back = now + millis,
            Kind::Group(millis) => self.broker.group_back = now + millis,
            Kind::Disk(millis) => self.broker.disk_back = now + millis,
            Kind::Leader(topic, partition, millis) => drop(self.broker.leaders_back.insert((topic, partition), now + millis)),
            Kind::Slow(millis) if self.broker.slowness == 0 => {
                self.broker.slowness = millis;
                let task = self.random.within(0..self.setting.tasks as u64) as usize;
                (0..BURST).for_each(|_| self.load.write_bad(&mut self.broker, task, USAGE));
            }
            Kind::Compact => (0..self.setting.tasks).for_each(|task| self.broker.log_mut(Topic::Changelog, task).compact()),
            Kind::Markers(millis) => (self.markers_late, self.markers_late_until) = (millis, now + 5_000),
            kind => {
                let Some(id) = id.filter(|id| self.processes[*id].is_alive) else { return };
                let process = &mut self.processes[id];
                match kind {
                    Kind::Kill(steps) => process.killed_in = Some(steps),
                    Kind::Pause(millis) => {
                        self.figures.zombies += u64::from(millis > SESSION);
                        process.paused_until = now + millis;
                        self.plan_session(id);
                        self.plan_in(millis + 50, Action::Heartbeat(id));
                    }
                    Kind::Cut(millis) | Kind::Replace(millis) => {
                        process.cut_until = now + millis;
                        let (is_replaced, name) = (matches!(kind, Kind::Replace(_)), process.name.clone());
                        self.plan_session(id);
                        if is_replaced && name.is_some() {
                            let wait = self.random.within(100..millis);
                            self.plan_in(wait, Action::Start(fault.slot, name));
                        }
                        self.plan_in(SESSION, Action::LocalLoss(id));
                        self.plan_in(millis + 50, Action::Heartbeat(id));
                    }
                    Kind::Request(decision, request) => process.next_fault = Some((decision, request)),
                    Kind::Clock(shift) => process.clock_shift += shift,
                    Kind::Stop => {
                        let clocks = self.clocks(id);
                        // A machine that waits takes the request all the same.
                        drop(self.processes[id].member.handle(Event::Stop, clocks));
                    }
                    Kind::Namesake => {
                        let name = process.name.clone();
                        if name.is_some() {
                            self.plan_in(10, Action::Start(fault.slot, name));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// A process takes a step; false if that is where it is killed.
    pub fn survives(&mut self, id: usize) -> bool {
        let process = &mut self.processes[id];
        match &mut process.killed_in {
            Some(0) => {
                self.figures.kills += 1;
                self.log(|| format!("process {id} is killed"));
                self.gone(id);
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// A process is no more; its place is filled again.
    pub fn gone(&mut self, id: usize) {
        let process = &mut self.processes[id];
        process.is_alive = false;
        let (slot, name) = (process.slot, process.name.clone());
        self.plan_session(id);
        if self.fleet[slot] == Some(id) {
            self.fleet[slot] = None;
            let wait = self.random.within(50..2_000);
            self.plan_in(wait, Action::Refill(slot, name));
        }
    }

    /// A process leaves the group in good order.
    pub fn leave(&mut self, id: usize) {
        let process = &self.processes[id];
        if process.name.is_none()
            && let Some(own) = process.consumer.member
        {
            let was_rebalancing = self.broker.group.rebalancing.is_some();
            self.broker.group.remove(own, self.now);
            if !was_rebalancing && self.broker.group.rebalancing.is_some() {
                self.tell_members();
            }
            self.complete_if_gathered();
        }
        self.gone(id);
    }

    pub(super) fn start(&mut self, slot: usize, name: Option<String>) {
        let id = self.processes.len();
        let transactional_id = name.clone().unwrap_or_else(|| self.new_name("p"));
        let clocks = self.clocks(id);
        self.processes.push(Process::start(self.setting, (&self.inputs, self.accepts_loss), slot, name, transactional_id, clocks));
        let process = &mut self.processes[id];
        process.began = self.now;
        process.predecessor = self.broker.group.holder(process.name.as_deref());
        self.fleet[slot] = Some(id);
        self.log(|| format!("process {id} starts in place {slot}"));
        self.wake_in(id, Actor::Stream, 1);
        self.wake_in(id, Actor::Restore, 1);
    }

    /// A name that no other producer has.
    pub fn new_name(&mut self, first: &str) -> String {
        self.names += 1;
        format!("{first}-{}", self.names)
    }
}
