//! A process of the service: the two machines, the clients that they drive, and what each is doing at this moment.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use churnwatch::directory::Directory;
use churnwatch::kafka::{Outgoing, TransactionError};
use churnwatch::stream::Inputs;
use churnwatch::stream::machine::{Member, Membership, Now, Restore};
use churnwatch::threads::ThreadReport;

use crate::broker::transactions::Producer;
use crate::broker::{OffsetPlace, OutRecord, Request, Topic};
use crate::consumer::{Consumer, number_of};
use crate::fault::Decision;
use crate::setting::Setting;

/// One of the two threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Stream,
    Restore,
}

/// A request that is on its way.
#[derive(Clone, Debug)]
pub struct Call {
    pub request: Request,
    pub deadline: u64,
    /// Whether it has been sent more than once.
    pub is_repeated: bool,
}

/// What an actor is doing.
#[derive(Debug)]
pub enum Doing {
    /// It takes its next effect when it wakes.
    Deciding,
    /// It waits for the answer to a request.
    Calling(Call),
    /// The restoring thread reads changelogs: how far each is read.
    Reading(BTreeMap<usize, usize>),
    /// It waits until it is woken.
    Waiting,
}

pub struct Thread {
    pub doing: Doing,
    /// Counts what it has waited for, so that late answers and wake-ups are known as such.
    pub token: u64,
}

impl Thread {
    fn new() -> Self {
        Self { doing: Doing::Deciding, token: 0 }
    }
}

/// The records that go to one partition.
pub type Batch = ((Topic, usize), Rc<Vec<OutRecord>>);

/// A transaction while it is being written.
#[derive(Debug)]
pub struct Write {
    pub batches: Vec<Batch>,
    /// How many of them have been sent.
    pub sent: usize,
    pub offsets: Rc<Vec<(OffsetPlace, i64)>>,
    pub membership: Option<(i32, u64)>,
    pub began: u64,
    pub deadline: u64,
    /// When the offsets were sent.
    pub deciding_since: u64,
    pub is_repeated: bool,
    pub last: Vec<(i32, i64)>,
    pub step: Step,
    /// Why it is being aborted.
    pub failed: Option<TransactionError>,
    pub lasted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    AddPartitions,
    Produce,
    Offsets,
    End,
    Abort,
}

pub struct Process {
    /// `application.instance`.
    pub name: Option<String>,
    /// The place in the fleet that it fills.
    pub slot: usize,
    pub is_alive: bool,
    pub member: Member,
    pub restore: Restore,
    pub consumer: Consumer,
    pub producer: Option<Producer>,
    pub transactional_id: String,
    pub stream: Thread,
    pub restorer: Thread,
    pub write: Option<Write>,
    pub is_started: bool,
    /// When it first joined the group.
    pub joined: Option<u64>,
    pub began: u64,
    pub ended: Option<u64>,
    /// Whether a shutdown was requested.
    pub was_stopped: bool,
    /// Who had its name when it started.
    pub predecessor: Option<u64>,
    pub paused_until: u64,
    pub cut_until: u64,
    pub clock_shift: i64,
    /// After how many more steps it is killed.
    pub killed_in: Option<u64>,
    /// What happens to the next request to commit or to end a transaction.
    pub next_fault: Option<(Decision, RequestFault)>,
    /// A request that arrives within the next transaction.
    pub held: Option<Request>,
    pub batches: u64,
    /// How far changelogs are read, while a question is asked in between.
    pub reading: Option<BTreeMap<usize, usize>>,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// It never arrives, and the connection breaks.
    Lost,
    /// It takes effect, but the answer never arrives, and the connection breaks.
    AnswerLost,
    /// The connection breaks, and the request arrives so many ms later, besides the one that is sent again.
    Late(u64),
    /// The same, but it arrives once the process has begun its next transaction.
    Held,
    /// Nothing comes back for so many ms.
    Silent(u64),
}

impl Process {
    /// Starts one on these topics; `accepts_loss`: with `--accept-loss`.
    pub fn start(
        setting: &Setting,
        (inputs, accepts_loss): (&Arc<Inputs>, bool),
        slot: usize,
        name: Option<String>,
        transactional_id: String,
        now: Now,
    ) -> Self {
        let options = setting.options(name.as_deref(), accepts_loss);
        let directory = Arc::new(Directory::new(Arc::clone(&options.settings)));
        let report = Arc::new(ThreadReport::default());
        let metrics = &setting.metrics;
        Self {
            member: Member::new(0, &options, inputs, Arc::clone(&report), Arc::clone(metrics), now),
            restore: Restore::new(0, &options, inputs, &directory, report, Arc::clone(metrics)),
            name,
            slot,
            is_alive: true,
            consumer: Consumer::default(),
            producer: None,
            transactional_id,
            stream: Thread::new(),
            restorer: Thread::new(),
            write: None,
            is_started: false,
            joined: None,
            began: 0,
            ended: None,
            was_stopped: false,
            predecessor: None,
            paused_until: 0,
            cut_until: 0,
            clock_shift: 0,
            killed_in: None,
            next_fault: None,
            held: None,
            batches: 0,
            reading: None,
        }
    }

    /// Whether it is reading the changelog of a task.
    pub fn reads_changelog(&self, task: usize) -> bool {
        let reads = |read: &BTreeMap<usize, usize>| read.contains_key(&task);
        matches!(&self.restorer.doing, Doing::Reading(read) if reads(read)) || self.reading.as_ref().is_some_and(reads)
    }

    pub fn thread(&mut self, actor: Actor) -> &mut Thread {
        match actor {
            Actor::Stream => &mut self.stream,
            Actor::Restore => &mut self.restorer,
        }
    }

    /// Takes the records of the transaction that the machine wants to be written.
    pub fn begin_write(&mut self, setting: &Setting, membership: Option<&Membership>, now: u64, limit: Duration) {
        let mut batches: Vec<((Topic, usize), Vec<OutRecord>)> = Vec::new();
        let result = self.member.write(|record| {
            let place = setting.place_of(record);
            let out = out_record(record);
            match batches.iter_mut().find(|(known, _)| *known == place) {
                Some((_, records)) => records.push(out),
                None => batches.push((place, vec![out])),
            }
            Ok(())
        });
        let (offsets, failed) = match result {
            Ok(offsets) => (offsets, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let place = |topic: &str, partition: i32| (setting.inputs.index(topic).unwrap(), partition as usize);
        let offsets = offsets.iter().map(|offset| (place(&offset.topic, offset.partition), offset.next)).collect();
        let member = |own: &Membership| (own.generation, number_of(own));
        self.write = Some(Write {
            batches: batches.into_iter().map(|(place, records)| (place, Rc::new(records))).collect(),
            sent: 0,
            offsets: Rc::new(offsets),
            membership: membership.map(member),
            began: now,
            deadline: now + limit.as_millis() as u64,
            deciding_since: now,
            is_repeated: false,
            last: Vec::new(),
            step: if failed.is_some() { Step::Abort } else { Step::AddPartitions },
            failed,
            lasted: 0,
        });
    }
}

fn out_record(record: &Outgoing<'_>) -> OutRecord {
    OutRecord {
        key: record.key.unwrap_or_default().into(),
        value: record.value.map(Into::into),
        headers: record.headers.iter().map(|(name, value)| (name.clone(), value.clone().unwrap_or_default())).collect(),
    }
}
