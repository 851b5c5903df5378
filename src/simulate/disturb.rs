//! What goes wrong on the way to the topic: duplicate, late and broken records. No good record is lost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::options::Disturbance;
use super::random::Random;
use super::record::SimulatedRecord;
use crate::time::{MINUTE_MS, Timestamp};

/// Maximum number of records held back; beyond, the earliest is sent.
const HELD_MAX: usize = 65_536;

/// Disturbs the records of another iterator. Seeded; the new times ascend.
#[derive(Debug)]
pub struct Disturb<I> {
    inner: I,
    disturbance: Disturbance,
    random: Random,
    held: BinaryHeap<Reverse<Held>>,
    order: u64,
    /// No future record is sent before this.
    reached: Option<Timestamp>,
    sent: Timestamp,
}

impl<I: Iterator<Item = SimulatedRecord>> Disturb<I> {
    /// Disturbs `inner`, which must be in time order.
    pub fn new(inner: I, disturbance: Disturbance, seed: u64) -> Self {
        let random = Random::new(seed, u64::MAX);
        Self { inner, disturbance, random, held: BinaryHeap::new(), order: 0, reached: Some(Timestamp::MIN), sent: Timestamp::MIN }
    }

    fn hold(&mut self, record: SimulatedRecord, delay: i64) {
        let at = record.at.plus(delay);
        self.held.push(Reverse(Held { at, order: self.order, record: SimulatedRecord { at, ..record } }));
        self.order += 1;
    }

    fn take_in(&mut self, record: SimulatedRecord) {
        self.reached = Some(record.at);
        let Disturbance { duplicates, disorder_ms, bad } = self.disturbance;
        let delay = self.random.between(0, disorder_ms);
        if self.random.chance(duplicates) {
            let again = delay + self.random.between(0, disorder_ms.max(MINUTE_MS));
            self.hold(record.clone(), again);
        }
        if self.random.chance(bad) {
            let broken = SimulatedRecord { json: self.broken(&record), ..record.clone() };
            self.hold(broken, delay);
        }
        self.hold(record, delay);
    }

    /// An invalid value: truncated, not an object, or without a type.
    fn broken(&mut self, record: &SimulatedRecord) -> String {
        match self.random.between(0, 2) {
            0 => record.json.chars().take(record.json.len() / 2).collect(),
            1 => "[]".to_owned(),
            _ => format!(r#"{{"account_id":"{}"}}"#, record.account),
        }
    }
}

impl<I: Iterator<Item = SimulatedRecord>> Iterator for Disturb<I> {
    type Item = SimulatedRecord;

    fn next(&mut self) -> Option<SimulatedRecord> {
        while let Some(reached) = self.reached {
            let due = self.held.peek().is_some_and(|Reverse(first)| first.at < reached);
            if due || self.held.len() >= HELD_MAX {
                break;
            }
            match self.inner.next() {
                Some(record) => self.take_in(record),
                None => self.reached = None,
            }
        }
        let Reverse(Held { record, .. }) = self.held.pop()?;
        self.sent = self.sent.max(record.at);
        Some(SimulatedRecord { at: self.sent, ..record })
    }
}

#[derive(Debug)]
struct Held {
    at: Timestamp,
    order: u64,
    record: SimulatedRecord,
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Held {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Generator, Options};

    fn run(disturbance: Disturbance) -> Vec<SimulatedRecord> {
        let options = Options { accounts: 4, days: 30, ..Options::default() };
        Disturb::new(Generator::new(&options), disturbance, 9).collect()
    }

    fn sorted(records: &[SimulatedRecord]) -> Vec<&str> {
        let mut all: Vec<&str> = records.iter().map(|record| record.json.as_str()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn without_disturbance_nothing_changes() {
        let options = Options { accounts: 4, days: 30, ..Options::default() };
        assert!(Generator::new(&options).eq(run(Disturbance::default())));
    }

    #[test]
    fn disorder_changes_only_the_order() {
        let (plain, disturbed) = (run(Disturbance::default()), run(Disturbance { disorder_ms: 600_000, ..Disturbance::default() }));
        assert_ne!(plain, disturbed);
        assert_eq!(sorted(&plain), sorted(&disturbed));
        assert!(disturbed.is_sorted_by_key(|record| record.at));
    }

    #[test]
    fn duplicates_and_bad_records_are_added_and_no_good_one_is_lost() {
        let plain = run(Disturbance::default());
        let disturbed = run(Disturbance { duplicates: 0.1, bad: 0.1, ..Disturbance::default() });
        let mut distinct = sorted(&disturbed);
        distinct.dedup();
        let good = sorted(&plain);
        assert!(good.iter().all(|json| distinct.binary_search(json).is_ok()));
        let added = disturbed.len() - plain.len();
        assert!((plain.len() / 10..plain.len() * 3 / 10).contains(&added), "{added} of {}", plain.len());
    }
}
