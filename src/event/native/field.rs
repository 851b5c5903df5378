//! The names of the contract's fields, and the path of a value in its record.

use std::fmt;

use crate::event::names::Names;

macro_rules! names {
    ($($name:ident = $text:literal,)*) => {
        /// Every known field name, including those of nested objects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::event) enum Field {
            $($name,)*
        }

        impl Field {
            pub(super) const COUNT: usize = [$($text,)*].len();

            #[inline]
            pub(super) fn of(key: &[u8]) -> Option<Self> {
                static FIELDS: Names<Field, { Field::COUNT }> = Names::new([$(($text, Field::$name)),*]);
                FIELDS.get(key)
            }

            pub(super) const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

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
    AnonymousId = "anonymous_id",
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
    To = "to",
    CreatedAt = "created_at",
    FirstReplyAt = "first_reply_at",
    FirstResolvedAt = "first_resolved_at",
    ResolvedAt = "resolved_at",
    ReopenedAt = "reopened_at",
    ClosedAt = "closed_at",
    SubscriptionId = "subscription_id",
    InvoiceId = "invoice_id",
    AmountMinor = "amount_minor",
    Amount = "amount",
    Currency = "currency",
    Items = "items",
    Interval = "interval",
    IntervalCount = "interval_count",
    Quantity = "quantity",
    UsageType = "usage_type",
    Discount = "discount",
    Discounts = "discounts",
    PercentOff = "percent_off",
    AmountOffMinor = "amount_off_minor",
    AmountOff = "amount_off",
    EndsAt = "ends_at",
    TrialEnd = "trial_end",
    CurrentPeriodStart = "current_period_start",
    CurrentPeriodEnd = "current_period_end",
    CancelAtPeriodEnd = "cancel_at_period_end",
    CancelAt = "cancel_at",
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
    Merge = "merge",
    Deleted = "deleted",
}

/// A field, or one element of the array in it; written `items` or `items[2]`.
#[derive(Clone, Copy, Debug)]
pub(in crate::event) struct Step {
    field: Field,
    /// `MAX_VALUES` keeps this far below `u16::MAX`.
    index: Option<u16>,
}

/// The path of a value in its record.
#[derive(Clone, Copy, Debug)]
pub(in crate::event) enum Path<'c> {
    /// In a native event; written `discount.currency`, `items[2].currency`, `entitled_features[0]`.
    Native {
        /// The step that leads to the enclosing object; `None` for a top-level field.
        object: Option<Step>,
        /// The field itself.
        step: Step,
    },
    /// In a payload of another format, as its documentation writes it.
    Foreign(&'c str),
}

impl Path<'_> {
    /// The path of a field of the object at `object`, or of the record.
    pub(super) const fn new(object: Option<Step>, field: Field) -> Self {
        Self::Native { object, step: Step { field, index: None } }
    }

    /// The path of an element of the array at this path.
    pub(super) fn element(self, index: usize) -> Self {
        match self {
            Self::Native { object, step } => Self::Native { object, step: Step { index: u16::try_from(index).ok(), ..step } },
            Self::Foreign(_) => self,
        }
    }

    /// The last step, from which the path of a nested field continues. Objects of native events nest only once.
    pub(super) const fn last_step(self) -> Option<Step> {
        match self {
            Self::Native { step, .. } => Some(step),
            Self::Foreign(_) => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.text())?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native { object, step } => {
                object.map_or(Ok(()), |object| write!(f, "{object}."))?;
                write!(f, "{step}")
            }
            Self::Foreign(path) => f.write_str(path),
        }
    }
}
