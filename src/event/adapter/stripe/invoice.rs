//! Invoices that were paid, or whose payment failed.

use super::amount;
use super::payload::{Parent, Subject, SubscriptionDetails};
use crate::event::adapter::inner;
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::{Payload, missing};
use crate::event::native::Value;
use crate::event::{Code, Invoice, Rejection};
use crate::money::Amount;

/// What was paid.
pub(super) fn paid<'a>(payload: &Payload<'a, '_>, subject: &Subject<'a>) -> Result<Invoice<'a>, Rejection> {
    read(payload, subject, subject.amount_paid, "data.object.amount_paid")
}

/// What was to be paid: of an invoice whose payment failed, usually nothing has been.
pub(super) fn failed<'a>(payload: &Payload<'a, '_>, subject: &Subject<'a>) -> Result<Invoice<'a>, Rejection> {
    read(payload, subject, subject.amount_due, "data.object.amount_due")
}

fn read<'a, 'c>(payload: &Payload<'a, 'c>, subject: &Subject<'a>, amount: Json<'a>, path: &'c str) -> Result<Invoice<'a>, Rejection> {
    let invoice_id = payload.required(subject.id, "data.object.id", Value::id)?;
    let currency = payload.required(subject.currency, "data.object.currency", Value::currency)?;
    let minor = amount::read(payload, (Json::default(), amount), path, currency)?.ok_or_else(|| missing(path))?;
    if minor.is_negative() {
        return Err(Rejection::new(Code::OutOfRange, format!("{path} is negative")));
    }
    Ok(Invoice { invoice_id, amount: Amount { minor, currency } })
}

/// The metadata that an invoice's subscription had when the invoice was made. What has another shape holds none.
pub(super) fn subscription_metadata<'a>(payload: &Payload<'a, '_>, subject: &Subject<'a>) -> Json<'a> {
    let parent = inner::object::<Parent<'a>>(payload, subject.parent, "data.object.parent").ok().flatten();
    let details = parent.map(|parent| parent.subscription_details).filter(|details| details.given().is_some());
    let details = details.unwrap_or(subject.subscription_details);
    let details = inner::object::<SubscriptionDetails<'a>>(payload, details, "data.object.subscription_details").ok().flatten();
    details.map(|details| details.metadata).unwrap_or_default()
}
