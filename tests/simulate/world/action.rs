//! What happens at points in time, in order.

use crate::broker::{Answer, Request};
use crate::process::Actor;

/// Something that happens at a point in time.
#[derive(Debug)]
pub(super) enum Action {
    Wake(usize, Actor, u64),
    Arrive(usize, Actor, u64, Request, bool),
    Answered(usize, Actor, u64, Answer),
    Broken(usize, Actor, u64),
    Heartbeat(usize),
    /// The group gives up on a member of which it has heard nothing.
    Session(usize, u64),
    /// A consumer that has reached no broker gives up its assignment by itself.
    LocalLoss(usize),
    Join(usize),
    Sync(usize, i32),
    RebalanceLimit(i32),
    Mark(usize),
    Sweep,
    Load,
    Fault(usize),
    Start(usize, Option<String>),
    /// A place is filled again, unless it has been meanwhile.
    Refill(usize, Option<String>),
}

/// An action, when it happens, and its place among all that are planned, which orders those of the same ms.
pub(super) struct Planned(pub u64, pub u64, pub Action);

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}
