//! The envelopes of other providers, recognised by the fields that their documentation promises.

use serde_json::{Map, Value};

/// Fields of an object, by name.
type Fields = Map<String, Value>;
/// The name of a provider, and whether an object is one of its events.
type Provider = (&'static str, fn(&Fields) -> bool);

/// Kafka Connect's own notation.
pub(super) const CONNECT: &str = "Kafka Connect JSON with schemas";

/// The most specific come first.
const PROVIDERS: [Provider; 17] = [
    ("Zendesk", zendesk),
    ("CloudEvents", cloud_events),
    ("Recurly", recurly),
    ("Stripe", stripe),
    ("Debezium", debezium),
    (CONNECT, connect),
    ("Chargebee", chargebee),
    ("Intercom", intercom),
    ("Segment", segment),
    ("Lago", |fields| text(fields, "webhook_type").is_some() && text(fields, "object_type").is_some()),
    ("Paddle", |fields| text(fields, "event_type").is_some() && text(fields, "event_id").is_some() && object(fields, "data").is_some()),
    ("Jira", jira),
    ("HubSpot", |fields| object(fields, "properties").is_some_and(|properties| properties.contains_key("hs_pipeline_stage"))),
    ("Freshdesk", |fields| ["source", "fr_escalated", "requester_id"].iter().all(|name| fields.contains_key(*name))),
    ("PostHog", |fields| text(fields, "event").is_some() && fields.contains_key("distinct_id") && fields.contains_key("properties")),
    ("Mixpanel", mixpanel),
    ("Amplitude", amplitude),
];

/// The provider whose event this object is.
pub(super) fn provider(fields: &Fields) -> Option<&'static str> {
    PROVIDERS.into_iter().find(|(_, is_one)| is_one(fields)).map(|(name, _)| name)
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

fn object<'a>(fields: &'a Fields, name: &str) -> Option<&'a Fields> {
    fields.get(name)?.as_object()
}

/// Event webhooks. Exports are tickets, whose `url` is that of Zendesk's API.
fn zendesk(fields: &Fields) -> bool {
    text(fields, "type").is_some_and(|name| name.starts_with("zen:event-type:"))
        || fields.contains_key("zendesk_event_version")
        || text(fields, "url").is_some_and(|url| url.contains(".zendesk.com/api/"))
}

fn cloud_events(fields: &Fields) -> bool {
    ["specversion", "source", "type"].iter().all(|name| fields.contains_key(*name))
}

/// Events, and the objects inside them, which some send alone.
fn stripe(fields: &Fields) -> bool {
    let inner = object(fields, "data").and_then(|data| object(data, "object"));
    match text(fields, "object") {
        // Events of Chargebee call themselves that too.
        Some("event") => !fields.contains_key("event_type"),
        Some("subscription" | "invoice" | "customer" | "charge" | "payment_intent") => fields.contains_key("livemode"),
        _ => inner.is_some_and(|inner| inner.contains_key("object")) && text(fields, "type").is_some_and(|name| name.contains('.')),
    }
}

fn debezium(fields: &Fields) -> bool {
    let change = object(fields, "payload").unwrap_or(fields);
    let has_image = change.contains_key("before") || change.contains_key("after");
    has_image && (text(change, "op").is_some() || object(change, "source").is_some_and(|source| source.contains_key("connector")))
}

fn connect(fields: &Fields) -> bool {
    fields.len() == 2 && fields.contains_key("schema") && fields.contains_key("payload")
}

fn chargebee(fields: &Fields) -> bool {
    text(fields, "event_type").is_some() && object(fields, "content").is_some()
}

/// Objects of the API, whose account is an object with a code.
fn recurly(fields: &Fields) -> bool {
    text(fields, "object").is_some() && object(fields, "account").is_some_and(|account| account.contains_key("code"))
}

/// Webhooks, and what an automation sends.
fn jira(fields: &Fields) -> bool {
    let is_issue = |issue: &Fields| issue.contains_key("key") && issue.contains_key("fields");
    text(fields, "webhookEvent").is_some() || object(fields, "issue").is_some_and(is_issue)
}

fn mixpanel(fields: &Fields) -> bool {
    let signs = ["distinct_id", "$insert_id"];
    let has_sign = |properties: &Fields| signs.iter().any(|name| properties.contains_key(*name));
    text(fields, "event").is_some() && object(fields, "properties").is_some_and(has_sign)
}

fn amplitude(fields: &Fields) -> bool {
    let signs = ["amplitude_id", "device_id", "$insert_id"];
    text(fields, "event_type").is_some() && signs.iter().any(|name| fields.contains_key(*name))
}

fn intercom(fields: &Fields) -> bool {
    text(fields, "topic").is_some() && object(fields, "data").is_some_and(|data| data.contains_key("item"))
}

fn segment(fields: &Fields) -> bool {
    let is_call = matches!(text(fields, "type"), Some("track" | "page" | "screen" | "identify" | "group" | "alias"));
    let signs = ["messageId", "anonymousId", "userId", "receivedAt", "sentAt", "originalTimestamp"];
    is_call && signs.iter().any(|name| fields.contains_key(*name))
}
