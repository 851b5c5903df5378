//! What a state is based on besides its records: the identity of its topics, the partitioner of their keys, and the settings that its
//! figures are expressed in. The stamp keeps it, and a process that finds another basis refuses to continue the state.

use super::live_keys::KeyDigest;
use super::stamp::{Basis, Stamp, StampedInput};
use crate::fault;
use crate::kafka::TopicId;
use crate::partitioner::{Candidates, Partitioner};
use crate::settings::Settings;
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;

impl Basis {
    /// The basis on which the state of this stamp is continued. What the stamp does not know yet, because it has none, comes from an
    /// earlier version, or was written when nothing was certain, is taken from what was found at the start.
    ///
    /// # Errors
    /// If something that the stamp knows has changed.
    pub(in crate::stream) fn continuing(stamp: Option<&Stamp>, inputs: &Inputs, settings: &Settings) -> Result<Self, Failure> {
        let stamped = stamp.and_then(|stamp| stamp.basis.as_ref());
        stamp.map_or(Ok(()), |stamp| same_partitions(stamp, inputs))?;
        let topic_ids = inputs.topics.iter().enumerate().map(|(index, topic)| {
            let known = stamp.and_then(|stamp| stamp.topic_id(&topic.name));
            same_topic(&topic.name, known, inputs.ids.inputs.get(index).copied().flatten())
        });
        let topic_ids = topic_ids.collect::<Result<_, _>>()?;
        let currency = settings.money.rates.reporting();
        Ok(Self {
            topic_ids,
            currency: unchanged("money.reporting_currency", stamped.map(|basis| basis.currency.as_str()), currency.code())?,
            zone: unchanged("time.reporting_time_zone", stamped.map(|basis| basis.zone.as_str()), settings.zone.name())?,
            partitioner: same_partitioner(stamped.and_then(|basis| basis.partitioner), inputs)?,
            keys: KeyDigest::default(),
        })
    }

    /// The partitioners by which an account may be in a partition; `None` if that is not checked.
    pub(in crate::stream) fn candidates(&self, inputs: &Inputs) -> Option<Candidates> {
        inputs.partitioning.map(|sampled| self.partitioner.map_or(sampled.candidates, Candidates::only))
    }
}

fn same_partitions(stamp: &Stamp, inputs: &Inputs) -> Result<(), Failure> {
    let changed = |stamped: &&StampedInput| stamped.partitions != inputs.partitions && inputs.index(&stamped.topic).is_some();
    stamp.inputs.iter().find(changed).map_or(Ok(()), |stamped| {
        let (topic, expected, found) = (stamped.topic.clone(), stamped.partitions, inputs.partitions);
        Err(Failure::PartitionCountChanged { topic, expected, found })
    })
}

/// The id that a topic keeps.
fn same_topic(topic: &str, known: Option<TopicId>, found: Option<TopicId>) -> Result<Option<TopicId>, Failure> {
    match (known, found) {
        (Some(expected), Some(found)) if expected != found && !fault::is_mutant("topic-id-not-compared") => {
            Err(Failure::TopicReplaced { topic: topic.to_owned(), expected, found })
        }
        _ => Ok(known.or(found)),
    }
}

fn unchanged(key: &'static str, stamped: Option<&str>, now: &str) -> Result<String, Failure> {
    match stamped {
        Some(expected) if expected != now => Err(Failure::MeaningChanged { key, expected: expected.to_owned(), found: now.to_owned() }),
        _ => Ok(now.to_owned()),
    }
}

/// The established partitioner. A handful of keys that contradict it are strays, whose records become dead letters.
fn same_partitioner(stamped: Option<Partitioner>, inputs: &Inputs) -> Result<Option<Partitioner>, Failure> {
    let Some(sampled) = inputs.partitioning else { return Ok(stamped) };
    match stamped {
        Some(expected) if sampled.certain && sampled.candidates.iter().all(|candidate| candidate != expected) => {
            Err(Failure::PartitionerChanged { expected: expected.name(), found: sampled.candidates.names() })
        }
        stamped => Ok(stamped.or(sampled.established())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::section::Partitioning;
    use crate::event::Stream;
    use crate::money::{Currency, Rates};
    use crate::stream::inputs::{SampledPartitioning, TopicIds};
    use crate::stream::options::{InputTopic, Route};
    use crate::time::Zone;

    fn id(number: i64) -> Option<TopicId> {
        TopicId::of(0, number)
    }

    fn inputs(id: Option<TopicId>, partitioning: Option<SampledPartitioning>) -> Inputs {
        let topic = InputTopic {
            name: "billing".to_owned(),
            stream: Stream::Billing,
            partitioning: Partitioning::Auto,
            format: std::sync::Arc::default(),
            route: Route::Direct,
        };
        Inputs { topics: vec![topic], partitions: 4, partitioning, ids: TopicIds { inputs: vec![id], ..TopicIds::default() } }
    }

    fn sampled(candidates: Candidates, certain: bool) -> SampledPartitioning {
        SampledPartitioning { candidates, certain }
    }

    fn stamp(basis: Option<Basis>) -> Stamp {
        let input = StampedInput { topic: "billing".to_owned(), partitions: 4, next: 7 };
        Stamp { inputs: vec![input], engine: Vec::new(), basis }
    }

    fn continued(stamp: &Stamp, inputs: &Inputs) -> Result<Basis, &'static str> {
        Basis::continuing(Some(stamp), inputs, &Settings::default()).map_err(|failure| failure.code())
    }

    /// The basis of a new state.
    fn new(inputs: &Inputs) -> Basis {
        Basis::continuing(None, inputs, &Settings::default()).unwrap()
    }

    #[test]
    fn a_stamp_never_takes_another_topic_id_but_takes_its_first() {
        let known = stamp(Some(new(&inputs(id(1), None))));
        assert_eq!(continued(&known, &inputs(id(2), None)), Err("topic_recreated"));
        assert_eq!(continued(&known, &inputs(None, None)).unwrap().topic_ids, [id(1)], "a broker that does not answer");
        for unknown in [stamp(None), stamp(Some(new(&inputs(None, None))))] {
            assert_eq!(continued(&unknown, &inputs(id(2), None)).unwrap().topic_ids, [id(2)]);
        }
    }

    #[test]
    fn a_changed_partition_count_is_refused() {
        let more = Inputs { partitions: 5, ..inputs(None, None) };
        assert_eq!(continued(&stamp(None), &more), Err("partition_count_changed"));
    }

    #[test]
    fn another_currency_or_time_zone_is_refused_with_both_values_and_the_way_back() {
        let inputs = inputs(None, None);
        let stamp = stamp(Some(new(&inputs)));
        let mut settings = Settings::default();
        settings.money.rates = Rates::new(Currency::parse("EUR").unwrap(), Vec::new());
        let failure = Basis::continuing(Some(&stamp), &inputs, &settings).unwrap_err();
        assert_eq!(failure.code(), "meaning_changed");
        let text = failure.to_string();
        assert!(text.starts_with("money.reporting_currency is EUR, but the state was built with USD"), "{text}");
        assert!(text.contains("set money.reporting_currency back to USD, or start over with a new application.id"), "{text}");
        let settings = Settings { zone: Zone::named("Europe/Berlin").unwrap(), ..Settings::default() };
        let text = Basis::continuing(Some(&stamp), &inputs, &settings).unwrap_err().to_string();
        assert!(text.starts_with("time.reporting_time_zone is Europe/Berlin, but the state was built with UTC"), "{text}");
    }

    #[test]
    fn an_established_partitioner_is_kept_when_the_topics_no_longer_show_it() {
        let crc32 = Candidates::only(Partitioner::Crc32);
        let known = stamp(Some(new(&inputs(None, Some(sampled(crc32, true))))));
        for found in [Some(sampled(Candidates::ANY, false)), Some(sampled(Candidates::only(Partitioner::Murmur2), false))] {
            let inputs = inputs(None, found);
            assert_eq!(continued(&known, &inputs).unwrap().candidates(&inputs), Some(crc32));
        }
        let unchecked = inputs(None, None);
        let basis = continued(&known, &unchecked).unwrap();
        assert_eq!((basis.partitioner, basis.candidates(&unchecked)), (Some(Partitioner::Crc32), None));
    }

    #[test]
    fn keys_that_contradict_the_established_partitioner_are_refused() {
        let by = |partitioner| inputs(None, Some(sampled(Candidates::only(partitioner), true)));
        let known = stamp(Some(new(&by(Partitioner::Crc32))));
        assert_eq!(continued(&known, &by(Partitioner::Murmur2)), Err("partitioner_changed"));
    }

    #[test]
    fn a_guess_from_a_few_keys_is_not_established() {
        let guessed = inputs(None, Some(sampled(Candidates::only(Partitioner::Murmur2), false)));
        let basis = new(&guessed);
        assert_eq!((basis.partitioner, basis.candidates(&guessed)), (None, Some(Candidates::only(Partitioner::Murmur2))));
    }
}
