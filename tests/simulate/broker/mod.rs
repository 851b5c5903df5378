//! The model of the brokers: what each request does, and how it is answered.

pub mod group;
pub mod log;
pub mod transactions;

use std::collections::BTreeMap;
use std::rc::Rc;

use group::Group;
use log::Log;
use transactions::{Producer, State, Transactions};

/// The topics. Inputs come first, in the order of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Input(usize),
    Changelog,
    Changes,
    DeadLetters,
}

/// An input partition: the index of its topic, and its number.
pub type OffsetPlace = (usize, usize);

/// A record on its way to a partition.
#[derive(Clone)]
pub struct OutRecord {
    pub key: Rc<[u8]>,
    pub value: Option<Rc<[u8]>>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl std::fmt::Debug for OutRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.key.len() + self.value.as_ref().map_or(0, |value| value.len()))
    }
}

#[derive(Clone, Debug)]
pub enum Request {
    Init(String),
    AddPartitions(Producer, Vec<(Topic, usize)>),
    /// The number of the batch tells a repeated one from a new one.
    Produce(Producer, (Topic, usize), u64, Rc<Vec<OutRecord>>),
    Offsets {
        producer: Producer,
        offsets: Rc<Vec<(OffsetPlace, i64)>>,
        membership: Option<(i32, u64)>,
        name: Option<String>,
    },
    End(Producer, bool),
    FindOffsets(Vec<usize>),
    FindEnd(usize),
    FindStableEnd(usize),
    FindLimits(usize),
    FindName(String),
}

#[derive(Clone, Debug)]
pub enum Answer {
    Done,
    Producer(Producer),
    /// The offset of the last record.
    Produced(usize),
    Offsets(BTreeMap<OffsetPlace, i64>),
    Unstable,
    End(usize),
    Limits {
        inputs: Vec<(i64, i64)>,
        changelog_start: i64,
    },
    Member(Option<u64>),
    /// Try again soon.
    Retry,
    /// The transaction must be aborted.
    Refused(String),
    Fenced(String),
    Fatal(String),
}

/// A transaction that was committed.
pub struct Committed {
    pub transaction: u32,
    pub partitions: Vec<(Topic, usize)>,
    pub offsets: BTreeMap<OffsetPlace, i64>,
}

pub struct Broker {
    pub inputs: usize,
    pub logs: BTreeMap<(Topic, usize), Log>,
    pub transactions: Transactions,
    pub group: Group,
    pub committed: BTreeMap<OffsetPlace, i64>,
    /// The order of the offsets that are committed.
    orders: BTreeMap<OffsetPlace, u64>,
    /// How many times offsets have arrived.
    arrived: u64,
    /// Until when each of these does not answer: the transaction coordinator, the group's, and the disk.
    pub coordinator_back: u64,
    pub group_back: u64,
    pub disk_back: u64,
    /// The same for the leader of a partition.
    pub leaders_back: BTreeMap<(Topic, usize), u64>,
    /// How long each record that is written takes, ms.
    pub slowness: u64,
}

impl Broker {
    pub fn new(inputs: usize, tasks: usize) -> Self {
        let mut logs = BTreeMap::new();
        for task in 0..tasks {
            logs.insert((Topic::Changelog, task), Log::default());
            for input in 0..inputs {
                logs.insert((Topic::Input(input), task), Log::default());
            }
        }
        logs.insert((Topic::Changes, 0), Log::default());
        logs.insert((Topic::DeadLetters, 0), Log::default());
        Self {
            inputs,
            logs,
            transactions: Transactions::default(),
            group: Group::default(),
            committed: BTreeMap::new(),
            orders: BTreeMap::new(),
            arrived: 0,
            coordinator_back: 0,
            group_back: 0,
            disk_back: 0,
            leaders_back: BTreeMap::new(),
            slowness: 0,
        }
    }

    pub fn log(&self, topic: Topic, partition: usize) -> &Log {
        &self.logs[&(topic, partition)]
    }

    pub fn log_mut(&mut self, topic: Topic, partition: usize) -> &mut Log {
        self.logs.get_mut(&(topic, partition)).unwrap()
    }

    /// Whether a partition can be neither read nor written.
    pub fn is_leaderless(&self, place: (Topic, usize), now: u64) -> bool {
        self.leaders_back.get(&place).is_some_and(|back| now < *back)
    }

    /// How long the brokers need for a request, ms.
    pub fn duration(&self, request: &Request) -> u64 {
        if let Request::Produce(.., records) = request { self.slowness * records.len() as u64 } else { 0 }
    }

    /// A request has arrived.
    pub fn handle(&mut self, request: &Request, now: u64) -> Answer {
        let is_down = match request {
            Request::Init(_) | Request::AddPartitions(..) | Request::End(..) => now < self.coordinator_back,
            Request::Offsets { .. } | Request::FindOffsets(_) | Request::FindName(_) => now < self.group_back,
            Request::Produce(_, place, ..) => now < self.disk_back || self.is_leaderless(*place, now),
            Request::FindEnd(task) | Request::FindStableEnd(task) => self.is_leaderless((Topic::Changelog, *task), now),
            Request::FindLimits(task) => {
                let inputs = (0..self.inputs).map(Topic::Input);
                inputs.chain([Topic::Changelog]).any(|topic| self.is_leaderless((topic, *task), now))
            }
        };
        if is_down {
            return Answer::Retry;
        }
        self.transactions.expire(now);
        match request {
            Request::Init(name) => self.transactions.init(name),
            Request::AddPartitions(producer, partitions) => self.transactions.add_partitions(*producer, partitions, now),
            Request::Produce(producer, partition, batch, records) => self.produce(*producer, *partition, *batch, records),
            Request::Offsets { producer, offsets, membership, name } => self.add_offsets(*producer, offsets, *membership, name.as_deref()),
            Request::End(producer, commits) => self.transactions.end(*producer, *commits),
            Request::FindOffsets(tasks) => self.find_offsets(tasks),
            Request::FindEnd(task) => Answer::End(self.log(Topic::Changelog, *task).end()),
            Request::FindStableEnd(task) => Answer::End(self.log(Topic::Changelog, *task).stable_end()),
            Request::FindLimits(task) => self.find_limits(*task),
            Request::FindName(name) => {
                Answer::Member(self.group.members.iter().find(|member| member.name.as_ref() == Some(name)).map(|member| member.id))
            }
        }
    }

    fn produce(&mut self, producer: Producer, partition: (Topic, usize), batch: u64, records: &[OutRecord]) -> Answer {
        let known = match self.transactions.of(producer) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        let State::Ongoing { transaction, .. } = known.state else { return Answer::Refused("no transaction".to_owned()) };
        if !known.partitions.contains(&partition) {
            return Answer::Refused("not in the transaction".to_owned());
        }
        let log = self.logs.get_mut(&partition).unwrap();
        if known.batches.get(&partition).is_some_and(|last| *last >= batch) {
            return Answer::Produced(log.end().saturating_sub(1));
        }
        known.batches.insert(partition, batch);
        for record in records {
            log.append(Rc::clone(&record.key), record.value.clone(), record.headers.clone(), transaction);
        }
        Answer::Produced(log.end() - 1)
    }

    fn add_offsets(
        &mut self,
        producer: Producer,
        offsets: &[(OffsetPlace, i64)],
        membership: Option<(i32, u64)>,
        name: Option<&str>,
    ) -> Answer {
        let known = match self.transactions.of(producer) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        if !matches!(known.state, State::Ongoing { .. }) {
            return Answer::Refused("no transaction".to_owned());
        }
        if let Err(answer) = self.group.check(membership, name) {
            return answer;
        }
        self.arrived += 1;
        known.offsets_order = self.arrived;
        known.offsets.extend(offsets.iter().copied());
        Answer::Done
    }

    fn find_offsets(&self, tasks: &[usize]) -> Answer {
        if self.transactions.moves(|(_, partition)| tasks.contains(partition)) {
            return Answer::Unstable;
        }
        Answer::Offsets(
            self.committed.iter().filter(|((_, partition), _)| tasks.contains(partition)).map(|(at, next)| (*at, *next)).collect(),
        )
    }

    fn find_limits(&self, task: usize) -> Answer {
        let limits = |input| {
            let log = self.log(Topic::Input(input), task);
            (log.start as i64, log.end() as i64)
        };
        Answer::Limits { inputs: (0..self.inputs).map(limits).collect(), changelog_start: self.log(Topic::Changelog, task).start as i64 }
    }

    /// The transactions whose end is decided but not yet marked.
    pub fn ending(&self) -> Vec<usize> {
        let all = self.transactions.all.iter().enumerate();
        all.filter(|(_, known)| matches!(known.state, State::Ending { .. })).map(|(id, _)| id).collect()
    }

    /// Writes one of the markers of a transaction, the one at this place among those that are left; the offsets come last among them. Returns
    /// what was committed once all are written.
    pub fn write_marker(&mut self, id: usize, place: usize) -> Option<Committed> {
        let known = &mut self.transactions.all[id];
        let State::Ending { transaction, commits } = known.state else { return None };
        if place < known.unmarked.len() {
            let partition = known.unmarked.remove(place);
            self.logs.get_mut(&partition).unwrap().mark(transaction, commits);
        } else {
            let offsets = std::mem::take(&mut known.offsets);
            for (place, next) in offsets.iter().filter(|_| commits) {
                // Offsets count in the order in which they were sent, not in that of the markers.
                if self.orders.get(place).is_none_or(|order| *order < known.offsets_order) {
                    self.orders.insert(*place, known.offsets_order);
                    self.committed.insert(*place, *next);
                }
            }
            known.written = offsets;
        }
        if !known.unmarked.is_empty() || !known.offsets.is_empty() {
            return None;
        }
        known.state = State::Empty { committed: Some(commits) };
        let (partitions, offsets) = (std::mem::take(&mut known.partitions), std::mem::take(&mut known.written));
        commits.then_some(Committed { transaction, partitions, offsets })
    }

    /// How many markers of a transaction are left.
    pub fn unmarked(&self, id: usize) -> usize {
        let known = &self.transactions.all[id];
        known.unmarked.len() + usize::from(!known.offsets.is_empty())
    }

    /// Whether a transaction is open anywhere.
    pub fn has_open(&self) -> bool {
        self.logs.values().any(Log::has_open) || self.transactions.all.iter().any(|known| !matches!(known.state, State::Empty { .. }))
    }
}
