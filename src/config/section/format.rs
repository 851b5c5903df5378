//! `format`: how the records of a topic are written, and the options of each format.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::config::validate::Report;
use crate::config::{mapping, nearest};
use crate::event::mapping::Mapping;
use crate::event::{Choice, Condition, Format, SegmentOptions, Stream, StripeOptions, Test};

/// The value of `format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatName {
    /// The JSON of this program.
    #[default]
    Native,
    /// Segment's tracking calls.
    Segment,
    /// Stripe's events.
    Stripe,
    /// Zendesk's events and tickets.
    Zendesk,
    /// Debezium's changes of rows.
    Debezium,
    /// `CloudEvents` around another format.
    CloudEvents,
}

impl FormatName {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Native, Self::Segment, Self::Stripe, Self::Zendesk, Self::Debezium, Self::CloudEvents];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Segment => "segment",
            Self::Stripe => "stripe",
            Self::Zendesk => "zendesk",
            Self::Debezium => "debezium",
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

    /// Why a name is no format. `mapping`: the key or option by which mappings are given.
    #[must_use]
    pub fn unknown(name: &str, mapping: &str) -> String {
        if mapping::is_shipped(name) {
            return format!("`{name}` is a mapping, not a format: give it with {mapping}");
        }
        let nearest = nearest::within_reach(name, Self::ALL.map(Self::name));
        let suggestion = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
        format!("`{name}` is not a format: must be one of {}{suggestion}", Self::ALL.map(Self::name).join(", "))
    }
}

impl<'de> Deserialize<'de> for FormatName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || {
            if mapping::is_shipped(&name) {
                D::Error::custom(Self::unknown(&name, "mapping"))
            } else {
                D::Error::unknown_variant(&name, Format::NAMES)
            }
        };
        Self::named(&name).ok_or_else(unknown)
    }
}

/// Reads `inner_format`: an envelope does not hold another one.
///
/// # Errors
/// For a name that is not a format, or is that of the envelope.
pub(super) fn inner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FormatName>, D::Error> {
    match FormatName::deserialize(deserializer)? {
        FormatName::CloudEvents => {
            Err(D::Error::custom("a cloudevents envelope does not hold another one: name the format of what is inside"))
        }
        format => Ok(Some(format)),
    }
}

/// Reports an `inner_format` of a table without an envelope around it. `formats` are those that the table's records can have.
pub(super) fn check_inner(table: &str, inner: Option<FormatName>, mut formats: impl Iterator<Item = FormatName>, report: &mut Report<'_>) {
    let is_needless = !matches!(inner, None | Some(FormatName::Native)) && !formats.any(|format| format == FormatName::CloudEvents);
    if is_needless {
        report.problem(&format!("{table}.inner_format"), NO_ENVELOPE.to_owned());
    }
}

/// What is wrong with an inner format that nothing is around.
pub const NO_ENVELOPE: &str = "is for what an envelope holds: set the format to cloudevents";

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
                if let Some(message) = mapping::unsuited(&mapping, stream) {
                    report.problem(key, message);
                }
                self.compiled = Some(mapping);
            }
            Err(problems) => problems.0.into_iter().for_each(|problem| report.add(problem)),
        }
    }
}

/// An entry of `formats`: a format for the records that fulfil a condition.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceSection {
    when: When,
    format: Option<FormatName>,
    #[serde(default, deserialize_with = "inner")]
    inner_format: Option<FormatName>,
    segment: Option<SegmentOptions>,
    stripe: Option<StripeOptions>,
    mapping: Option<MappingName>,
}

impl ChoiceSection {
    /// `format`.
    pub(super) const fn format(&self) -> Option<FormatName> {
        self.format
    }
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

/// Compiles the mapping of a table that has one.
pub(super) fn compile_mapping(
    table: &str,
    format: Option<FormatName>,
    mapping: Option<&mut MappingName>,
    stream: Stream,
    report: &mut Report<'_>,
) {
    let Some(mapping) = mapping else { return };
    let key = format!("{table}.mapping");
    // CloudEvents and Debezium may be around what a mapping describes.
    if let Some(format @ (FormatName::Segment | FormatName::Stripe | FormatName::Zendesk)) = format {
        let message = format!("{table}.format is {} already: a topic has either a format or a mapping", format.name());
        report.problem(&key, message);
    }
    mapping.compile(&key, stream, report);
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
    /// `stripe`.
    pub(super) stripe: Option<&'a StripeOptions>,
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
        Self {
            name,
            inner: self.inner.or(stream.inner),
            choices: self.choices.or(stream.choices),
            segment: self.segment.or(stream.segment),
            stripe: self.stripe.or(stream.stripe),
            mapping,
        }
    }

    /// Whether it is the format of another provider, whose topics are keyed by whatever that provider has.
    pub(super) fn is_foreign(self) -> bool {
        let has_choices = self.choices.is_some_and(|choices| !choices.is_empty());
        self.name.unwrap_or_default() != FormatName::Native || self.mapping.is_some() || has_choices
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
            FormatName::Native => self.mapping.and_then(|name| name.compiled.clone()).map_or(Format::Native, Format::Mapping),
            FormatName::Segment => Format::Segment(self.segment.cloned().unwrap_or_default()),
            FormatName::Stripe => Format::Stripe(self.stripe.cloned().unwrap_or_default()),
            FormatName::Zendesk => Format::Zendesk,
            FormatName::Debezium => Format::Debezium(Box::new(self.named(FormatName::Native))),
            FormatName::CloudEvents => {
                let inner = self.inner.filter(|inner| *inner != FormatName::CloudEvents).unwrap_or_default();
                Format::CloudEvents(Box::new(self.named(inner)))
            }
        }
    }
}

impl ChoiceSection {
    /// Compiles its mapping, and checks that it has a format or a mapping.
    pub(super) fn compile_mapping(&mut self, table: &str, stream: Stream, report: &mut Report<'_>) {
        if self.format.is_none() && self.mapping.is_none() {
            report.problem(table, "needs a format or a mapping");
        }
        compile_mapping(table, self.format, self.mapping.as_mut(), stream, report);
    }

    const fn keys(&self) -> FormatKeys<'_> {
        // Without a format of its own it has a mapping, which is read as native events.
        let name = match self.format {
            None => FormatName::Native,
            Some(name) => name,
        };
        FormatKeys {
            name: Some(name),
            inner: self.inner_format,
            choices: None,
            segment: self.segment.as_ref(),
            stripe: self.stripe.as_ref(),
            mapping: self.mapping.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_the_name_by_which_it_is_configured() {
        assert_eq!(FormatName::ALL.map(FormatName::name), *Format::NAMES);
        for name in FormatName::ALL {
            assert_eq!(FormatKeys { name: Some(name), ..FormatKeys::default() }.format().name(), name.name());
        }
    }
}
