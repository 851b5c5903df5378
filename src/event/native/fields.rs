//! The fields of a JSON object: one pass finds those that the contract knows and validates everything else on the way.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::DecodeContext;
use super::document;
use super::value::Value;
use crate::event::{Code, Rejection};

macro_rules! names {
    ($($name:ident = $text:literal,)*) => {
        /// Every field name of the contract, those of nested objects included.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($name,)*
        }

        impl Field {
            const COUNT: usize = [$($text,)*].len();

            fn of(key: &str) -> Option<Self> {
                match key {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

// The commonest first: the match goes through them in this order.
names! {
    Type = "type",
    AccountId = "account_id",
    OccurredAt = "occurred_at",
    Id = "id",
    UserId = "user_id",
    Feature = "feature",
    Count = "count",
    SessionId = "session_id",
    DurationSeconds = "duration_seconds",
    TicketId = "ticket_id",
    Priority = "priority",
    Category = "category",
    Product = "product",
    Channel = "channel",
    RequesterId = "requester_id",
    Team = "team",
    Status = "status",
    By = "by",
    Public = "public",
    Score = "score",
    Scale = "scale",
    Into = "into",
    CreatedAt = "created_at",
    FirstReplyAt = "first_reply_at",
    FirstResolvedAt = "first_resolved_at",
    ResolvedAt = "resolved_at",
    ReopenedAt = "reopened_at",
    ClosedAt = "closed_at",
    SubscriptionId = "subscription_id",
    InvoiceId = "invoice_id",
    AmountMinor = "amount_minor",
    Currency = "currency",
    Items = "items",
    Interval = "interval",
    IntervalCount = "interval_count",
    Quantity = "quantity",
    UsageType = "usage_type",
    Discount = "discount",
    PercentOff = "percent_off",
    AmountOffMinor = "amount_off_minor",
    EndsAt = "ends_at",
    TrialEnd = "trial_end",
    CurrentPeriodStart = "current_period_start",
    CurrentPeriodEnd = "current_period_end",
    CancelAtPeriodEnd = "cancel_at_period_end",
    CanceledAt = "canceled_at",
    StartedAt = "started_at",
    TermEnd = "term_end",
    Reason = "reason",
    Version = "version",
    Segment = "segment",
    Min = "min",
    Max = "max",
    Reversed = "reversed",
    Subject = "subject",
    Theme = "theme",
    Kind = "kind",
    Value = "value",
    Until = "until",
    Name = "name",
    Plan = "plan",
    Csm = "csm",
    Region = "region",
    Seats = "seats",
    SignedUpAt = "signed_up_at",
    OnboardedAt = "onboarded_at",
    EntitledFeatures = "entitled_features",
    Aliases = "aliases",
    ReferredBy = "referred_by",
    AcquiredThrough = "acquired_through",
    Deleted = "deleted",
}

/// Where a value stands in the record; written `discount.currency`, `items[2].currency`, `entitled_features[0]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// The field of the record, and the place in it where it is an array, that holds the object of `name`.
    object: Option<(Field, Option<usize>)>,
    name: Field,
    index: Option<usize>,
}

impl Path {
    /// The path of an element of the array at this path.
    pub(super) const fn element(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, index)) = self.object {
            f.write_str(name.text())?;
            index.map_or(Ok(()), |index| write!(f, "[{index}]"))?;
            f.write_str(".")?;
        }
        f.write_str(self.name.text())?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// The known fields of one object, each as the JSON text of its value. Of a repeated key the last counts.
pub(super) struct Fields<'a, 'c> {
    slots: Slots<'a>,
    object: Option<(Field, Option<usize>)>,
    context: &'c DecodeContext<'c>,
}

type Slots<'a> = [Option<&'a str>; Field::COUNT];

impl<'a, 'c> Fields<'a, 'c> {
    /// The fields of a record. `invalid_json` before `wrong_type`: a text is judged as JSON to its end before it must be an object.
    pub(super) fn of_record(text: &'a str, context: &'c DecodeContext<'c>) -> Result<Self, Rejection> {
        let mut fields = Self { slots: [None; Field::COUNT], object: None, context };
        let is_object = text.trim_ascii_start().starts_with('{');
        let parsed = if is_object { fill(&mut fields.slots, text) } else { serde_json::from_str::<IgnoredAny>(text).map(|_| ()) };
        if let Err(error) = parsed {
            return Err(Rejection::new(Code::InvalidJson, format!("no JSON at line {}, column {}", error.line(), error.column())));
        }
        if document::has_lone_surrogate(text) {
            return Err(Rejection::new(Code::InvalidJson, "an escape is half of a surrogate pair"));
        }
        if is_object { Ok(fields) } else { Err(Rejection::new(Code::WrongType, "the value is no object")) }
    }

    /// The fields of an object at `path` in a record that has been read.
    pub(super) fn of_object(value: Value<'a, 'c>) -> Result<Self, Rejection> {
        let mut fields = Self { slots: [None; Field::COUNT], object: Some((value.path.name, value.path.index)), context: value.context };
        if value.json.starts_with('{') && fill(&mut fields.slots, value.json).is_ok() {
            return Ok(fields);
        }
        Err(value.wrong_type("is no object"))
    }

    /// Reads a field that must be there; null and empty text are `missing_field`.
    pub(super) fn required<T>(&self, name: Field, read: impl FnOnce(Value<'a, 'c>) -> Result<T, Rejection>) -> Result<T, Rejection> {
        self.get(name).map_or_else(|| Err(self.missing(name)), read)
    }

    /// Reads a field that may be left out, null or empty text.
    pub(super) fn optional<T>(
        &self,
        name: Field,
        read: impl FnOnce(Value<'a, 'c>) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        self.get(name).map(read).transpose()
    }

    /// The rejection of a record without this field.
    #[cold]
    pub(super) fn missing(&self, name: Field) -> Rejection {
        Rejection::new(Code::MissingField, format!("{} is missing", self.path(name)))
    }

    fn get(&self, name: Field) -> Option<Value<'a, 'c>> {
        let json = self.slots.get(name as usize).copied().flatten()?;
        let value = Value { json, path: self.path(name), context: self.context };
        value.is_given().then_some(value)
    }

    const fn path(&self, name: Field) -> Path {
        Path { object: self.object, name, index: None }
    }
}

fn fill<'a>(slots: &mut Slots<'a>, object: &'a str) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(object);
    json.deserialize_map(Fill(slots))?;
    json.end()
}

struct Fill<'s, 'a>(&'s mut Slots<'a>);

impl<'a> Visitor<'a> for Fill<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key_seed(KnownName)? {
            match name.and_then(|name| self.0.get_mut(name as usize)) {
                Some(slot) => *slot = Some(map.next_value::<&'a RawValue>()?.get()),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

/// A key, whether it is written with escapes or not; `None` for one that the contract does not know.
struct KnownName;

impl<'a> DeserializeSeed<'a> for KnownName {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'a>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for KnownName {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Field::of(key))
    }
}
