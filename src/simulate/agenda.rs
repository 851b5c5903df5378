//! The planned actions of one account, soonest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::action::Action;
use crate::time::Timestamp;

/// A queue of actions by time; ties stay in planning order.
#[derive(Debug, Default)]
pub struct Agenda {
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u32,
}

impl Agenda {
    /// Plans an action.
    pub fn add(&mut self, at: Timestamp, action: Action) {
        self.queue.push(Reverse(Planned { at, order: self.planned, action }));
        self.planned = self.planned.wrapping_add(1);
    }

    /// The time of the next action.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.peek().map(|Reverse(planned)| planned.at)
    }

    /// Takes the next action.
    pub fn pop(&mut self) -> Option<(Timestamp, Action)> {
        self.queue.pop().map(|Reverse(planned)| (planned.at, planned.action))
    }
}

#[derive(Debug)]
struct Planned {
    at: Timestamp,
    order: u32,
    action: Action,
}

impl Planned {
    const fn rank(&self) -> (Timestamp, u32) {
        (self.at, self.order)
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Planned {}
