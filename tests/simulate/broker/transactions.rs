//! The transaction coordinator: transactional ids, epochs, and the transactions that they have open.
//!
//! What it claims about Kafka, and the test on a real broker that shows it, is listed in docs/reliability.md.

use std::collections::BTreeMap;

use super::{Answer, OffsetPlace, Topic};

/// How long a transaction may stay open.
pub const TIMEOUT: u64 = 10_000;

/// A producer: its place among the transactional ids, and the epoch that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    pub id: usize,
    pub epoch: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Empty {
        /// How the last one ended.
        committed: Option<bool>,
    },
    Ongoing {
        transaction: u32,
        since: u64,
    },
    /// The decision is written, the markers are not.
    Ending {
        transaction: u32,
        commits: bool,
    },
}

#[derive(Debug)]
pub struct Transactional {
    pub name: String,
    pub epoch: u32,
    pub state: State,
    /// Whether a transaction has been open for too long.
    pub has_expired: bool,
    pub partitions: Vec<(Topic, usize)>,
    /// Those whose marker is still to be written.
    pub unmarked: Vec<(Topic, usize)>,
    /// Offsets whose marker is written, until all are.
    pub written: BTreeMap<OffsetPlace, i64>,
    /// Offsets that take effect with the commit, unless later ones have by then.
    pub offsets: BTreeMap<OffsetPlace, i64>,
    /// When these offsets arrived, as a place in the order of all that arrive.
    pub offsets_order: u64,
    /// The last batch that each partition has taken from this epoch, so that a repeated one is not written twice.
    pub batches: BTreeMap<(Topic, usize), u64>,
}

impl Transactional {
    fn decide(&mut self, transaction: u32, commits: bool) {
        self.unmarked.clone_from(&self.partitions);
        self.state = State::Ending { transaction, commits };
    }
}

#[derive(Debug, Default)]
pub struct Transactions {
    pub all: Vec<Transactional>,
    next: u32,
}

impl Transactions {
    /// Ends what an earlier producer with this name has left open, and fences it.
    pub fn init(&mut self, name: &str) -> Answer {
        let id = self.all.iter().position(|known| known.name == name).unwrap_or_else(|| {
            let state = State::Empty { committed: None };
            let (offsets, written) = (BTreeMap::new(), BTreeMap::new());
            let (partitions, unmarked, batches) = (Vec::new(), Vec::new(), BTreeMap::new());
            let name = name.to_owned();
            self.all.push(Transactional {
                name,
                epoch: 0,
                state,
                has_expired: false,
                partitions,
                unmarked,
                written,
                offsets,
                offsets_order: 0,
                batches,
            });
            self.all.len() - 1
        });
        let known = &mut self.all[id];
        match known.state {
            State::Ongoing { transaction, .. } => {
                known.epoch += 1;
                known.decide(transaction, false);
                Answer::Retry
            }
            State::Ending { .. } => Answer::Retry,
            State::Empty { .. } => {
                known.epoch += 1;
                known.batches.clear();
                Answer::Producer(Producer { id, epoch: known.epoch })
            }
        }
    }

    /// The transaction of a producer, if its epoch is current.
    pub fn of(&mut self, producer: Producer) -> Result<&mut Transactional, Answer> {
        let known = &mut self.all[producer.id];
        if known.epoch == producer.epoch { Ok(known) } else { Err(Answer::Fenced("producer epoch".to_owned())) }
    }

    /// Adds partitions to the transaction, which begins with the first.
    pub fn add_partitions(&mut self, producer: Producer, partitions: &[(Topic, usize)], now: u64) -> Answer {
        let transaction = self.next + 1;
        let known = match self.of(producer) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        match known.state {
            State::Ending { .. } => return Answer::Retry,
            State::Ongoing { .. } => {}
            State::Empty { .. } => {
                known.state = State::Ongoing { transaction, since: now };
                known.partitions.clear();
                known.offsets.clear();
            }
        }
        for partition in partitions {
            if !known.partitions.contains(partition) {
                known.partitions.push(*partition);
            }
        }
        self.next = transaction;
        Answer::Done
    }

    /// Decides a transaction; the markers follow.
    pub fn end(&mut self, producer: Producer, commits: bool) -> Answer {
        let known = match self.of(producer) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        match known.state {
            State::Ongoing { transaction, .. } => {
                known.decide(transaction, commits);
                Answer::Done
            }
            State::Ending { commits: decided, .. } if decided == commits => Answer::Done,
            State::Empty { committed } if committed == Some(commits) => Answer::Done,
            State::Ending { .. } | State::Empty { .. } => Answer::Fatal("invalid transaction state".to_owned()),
        }
    }

    /// Ends what has been open for too long, and fences its producer.
    pub fn expire(&mut self, now: u64) {
        for known in &mut self.all {
            if let State::Ongoing { transaction, since } = known.state
                && now >= since + TIMEOUT
            {
                known.epoch += 1;
                known.has_expired = true;
                known.decide(transaction, false);
            }
        }
    }

    /// The oldest transaction that has not ended.
    pub fn oldest_open(&self) -> Option<u32> {
        let open = |known: &Transactional| match known.state {
            State::Ongoing { transaction, .. } | State::Ending { transaction, .. } => Some(transaction),
            State::Empty { .. } => None,
        };
        self.all.iter().filter_map(open).min()
    }

    /// Whether an open transaction is about to move one of these offsets.
    pub fn moves(&self, is_asked: impl Fn(&OffsetPlace) -> bool) -> bool {
        let open = self.all.iter().filter(|known| !matches!(known.state, State::Empty { .. }));
        open.flat_map(|known| known.offsets.keys()).any(is_asked)
    }
}
