//! Billing: `subscription_changed`, `invoice_paid`, `invoice_payment_failed`, `cost_recorded`.

use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::value::{MAX_COUNT, Value};
use crate::event::{BillingEvent, Cost, CostCategory, Discount, Event, Invoice, Item, Rejection, SubscriptionSnapshot, SubscriptionStatus};
use crate::money::{Amount, Currency, Exact, Fixed, Interval, IntervalUnit};

pub(super) const TYPES: [EventType; 4] = [
    EventType::new("subscription_changed", subscription_changed),
    EventType::new("invoice_paid", invoice_paid),
    EventType::new("invoice_payment_failed", invoice_payment_failed),
    EventType::without_account("cost_recorded", cost_recorded),
];

/// Statuses in the spellings of common billing systems; the flag says whether the status itself means that it will not renew.
pub(super) const STATUSES: [(&str, (SubscriptionStatus, bool)); 12] = [
    ("active", (SubscriptionStatus::Active, false)),
    ("past_due", (SubscriptionStatus::PastDue, false)),
    ("trialing", (SubscriptionStatus::Trialing, false)),
    ("unpaid", (SubscriptionStatus::Unpaid, false)),
    ("paused", (SubscriptionStatus::Paused, false)),
    ("canceled", (SubscriptionStatus::Canceled, false)),
    ("cancelled", (SubscriptionStatus::Canceled, false)),
    ("ended", (SubscriptionStatus::Canceled, false)),
    ("incomplete", (SubscriptionStatus::Incomplete, false)),
    ("incomplete_expired", (SubscriptionStatus::IncompleteExpired, false)),
    ("expired", (SubscriptionStatus::Expired, false)),
    ("non_renewing", (SubscriptionStatus::Active, true)),
];

pub(super) const INTERVALS: [(&str, IntervalUnit); 12] = [
    ("day", IntervalUnit::Day),
    ("daily", IntervalUnit::Day),
    ("week", IntervalUnit::Week),
    ("weekly", IntervalUnit::Week),
    ("month", IntervalUnit::Month),
    ("monthly", IntervalUnit::Month),
    ("quarter", IntervalUnit::Quarter),
    ("quarterly", IntervalUnit::Quarter),
    ("year", IntervalUnit::Year),
    ("yearly", IntervalUnit::Year),
    ("annual", IntervalUnit::Year),
    ("annually", IntervalUnit::Year),
];

pub(super) const USAGE_TYPES: [(&str, bool); 2] = [("licensed", false), ("metered", true)];

pub(super) const CATEGORIES: [(&str, CostCategory); 2] =
    [("acquisition", CostCategory::Acquisition), ("retention", CostCategory::Retention)];

fn subscription_changed<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let subscription_id = fields.required(Field::SubscriptionId, Value::id)?;
    let (status, does_not_renew) = fields.required(Field::Status, |value| value.choice(&STATUSES))?;
    let items = fields.required(Field::Items, items)?;
    let snapshot = SubscriptionSnapshot {
        subscription_id,
        status,
        discounts: discounts(fields, &items)?,
        items,
        trial_end: fields.optional_instant(Field::TrialEnd)?,
        current_period_start: fields.required_instant(Field::CurrentPeriodStart)?,
        current_period_end: fields.required_instant(Field::CurrentPeriodEnd)?,
        cancel_at_period_end: fields.optional(Field::CancelAtPeriodEnd, Value::flag)?.unwrap_or(false) || does_not_renew,
        cancel_at: fields.optional_instant(Field::CancelAt)?,
        canceled_at: fields.optional_instant(Field::CanceledAt)?,
        started_at: fields.optional_instant(Field::StartedAt)?,
        term_end: fields.optional_instant(Field::TermEnd)?,
        reason: fields.optional(Field::Reason, Value::text)?,
        version: fields.optional(Field::Version, |value| value.whole(i64::MIN..=i64::MAX))?,
    };
    Ok(Event::Billing(BillingEvent::Subscription(Box::new(snapshot))))
}

fn items(value: &Value<'_, '_>) -> Result<Vec<Item>, Rejection> {
    value.elements()?.iter().map(item).collect()
}

fn item(value: &Value<'_, '_>) -> Result<Item, Rejection> {
    let mut fields = Fields::of_object(value);
    fields.read_object(value)?;
    let amount = amount(&fields, true)?;
    let interval = interval(&fields)?;
    let quantity = fields.optional(Field::Quantity, |value| value.whole(0..=MAX_COUNT))?.unwrap_or(1);
    let metered = fields.optional(Field::UsageType, |value| value.choice(&USAGE_TYPES))?.unwrap_or(false);
    Ok(Item { amount, interval, quantity, metered })
}

/// The discounts on a subscription with these items: `discount` is a single one, `discounts` a list.
fn discounts(fields: &Fields<'_, '_>, items: &[Item]) -> Result<Vec<Discount>, Rejection> {
    let one = fields.optional(Field::Discount, |value| Ok((*value, discount(value, items)?)))?;
    let several = fields.optional(Field::Discounts, |value| value.elements()?.iter().map(|value| discount(value, items)).collect())?;
    match (one, several.filter(|discounts: &Vec<_>| !discounts.is_empty())) {
        (Some((value, _)), Some(_)) => Err(value.out_of_range("and discounts are both given; give only one")),
        (one, several) => Ok(several.unwrap_or_else(|| one.map(|(_, discount)| discount).into_iter().collect())),
    }
}

/// A discount on a subscription with these items.
fn discount(value: &Value<'_, '_>, items: &[Item]) -> Result<Discount, Rejection> {
    let mut fields = Fields::of_object(value);
    fields.read_object(value)?;
    let percent_off = fields.optional(Field::PercentOff, Value::percent)?;
    let amount_off = written_amount(&fields, &AMOUNT_OFF, false)?;
    let currency = fields.optional(Field::Currency, Value::currency)?;
    let interval = interval(&fields)?;
    let ends_at = fields.optional_instant(Field::EndsAt)?;
    let first = Item::first_recurring(items).map(|(item, _)| item.amount.currency);
    // Without a recurring item the amount has no effect, so any number of decimals will do.
    let decimals = currency.or(first).map_or(0, Currency::exponent);
    let amount_off_minor = amount_off.map(|amount| amount.minor(decimals)).transpose()?;
    Ok(Discount { percent_off, amount_off_minor, currency, interval, ends_at })
}

/// `interval` and `interval_count` of an item or a discount; a count without an interval is ignored.
fn interval(fields: &Fields<'_, '_>) -> Result<Option<Interval>, Rejection> {
    let unit = fields.optional(Field::Interval, |value| value.choice(&INTERVALS))?;
    let count = fields.optional(Field::IntervalCount, |value| value.whole(1..=u32::MAX))?.unwrap_or(1);
    Ok(unit.map(|unit| Interval { unit, count }))
}

/// The two ways to give an amount: whole minor units, or major units with decimals.
struct AmountFields {
    minor: Field,
    major: Field,
    /// The reason if both are given.
    both: &'static str,
}

const AMOUNT: AmountFields =
    AmountFields { minor: Field::AmountMinor, major: Field::Amount, both: "and amount are both given; give only one" };
const AMOUNT_OFF: AmountFields =
    AmountFields { minor: Field::AmountOffMinor, major: Field::AmountOff, both: "and amount_off are both given; give only one" };

/// An amount as written, before its currency determines the number of decimals.
struct WrittenAmount<'a, 'c> {
    value: Value<'a, 'c>,
    is_major: bool,
    may_be_negative: bool,
}

impl WrittenAmount<'_, '_> {
    /// In minor units of a currency with this many decimals.
    fn minor(&self, decimals: u32) -> Result<Fixed, Rejection> {
        let minor = if self.is_major { self.value.decimal(decimals)? } else { self.value.minor_units()?.into() };
        let too_large = minor.exact().minus(&Exact::whole(i64::MAX.into())).is_positive();
        let too_small = Exact::whole(i64::MIN.into()).minus(&minor.exact()).is_positive();
        match minor {
            _ if too_large || too_small => Err(self.value.out_of_range("is outside its range")),
            _ if minor.is_negative() && !self.may_be_negative => Err(self.value.out_of_range("is negative")),
            _ => Ok(minor),
        }
    }
}

fn written_amount<'a, 'c>(
    fields: &Fields<'a, 'c>,
    names: &AmountFields,
    may_be_negative: bool,
) -> Result<Option<WrittenAmount<'a, 'c>>, Rejection> {
    let minor = fields.optional(names.minor, |value| Ok(*value))?;
    let major = fields.optional(names.major, |value| Ok(*value))?;
    if let (Some(minor), Some(_)) = (&minor, &major) {
        return Err(minor.out_of_range(names.both));
    }
    let is_major = major.is_some();
    let Some(value) = minor.or(major) else { return Ok(None) };
    let written = WrittenAmount { value, is_major, may_be_negative };
    // The type is checked before the currency; the number of decimals affects only the range.
    if is_major {
        value.float().map(drop)?;
    } else {
        written.minor(0).map(drop)?;
    }
    Ok(Some(written))
}

fn amount(fields: &Fields<'_, '_>, may_be_negative: bool) -> Result<Amount, Rejection> {
    let written = written_amount(fields, &AMOUNT, may_be_negative)?.ok_or_else(|| fields.missing(Field::AmountMinor))?;
    let currency = fields.required(Field::Currency, Value::currency)?;
    Ok(Amount { minor: written.minor(currency.exponent())?, currency })
}

fn invoice_paid<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    invoice(fields).map(|invoice| Event::Billing(BillingEvent::InvoicePaid(invoice)))
}

fn invoice_payment_failed<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    invoice(fields).map(|invoice| Event::Billing(BillingEvent::InvoicePaymentFailed(invoice)))
}

fn invoice<'a>(fields: &Fields<'a, '_>) -> Result<Invoice<'a>, Rejection> {
    let invoice_id = fields.required(Field::InvoiceId, Value::id)?;
    fields.optional(Field::SubscriptionId, Value::id)?;
    Ok(Invoice { invoice_id, amount: amount(fields, false)? })
}

fn cost_recorded<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let category = fields.required(Field::Category, |value| value.choice(&CATEGORIES))?;
    let amount = amount(fields, false)?;
    let segment = fields.optional(Field::Segment, Value::text)?;
    Ok(Event::Cost(Cost { category, amount, segment }))
}

#[cfg(test)]
mod tests;
