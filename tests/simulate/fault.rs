//! The deck of faults: what goes wrong, when, and for how long; drawn from the seed before the run begins.

use std::fmt;

use crate::broker::Topic;
use crate::load::{ACCOUNTS, BILLING, USAGE};
use crate::process::RequestFault;
use crate::random::Random;
use crate::run::TASKS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process is killed after this many steps of its threads.
    Kill(u64),
    /// A process is suspended for this long, then goes on.
    Pause(u64),
    /// A process is cut off from the brokers for this long.
    Cut(u64),
    /// Something happens to the next request to add offsets to a transaction, or to commit it.
    Request(Decision, RequestFault),
    /// The transaction coordinator does not answer for this long.
    Coordinator(u64),
    /// Neither does that of the group.
    Group(u64),
    /// The disk is full for this long.
    Disk(u64),
    /// A partition has no leader for this long.
    Leader(Topic, usize, u64),
    /// A burst of bad records, and from then on each record that is written takes the brokers this long.
    Slow(u64),
    /// The changelogs are compacted.
    Compact,
    /// The clock of a process jumps by so many ms.
    Clock(i64),
    /// A second process is started with the name of another.
    Namesake,
    /// A process is cut off for this long, and one with its name is started meanwhile.
    Replace(u64),
    /// A process is shut down in good order, and another one started.
    Stop,
    /// The markers of transactions are written this late.
    Markers(u64),
}

/// A request by which a transaction takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Offsets,
    Commit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub at: u64,
    pub slot: usize,
    pub kind: Kind,
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:>6} ms, instance {}: {:?}", self.at, self.slot, self.kind)
    }
}

/// A kind of fault, drawn from a range of its own.
type Draw = fn(&mut Random) -> Kind;

/// What to draw, and how often in proportion to the others.
const WEIGHTS: [(u64, Draw); 11] = [
    (18, |random| Kind::Kill(random.within(0..60))),
    (1, |random| Kind::Pause(random.within(1_000..25_000))),
    (1, |random| Kind::Cut(random.within(500..20_000))),
    (2, request),
    (1, |random| Kind::Coordinator(random.within(100..14_000))),
    (1, |random| Kind::Group(random.within(100..14_000))),
    (1, |random| Kind::Disk(random.within(100..14_000))),
    (2, leader),
    (1, |_| Kind::Compact),
    (1, |random| Kind::Replace(random.within(3_000..25_000))),
    (1, rare),
];

fn request(random: &mut Random) -> Kind {
    let decision = if random.once_in(2) { Decision::Offsets } else { Decision::Commit };
    let fault = match random.within(0..5) {
        0 => RequestFault::Lost,
        1 => RequestFault::AnswerLost,
        2 => RequestFault::Late(random.within(100..4_000)),
        3 => RequestFault::Held,
        _ => RequestFault::Silent(random.within(5_000..20_000)),
    };
    Kind::Request(decision, fault)
}

fn leader(random: &mut Random) -> Kind {
    let topics = [Topic::Input(ACCOUNTS), Topic::Input(BILLING), Topic::Input(USAGE), Topic::Changelog, Topic::Changes, Topic::DeadLetters];
    let topic = topics[random.within(0..topics.len() as u64) as usize];
    let is_whole = matches!(topic, Topic::Changes | Topic::DeadLetters);
    let partition = if is_whole { 0 } else { random.within(0..TASKS as u64) as usize };
    Kind::Leader(topic, partition, random.within(100..14_000))
}

fn rare(random: &mut Random) -> Kind {
    match random.within(0..5) {
        0 => Kind::Clock(random.within(0..6_000_000) as i64 - 3_000_000),
        1 => Kind::Namesake,
        2 => Kind::Stop,
        3 => Kind::Slow(random.within(50..80)),
        _ => Kind::Markers(random.within(100..8_000)),
    }
}

fn draw(random: &mut Random) -> Kind {
    let mut place = random.within(0..WEIGHTS.iter().map(|(weight, _)| weight).sum());
    for (weight, draw) in WEIGHTS {
        if place < weight {
            return draw(random);
        }
        place -= weight;
    }
    unreachable!("the place is below the sum of the weights")
}

/// The faults of a run, in order of time.
pub fn deck(random: &mut Random, count: usize, until: u64, slots: usize) -> Vec<Fault> {
    let fault = |_| {
        let kind = draw(random);
        Fault { at: random.within(0..until), slot: random.within(0..slots as u64) as usize, kind }
    };
    let mut deck: Vec<Fault> = (0..count).map(fault).collect();
    deck.sort_by_key(|fault| fault.at);
    deck
}
