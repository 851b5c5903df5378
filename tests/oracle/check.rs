//! Required and optional fields of each record type.

use num_rational::BigRational;
use num_traits::{Signed as _, Zero as _};

use super::fields::{Code, Field, Fields, required};
use super::money::{has_rate, minor_digits};
use super::settings::Settings;

/// Accepted spellings of statuses, and their meaning.
const STATUSES: [(&str, &str); 12] = [
    ("active", "active"),
    ("past_due", "past_due"),
    ("trialing", "trialing"),
    ("unpaid", "unpaid"),
    ("paused", "paused"),
    ("canceled", "canceled"),
    ("incomplete", "incomplete"),
    ("expired", "expired"),
    ("cancelled", "canceled"),
    ("ended", "canceled"),
    ("incomplete_expired", "incomplete_expired"),
    ("non_renewing", "active"),
];
/// Accepted spellings of price intervals, and their meaning.
const INTERVALS: [(&str, &str); 12] = [
    ("day", "day"),
    ("week", "week"),
    ("month", "month"),
    ("quarter", "quarter"),
    ("year", "year"),
    ("daily", "day"),
    ("weekly", "week"),
    ("monthly", "month"),
    ("quarterly", "quarter"),
    ("yearly", "year"),
    ("annual", "year"),
    ("annually", "year"),
];
/// Priorities of tickets.
pub const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];
/// Statuses that a `ticket_status_changed` sets.
pub const OPEN_STATUSES: [&str; 3] = ["open", "pending", "on_hold"];
/// Statuses of a `ticket_snapshot`.
pub const SNAPSHOT_STATUSES: [&str; 10] =
    ["new", "open", "pending", "on_hold", "resolved", "solved", "closed", "merged", "moved", "deleted"];

/// The types of a stream.
pub fn types(stream: &str) -> &'static [&'static str] {
    match stream {
        "usage" => &["feature_used", "session_ended"],
        "billing" => &["subscription_changed", "invoice_paid", "invoice_payment_failed", "cost_recorded"],
        "support" => &[
            "ticket_opened",
            "ticket_replied",
            "ticket_status_changed",
            "ticket_priority_changed",
            "ticket_assigned",
            "ticket_resolved",
            "ticket_reopened",
            "ticket_closed",
            "ticket_rated",
            "ticket_deleted",
            "ticket_merged",
            "ticket_moved",
            "ticket_snapshot",
        ],
        "feedback" => &[
            "nps_answered",
            "csat_answered",
            "ces_answered",
            "survey_sent",
            "referral_made",
            "advocacy_made",
            "health_override_set",
            "health_override_cleared",
        ],
        _ => &["account_profile"],
    }
}

/// The code of the first wrong field of a record.
pub fn check(kind: &str, body: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    body.id("id")?;
    match kind {
        "feature_used" => {
            body.id("user_id")?;
            required(body.text("feature"))?;
            body.id("session_id")?;
            body.whole("count", 1)?;
        }
        "session_ended" => {
            body.id("user_id")?;
            required(body.id("session_id"))?;
            not_negative(&required(body.number("duration_seconds"))?)?;
        }
        "subscription_changed" => subscription(body, settings)?,
        "invoice_paid" | "invoice_payment_failed" => {
            required(body.id("invoice_id"))?;
            body.id("subscription_id")?;
            not_negative(&amount(body, settings)?)?;
        }
        "cost_recorded" => {
            required(body.choice("category", &["acquisition", "retention"]))?;
            not_negative(&amount(body, settings)?)?;
            body.text("segment")?;
        }
        "account_profile" => profile(body)?,
        _ if kind.starts_with("ticket_") => ticket(kind, body)?,
        _ => feedback(kind, body)?,
    }
    Ok(())
}

fn not_negative(number: &BigRational) -> Result<(), Code> {
    if number.is_negative() { Err("out_of_range") } else { Ok(()) }
}

/// The amount of an item, an invoice or a cost in minor units of its (known) currency.
fn amount(body: Fields<'_>, settings: &Settings) -> Result<BigRational, Code> {
    required(body.amount("amount_minor", "amount", 0))?;
    currency(&required(currency_text(body))?, settings)?;
    Ok(minor_amount(body))
}

/// The same, for a checked record.
pub fn minor_amount(body: Fields<'_>) -> BigRational {
    let currency = body.text("currency").unwrap().unwrap().to_ascii_uppercase();
    body.amount("amount_minor", "amount", minor_digits(&currency)).unwrap().unwrap()
}

/// A currency is text, never a number.
fn currency_text(body: Fields<'_>) -> Field<String> {
    if body.get("currency").is_some_and(|value| !value.is_string()) { Err("wrong_type") } else { body.text("currency") }
}

fn currency(currency: &str, settings: &Settings) -> Result<(), Code> {
    if has_rate(settings, &currency.to_ascii_uppercase()) { Ok(()) } else { Err("unknown_currency") }
}

/// The meaning of a spelling, in any case.
fn meaning(body: Fields<'_>, name: &str, spellings: &[(&'static str, &'static str)]) -> Field<&'static str> {
    let written: Vec<&'static str> = spellings.iter().map(|(written, _)| *written).collect();
    let found = body.choice(name, &written)?;
    Ok(found.and_then(|found| spellings.iter().find(|(written, _)| *written == found)).map(|(_, meaning)| *meaning))
}

/// The status of a checked subscription.
pub fn subscription_status(body: Fields<'_>) -> &'static str {
    meaning(body, "status", &STATUSES).ok().flatten().unwrap_or_default()
}

/// Whether the status alone means that the subscription ends with its period.
pub fn renews_no_more(body: Fields<'_>) -> bool {
    body.get("status").and_then(serde_json::Value::as_str).is_some_and(|status| status.eq_ignore_ascii_case("non_renewing"))
}

/// The interval of a price or discount.
pub fn interval(body: Fields<'_>) -> Field<&'static str> {
    meaning(body, "interval", &INTERVALS)
}

fn subscription(body: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    required(body.id("subscription_id"))?;
    required(meaning(body, "status", &STATUSES))?;
    for item in required(body.list("items"))? {
        let item = Fields(item.as_object().ok_or("wrong_type")?);
        amount(item, settings)?;
        interval(item)?;
        item.whole("interval_count", 1)?;
        item.whole("quantity", 0)?;
        item.choice("usage_type", &["licensed", "metered"])?;
    }
    for discount in discounts(body)? {
        discount_fields(discount, settings)?;
    }
    body.instant("trial_end")?;
    body.required_instant("current_period_start")?;
    body.required_instant("current_period_end")?;
    body.flag("cancel_at_period_end")?;
    for instant in ["cancel_at", "canceled_at", "started_at", "term_end"] {
        body.instant(instant)?;
    }
    body.text("reason")?;
    body.whole("version", 0)?;
    Ok(())
}

/// `discount`, or the list of `discounts`.
pub fn discounts(body: Fields<'_>) -> Result<Vec<Fields<'_>>, Code> {
    let one = body.object("discount")?;
    let list = body.list("discounts")?.unwrap_or_default();
    let several = list.iter().map(|discount| discount.as_object().map(Fields).ok_or("wrong_type")).collect::<Result<Vec<_>, _>>()?;
    match one {
        Some(_) if !several.is_empty() => Err("out_of_range"),
        Some(discount) => Ok(vec![discount]),
        None => Ok(several),
    }
}

fn discount_fields(discount: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    let percent = discount.number("percent_off")?.unwrap_or_else(BigRational::zero);
    not_negative(&percent)?;
    not_negative(&(BigRational::from_integer(100.into()) - percent))?;
    not_negative(&discount.amount("amount_off_minor", "amount_off", 0)?.unwrap_or_else(BigRational::zero))?;
    if let Some(text) = currency_text(discount)? {
        currency(&text, settings)?;
    }
    interval(discount)?;
    discount.whole("interval_count", 1)?;
    discount.instant("ends_at")?;
    Ok(())
}

fn ticket(kind: &str, body: Fields<'_>) -> Result<(), Code> {
    required(body.id("ticket_id"))?;
    if kind == "ticket_snapshot" {
        required(body.choice("status", &SNAPSHOT_STATUSES))?;
    }
    let priority = body.choice("priority", &PRIORITIES)?;
    for name in ["category", "product", "channel"] {
        body.text(name)?;
    }
    body.id("requester_id")?;
    let team = body.text("team")?;
    match kind {
        "ticket_replied" => {
            required(body.choice("by", &["agent", "requester", "bot"]))?;
            body.flag("public")?;
        }
        "ticket_status_changed" => {
            required(body.choice("status", &OPEN_STATUSES))?;
        }
        "ticket_priority_changed" => {
            required(Ok(priority))?;
        }
        "ticket_assigned" => {
            required(Ok(team))?;
        }
        "ticket_rated" => {
            required(body.place())?;
        }
        "ticket_merged" => {
            required(body.text("into"))?;
        }
        "ticket_moved" => {
            body.text("to")?;
        }
        "ticket_snapshot" => {
            for name in ["created_at", "first_reply_at", "first_resolved_at", "resolved_at", "reopened_at", "closed_at"] {
                body.instant(name)?;
            }
            body.place()?;
        }
        _ => {}
    }
    Ok(())
}

fn feedback(kind: &str, body: Fields<'_>) -> Result<(), Code> {
    match kind {
        "nps_answered" if required(body.whole("score", 0))? > 10 => {
            return Err("out_of_range");
        }
        "csat_answered" | "ces_answered" => {
            required(body.place())?;
        }
        "survey_sent" | "advocacy_made" => {
            required(body.text("kind"))?;
        }
        "health_override_set" => {
            let value = required(body.number("value"))?;
            not_negative(&value)?;
            not_negative(&(BigRational::from_integer(100.into()) - value))?;
            body.required_instant("until")?;
        }
        _ => {}
    }
    body.id("user_id")?;
    for name in ["subject", "theme", "reason", "by"] {
        body.text(name)?;
    }
    Ok(())
}

fn profile(body: Fields<'_>) -> Result<(), Code> {
    for name in ["name", "segment", "plan", "csm", "region"] {
        body.text(name)?;
    }
    body.whole("seats", 0)?;
    body.instant("signed_up_at")?;
    body.instant("onboarded_at")?;
    for feature in body.list("entitled_features")?.unwrap_or_default() {
        if !feature.is_string() && !feature.is_number() {
            return Err("wrong_type");
        }
    }
    body.object("aliases")?;
    body.text("referred_by")?;
    body.text("acquired_through")?;
    body.flag("merge")?;
    body.flag("deleted")?;
    Ok(())
}
