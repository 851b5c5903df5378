//! `[streams.<stream>]`: the input topics of each stream, and how they are read.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::config::field;
use crate::config::validate::Report;
use crate::event::Stream;
use crate::partitioner::Partitioner;
use crate::time::HOUR_MS;

/// `[streams]`. Usage, billing and support are read unless their `topics` are empty; feedback and accounts where their section is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    usage: StreamSection,
    billing: StreamSection,
    support: StreamSection,
    feedback: Option<StreamSection>,
    accounts: Option<StreamSection>,
}

/// `[streams.<stream>]`: topics, and what holds for all of them that do not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamSection {
    #[serde(deserialize_with = "field::topic_names")]
    topics: Option<Vec<String>>,
    topic: Vec<TopicSection>,
    format: Option<Format>,
    partitioner: Option<Partitioning>,
    #[serde(deserialize_with = "repartition")]
    repartition: Option<bool>,
    stale_after_hours: Option<StaleAfter>,
}

/// `[[streams.<stream>.topic]]`: a topic that differs from the others of its stream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSection {
    #[serde(deserialize_with = "field::topic_name")]
    name: String,
    format: Option<Format>,
    partitioner: Option<Partitioning>,
    #[serde(default, deserialize_with = "repartition")]
    repartition: Option<bool>,
}

/// An input topic with everything that holds for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The stream that it carries.
    pub stream: Stream,
    /// What its records are.
    pub format: Format,
    /// How its producers choose partitions.
    pub partitioner: Partitioning,
}

/// What the records of a topic are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The JSON of this program.
    #[default]
    Native,
}

/// What is known of how the producers of a topic choose the partition of a keyed record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioning {
    /// Nothing: it is found out from a sample of records.
    #[default]
    Auto,
    /// Their partitioner.
    By(Partitioner),
    /// The user vouches that equal keys are in equal partition numbers of every topic.
    Custom,
}

/// When a stream without records is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleAfter {
    /// After so many hours.
    Hours(i64),
    /// Never.
    Never,
}

/// Where nothing is written: the topic of a stream and when it is stale.
const fn defaults(stream: Stream) -> (&'static str, StaleAfter) {
    match stream {
        Stream::Usage => ("product-usage", StaleAfter::Hours(24)),
        Stream::Billing => ("billing", StaleAfter::Hours(168)),
        Stream::Support => ("support-tickets", StaleAfter::Hours(168)),
        Stream::Feedback => ("customer-feedback", StaleAfter::Never),
        Stream::Accounts => ("account-profiles", StaleAfter::Never),
    }
}

impl Streams {
    const fn section(&self, stream: Stream) -> Option<&StreamSection> {
        match stream {
            Stream::Usage => Some(&self.usage),
            Stream::Billing => Some(&self.billing),
            Stream::Support => Some(&self.support),
            Stream::Feedback => self.feedback.as_ref(),
            Stream::Accounts => self.accounts.as_ref(),
        }
    }

    /// The topics of a stream; none where it is not configured.
    #[must_use]
    pub fn topics(&self, stream: Stream) -> Vec<Topic> {
        self.section(stream).map_or_else(Vec::new, |section| section.topics(stream))
    }

    /// The topics of all streams.
    #[must_use]
    pub fn all_topics(&self) -> Vec<Topic> {
        Stream::ALL.into_iter().flat_map(|stream| self.topics(stream)).collect()
    }

    /// Whether a stream has a topic.
    #[must_use]
    pub fn is_configured(&self, stream: Stream) -> bool {
        !self.topics(stream).is_empty()
    }

    /// A stream without a record for this long is stale, ms; `None`: never.
    #[must_use]
    pub fn stale_after_ms(&self, stream: Stream) -> Option<i64> {
        match self.section(stream).and_then(|section| section.stale_after_hours).unwrap_or(defaults(stream).1) {
            StaleAfter::Hours(hours) => Some(hours * HOUR_MS),
            StaleAfter::Never => None,
        }
    }

    /// Checks that no topic is named twice, and that there is one. `outputs` are topics that the program writes, with their keys.
    pub(in crate::config) fn validate<'o>(&self, outputs: impl IntoIterator<Item = (&'o str, String)>, report: &mut Report<'_>) {
        let inputs =
            Stream::ALL.into_iter().flat_map(|stream| self.section(stream).into_iter().flat_map(move |section| section.places(stream)));
        let mut known: Vec<(String, String)> = Vec::new();
        for (key, name) in outputs.into_iter().map(|(key, name)| (key.to_owned(), name)).chain(inputs) {
            match known.iter().find(|(_, topic)| *topic == name) {
                Some((other, _)) => report.problem_of_either([&key, other], format!("topic `{name}` is named by {other} and {key}")),
                None => known.push((key, name)),
            }
        }
        if Stream::ALL.into_iter().all(|stream| !self.is_configured(stream)) {
            report.problem("streams", "no stream has a topic: there is nothing to read");
        }
    }
}

impl StreamSection {
    fn topics(&self, stream: Stream) -> Vec<Topic> {
        let plain = TopicSection { name: String::new(), format: None, partitioner: None, repartition: None };
        let resolve = |name: &str, own: &TopicSection| Topic {
            name: name.to_owned(),
            stream,
            format: own.format.or(self.format).unwrap_or_default(),
            partitioner: own.partitioner.or(self.partitioner).unwrap_or_default(),
        };
        let listed = self.listed(stream);
        listed.iter().map(|name| resolve(name, &plain)).chain(self.topic.iter().map(|own| resolve(&own.name, own))).collect()
    }

    /// `topics`; where neither it nor a table is there, the default.
    fn listed(&self, stream: Stream) -> Vec<String> {
        match &self.topics {
            Some(topics) => topics.clone(),
            None if self.topic.is_empty() => vec![defaults(stream).0.to_owned()],
            None => Vec::new(),
        }
    }

    /// Every topic with the key that names it.
    fn places(&self, stream: Stream) -> Vec<(String, String)> {
        let name = stream.name();
        let listed = self.listed(stream).into_iter().enumerate().map(|(at, topic)| (format!("streams.{name}.topics[{at}]"), topic));
        let tables = self.topic.iter().enumerate().map(|(at, topic)| (format!("streams.{name}.topic[{at}].name"), topic.name.clone()));
        listed.chain(tables).collect()
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &["native"];
        const PLANNED: [&str; 5] = ["segment", "stripe", "zendesk", "cloudevents", "debezium"];
        match String::deserialize(deserializer)?.as_str() {
            "native" => Ok(Self::Native),
            name if PLANNED.contains(&name) => Err(D::Error::custom(format!(
                "`{name}` is not in this version, only `native` is: write native events from this topic to another"
            ))),
            name => Err(D::Error::unknown_variant(name, NAMES)),
        }
    }
}

impl<'de> Deserialize<'de> for Partitioning {
    /// Reads the names of this program, and those of librdkafka: what differs for records without key does not matter here.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &["auto", "murmur2", "crc32", "fnv1a", "custom"];
        match String::deserialize(deserializer)?.as_str() {
            "auto" => Ok(Self::Auto),
            "murmur2" | "murmur2_random" => Ok(Self::By(Partitioner::Murmur2)),
            "crc32" | "consistent" | "consistent_random" => Ok(Self::By(Partitioner::Crc32)),
            "fnv1a" | "fnv1a_random" => Ok(Self::By(Partitioner::Fnv1a)),
            "custom" => Ok(Self::Custom),
            name => Err(D::Error::unknown_variant(name, NAMES)),
        }
    }
}

/// Only `false` until there is a repartition stage.
fn repartition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    if bool::deserialize(deserializer)? {
        return Err(D::Error::custom("`true` is not in this version: the topic must be keyed by account"));
    }
    Ok(Some(false))
}

/// Longest time before a stream is stale, hours.
const STALE_HOURS_MAX: i64 = 8_760;

impl<'de> Deserialize<'de> for StaleAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HoursOrNever;
        impl Visitor<'_> for HoursOrNever {
            type Value = StaleAfter;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "1 to {STALE_HOURS_MAX} hours, or \"never\"")
            }

            fn visit_i64<E: Error>(self, hours: i64) -> Result<StaleAfter, E> {
                let within = (1..=STALE_HOURS_MAX).contains(&hours);
                if within { Ok(StaleAfter::Hours(hours)) } else { Err(E::invalid_value(serde::de::Unexpected::Signed(hours), &self)) }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<StaleAfter, E> {
                if text == "never" { Ok(StaleAfter::Never) } else { Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(HoursOrNever)
    }
}
