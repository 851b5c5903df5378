//! Recognises what bytes are if they are not an event of their stream, so that messages can name the cause and a remedy.
//!
//! It is a guess from the shape alone, used in messages only. It names formats, providers and event types of the contract, and never quotes
//! the bytes. `value` looks at one record, `file` at the start of a file of lines, `provider` at the event envelopes of other vendors.

mod file;
mod provider;
mod value;

use std::fmt;

use super::{Format, Stream};

/// What something looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but white space.
    Empty,
    /// Data of a compression format, by its name.
    Compressed(&'static str),
    /// Another binary or text format, by its name.
    Format(&'static str),
    /// Framed for a schema registry, and not JSON.
    Framed,
    /// Rows of separated values.
    Csv,
    /// A JSON array.
    Array,
    /// A JSON object over several lines of a file.
    PrettyPrinted,
    /// JSON inside a JSON string.
    Quoted,
    /// Events of another provider, by its name.
    Provider(&'static str),
    /// An event of another stream, by its type.
    OtherStream(Stream, &'static str),
    /// An object whose `type` no stream knows.
    UnknownType,
    /// An object without `type`.
    Untyped,
}

/// Where the bytes come from, which decides what can be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of lines.
    File,
    /// A Kafka topic.
    Topic,
}

impl Shape {
    /// The providers that are recognised and have a shipped mapping of this name.
    pub const MAPPED: [&str; 11] =
        ["amplitude", "chargebee", "freshdesk", "hubspot", "intercom", "jira", "lago", "mixpanel", "paddle", "posthog", "recurly"];

    /// The shape of one value that is not an event of `stream`; `None` if it looks like one, or like nothing in particular.
    #[must_use]
    pub fn of_value(value: &[u8], stream: Stream) -> Option<Self> {
        value::shape(value, stream)
    }

    /// The shape of a file of lines, from its first kilobytes.
    #[must_use]
    pub fn of_file(head: &[u8], stream: Stream) -> Option<Self> {
        file::shape(head, stream)
    }

    /// `CloudEvents` in binary mode, which only the names of the headers show.
    #[must_use]
    pub fn of_headers<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Self> {
        names.any(|name| name == "ce_specversion").then_some(Self::Provider("CloudEvents"))
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self, place: Place) -> String {
        let text = match (self, place) {
            (Self::Empty, _) => "find out why nothing was written",
            (Self::Compressed("gzip"), Place::File) => "let its name end in .gz, or decompress it: `zcat FILE | churnwatch ... -`",
            (Self::Compressed("zstd"), Place::File) => "let its name end in .zst, or decompress it: `zstdcat FILE | churnwatch ... -`",
            (Self::Compressed(_), Place::File) => "decompress it first",
            (Self::Compressed(_), Place::Topic) => "send the JSON itself, and let the producer compress batches with compression.type",
            (Self::Framed, Place::Topic) => "set url in [schema_registry]",
            (Self::Framed, Place::File) => {
                "read the topic itself, with [schema_registry]: a file does not say which registry knows the schema"
            }
            (Self::Csv, _) => "convert each row to a JSON object",
            (Self::Array, Place::File) => "write one object per line: `jq -c '.[]' FILE`",
            (Self::Array, Place::Topic) => "send one event per record",
            (Self::PrettyPrinted, _) => "write one object per line: `jq -c . FILE`",
            (Self::Quoted, Place::File) => "remove one level of quoting: `jq -r . FILE`",
            (Self::Quoted, Place::Topic) => "send the object itself: the event was serialized twice",
            (Self::Provider(name), place) => return remedy_of_provider(name, place),
            (Self::OtherStream(stream, _), Place::File) => return format!("read it with --{}", stream.name()),
            (Self::OtherStream(stream, _), Place::Topic) => {
                return format!("write it to a topic of that stream (streams.{}.topics)", stream.name());
            }
            (Self::Untyped, _) => "put the event's type in the field `type`",
            (Self::UnknownType, _) => "check the field `type`; events that are meant for other consumers can stay",
            (Self::Format(_), _) => "convert the events to JSON objects",
        };
        text.to_owned()
    }

    /// This shape as an explanation for a record that `format` could not read or did not need: other formats expect what the native one
    /// does not.
    #[must_use]
    pub fn under(self, format: &Format) -> Option<Self> {
        match self {
            shape if *format == Format::Native => Some(shape),
            Self::Provider(name) if format.name() == format_of(name) => None,
            // A mapping of one's own is often a changed copy of a shipped one.
            Self::Provider(name) if Self::MAPPED.contains(&format_of(name).as_str()) && !is_shipped(format) => None,
            Self::OtherStream(..) | Self::Untyped | Self::UnknownType => None,
            shape => Some(shape),
        }
    }

    /// What it looks like and what to do about it, as part of a sentence.
    #[must_use]
    pub fn advice(self, place: Place) -> String {
        format!("{self}: {}", self.remedy(place))
    }
}

/// Whether it is not a mapping of one's own.
fn is_shipped(format: &Format) -> bool {
    !matches!(format, Format::Mapping(_)) || Shape::MAPPED.contains(&format.name())
}

/// The format or mapping that reads the events of a provider.
fn format_of(name: &str) -> String {
    // Rows without an envelope, which Debezium's format reads whoever wrote them.
    if name == provider::CONNECT { "debezium".to_owned() } else { name.to_ascii_lowercase() }
}

/// How the events of a provider are read.
fn remedy_of_provider(name: &str, place: Place) -> String {
    let format = format_of(name);
    match place {
        Place::File if Shape::MAPPED.contains(&format.as_str()) => {
            format!("name its mapping: `--mapping {format}` with check, `--mapping-STREAM {format}` with replay")
        }
        Place::Topic if Shape::MAPPED.contains(&format.as_str()) => format!("set `mapping = \"{format}\"` for this topic"),
        Place::File => format!("name its format: `--format {format}` with check, `--format-STREAM {format}` with replay"),
        Place::Topic => format!("set `format = \"{format}\"` for this topic"),
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Compressed(name) => write!(f, "compressed with {name}"),
            Self::Format(name) | Self::Provider(name) => write!(f, "looks like {name}"),
            Self::Framed => f.write_str("looks like Avro or Protobuf, framed for a schema registry"),
            Self::Csv => f.write_str("looks like CSV"),
            Self::Array => f.write_str("a JSON array"),
            Self::PrettyPrinted => f.write_str("pretty-printed JSON, an object over several lines"),
            Self::Quoted => f.write_str("JSON inside a JSON string"),
            Self::OtherStream(stream, type_name) => write!(f, "`{type_name}` is an event of the {} stream", stream.name()),
            Self::UnknownType => f.write_str("an object whose `type` is not one of this stream"),
            Self::Untyped => f.write_str("an object without `type`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Shape; 15] = [
        Shape::Empty,
        Shape::Compressed("gzip"),
        Shape::Compressed("zstd"),
        Shape::Compressed("lz4"),
        Shape::Format("a Parquet file"),
        Shape::Framed,
        Shape::Csv,
        Shape::Array,
        Shape::PrettyPrinted,
        Shape::Quoted,
        Shape::Provider("Intercom"),
        Shape::Provider("Segment"),
        Shape::OtherStream(Stream::Support, "ticket_opened"),
        Shape::UnknownType,
        Shape::Untyped,
    ];

    #[test]
    fn no_remedy_recommends_a_feature_that_does_not_exist() {
        for shape in ALL {
            for place in [Place::File, Place::Topic] {
                let advice = shape.advice(place);
                for absent in ["adapter", "redrive"] {
                    assert!(!advice.contains(absent), "{advice}");
                }
                let format = advice.split_once("format = \"").or_else(|| advice.split_once("--format "));
                let format = format.and_then(|(_, rest)| rest.split(['"', '`']).next());
                assert!(format.is_none_or(|name| Format::NAMES.contains(&name)), "{advice}");
            }
        }
    }

    #[test]
    fn events_of_a_provider_are_read_with_its_format() {
        let segment = Shape::Provider("Segment");
        assert_eq!(segment.advice(Place::Topic), "looks like Segment: set `format = \"segment\"` for this topic");
        assert!(segment.advice(Place::File).contains("--format segment"));
        assert!(Shape::Provider("Intercom").advice(Place::Topic).contains("set `mapping = \"intercom\"`"));
        assert!(Shape::Provider("HubSpot").advice(Place::File).contains("--mapping hubspot"));
    }

    #[test]
    fn rows_of_kafka_connect_are_read_with_the_format_of_debezium() {
        let row = Shape::of_value(br#"{"schema":{"type":"struct"},"payload":{"type":"feature_used"}}"#, Stream::Usage).unwrap();
        assert!(row.advice(Place::Topic).ends_with("set `format = \"debezium\"` for this topic"), "{}", row.advice(Place::Topic));
        assert_eq!(row.under(&Format::Debezium(Box::default())), None);
    }

    #[test]
    fn a_record_of_its_topics_format_is_not_taken_for_another() {
        let segment = Format::Segment(crate::event::SegmentOptions::default());
        assert_eq!(Shape::Provider("Segment").under(&segment), None);
        assert_eq!(Shape::UnknownType.under(&segment), None);
        assert_eq!(Shape::Provider("Stripe").under(&segment), Some(Shape::Provider("Stripe")));
        assert_eq!(Shape::UnknownType.under(&Format::Native), Some(Shape::UnknownType));
    }

    #[test]
    fn what_belongs_to_another_stream_says_where_it_goes() {
        let shape = Shape::OtherStream(Stream::Support, "ticket_opened");
        assert_eq!(shape.advice(Place::File), "`ticket_opened` is an event of the support stream: read it with --support");
        assert!(shape.advice(Place::Topic).ends_with("write it to a topic of that stream (streams.support.topics)"));
    }

    #[test]
    fn binary_cloud_events_are_known_by_their_headers() {
        assert_eq!(Shape::of_headers(["trace", "ce_specversion"].into_iter()), Some(Shape::Provider("CloudEvents")));
        assert_eq!(Shape::of_headers(["trace"].into_iter()), None);
    }
}
