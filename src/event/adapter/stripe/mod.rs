//! Stripe's events: `customer.subscription.*` are snapshots of subscriptions, `invoice.paid` and its relatives are payments.
//!
//! Every API version is read. `payload` has what is read of an event, `subscription` and `invoice` what it means; `price` turns a price of
//! any kind into items, `discount` a coupon of any kind into discounts, both exactly. Whatever would make MRR smaller than it is refuses
//! the event by name: prices that the event does not hold, and items that it leaves out.

mod amount;
mod discount;
mod invoice;
mod line;
mod payload;
mod price;
mod subscription;
mod tiers;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) use self::payload::StripeEvent;
use self::payload::{Expanded, Subject};
use super::events::Events;
use super::inner;
use super::object::Json;
use super::payload::{Account, Payload, missing};
use crate::event::native::Value;
use crate::event::{BillingEvent, Code, Event, Rejection};

/// The system of aliases by which accounts are known through their customers.
const SYSTEM: &str = "stripe";

/// `[streams.billing.stripe]`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The key of `metadata` that holds the account; where it is not given, the account is that of the customer.
    pub account_metadata: String,
    /// What becomes of a subscription with a discount of which the event holds only the id.
    pub unexpanded_discounts: UnexpandedDiscounts,
    /// Amounts per unit for prices whose tiers are not in the events, by price id; in the smallest unit of the currency, as Stripe writes it.
    pub tiered_unit_amounts: BTreeMap<String, u32>,
}

/// What becomes of a subscription with a discount of which the event holds only the id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnexpandedDiscounts {
    /// It counts at list price.
    #[default]
    Ignore,
    /// It is a dead letter.
    Refuse,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account_metadata: "account_id".to_owned(),
            unexpanded_discounts: UnexpandedDiscounts::default(),
            tiered_unit_amounts: BTreeMap::new(),
        }
    }
}

/// What an event means here.
enum Meaning {
    Subscription,
    InvoicePaid,
    InvoicePaymentFailed,
}

impl Meaning {
    /// The meaning of a type of event; `None` if it is not needed.
    fn of(kind: &str) -> Option<Self> {
        match kind.strip_prefix("invoice.") {
            Some("paid" | "payment_succeeded") => Some(Self::InvoicePaid),
            Some("payment_failed") => Some(Self::InvoicePaymentFailed),
            Some(_) => None,
            None => kind.starts_with("customer.subscription.").then_some(Self::Subscription),
        }
    }

    /// The type of the native event.
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Subscription => "subscription_changed",
            Self::InvoicePaid => "invoice_paid",
            Self::InvoicePaymentFailed => "invoice_payment_failed",
        }
    }
}

/// Turns an event of Stripe into a native one.
pub(super) fn read<'a>(
    payload: &Payload<'a, '_>,
    event: &StripeEvent<'a>,
    options: &Options,
    events: &mut Events<'a>,
) -> Result<(), Rejection> {
    if event.object.plain() == Some("list") {
        let reason = "object is list: a page of the API is not an event; publish each element of its data as a record of its own";
        return Err(Rejection::new(Code::WrongType, reason));
    }
    let mut kind = payload.required(event.kind, "type", Value::any_text)?;
    if kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
        kind.to_mut().make_ascii_lowercase();
    }
    let meaning = Meaning::of(&kind);
    let Some(subject) = event.data.get().and_then(|data| data.object.get()) else { return without_object(event, &kind) };
    let Some(meaning) = meaning else { return Ok(()) };
    let account = account(payload, subject, options)?;
    payload.required(event.created, "created", |_| Ok(()))?;
    let at = payload.occurred_at(&[(event.created, "created")])?;
    let id = payload.required(event.id, "id", Value::id)?;
    let native = match &meaning {
        Meaning::Subscription => {
            BillingEvent::Subscription(Box::new(subscription::Reader { payload, subject, options, occurred_at: at.at }.snapshot()?))
        }
        Meaning::InvoicePaid => BillingEvent::InvoicePaid(invoice::paid(payload, subject)?),
        Meaning::InvoicePaymentFailed => BillingEvent::InvoicePaymentFailed(invoice::failed(payload, subject)?),
    };
    events.push(payload.record(account, Some(id), meaning.type_name(), at, Event::Billing(native)));
    Ok(())
}

/// An event without an object is none of this API, unless it is a thin event, which holds ids only.
fn without_object(event: &StripeEvent<'_>, kind: &str) -> Result<(), Rejection> {
    if event.related_object.given().is_none() && !kind.starts_with("v2.") {
        return Err(missing("data.object"));
    }
    match Meaning::of(kind.strip_prefix("v1.").unwrap_or(kind)) {
        None => Ok(()),
        Some(_) => Err(Rejection::new(
            Code::MissingField,
            "data.object is missing: thin events hold ids only; subscribe the destination to snapshot events",
        )),
    }
}

/// The account: from the metadata of the object itself, then from that of the invoice's subscription; else that of the customer.
fn account<'a>(payload: &Payload<'a, '_>, subject: &Subject<'a>, options: &Options) -> Result<Account<'a>, Rejection> {
    let in_metadata = |metadata, path| payload.optional(inner::member(metadata, &options.account_metadata), path, Value::id);
    if let Some(id) = in_metadata(subject.metadata, "data.object.metadata")? {
        return Ok(Account::own(id));
    }
    let of_invoice = invoice::subscription_metadata(payload, subject);
    if let Some(id) = in_metadata(of_invoice, "the metadata of data.object's subscription")? {
        return Ok(Account::own(id));
    }
    let customer = |json, path| reference(payload, json, path);
    match customer(subject.customer, "data.object.customer")? {
        Some(id) => Ok(Account::alias(SYSTEM, id)),
        None => match customer(subject.customer_account, "data.object.customer_account")? {
            Some(id) => Ok(Account::alias(SYSTEM, id)),
            None => Err(missing("data.object.customer")),
        },
    }
}

/// The id of an object that may be expanded.
fn reference<'a, 'c>(payload: &Payload<'a, 'c>, json: Json<'a>, path: &'c str) -> Result<Option<Cow<'a, str>>, Rejection> {
    let id = match json.given() {
        Some(text) if inner::is_object(text) => inner::object::<Expanded<'a>>(payload, json, path)?.map_or(json, |object| object.id),
        _ => json,
    };
    payload.optional(id, path, Value::id)
}
