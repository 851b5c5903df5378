//! The fields that each type of record must and may have.

use num_rational::BigRational;
use num_traits::{Signed as _, Zero as _};

use super::fields::{Code, Field, Fields, required};
use super::money::has_rate;
use super::settings::Settings;

const STATUSES: [&str; 8] = ["active", "past_due", "trialing", "unpaid", "paused", "canceled", "incomplete", "expired"];
/// Intervals of prices.
pub const INTERVALS: [&str; 5] = ["day", "week", "month", "quarter", "year"];
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

/// The first field of a record that is wrong names the code.
pub fn check(kind: &str, body: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    body.text("id")?;
    match kind {
        "feature_used" => {
            required(body.text("user_id"))?;
            required(body.text("feature"))?;
            body.text("session_id")?;
            body.whole("count", 1)?;
        }
        "session_ended" => {
            required(body.text("user_id"))?;
            required(body.text("session_id"))?;
            not_negative(&required(body.number("duration_seconds"))?)?;
        }
        "subscription_changed" => subscription(body, settings)?,
        "invoice_paid" | "invoice_payment_failed" => {
            required(body.text("invoice_id"))?;
            body.text("subscription_id")?;
            amount(body, settings)?;
        }
        "cost_recorded" => {
            required(body.choice("category", &["acquisition", "retention"]))?;
            amount(body, settings)?;
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

fn amount(body: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    required(body.whole("amount_minor", 0))?;
    currency(&required(currency_text(body))?, settings)
}

/// A currency is text, never a number.
fn currency_text(body: Fields<'_>) -> Field<String> {
    if body.get("currency").is_some_and(|value| !value.is_string()) { Err("wrong_type") } else { body.text("currency") }
}

fn currency(currency: &str, settings: &Settings) -> Result<(), Code> {
    if has_rate(settings, &currency.to_ascii_uppercase()) { Ok(()) } else { Err("unknown_currency") }
}

/// The status of a subscription that was checked.
pub fn subscription_status(body: Fields<'_>) -> &'static str {
    body.choice("status", &STATUSES).ok().flatten().unwrap_or_default()
}

fn subscription(body: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    required(body.text("subscription_id"))?;
    required(body.choice("status", &STATUSES))?;
    for item in required(body.list("items"))? {
        let item = Fields(item.as_object().ok_or("wrong_type")?);
        amount(item, settings)?;
        item.choice("interval", &INTERVALS)?;
        item.whole("interval_count", 1)?;
        item.whole("quantity", 0)?;
        item.choice("usage_type", &["licensed", "metered"])?;
    }
    if let Some(discount) = body.object("discount")? {
        discount_fields(discount, settings)?;
    }
    body.instant("trial_end")?;
    required(body.instant("current_period_start"))?;
    required(body.instant("current_period_end"))?;
    body.flag("cancel_at_period_end")?;
    for instant in ["canceled_at", "started_at", "term_end"] {
        body.instant(instant)?;
    }
    body.text("reason")?;
    body.whole("version", 0)?;
    Ok(())
}

fn discount_fields(discount: Fields<'_>, settings: &Settings) -> Result<(), Code> {
    let percent = discount.number("percent_off")?.unwrap_or_else(BigRational::zero);
    not_negative(&percent)?;
    not_negative(&(BigRational::from_integer(100.into()) - percent))?;
    discount.whole("amount_off_minor", 0)?;
    if let Some(text) = currency_text(discount)? {
        currency(&text, settings)?;
    }
    discount.choice("interval", &INTERVALS)?;
    discount.whole("interval_count", 1)?;
    discount.instant("ends_at")?;
    Ok(())
}

fn ticket(kind: &str, body: Fields<'_>) -> Result<(), Code> {
    required(body.text("ticket_id"))?;
    if kind == "ticket_snapshot" {
        required(body.choice("status", &SNAPSHOT_STATUSES))?;
    }
    let priority = body.choice("priority", &PRIORITIES)?;
    for name in ["category", "product", "channel", "requester_id"] {
        body.text(name)?;
    }
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
            required(body.instant("until"))?;
        }
        _ => {}
    }
    for name in ["user_id", "subject", "theme", "reason", "by"] {
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
    body.flag("deleted")?;
    Ok(())
}
