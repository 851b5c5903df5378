//! The stage as a whole: what its threads share, decided once at the start.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::frontier::Frontiers;
use super::positions::{Place, committed_notes};
use super::reset::written;
use super::router::Router;
use super::table::SharedAliases;
use crate::clock::monotonic;
use crate::kafka::{Consumer, Inspector, Offset, Record, TopicId, Visitor, read_to_end, wait};
use crate::partitioner::Partitioner;
use crate::stream::failure::Failure;
use crate::stream::machine::offsets::Permits;
use crate::stream::options::{InputTopic, Options};
use crate::stream::preflight::{Inputs, stamps};
use crate::telemetry::Metrics;

/// What the threads of the stage share.
#[derive(Debug)]
pub(in crate::stream) struct Stage {
    /// The topics that it reads, sorted by name.
    pub(super) topics: Vec<InputTopic>,
    /// Decides what becomes of a record.
    pub(super) router: Router,
    /// `None` without an accounts stream.
    pub(super) aliases: Option<Arc<SharedAliases>>,
    /// Topics of which the group had read something at the start.
    known_topics: BTreeSet<String>,
    /// The ids of the topics, where the broker has ids.
    topic_ids: BTreeMap<String, TopicId>,
    /// Partitions that have been started: a permit of the operator holds for one start only.
    started: Mutex<BTreeSet<Place>>,
    /// How far the partitions have been read.
    pub(super) frontiers: Frontiers,
}

impl Stage {
    /// Looks up the group's offsets; `None` if no topic is to be repartitioned. The internal topic must exist.
    ///
    /// # Errors
    /// If the cluster does not answer, or the group has lost its offsets.
    pub(in crate::stream) fn prepare(
        options: &Options,
        inputs: &Inputs,
        inspector: &Inspector,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let topics: Vec<InputTopic> = options.repartitioned().cloned().collect();
        if topics.is_empty() {
            return Ok(None);
        }
        let reader = Consumer::new(&options.properties.reader(&options.repartition_group()))?;
        let mut read = Vec::new();
        for topic in &topics {
            let count = inspector.partitions_in_time(&topic.name, wait::KNOWN_TOPIC)?.unwrap_or_default();
            read.extend((0..count).map(|partition| ((topic.name.clone(), partition), topic.stream)));
        }
        let places: Vec<Place> = read.iter().map(|(place, _)| place.clone()).collect();
        // In this order: another instance may commit its first transaction in the meantime, records and offsets at once.
        let was_written = was_written(&options.repartition_topic(), inputs.partitions, &reader, inspector)?;
        let committed = committed_notes(&reader, &places, || ())?;
        if committed.values().any(|(_, note)| note.is_empty()) {
            check_not_moved(options, &reader, inspector, &places)?;
        }
        let known_topics: BTreeSet<String> = committed.into_keys().map(|(topic, _)| topic).collect();
        if known_topics.is_empty() && was_written {
            let (group, topic) = (options.repartition_group(), options.repartition_topic());
            let remedy = "`churnwatch topics reset` moves the group behind what it has written, with all instances stopped";
            return Err(Failure::RepartitionOffsetsMissing { group, topic, remedy });
        }
        let router = router(options, inputs)?;
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        tracing::info!(topics = ?names, partitions = inputs.partitions, partitioner = router.partitioner.name(), "repartition stage");
        let table = || Arc::new(SharedAliases::new(options.settings.limits.aliases, Some(Arc::clone(metrics))));
        let aliases = options.resolves_aliases().then(table);
        let topic_ids = inputs.ids.repartitioned.clone();
        let frontiers = Frontiers::new(read, monotonic());
        Ok(Some(Arc::new(Self { topics, router, aliases, known_topics, topic_ids, started: Mutex::default(), frontiers })))
    }

    /// The index of a topic in [`Self::topics`].
    pub(super) fn index(&self, topic: &str) -> Option<usize> {
        self.topics.iter().position(|input| input.name == topic)
    }

    /// The id of a topic, if the broker has ids.
    pub(super) fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.topic_ids.get(topic).copied()
    }

    /// Whether the group had read something of a topic when the process started.
    pub(super) fn is_known(&self, topic: &str) -> bool {
        self.known_topics.contains(topic)
    }

    /// What is permitted when a partition is started now.
    pub(super) fn permits(&self, place: &Place, given: Permits) -> Permits {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if started.contains(place) { Permits::none(given.start) } else { given }
    }

    /// These partitions have been committed, so their start is over.
    pub(super) fn started<'p>(&self, places: impl Iterator<Item = &'p Place>) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).extend(places.cloned());
    }

    /// The table of aliases, to be filled by a follower of the accounts topics; `None` without an accounts stream.
    pub(in crate::stream) fn accounts(&self) -> Option<Arc<SharedAliases>> {
        self.aliases.clone()
    }

    /// The same for the threads that read records.
    pub(super) fn table(&self) -> Option<&SharedAliases> {
        self.aliases.as_deref()
    }

    /// Whether records may be resolved.
    pub(super) fn is_ready(&self) -> bool {
        self.aliases.as_deref().is_none_or(SharedAliases::is_complete)
    }
}

/// What decides where events go.
pub(super) fn router(options: &Options, inputs: &Inputs) -> Result<Router, Failure> {
    Ok(Router {
        context: options.settings.decode_context(),
        partitioner: partitioner(options, inputs)?,
        partitions: inputs.partitions,
        value_bytes_max: options.settings.limits.record_bytes.min(options.properties.message_max_bytes() / 2),
    })
}

/// The partitioner of the topics beside the internal one, or the one that the state was built with; else the Java client's.
fn partitioner(options: &Options, inputs: &Inputs) -> Result<Partitioner, Failure> {
    let Some(sampled) = inputs.partitioning else { return Ok(Partitioner::Murmur2) };
    if let Some(established) = sampled.established() {
        return Ok(established);
    }
    let reader = Consumer::new(&options.properties.reader(&options.application))?;
    let stamps = stamps::newest(&reader, &options.changelog_topic(), inputs.partitions)?;
    let stamped = stamps.values().find_map(|stamp| stamp.basis.as_ref()?.partitioner);
    Ok(stamped.or_else(|| sampled.candidates.iter().next()).unwrap_or(Partitioner::Murmur2))
}

/// Refuses to go on if the group has been moved behind what the stage has written. The stage notes something with each offset; one without a
/// note is from elsewhere, or from a version that noted nothing.
fn check_not_moved(options: &Options, reader: &Consumer, inspector: &Inspector, places: &[Place]) -> Result<(), Failure> {
    // In this order: another instance that runs may commit in the meantime, records and offsets at once.
    let written = written(options, reader, inspector)?;
    for (place, (committed, note)) in committed_notes(reader, places, || ())? {
        if let Some(written) = written.get(&place).filter(|written| note.is_empty() && **written > committed) {
            let (group, written, (topic, partition)) = (options.repartition_group(), *written, place);
            return Err(Failure::RepartitionOffsetsMoved { group, topic, partition, committed, written });
        }
    }
    Ok(())
}

/// Whether a transaction has ever been committed to the internal topic.
fn was_written(topic: &str, partitions: i32, reader: &Consumer, inspector: &Inspector) -> Result<bool, Failure> {
    for partition in 0..partitions {
        if inspector.watermarks(topic, partition)?.0 > 0 {
            return Ok(true);
        }
    }
    let mut any = Any(false);
    read_to_end(reader, (0..partitions).map(|partition| (topic, partition, Offset::Beginning)), &mut any)?;
    Ok(any.0)
}

/// Whether there is a record.
struct Any(bool);

impl Visitor for Any {
    type Error = Failure;

    fn record(&mut self, _record: Record<'_>) -> Result<ControlFlow<()>, Failure> {
        self.0 = true;
        Ok(ControlFlow::Break(()))
    }
}
