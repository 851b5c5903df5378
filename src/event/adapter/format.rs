//! The formats of topics, and the one place where a record's format decides how it is read.

use super::choice::Condition;
use super::cloudevents::Inside;
use super::events::Events;
use super::object::Listed;
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
            Self::CloudEvents(inner) => return inner.read_inside(cloudevents::open(payload, inner.inside_envelope())?, payload),
            Self::Segment(options) => {
                let mut call = segment::Call::default();
                payload.parse(&mut call)?;
                segment::read(payload, &call, options, &mut events)?;
            }
            Self::Stripe(options) => {
                let mut event = stripe::StripeEvent::default();
                payload.parse(&mut event)?;
                stripe::read(payload, &event, options, &mut events)?;
            }
            Self::Zendesk => {
                let mut payloads = zendesk::Payloads::default();
                payload.parse(&mut payloads)?;
                zendesk::read(payload, &payloads, &mut events)?;
            }
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
        let (context, kind) = (outside.context, envelope.native_type());
        let mut decoded = match envelope.borrowed(outside.raw) {
            Some(raw) => match self.read_scanned(envelope.inside(), kind, &raw, outside) {
                Some(decoded) => decoded?,
                None => self.decode_with_type(&raw, context, kind)?,
            },
            None => self.decode_with_type(&envelope.unpacked(outside.raw), context, kind)?.map(Record::into_owned),
        };
        if envelope.id.len() > context.id_bytes {
            return Err(Rejection::new(Code::OutOfRange, "source and id together are longer than limits.text_bytes"));
        }
        decoded.identify(Some(envelope.id), envelope.time.is_some());
        Ok(decoded)
    }

    /// What the pass over an envelope is to read of data in this format.
    fn inside_envelope<'a>(&self) -> Inside<'a> {
        match self {
            Self::Native => Inside::Native(Listed::default()),
            Self::Segment(_) => Inside::Segment(Box::default()),
            Self::Stripe(_) => Inside::Stripe(Box::default()),
            Self::Zendesk => Inside::Zendesk(Box::default()),
            Self::Mapping(_) | Self::Debezium(_) | Self::CloudEvents(_) | Self::Choice(_) => Inside::Unread,
        }
    }

    /// Reads what the pass over an envelope has found; `None` if it has found nothing in this format.
    fn read_scanned<'a>(
        &self,
        (inside, text): (&Inside<'a>, &'a str),
        kind: &str,
        raw: &Raw<'a>,
        outside: &Payload<'a, '_>,
    ) -> Option<Result<Decoded<'a>, Rejection>> {
        if let (Self::Native, Inside::Native(listed)) = (self, inside) {
            let fields = listed.members()?.iter().map(|(name, json)| Some((*name, (*json, Unit::Usual))));
            return native::decode_members(fields, listed.has_escapes, raw, outside.context, Some(kind));
        }
        let reading = Reading::new(outside.context);
        reading.has_escapes.set(outside.has_escapes());
        let payload = Payload::new(text, raw, outside.context, &reading);
        let mut events = Events::default();
        let read = match (self, inside) {
            (Self::Segment(options), Inside::Segment(call)) => segment::read(&payload, call, options, &mut events),
            (Self::Stripe(options), Inside::Stripe(event)) => stripe::read(&payload, event, options, &mut events),
            (Self::Zendesk, Inside::Zendesk(payloads)) => zendesk::read(&payload, payloads, &mut events),
            _ => return None,
        };
        Some(read.map(|()| events.decoded()).map_err(|rejection| self.named(&rejection)))
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
