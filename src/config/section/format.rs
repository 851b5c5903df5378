//! `format`: how the records of a topic are written, and the options of each format.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::event::{Choice, Condition, Format, SegmentOptions, Test};

/// The value of `format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatName {
    /// The JSON of this program.
    #[default]
    Native,
    /// Segment's tracking calls.
    Segment,
    /// `CloudEvents` around another format.
    CloudEvents,
}

impl FormatName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Segment, Self::CloudEvents];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Segment => "segment",
            Self::CloudEvents => "cloudevents",
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
        const NAMES: &[&str] = &["native", "segment", "cloudevents"];
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, NAMES))
    }
}

/// An entry of `formats`: a format for the records that fulfil a condition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceSection {
    when: When,
    format: FormatName,
    inner_format: Option<FormatName>,
    segment: Option<SegmentOptions>,
}

/// `when`: what a header or a field must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WhenSection")]
struct When(Condition);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenSection {
    header: Option<String>,
    field: Option<String>,
    equals: Option<String>,
    starts_with: Option<String>,
}

impl TryFrom<WhenSection> for When {
    type Error = &'static str;

    fn try_from(section: WhenSection) -> Result<Self, Self::Error> {
        let test = match (section.equals, section.starts_with) {
            (None, None) => Test::Present,
            (Some(text), None) => Test::Equals(text),
            (None, Some(start)) => Test::StartsWith(start),
            (Some(_), Some(_)) => return Err("needs `equals` or `starts_with`, not both"),
        };
        match (section.header, section.field) {
            (Some(name), None) => Ok(Self(Condition::Header(name, test))),
            (None, Some(path)) => Ok(Self(Condition::Field(path, test))),
            _ => Err("needs either `header` or `field`"),
        }
    }
}

/// The keys of a topic that concern its format: its own, else those of its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FormatKeys<'a> {
    /// `format`.
    pub(super) name: Option<FormatName>,
    /// `inner_format`.
    pub(super) inner: Option<FormatName>,
    /// `formats`.
    pub(super) choices: Option<&'a [ChoiceSection]>,
    /// `segment`.
    pub(super) segment: Option<&'a SegmentOptions>,
}

impl FormatKeys<'_> {
    /// These keys, completed from those of the stream.
    pub(super) fn or(self, stream: Self) -> Self {
        Self {
            name: self.name.or(stream.name),
            inner: self.inner.or(stream.inner),
            choices: self.choices.or(stream.choices),
            segment: self.segment.or(stream.segment),
        }
    }

    /// The format that they describe.
    pub(super) fn format(self) -> Arc<Format> {
        let otherwise = self.single();
        let choices = self.choices.unwrap_or_default();
        if choices.is_empty() {
            return Arc::new(otherwise);
        }
        let formats =
            choices.iter().map(|choice| (choice.when.0.clone(), choice.keys().or(Self { choices: None, ..self }).single())).collect();
        Arc::new(Format::Choice(Box::new(Choice { formats, otherwise })))
    }

    fn single(self) -> Format {
        self.named(self.name.unwrap_or_default())
    }

    fn named(self, name: FormatName) -> Format {
        match name {
            FormatName::Native => Format::Native,
            FormatName::Segment => Format::Segment(self.segment.cloned().unwrap_or_default()),
            FormatName::CloudEvents => {
                let inner = self.inner.filter(|inner| *inner != FormatName::CloudEvents).unwrap_or_default();
                Format::CloudEvents(Box::new(self.named(inner)))
            }
        }
    }
}

impl ChoiceSection {
    const fn keys(&self) -> FormatKeys<'_> {
        FormatKeys { name: Some(self.format), inner: self.inner_format, choices: None, segment: self.segment.as_ref() }
    }
}
