//! The formats of topics, and the one place where a record's format decides how it is read.

use super::choice::Condition;
use super::events::Events;
use super::payload::Payload;
use super::{cloudevents, debezium, segment, stripe, zendesk};
use crate::event::mapping::Mapping;
use crate::event::native::{self, Raw, Reading, Unit};
use crate::event::{Code, DecodeContext, Decoded, Record, Rejection, Stream};

/// The format of the records of a topic or file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The JSON of this program.
    #[default]
    Native,
    /// Calls of Segment's tracking API, which `RudderStack` and others speak as well.
    Segment(segment::Options),
    /// Events of Stripe.
    Stripe(stripe::Options),
    /// Events and tickets of Zendesk.
    Zendesk,
    /// What a mapping file describes.
    Mapping(Mapping),
    /// Changes of rows that Debezium captured; the rows are of another format.
    Debezium(Box<Self>),
    /// `CloudEvents` around another format.
    CloudEvents(Box<Self>),
    /// Several formats on one topic.
    Choice(Box<Choice>),
}

/// The formats of a topic by record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The first whose condition holds is the format of a record.
    pub formats: Vec<(Condition, Format)>,
    /// The format of all others.
    pub otherwise: Format,
}

impl Format {
    /// The names of all formats in configurations.
    pub const NAMES: &[&str] = &["native", "segment", "stripe", "zendesk", "debezium", "cloudevents"];

    /// Decodes one record.
    ///
    /// # Errors
    /// Those of [`native::decode()`]; what is wrong with a payload of another format is named with the format.
    pub fn decode<'a>(&self, raw: &Raw<'a>, context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
        match (self, raw.value) {
            (Self::Choice(choice), _) => choice.format(raw).decode(raw, context),
            // A null value deletes an account, whatever the format of the others.
            (Self::Native, _) => native::decode(raw, context),
            (Self::Debezium(_), None) => debezium::tombstone(raw, context).map_err(|rejection| self.named(&rejection)),
            (_, None) if raw.stream == Stream::Accounts => native::decode(raw, context),
            (_, None) => Err(self.named(&Rejection::new(Code::MissingField, "the value is null"))),
            (_, Some(value)) => {
                let text = native::text_of_any_depth(value, context.record_bytes)?;
                let reading = Reading::new(context);
                self.read(&Payload::new(text, raw, context, &reading)).map_err(|rejection| self.named(&rejection))
            }
        }
    }

    /// Reads a payload that is not native.
    fn read<'a>(&self, payload: &Payload<'a, '_>) -> Result<Decoded<'a>, Rejection> {
        let mut events = Events::default();
        match self {
            Self::Native | Self::Choice(_) => return self.decode(payload.raw, payload.context),
            Self::CloudEvents(inner) => return inner.read_inside(cloudevents::open(payload)?, payload),
            Self::Segment(options) => segment::read(payload, options, &mut events)?,
            Self::Stripe(options) => stripe::read(payload, options, &mut events)?,
            Self::Zendesk => zendesk::read(payload, &mut events)?,
            Self::Debezium(content) => {
                let is_native = content.is_native();
                return debezium::read(payload, &debezium::Content { is_native, decode: &|raw| content.decode(raw, payload.context) });
            }
            Self::Mapping(mapping) => {
                native::check_depth(payload.text)?;
                mapping.read(payload.text, payload.raw, payload.context)?.into_iter().for_each(|record| events.push(record));
            }
        }
        Ok(events.decoded())
    }

    /// Reads the payload of an envelope, and completes its events with what the envelope says.
    fn read_inside<'a>(&self, envelope: cloudevents::Envelope<'a>, outside: &Payload<'a, '_>) -> Result<Decoded<'a>, Rejection> {
        let payload_time = envelope.time.is_some();
        let decoded = match envelope.borrowed(outside.raw) {
            Some(raw) => {
                let members = envelope.members().filter(|_| self.is_native());
                let fields = members.map(|members| members.iter().map(|(name, json)| Some((*name, (*json, Unit::Usual)))));
                let (context, kind) = (outside.context, envelope.native_type());
                match fields.and_then(|fields| native::decode_members(fields, outside.has_escapes(), &raw, context, Some(kind))) {
                    Some(decoded) => decoded?,
                    None => self.decode_with_type(&raw, context, kind)?,
                }
            }
            None => {
                self.decode_with_type(&envelope.unpacked(outside.raw), outside.context, envelope.native_type())?.map(Record::into_owned)
            }
        };
        if envelope.id.len() > outside.context.id_bytes {
            return Err(Rejection::new(Code::OutOfRange, "source and id together are longer than limits.text_bytes"));
        }
        Ok(decoded.with(|record| record.payload_time |= payload_time).with_id(envelope.id))
    }

    fn decode_with_type<'a>(&self, raw: &Raw<'a>, context: &DecodeContext, type_name: &str) -> Result<Decoded<'a>, Rejection> {
        match self {
            Self::Native => native::decode_with_type(raw, context, Some(type_name)),
            format => format.decode(raw, context),
        }
    }

    /// Its name in configurations, or that of its mapping.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Native => "native",
            Self::Segment(_) => "segment",
            Self::Stripe(_) => "stripe",
            Self::Zendesk => "zendesk",
            Self::Debezium(_) => "debezium",
            Self::Mapping(mapping) => mapping.name(),
            Self::CloudEvents(_) => "cloudevents",
            Self::Choice(_) => "formats",
        }
    }

    /// Whether all records are native events.
    #[must_use]
    pub const fn is_native(&self) -> bool {
        matches!(self, Self::Native)
    }

    /// Whether it reads headers; without, looking them up can be spared.
    #[must_use]
    pub fn reads_headers(&self) -> bool {
        match self {
            Self::Native | Self::Segment(_) | Self::Stripe(_) | Self::Zendesk => false,
            Self::Mapping(mapping) => mapping.reads_headers(),
            Self::Debezium(content) => content.reads_headers(),
            Self::CloudEvents(_) => true,
            Self::Choice(choice) => {
                let of_choice = |(condition, format): &(Condition, Self)| condition.reads_headers() || format.reads_headers();
                choice.formats.iter().any(of_choice) || choice.otherwise.reads_headers()
            }
        }
    }

    #[cold]
    fn named(&self, rejection: &Rejection) -> Rejection {
        Rejection::new(rejection.code, format!("{}: {}", self.name(), rejection.reason))
    }
}

impl Choice {
    fn format(&self, raw: &Raw<'_>) -> &Format {
        let chosen = self.formats.iter().find(|(condition, _)| condition.holds(raw));
        chosen.map_or(&self.otherwise, |(_, format)| format)
    }
}
