//! `format`: how the records of a topic are written, and the options of each format.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::config::mapping;
use crate::config::validate::Report;
use crate::event::mapping::Mapping;
use crate::event::{Format, SegmentOptions, Stream};

/// The value of `format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatName {
    /// The JSON of this program.
    #[default]
    Native,
    /// Segment's tracking calls.
    Segment,
}

impl FormatName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Native, Self::Segment];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Segment => "segment",
        }
    }

    /// Looks up a format by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            // RudderStack sends the same calls.
            "rudderstack" => Some(Self::Segment),
            name => Self::ALL.into_iter().find(|format| format.name() == name),
        }
    }
}

impl<'de> Deserialize<'de> for FormatName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &["native", "segment"];
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, NAMES))
    }
}

/// The value of `mapping`: a shipped mapping, or the path of a file; compiled once the whole configuration has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingName {
    written: String,
    compiled: Option<Mapping>,
}

impl<'de> Deserialize<'de> for MappingName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { written: String::deserialize(deserializer)?, compiled: None })
    }
}

impl MappingName {
    /// Reads and compiles the mapping that the key names, and checks that it suits the stream.
    pub(super) fn compile(&mut self, key: &str, stream: Stream, report: &mut Report<'_>) {
        match mapping::named(&self.written, report.origin(key), key) {
            Ok(mapping) => {
                let events = &mapping.rules().events;
                if !events.iter().any(|event| event.target.stream == stream) {
                    let names: Vec<&str> = events.iter().map(|event| event.target.name).collect();
                    let message = format!("makes no event of the {} stream, only {}", stream.name(), names.join(", "));
                    report.problem(key, message);
                }
                self.compiled = Some(mapping);
            }
            Err(problems) => problems.0.into_iter().for_each(|problem| report.add(problem)),
        }
    }
}

/// The keys of a topic that concern its format: its own, else those of its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FormatKeys<'a> {
    /// `format`.
    pub(super) name: Option<FormatName>,
    /// `segment`.
    pub(super) segment: Option<&'a SegmentOptions>,
    /// `mapping`.
    pub(super) mapping: Option<&'a MappingName>,
}

impl FormatKeys<'_> {
    /// These keys, completed from those of the stream.
    pub(super) fn or(self, stream: Self) -> Self {
        // A format and a mapping exclude each other, so the topic's own of either replaces both of the stream.
        let (name, mapping) = match (self.name, self.mapping) {
            (None, None) => (stream.name, stream.mapping),
            own => own,
        };
        Self { name, segment: self.segment.or(stream.segment), mapping }
    }

    /// The format that they describe.
    pub(super) fn format(self) -> Arc<Format> {
        let mapping = self.mapping.and_then(|name| name.compiled.clone());
        Arc::new(match (self.name.unwrap_or_default(), mapping) {
            (FormatName::Native, Some(mapping)) => Format::Mapping(mapping),
            (FormatName::Native, None) => Format::Native,
            (FormatName::Segment, _) => Format::Segment(self.segment.cloned().unwrap_or_default()),
        })
    }
}
