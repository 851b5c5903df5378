//! The company's own costs. They belong to no account, so each task keeps those that it reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::CostCategory;
use crate::time::{DAY_MS, Timestamp};

/// Maximum number of costs kept; beyond, the oldest is dropped.
const MAX_COSTS: usize = 50_000;
/// Retention of a cost, days: longer than any KPI period.
const KEPT_DAYS: i64 = 100;
/// Maximum number of segments named by costs.
const MAX_SEGMENTS: usize = 1_000;
/// Maximum bytes of their names, because the stamp holds them in one changelog record. Those that sort first are kept, whatever the order of
/// arrival.
const MAX_SEGMENT_BYTES: usize = 128 * 1024;

/// One cost in minor units of the reporting currency.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CostEntry {
    /// Event time.
    pub at: Timestamp,
    /// Acquisition or retention.
    pub category: CostCategory,
    /// Minor units of the reporting currency.
    pub minor: i64,
    /// The segment it was spent on, if named.
    pub segment: Option<Box<str>>,
}

/// Costs by their number in the changelog.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    entries: BTreeMap<u64, CostEntry>,
    by_time: BTreeSet<(Timestamp, u64)>,
    /// Every (category, segment) that a cost ever named.
    named: BTreeSet<(u8, Box<str>)>,
    next: u64,
}

impl Costs {
    /// Adds a cost and returns its number, and whether too many segments are named.
    pub(crate) fn push(&mut self, entry: CostEntry) -> (u64, bool) {
        let named = entry.segment.as_ref().map(|segment| (entry.category as u8, segment.clone()));
        let crowded = named.is_some_and(|named| self.name(named));
        let number = self.next;
        self.put(number, entry);
        (number, crowded)
    }

    /// Restores a cost under its number.
    pub(crate) fn put(&mut self, number: u64, entry: CostEntry) {
        self.next = self.next.max(number + 1);
        self.by_time.insert((entry.at, number));
        self.entries.insert(number, entry);
    }

    /// Notes that a cost names a segment; returns whether one had to be left out.
    fn name(&mut self, named: (u8, Box<str>)) -> bool {
        if !self.named.insert(named) {
            return false;
        }
        let mut crowded = false;
        let bytes = |named: &BTreeSet<(u8, Box<str>)>| named.iter().map(|(_, segment)| segment.len()).sum::<usize>();
        while self.named.len() > MAX_SEGMENTS || bytes(&self.named) > MAX_SEGMENT_BYTES {
            self.named.pop_last();
            crowded = true;
        }
        crowded
    }

    /// Removes one cost that is expired or beyond the maximum; returns its number, and whether the maximum was the reason.
    pub(crate) fn pop_expired(&mut self, newest: Timestamp) -> Option<(u64, bool)> {
        let (at, number) = self.by_time.first().copied()?;
        let crowded = self.by_time.len() > MAX_COSTS;
        if !crowded && newest.since(at) <= KEPT_DAYS * DAY_MS {
            return None;
        }
        self.remove(number);
        Some((number, crowded))
    }

    pub(crate) fn remove(&mut self, number: u64) {
        if let Some(entry) = self.entries.remove(&number) {
            self.by_time.remove(&(entry.at, number));
        }
    }

    pub(crate) fn get(&self, number: u64) -> Option<&CostEntry> {
        self.entries.get(&number)
    }

    /// The costs of `(from, to]`.
    pub fn within(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &CostEntry> {
        self.entries.values().filter(move |entry| entry.at > from && entry.at <= to)
    }

    /// Segments that a cost ever named; a segment named in both categories is repeated.
    pub fn segments_named(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(_, segment)| &**segment)
    }

    pub(crate) fn named(&self) -> &BTreeSet<(u8, Box<str>)> {
        &self.named
    }

    pub(crate) fn set_named(&mut self, named: BTreeSet<(u8, Box<str>)>) {
        for named in named {
            self.name(named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_named_by_costs_are_few_and_short_in_any_order_of_arrival() {
        let cost = |n: u32| {
            let segment = Some(format!("{n:04}{}", "x".repeat(n as usize % 4_000)).into());
            CostEntry { at: Timestamp(0), category: CostCategory::Acquisition, minor: 1, segment }
        };
        let (mut ascending, mut descending) = (Costs::default(), Costs::default());
        let crowded = (0..1_500).filter(|n| ascending.push(cost(*n)).1).count();
        let crowded_too = (0..1_500).rev().filter(|n| descending.push(cost(*n)).1).count();
        assert_eq!(ascending.named(), descending.named());
        assert!(crowded > 0 && crowded_too > 0 && ascending.segments_named().map(str::len).sum::<usize>() <= MAX_SEGMENT_BYTES);
    }
}
