//! Where the stage reads on: the committed offsets of its group, checked against the logs.

use std::collections::BTreeMap;

use crate::clock::monotonic;
use crate::config::section::Start;
use crate::kafka::{Consumer, Inspector, wait};
use crate::stream::failure::Failure;
use crate::stream::machine::offsets::{self, Known, Permits, Resolved};

/// A topic partition.
pub(super) type Place = (String, i32);

/// The committed offsets of the group; partitions without one are left out.
pub(super) fn committed(reader: &Consumer, places: &[Place], step: impl Fn()) -> Result<BTreeMap<Place, i64>, Failure> {
    Ok(committed_notes(reader, places, step)?.into_iter().map(|(place, (next, _))| (place, next)).collect())
}

/// The same, with what was noted with each. As long as an open transaction is about to move one, the broker answers with an error. `step` is
/// called between attempts.
pub(super) fn committed_notes(reader: &Consumer, places: &[Place], step: impl Fn()) -> Result<BTreeMap<Place, (i64, String)>, Failure> {
    let began = monotonic();
    loop {
        step();
        let partitions = places.iter().map(|(topic, partition)| (topic.as_str(), *partition));
        match reader.committed_notes(partitions, wait::REQUEST) {
            Ok(offsets) => {
                return Ok(offsets.into_iter().filter_map(|(topic, partition, next)| Some(((topic, partition), next?))).collect());
            }
            Err(error) if wait::is_over(&error, wait::OUTAGE, began) => {
                return Err(Failure::kafka("reading the committed offsets of the repartition stage", &error));
            }
            Err(error) => tracing::debug!(%error, "the offsets of the repartition stage are not stable yet"),
        }
        reader.pass_on_logs();
        drop(reader.poll(wait::STEP));
    }
}

/// Where to read on. A partition without a committed offset starts where `kafka.start` says; if its topic has been read before, it has
/// been added since, and every record in it is new.
pub(super) fn resolve(
    place: &Place,
    group: Option<i64>,
    is_known_topic: bool,
    inspector: &Inspector,
    permits: Permits,
) -> Result<Resolved, Failure> {
    let (topic, partition) = (place.0.as_str(), place.1);
    let (log_start, log_end) = inspector.watermarks(topic, partition)?;
    let start = if is_known_topic { Start::Earliest } else { permits.start };
    // Nothing but the group's offset tells what was read, so it stands for the stamp as well.
    let known = Known { group, stamp: group, log_start, log_end };
    offsets::resolve(topic, partition, &known, Permits { start, ..permits })
}
