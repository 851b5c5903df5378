//! Billing events as fields. Amounts are whole minor units, or exact major units where a price is finer than one.

use super::name_of;
use super::object::Object;
use crate::event::native::billing::{CATEGORIES, INTERVALS, STATUSES, USAGE_TYPES};
use crate::event::native::field::Field;
use crate::event::{BillingEvent, Cost, Discount, Invoice, Item, SubscriptionSnapshot};
use crate::money::{Amount, Currency, Fixed, Interval};

pub(super) fn billing(object: &mut Object<'_>, event: &BillingEvent<'_>) {
    match event {
        BillingEvent::Subscription(snapshot) => subscription(object, snapshot),
        BillingEvent::InvoicePaid(invoice) | BillingEvent::InvoicePaymentFailed(invoice) => {
            let Invoice { invoice_id, amount: invoiced } = invoice;
            object.text(Field::InvoiceId, invoice_id);
            amount(object, *invoiced);
        }
    }
}

pub(super) fn cost(object: &mut Object<'_>, cost: &Cost<'_>) {
    let Cost { category, amount: spent, segment } = cost;
    object.text(Field::Category, name_of(&CATEGORIES, category));
    amount(object, *spent);
    object.optional_text(Field::Segment, segment.as_deref());
}

fn subscription(object: &mut Object<'_>, snapshot: &SubscriptionSnapshot<'_>) {
    object.text(Field::SubscriptionId, &snapshot.subscription_id);
    object.text(Field::Status, name_of(&STATUSES, &(snapshot.status, false)));
    object.objects(Field::Items, &snapshot.items, item);
    if !snapshot.discounts.is_empty() {
        let first = Item::first_recurring(&snapshot.items).map(|(item, _)| item.amount.currency);
        object.objects(Field::Discounts, &snapshot.discounts, |object, of| discount(object, of, first));
    }
    object.optional_instant(Field::TrialEnd, snapshot.trial_end);
    object.instant(Field::CurrentPeriodStart, snapshot.current_period_start);
    object.instant(Field::CurrentPeriodEnd, snapshot.current_period_end);
    object.flag_if_set(Field::CancelAtPeriodEnd, snapshot.cancel_at_period_end);
    object.optional_instant(Field::CancelAt, snapshot.cancel_at);
    object.optional_instant(Field::CanceledAt, snapshot.canceled_at);
    object.optional_instant(Field::StartedAt, snapshot.started_at);
    object.optional_instant(Field::TermEnd, snapshot.term_end);
    object.optional_text(Field::Reason, snapshot.reason.as_deref());
    if let Some(version) = snapshot.version {
        object.whole(Field::Version, version);
    }
}

fn item(object: &mut Object<'_>, item: &Item) {
    amount(object, item.amount);
    interval(object, item.interval);
    if item.quantity != 1 {
        object.whole(Field::Quantity, item.quantity);
    }
    if item.metered {
        object.text(Field::UsageType, name_of(&USAGE_TYPES, &item.metered));
    }
}

/// A discount on a subscription whose first recurring item has the currency `first`.
fn discount(object: &mut Object<'_>, discount: &Discount, first: Option<Currency>) {
    if let Some(percent) = discount.percent_off {
        object.decimal(Field::PercentOff, percent.into(), 0);
    }
    if let Some(minor) = discount.amount_off_minor {
        let decimals = discount.currency.or(first).map_or(0, Currency::exponent);
        minor_or_major(object, minor, decimals, [Field::AmountOffMinor, Field::AmountOff]);
    }
    if let Some(currency) = discount.currency {
        object.text(Field::Currency, currency.code());
    }
    interval(object, discount.interval);
    object.optional_instant(Field::EndsAt, discount.ends_at);
}

fn interval(object: &mut Object<'_>, interval: Option<Interval>) {
    let Some(Interval { unit, count }) = interval else { return };
    object.text(Field::Interval, name_of(&INTERVALS, &unit));
    if count != 1 {
        object.whole(Field::IntervalCount, count);
    }
}

fn amount(object: &mut Object<'_>, amount: Amount) {
    minor_or_major(object, amount.minor, amount.currency.exponent(), [Field::AmountMinor, Field::Amount]);
    object.text(Field::Currency, amount.currency.code());
}

/// Minor units may have no decimals in the contract, so a fraction of one is written in major units.
fn minor_or_major(object: &mut Object<'_>, minor: Fixed, decimals: u32, [in_minor, in_major]: [Field; 2]) {
    if minor.scale() == 0 {
        object.whole(in_minor, minor.mantissa());
    } else {
        object.decimal(in_major, minor, decimals);
    }
}
