//! `format`: how the records of a topic are written, and the options of each format.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::event::{Format, SegmentOptions};

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

/// The keys of a topic that concern its format: its own, else those of its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FormatKeys<'a> {
    /// `format`.
    pub(super) name: Option<FormatName>,
    /// `segment`.
    pub(super) segment: Option<&'a SegmentOptions>,
}

impl FormatKeys<'_> {
    /// These keys, completed from those of the stream.
    pub(super) fn or(self, stream: Self) -> Self {
        Self { name: self.name.or(stream.name), segment: self.segment.or(stream.segment) }
    }

    /// The format that they describe.
    pub(super) fn format(self) -> Arc<Format> {
        Arc::new(match self.name.unwrap_or_default() {
            FormatName::Native => Format::Native,
            FormatName::Segment => Format::Segment(self.segment.cloned().unwrap_or_default()),
        })
    }
}
