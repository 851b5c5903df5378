//! Requests on their way to the brokers and back, and the markers that end transactions.

use super::World;
use super::action::Action;
use crate::broker::{Answer, Request};
use crate::fault::Decision;
use crate::process::{Actor, Doing, RequestFault};

impl World<'_> {
    /// Sends the request that a thread waits for.
    pub fn send(&mut self, id: usize, actor: Actor) {
        let process = &mut self.processes[id];
        let Doing::Calling(call) = &process.thread(actor).doing else { return };
        let (request, deadline) = (call.request.clone(), call.deadline);
        let token = process.thread(actor).token;
        if process.cut_until > self.now {
            let wait = self.random.within(100..400);
            return self.plan_in(wait, Action::Broken(id, actor, token));
        }
        let decision = match request {
            Request::Offsets { .. } => Some(Decision::Offsets),
            Request::End(_, true) => Some(Decision::Commit),
            _ => None,
        };
        let fault = process.next_fault.take_if(|(wanted, _)| Some(*wanted) == decision).map(|(_, fault)| fault);
        let held = if matches!(request, Request::AddPartitions(..)) { process.held.take() } else { None };
        if let Some(held) = held {
            let wait = self.random.within(4..30);
            self.plan_in(wait, Action::Arrive(id, actor, token, held, false));
        }
        let (there, broken) = (self.random.within(1..4) + self.broker.duration(&request), self.random.within(80..250));
        if self.now + there > deadline {
            self.plan_in(there, Action::Arrive(id, actor, token, request, false));
            return self.plan_at(deadline, Action::Broken(id, actor, token));
        }
        if fault.is_some() {
            self.log(|| format!("process {id}: {fault:?} for {request:?}"));
        }
        match fault {
            None => self.plan_in(there, Action::Arrive(id, actor, token, request, true)),
            Some(RequestFault::Lost) => self.plan_in(broken, Action::Broken(id, actor, token)),
            Some(RequestFault::AnswerLost) => {
                self.figures.lost_answers += 1;
                self.plan_in(there, Action::Arrive(id, actor, token, request, false));
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Late(late)) => {
                self.figures.lost_answers += 1;
                self.plan_in(late, Action::Arrive(id, actor, token, request, false));
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Held) => {
                self.figures.lost_answers += 1;
                self.processes[id].held = Some(request);
                self.plan_in(broken, Action::Broken(id, actor, token));
            }
            Some(RequestFault::Silent(silent)) => {
                self.figures.lost_answers += 1;
                self.plan_in(there, Action::Arrive(id, actor, token, request, false));
                self.plan_in(silent, Action::Broken(id, actor, token));
            }
        }
    }

    pub(super) fn arrive(&mut self, id: usize, actor: Actor, token: u64, request: &Request, is_answered: bool) {
        let answer = self.broker.handle(request, self.now);
        if !matches!(answer, Answer::Retry) {
            self.log(|| format!("process {id}: {request:?} -> {answer:?}"));
        }
        self.plan_markers();
        if is_answered {
            let (back, again) = (self.random.within(1..4), self.random.within(20..120));
            match answer {
                Answer::Retry => self.plan_in(again, Action::Broken(id, actor, token)),
                answer => self.plan_in(back, Action::Answered(id, actor, token, answer)),
            }
        }
    }

    pub(super) fn plan_markers(&mut self) {
        for id in self.broker.ending() {
            if self.marking.insert(id) {
                let late = if self.now < self.markers_late_until { self.markers_late } else { 0 };
                let wait = self.random.within(0..10) + late;
                self.plan_in(wait, Action::Mark(id));
            }
        }
    }

    pub(super) fn mark(&mut self, id: usize) {
        let left = self.broker.unmarked(id) as u64;
        let place = if left == 0 { 0 } else { self.random.within(0..left) as usize };
        if let Some(committed) = self.broker.write_marker(id, place) {
            self.log(|| format!("committed: {:?}", committed.offsets));
            self.checks.committed(committed);
        }
        self.checks.check(&self.broker, &self.load, self.setting);
        if self.broker.ending().contains(&id) {
            let wait = self.random.within(0..8);
            self.plan_in(wait, Action::Mark(id));
        } else {
            self.marking.remove(&id);
        }
    }
}
