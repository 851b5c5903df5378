//! The drivers of the simulator: what the threads of the service do with real clients, one step at a time.

mod restoring_thread;
mod stream_thread;
mod transaction;

use churnwatch::stream::Failure;
use churnwatch::stream::machine::Event;

use crate::broker::{Answer, Request};
use crate::process::{Actor, Call, Doing};
use crate::world::World;

/// How long a producer may take to be ready.
const INIT_LIMIT: u64 = 60_000;

impl World<'_> {
    /// A thread takes its next step.
    pub fn step(&mut self, id: usize, actor: Actor) {
        if !self.survives(id) {
            return;
        }
        let result = match actor {
            Actor::Stream => self.step_stream(id),
            Actor::Restore => self.step_restore(id),
        };
        if let Err(failure) = result {
            self.failed(id, &failure);
        }
    }

    /// The answer to the request that a thread waits for has come; [`Answer::Retry`] also stands for a broken connection.
    pub fn answered(&mut self, id: usize, actor: Actor, answer: Answer) {
        if !self.survives(id) {
            return;
        }
        let now = self.now;
        let Doing::Calling(call) = &mut self.processes[id].thread(actor).doing else { return };
        if matches!(answer, Answer::Retry) && now < call.deadline {
            call.is_repeated = true;
            self.renew(id, actor);
            return self.send(id, actor);
        }
        let call = call.clone();
        self.processes[id].thread(actor).doing = Doing::Deciding;
        self.renew(id, actor);
        let result = match actor {
            Actor::Stream => self.stream_answered(id, &call, answer),
            Actor::Restore => self.restore_answered(id, &call, answer),
        };
        if let Err(failure) = result {
            self.failed(id, &failure);
        }
    }

    fn failed(&mut self, id: usize, failure: &Failure) {
        self.log(|| format!("process {id} exits: {}: {failure}", failure.code()));
        let is_named = self.processes[id].name.is_some();
        self.checks.exited(failure, is_named);
        self.leave(id);
    }

    fn call(&mut self, id: usize, actor: Actor, request: Request, deadline: u64) {
        self.processes[id].thread(actor).doing = Doing::Calling(Call { request, deadline, is_repeated: false });
        self.renew(id, actor);
        self.send(id, actor);
    }

    fn handle(&mut self, id: usize, event: Event) -> Result<(), Failure> {
        let clocks = self.clocks(id);
        self.processes[id].member.handle(event, clocks)
    }
}

fn fenced() -> Failure {
    Failure::Fenced { cause: "another member has the name".to_owned() }
}
