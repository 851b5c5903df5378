//! A stream thread: one member of the group, one transactional producer, and the tasks that the group has assigned to it.
//!
//! It carries out what a [`Member`] decides, one effect after the other, and reports the result of each; the transitions are in
//! `machine/mod.rs`. Anything that cannot be recovered from ends the thread with a [`Failure`], and the process with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::committed::Committed;
use super::failure::Failure;
use super::group_event::{GroupEvent, drain, note};
use super::identity::{Identity, replacement_id};
use super::inputs::Inputs;
use super::joining::{is_wanted, join};
use super::machine::{self, BATCH, Effect, Event, Member, Now, Restore};
use super::namesake::{Namesake, first_producer};
use super::options::Options;
use super::restoring::Restoring;
use super::shared::Shared;
use super::values::Values;
use crate::clock::{Deadline, monotonic};
use crate::fault;
use crate::kafka::{Commit, Consumer, ConsumerEvent, Membership, Offset, TransactionError, TransactionalProducer, wait};
use crate::stop::Stop;
use crate::threads::{RESTORE_STEP_LIMIT, STEP_LIMIT, StepClock, ThreadReport};

/// A stream thread and everything it owns.
pub(super) struct StreamThread {
    number: usize,
    machine: Member,
    consumer: Consumer,
    /// As whom the consumer was last assigned partitions.
    membership: Option<Membership>,
    /// The group metadata of a client that is not a member; for a mutant.
    nobody: Option<Membership>,
    producer: TransactionalProducer,
    transactional_id: String,
    restoring: Restoring,
    namesake: Option<Namesake>,
    values: Values,
    inputs: Arc<Inputs>,
    options: Arc<Options>,
    report: Arc<ThreadReport>,
    clock: Arc<StepClock>,
    stop: Stop,
    shared: Arc<Shared>,
}

impl StreamThread {
    /// Connects, and ends the transaction that an earlier run of the same instance left open.
    ///
    /// # Errors
    /// If a client is refused or the transaction coordinator does not answer.
    pub(super) fn new(number: usize, shared: &Arc<Shared>) -> Result<Self, Failure> {
        let Shared { options, inputs, directory, metrics, threads, stop, names, .. } = &**shared;
        let Identity { group_instance, transactional_id } = Identity::of(options, number);
        let report = threads.reports().get(number).cloned().unwrap_or_default();
        let clock = threads.clock(format!("stream thread {number}"), STEP_LIMIT);
        let committed = Committed::new(options, inputs)?;
        let nobody = if fault::is_mutant("membership-left-out") { committed.reader.membership_unchecked() } else { None };
        let restore = Restore::new(number, options, inputs, directory, Arc::clone(&report), Arc::clone(metrics));
        let restore_clock = threads.clock(format!("the restore of stream thread {number}"), RESTORE_STEP_LIMIT);
        let namesake = Namesake::of(&options.application, group_instance.as_deref(), options, names)?;
        let consumer = Consumer::new(&options.properties.member(&options.application, group_instance.as_deref()))?;
        let restoring = Restoring::start(number, restore, committed, restore_clock)?;
        let step = || is_wanted(&clock, stop);
        Ok(Self {
            number,
            consumer,
            membership: None,
            nobody,
            restoring,
            producer: first_producer(namesake.as_ref(), &options.properties, &transactional_id, step)?,
            namesake,
            transactional_id,
            values: Values::new(&options.schema_registry, wait::OUTAGE)?,
            machine: Member::new(number, options, inputs, Arc::clone(&report), Arc::clone(metrics), now(options)),
            clock,
            options: Arc::clone(options),
            inputs: Arc::clone(inputs),
            report,
            stop: stop.clone(),
            shared: Arc::clone(shared),
        })
    }

    /// Runs until a shutdown is requested.
    ///
    /// # Errors
    /// Anything the process cannot recover from.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        let result = self.work();
        self.machine.sum_up();
        self.clock.idle();
        result
    }

    fn work(&mut self) -> Result<(), Failure> {
        let sources: Vec<&str> = self.inputs.topics.iter().map(|topic| topic.name.as_str()).collect();
        tracing::info!(thread = self.number, "joining the group");
        let step = || is_wanted(&self.clock, &self.stop);
        join(&self.consumer, &sources, self.namesake.as_ref(), step, || self.shared.start_line.await_others())?;
        loop {
            self.clock.step();
            while let Some(answer) = self.restoring.answer()? {
                self.handle(Event::Restored(answer))?;
            }
            if self.stop.is_requested() {
                self.handle(Event::Stop)?;
            }
            let end = |topic: &str, partition| self.consumer.known_end(topic, partition).max(self.report.end(topic, partition));
            match self.machine.next(now(&self.options), &end)? {
                Effect::Leave => return Ok(()),
                Effect::Read { wait } => self.read(wait)?,
                effect => self.execute(effect)?,
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        self.machine.handle(event, now(&self.options))
    }

    fn execute(&mut self, effect: Effect) -> Result<(), Failure> {
        match effect {
            Effect::Accept => {
                self.consumer.assign([])?;
                // Asked for once per assignment: a later answer could be of no generation at all, which brokers do not fence.
                self.membership = self.consumer.membership();
                let accepted = self.membership.as_ref();
                let accepted = accepted.map(|own| machine::Membership { generation: own.generation, member: own.member.clone() });
                self.handle(Event::Accepted(accepted))
            }
            Effect::Assign(partitions) => {
                let topic = |index: usize| self.inputs.topics.get(index).map_or("", |topic| topic.name.as_str());
                let partitions = partitions.into_iter().map(|(index, partition, next)| (topic(index), partition, Offset::Offset(next)));
                Ok(self.consumer.assign(partitions)?)
            }
            Effect::Unassign => Ok(self.consumer.unassign()?),
            Effect::Restore(request) => self.restoring.request(request),
            Effect::CheckName(own) => {
                if let Some(namesake) = &self.namesake {
                    let own = own.as_ref().map(|own| own.member.as_str());
                    namesake.check(own, || is_wanted(&self.clock, &self.stop))?;
                }
                // A look-up that a shutdown has interrupted says nothing.
                if self.stop.is_requested() {
                    self.handle(Event::Stop)?;
                }
                self.handle(Event::NameIsOurs)
            }
            Effect::Write { membership, limit } => {
                let began = monotonic();
                let result = self.write(membership.as_ref(), Deadline::after(limit));
                let lasted = monotonic().duration_since(began);
                // The abort may be what shows that another process has taken over.
                let result = result.map_err(|error| self.producer.abort().err().unwrap_or(error));
                self.handle(Event::Written { result, lasted })
            }
            Effect::Drain => self.drain(),
            Effect::ReplaceProducer => {
                // Whatever the old one has left open is ended by the coordinator, and a restore waits for that.
                let id = replacement_id(&self.transactional_id);
                self.producer = TransactionalProducer::new(&self.options.properties, &id, || self.clock.step())?;
                self.handle(Event::ProducerReplaced)
            }
            Effect::Await => Err(Failure::NoProgress { what: "an effect was not answered (a bug)".to_owned() }),
            Effect::Read { .. } | Effect::Leave => Ok(()),
        }
    }

    /// Hands over up to one batch of events; waits for the first one only.
    fn read(&mut self, wait: Duration) -> Result<(), Failure> {
        let (mut wait, mut read_at, mut polled, mut events) = (wait, None, 0, VecDeque::new());
        while polled < BATCH && (polled == 0 || self.machine.takes_more()) {
            let Some(event) = self.consumer.poll(wait) else { break };
            (wait, polled) = (Duration::ZERO, polled + 1);
            match event.content() {
                ConsumerEvent::Record(record) => {
                    let Some(index) = self.inputs.index(record.topic).filter(|_| self.machine.runs(record.partition)) else {
                        continue;
                    };
                    let step = || is_wanted(&self.clock, &self.stop);
                    let Some(read) = self.values.read(record, step)? else { break };
                    self.machine.record(index, &read, *read_at.get_or_insert_with(|| now(&self.options)))?;
                }
                ConsumerEvent::End(topic, partition, offset) => {
                    if let Some(index) = self.inputs.index(&topic) {
                        self.machine.end(index, partition, offset, now(&self.options));
                    }
                }
                other => note(other, || self.consumer.assignment_lost(), &mut events)?,
            }
        }
        self.pass_on(events)?;
        self.machine.polled(polled);
        Ok(())
    }

    /// Hands over what has arrived, except records.
    fn drain(&mut self) -> Result<(), Failure> {
        let mut events = VecDeque::new();
        drain(&self.consumer, &mut events)?;
        self.pass_on(events)
    }

    fn pass_on(&mut self, events: VecDeque<GroupEvent>) -> Result<(), Failure> {
        events.into_iter().try_for_each(|event| self.handle(Event::Group(event)))
    }

    /// Writes one transaction as this member.
    fn write(&mut self, member: Option<&machine::Membership>, deadline: Deadline) -> Result<Commit, TransactionError> {
        fault::point("before-begin");
        self.producer.begin()?;
        let offsets = self.machine.write(|record| self.producer.send(record, deadline))?;
        let is_accepted =
            |own: &&Membership| member.is_some_and(|member| (own.generation, &own.member) == (member.generation, &member.member));
        let membership = if member.is_some() { self.membership.as_ref().filter(is_accepted) } else { self.nobody.as_ref() };
        let Some(membership) = membership else { return Err(TransactionError::Fatal("not a member of the group".to_owned())) };
        let commit = self.producer.commit(&offsets, &membership.metadata, deadline)?;
        fault::point("after-commit");
        Ok(commit)
    }
}

fn now(options: &Options) -> Now {
    Now { monotonic: monotonic(), wall: options.clock.now() }
}
