//! The newest stamp of each task, without restoring any.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::kafka::{Consumer, Offset, Record, Visitor, read_to_end, wait};
use crate::stream::failure::Failure;
use crate::stream::machine::stamp::{self, Stamp};

/// Every transaction ends with a stamp, so most are found within this many offsets of the end. Transactions can be larger or aborted; the
/// tail is then extended by [`FACTOR`], up to the whole log.
const TAIL: i64 = 1_000;
const FACTOR: i64 = 100;

/// The newest stamp of each task that has one.
pub(in crate::stream) fn newest(reader: &Consumer, changelog: &str, tasks: i32) -> Result<BTreeMap<i32, Stamp>, Failure> {
    let mut newest = NewestStamps { changelog, stamps: BTreeMap::new() };
    let (mut left, mut tail) = ((0..tasks).collect::<Vec<_>>(), TAIL);
    while !left.is_empty() {
        let mut begins = BTreeMap::new();
        for task in &left {
            let failed = |error| Failure::kafka(format!("asking for the end of {changelog} [{task}]"), &error);
            let ask = |limit| reader.stable_watermarks(changelog, *task, limit);
            // Polling an idle reader doubles as the pause.
            let (log_start, end) = wait::patiently(wait::OUTAGE, || drop(reader.poll(wait::STEP)), ask).map_err(failed)?;
            begins.insert(*task, (log_start, log_start.max(end.saturating_sub(tail))));
        }
        read_to_end(reader, begins.iter().map(|(task, (_, begin))| (changelog, *task, Offset::Offset(*begin))), &mut newest)?;
        left.retain(|task| !newest.stamps.contains_key(task) && begins.get(task).is_some_and(|(log_start, begin)| begin > log_start));
        tail = tail.saturating_mul(FACTOR);
    }
    Ok(newest.stamps)
}

struct NewestStamps<'a> {
    changelog: &'a str,
    stamps: BTreeMap<i32, Stamp>,
}

impl Visitor for NewestStamps<'_> {
    type Error = Failure;

    fn record(&mut self, record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        if let (Some(stamp::KEY), Some(value)) = (record.key, record.value) {
            let unreadable = |error| Failure::StateUnreadable { topic: self.changelog.to_owned(), partition: record.partition, error };
            self.stamps.insert(record.partition, Stamp::decode(value).map_err(unreadable)?);
        }
        Ok(ControlFlow::Continue(()))
    }
}
