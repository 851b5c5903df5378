//! The partitions of a thread while it reads a backlog, apart from each other.

use std::collections::BTreeMap;
use std::time::Instant;

use super::frontier::Frontier;
use super::order::Turn;
use crate::kafka::PartitionQueue;

/// The partitions of a thread while it reads a backlog; empty afterwards.
#[derive(Default)]
pub(super) struct Backlog {
    /// One for each partition.
    pub(super) lanes: Vec<Lane>,
    /// When other processes were last asked about.
    pub(super) looked_up: Option<Instant>,
}

/// One partition.
pub(super) struct Lane {
    /// The index of its topic, and its number.
    pub(super) key: (usize, i32),
    /// Where it stands.
    pub(super) turn: Turn,
    /// What has been fetched of it.
    pub(super) queue: PartitionQueue,
}

impl Backlog {
    /// Whether partitions are read in order.
    pub(super) fn is_read(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// What others may know about each partition; those that are not listed have caught up.
    pub(super) fn frontiers(&self) -> BTreeMap<(usize, i32), Frontier> {
        self.lanes.iter().map(|lane| (lane.key, lane.turn.frontier())).collect()
    }
}
