//! `[streams.<stream>]`: the input topics of each stream, and their options.

use std::sync::Arc;

use serde::Deserialize;

use super::format::{ChoiceSection, FormatKeys, FormatName, MappingName, check_inner, compile_mapping};
use super::topic::{Partitioning, StaleAfter, Topic};
use crate::config::field;
use crate::config::validate::Report;
use crate::event::{Format, SegmentOptions, Stream, StripeOptions};
use crate::time::HOUR_MS;

/// `[streams]`. Usage, billing and support are read unless their `topics` are empty; feedback and accounts only if their section is
/// present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    usage: StreamSection,
    billing: StreamSection,
    support: StreamSection,
    feedback: Option<StreamSection>,
    accounts: Option<StreamSection>,
}

/// `[streams.<stream>]`: topics, and the options of all topics that do not override them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamSection {
    #[serde(deserialize_with = "field::topic_names")]
    topics: Option<Vec<String>>,
    topic: Vec<TopicSection>,
    format: Option<FormatName>,
    #[serde(default, deserialize_with = "super::format::inner")]
    inner_format: Option<FormatName>,
    formats: Option<Vec<ChoiceSection>>,
    segment: Option<SegmentOptions>,
    stripe: Option<StripeOptions>,
    mapping: Option<MappingName>,
    partitioner: Option<Partitioning>,
    repartition: Option<bool>,
    stale_after_hours: Option<StaleAfter>,
}

/// `[[streams.<stream>.topic]]`: a topic with its own options.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSection {
    #[serde(deserialize_with = "field::topic_name")]
    name: String,
    format: Option<FormatName>,
    #[serde(default, deserialize_with = "super::format::inner")]
    inner_format: Option<FormatName>,
    formats: Option<Vec<ChoiceSection>>,
    segment: Option<SegmentOptions>,
    stripe: Option<StripeOptions>,
    mapping: Option<MappingName>,
    partitioner: Option<Partitioning>,
    repartition: Option<bool>,
}

/// The default topic of a stream, and when it is stale.
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

    /// The topics of a stream; empty if it is not configured.
    #[must_use]
    pub fn topics(&self, stream: Stream) -> Vec<Topic> {
        self.section(stream).map_or_else(Vec::new, |section| section.topics(stream))
    }

    /// The format of a stream's topics, unless they have one of their own; `name` and `inner` replace what is configured.
    #[must_use]
    pub fn format(&self, stream: Stream, name: Option<FormatName>, inner: Option<FormatName>) -> Arc<Format> {
        let keys = self.section(stream).map(StreamSection::format_keys).unwrap_or_default();
        let choices = keys.choices.filter(|_| name.is_none());
        let mapping = keys.mapping.filter(|_| name.is_none());
        FormatKeys { name: name.or(keys.name), inner: inner.or(keys.inner), choices, mapping, ..keys }.format()
    }

    /// Reads and compiles all mappings.
    pub(in crate::config) fn compile_mappings(&mut self, report: &mut Report<'_>) {
        for stream in Stream::ALL {
            let section = match stream {
                Stream::Usage => Some(&mut self.usage),
                Stream::Billing => Some(&mut self.billing),
                Stream::Support => Some(&mut self.support),
                Stream::Feedback => self.feedback.as_mut(),
                Stream::Accounts => self.accounts.as_mut(),
            };
            if let Some(section) = section {
                section.compile_mappings(stream, report);
            }
        }
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

    /// A stream without records for this long is stale, ms; `None` means never.
    #[must_use]
    pub fn stale_after_ms(&self, stream: Stream) -> Option<i64> {
        match self.section(stream).and_then(|section| section.stale_after_hours).unwrap_or(defaults(stream).1) {
            StaleAfter::Hours(hours) => Some(hours * HOUR_MS),
            StaleAfter::Never => None,
        }
    }

    /// Checks that there is a topic, and that no topic is used twice. `outputs`: the topics that the program writes, with their keys.
    pub(in crate::config) fn validate<'o>(&self, outputs: impl IntoIterator<Item = (&'o str, String)>, report: &mut Report<'_>) {
        let inputs =
            Stream::ALL.into_iter().flat_map(|stream| self.section(stream).into_iter().flat_map(move |section| section.places(stream)));
        let mut known: Vec<(String, String)> = Vec::new();
        for (key, name) in outputs.into_iter().map(|(key, name)| (key.to_owned(), name)).chain(inputs) {
            match known.iter().find(|(_, topic)| *topic == name) {
                Some((other, _)) => report.problem_of_either([&key, other], format!("topic `{name}` is used by both {other} and {key}")),
                None => known.push((key, name)),
            }
        }
        let topics = self.all_topics();
        let custom = topics.iter().find(|topic| !topic.repartition && topic.partitioner == Partitioning::Custom);
        if let Some(custom) = custom.filter(|_| topics.iter().any(|topic| topic.repartition)) {
            let (name, stream) = (&custom.name, custom.stream.name());
            let message = format!(
                "topic `{name}` has a custom partitioner, by which the repartition stage cannot place accounts: set repartition = true for it as well"
            );
            report.problem(&format!("streams.{stream}"), message);
        }
        if Stream::ALL.into_iter().all(|stream| !self.is_configured(stream)) {
            report.problem("streams", "no stream has a topic: there is nothing to read");
        }
    }
}

fn compile_choices(table: &str, choices: Option<&mut Vec<ChoiceSection>>, stream: Stream, report: &mut Report<'_>) {
    for (at, choice) in choices.into_iter().flatten().enumerate() {
        choice.compile_mapping(&format!("{table}.formats[{at}]"), stream, report);
    }
}

impl TopicSection {
    fn format_keys(&self) -> FormatKeys<'_> {
        FormatKeys {
            name: self.format,
            inner: self.inner_format,
            choices: self.formats.as_deref(),
            segment: self.segment.as_ref(),
            stripe: self.stripe.as_ref(),
            mapping: self.mapping.as_ref(),
        }
    }
}

impl StreamSection {
    fn format_keys(&self) -> FormatKeys<'_> {
        FormatKeys {
            name: self.format,
            inner: self.inner_format,
            choices: self.formats.as_deref(),
            segment: self.segment.as_ref(),
            stripe: self.stripe.as_ref(),
            mapping: self.mapping.as_ref(),
        }
    }

    fn compile_mappings(&mut self, stream: Stream, report: &mut Report<'_>) {
        let section = format!("streams.{}", stream.name());
        compile_mapping(&section, self.format, self.mapping.as_mut(), stream, report);
        compile_choices(&section, self.formats.as_mut(), stream, report);
        let own: Vec<FormatName> = self.formats_of(None, None).collect();
        let of_topics = self.topic.iter().flat_map(|topic| self.formats_of(topic.format, topic.formats.as_deref()));
        check_inner(&section, self.inner_format, own.into_iter().chain(of_topics), report);
        for (at, topic) in self.topic.iter().enumerate() {
            let formats = self.formats_of(topic.format, topic.formats.as_deref());
            check_inner(&format!("{section}.topic[{at}]"), topic.inner_format, formats, report);
        }
        for (at, topic) in self.topic.iter_mut().enumerate() {
            let table = format!("{section}.topic[{at}]");
            compile_mapping(&table, topic.format, topic.mapping.as_mut(), stream, report);
            compile_choices(&table, topic.formats.as_mut(), stream, report);
        }
    }

    /// The formats that records of a topic with these keys can have.
    fn formats_of<'a>(&'a self, own: Option<FormatName>, choices: Option<&'a [ChoiceSection]>) -> impl Iterator<Item = FormatName> + 'a {
        let otherwise = own.or(self.format);
        let choices = choices.or(self.formats.as_deref()).unwrap_or_default();
        choices.iter().filter_map(ChoiceSection::format).chain(otherwise)
    }

    fn topics(&self, stream: Stream) -> Vec<Topic> {
        let plain = TopicSection {
            name: String::new(),
            format: None,
            inner_format: None,
            formats: None,
            segment: None,
            stripe: None,
            mapping: None,
            partitioner: None,
            repartition: None,
        };
        let resolve = |name: &str, own: &TopicSection| Topic {
            name: name.to_owned(),
            stream,
            format: own.format_keys().or(self.format_keys()).format(),
            partitioner: own.partitioner.or(self.partitioner).unwrap_or_default(),
            repartition: own.repartition.or(self.repartition).unwrap_or_else(|| own.format_keys().or(self.format_keys()).is_foreign()),
        };
        let listed = self.listed(stream);
        listed.iter().map(|name| resolve(name, &plain)).chain(self.topic.iter().map(|own| resolve(&own.name, own))).collect()
    }

    /// `topics`, or the default topic if neither `topics` nor a table is present.
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
