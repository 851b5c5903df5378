//! What can be mapped: the native event types with their fields. `config/schemas` says the same to producers, and a test compares both.

use crate::event::Stream;

/// A native event type.
#[derive(Debug)]
pub struct EventTarget {
    /// Its stream.
    pub stream: Stream,
    /// Its name.
    pub name: &'static str,
    /// Fields that it cannot be without. `items` and amounts have rules of their own.
    pub required: &'static [&'static str],
    /// All other fields but those of every event.
    pub optional: &'static [&'static str],
}

/// How the values of a field are written in native events, which decides what units a mapping may give for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instant.
    Instant,
    /// A number of seconds.
    Seconds,
    /// An amount in major units.
    Amount,
    /// The unit of an interval.
    Interval,
    /// The number of units in an interval.
    IntervalCount,
    /// The account.
    Account,
    /// A list of objects with these fields.
    Objects(&'static [&'static str]),
    /// An object with these fields.
    Object(&'static [&'static str]),
    /// An object whose keys are data.
    Map,
    /// A list of text.
    Texts,
    /// Text that is not an id.
    Text,
    /// Anything else.
    Plain,
}

const EVERY: [&str; 3] = ["id", "account_id", "occurred_at"];
const TICKET: [&str; 6] = ["priority", "category", "product", "channel", "requester_id", "team"];
const ITEM: &[&str] = &["amount_minor", "amount", "currency", "interval", "interval_count", "quantity", "usage_type"];
const DISCOUNT: &[&str] = &["percent_off", "amount_off_minor", "amount_off", "currency", "interval", "interval_count", "ends_at"];
const SCALE: &[&str] = &["min", "max", "reversed"];
const FEEDBACK: &[&str] = &["user_id", "subject", "theme", "reason"];
const SCALED: &[&str] = &["scale", "user_id", "subject", "theme", "reason"];
const PROFILE: &[&str] = &[
    "name",
    "segment",
    "plan",
    "csm",
    "region",
    "seats",
    "signed_up_at",
    "onboarded_at",
    "entitled_features",
    "aliases",
    "referred_by",
    "acquired_through",
    "merge",
    "deleted",
];

/// Text that is not an id, a name from a set, or a number.
const TEXT: [&str; 15] = [
    "feature",
    "category",
    "product",
    "channel",
    "team",
    "reason",
    "theme",
    "subject",
    "kind",
    "name",
    "segment",
    "plan",
    "csm",
    "region",
    "acquired_through",
];

const fn target(stream: Stream, name: &'static str, required: &'static [&'static str], optional: &'static [&'static str]) -> EventTarget {
    EventTarget { stream, name, required, optional }
}

/// All types.
pub static TARGETS: [EventTarget; 29] = [
    target(Stream::Usage, "feature_used", &["feature"], &["user_id", "anonymous_id", "session_id", "count"]),
    target(Stream::Usage, "session_ended", &["session_id", "duration_seconds"], &["user_id", "anonymous_id"]),
    target(Stream::Usage, "user_identified", &["user_id", "anonymous_id"], &[]),
    target(
        Stream::Billing,
        "subscription_changed",
        &["subscription_id", "status", "items", "current_period_start", "current_period_end"],
        &[
            "discount",
            "discounts",
            "trial_end",
            "cancel_at_period_end",
            "cancel_at",
            "canceled_at",
            "started_at",
            "term_end",
            "reason",
            "version",
        ],
    ),
    target(Stream::Billing, "invoice_paid", &["invoice_id", "currency"], &["subscription_id", "amount_minor", "amount"]),
    target(Stream::Billing, "invoice_payment_failed", &["invoice_id", "currency"], &["subscription_id", "amount_minor", "amount"]),
    target(Stream::Billing, "cost_recorded", &["category", "currency"], &["amount_minor", "amount", "segment"]),
    target(Stream::Support, "ticket_opened", &["ticket_id"], &[]),
    target(Stream::Support, "ticket_replied", &["ticket_id", "by"], &["public"]),
    target(Stream::Support, "ticket_status_changed", &["ticket_id", "status"], &[]),
    target(Stream::Support, "ticket_priority_changed", &["ticket_id", "priority"], &[]),
    target(Stream::Support, "ticket_assigned", &["ticket_id", "team"], &[]),
    target(Stream::Support, "ticket_resolved", &["ticket_id"], &[]),
    target(Stream::Support, "ticket_reopened", &["ticket_id"], &[]),
    target(Stream::Support, "ticket_closed", &["ticket_id"], &[]),
    target(Stream::Support, "ticket_rated", &["ticket_id", "score"], &["scale"]),
    target(Stream::Support, "ticket_deleted", &["ticket_id"], &[]),
    target(Stream::Support, "ticket_merged", &["ticket_id", "into"], &[]),
    target(Stream::Support, "ticket_moved", &["ticket_id"], &["to"]),
    target(
        Stream::Support,
        "ticket_snapshot",
        &["ticket_id", "status"],
        &["created_at", "first_reply_at", "first_resolved_at", "resolved_at", "reopened_at", "closed_at", "score", "scale"],
    ),
    target(Stream::Feedback, "nps_answered", &["score"], FEEDBACK),
    target(Stream::Feedback, "csat_answered", &["score"], SCALED),
    target(Stream::Feedback, "ces_answered", &["score"], SCALED),
    target(Stream::Feedback, "survey_sent", &["kind"], FEEDBACK),
    target(Stream::Feedback, "referral_made", &[], FEEDBACK),
    target(Stream::Feedback, "advocacy_made", &["kind"], FEEDBACK),
    target(Stream::Feedback, "health_override_set", &["value", "until", "reason", "by"], &["user_id", "subject", "theme"]),
    target(Stream::Feedback, "health_override_cleared", &[], FEEDBACK),
    target(Stream::Accounts, "account_profile", &[], PROFILE),
];

impl EventTarget {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> + '_ {
        let is_own = |name: &&str| *name != "account_id" || self.name != "cost_recorded";
        let ticket = if self.stream == Stream::Support { TICKET.as_slice() } else { &[] };
        EVERY.into_iter().filter(is_own).chain(self.required.iter().chain(self.optional).chain(ticket).copied())
    }

    /// Whether it has this field.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.fields().any(|name| name == field)
    }
}

/// The kind of a field of an event or of an object in it.
#[must_use]
pub fn kind(field: &str) -> Kind {
    match field {
        "account_id" => Kind::Account,
        "duration_seconds" => Kind::Seconds,
        "amount" | "amount_off" => Kind::Amount,
        "interval" => Kind::Interval,
        "interval_count" => Kind::IntervalCount,
        "items" => Kind::Objects(ITEM),
        "discounts" => Kind::Objects(DISCOUNT),
        "discount" => Kind::Object(DISCOUNT),
        "scale" => Kind::Object(SCALE),
        "aliases" => Kind::Map,
        "entitled_features" => Kind::Texts,
        _ if TEXT.contains(&field) => Kind::Text,
        "trial_end" | "current_period_start" | "current_period_end" | "term_end" | "until" => Kind::Instant,
        _ if field.ends_with("_at") => Kind::Instant,
        _ => Kind::Plain,
    }
}
