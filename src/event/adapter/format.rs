//! The formats of topics, and the one place where a record's format decides how it is read.

use super::events::Events;
use super::payload::Payload;
use super::segment;
use crate::event::native::{self, Raw, Reading};
use crate::event::{Code, DecodeContext, Decoded, Rejection, Stream};

/// The format of the records of a topic or file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The JSON of this program.
    #[default]
    Native,
    /// Calls of Segment's tracking API, which `RudderStack` and others speak as well.
    Segment(segment::Options),
}

impl Format {
    /// Decodes one record.
    ///
    /// # Errors
    /// Those of [`native::decode()`]; what is wrong with a payload of another format is named with the format.
    pub fn decode<'a>(&self, raw: &Raw<'a>, context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
        match (self, raw.value) {
            // A null value deletes an account, whatever the format of the others.
            (Self::Native, _) => native::decode(raw, context),
            (_, None) if raw.stream == Stream::Accounts => native::decode(raw, context),
            (_, None) => Err(self.named(&Rejection::new(Code::MissingField, "the value is null"))),
            (_, Some(value)) => {
                let text = native::text(value, context.record_bytes)?;
                let reading = Reading::new(context);
                self.read(&Payload::new(text, raw, context, &reading)).map_err(|rejection| self.named(&rejection))
            }
        }
    }

    /// Reads a payload that is not native.
    fn read<'a>(&self, payload: &Payload<'a, '_>) -> Result<Decoded<'a>, Rejection> {
        let mut events = Events::default();
        match self {
            Self::Native => return native::decode(payload.raw, payload.context),
            Self::Segment(options) => segment::read(payload, options, &mut events)?,
        }
        Ok(events.decoded())
    }

    /// Its name in configurations.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Segment(_) => "segment",
        }
    }

    /// Whether it reads headers; without, looking them up can be spared.
    #[must_use]
    pub const fn reads_headers(&self) -> bool {
        match self {
            Self::Native | Self::Segment(_) => false,
        }
    }

    #[cold]
    fn named(&self, rejection: &Rejection) -> Rejection {
        Rejection::new(rejection.code, format!("{}: {}", self.name(), rejection.reason))
    }
}
