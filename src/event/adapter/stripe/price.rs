//! The price of a subscription item: per unit, in packages, in tiers, or in another currency than its first.

use std::borrow::Cow;

use super::line::{Cost, Line};
use super::payload::{CurrencyOption, Price, SubscriptionItem, Transform};
use super::{Options, amount, tiers};
use crate::event::adapter::inner;
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::{Payload, missing};
use crate::event::native::{MAX_COUNT, Value};
use crate::event::{Code, Rejection};
use crate::money::{Currency, Fixed, Interval, IntervalUnit};

/// Reads `interval`.
const INTERVALS: [(&str, IntervalUnit); 4] =
    [("day", IntervalUnit::Day), ("week", IntervalUnit::Week), ("month", IntervalUnit::Month), ("year", IntervalUnit::Year)];

/// Reads `usage_type`: whether it is metered.
const USAGE_TYPES: [(&str, bool); 2] = [("licensed", false), ("metered", true)];

/// Reads `billing_scheme`: whether it is tiered.
const SCHEMES: [(&str, bool); 2] = [("per_unit", false), ("tiered", true)];

/// Reads `round`: whether it is up.
const ROUNDING: [(&str, bool); 2] = [("up", true), ("down", false)];

/// Where prices are.
const PRICE: &str = "data.object.items.data[].price";

/// Reads the items of one subscription.
pub(super) struct Prices<'r, 'a, 'c> {
    pub(super) payload: &'r Payload<'a, 'c>,
    pub(super) options: &'r Options,
    /// The subscription's currency, where given.
    pub(super) currency: Option<Currency>,
    /// The subscription has ended, so what its items cost changes nothing any more.
    pub(super) has_ended: bool,
}

/// The fields of a price, or those of a plan under their names.
struct Terms<'a> {
    interval: Json<'a>,
    interval_count: Json<'a>,
    usage_type: Json<'a>,
    amount: (Json<'a>, Json<'a>),
    tiers: Json<'a>,
    transform: Json<'a>,
}

impl<'a> Terms<'a> {
    fn of(price: &Price<'a>) -> Self {
        let or = |first: Json<'a>, second| if first.given().is_some() { first } else { second };
        let (interval, interval_count, usage_type) = match price.recurring.get() {
            Some(recurring) => (recurring.interval, recurring.interval_count, recurring.usage_type),
            None => (price.interval, price.interval_count, price.usage_type),
        };
        Self {
            interval,
            interval_count,
            usage_type,
            amount: (or(price.unit_amount_decimal, price.amount_decimal), or(price.unit_amount, price.amount)),
            tiers: price.tiers,
            transform: or(price.transform_quantity, price.transform_usage),
        }
    }
}

impl<'a> Prices<'_, 'a, '_> {
    /// What an item costs.
    pub(super) fn line(&self, item: &SubscriptionItem<'a>) -> Result<Line<'a>, Rejection> {
        match item.price.object(PRICE)? {
            Some(price) => self.priced(price, item.quantity, item.discounts),
            None => match inner::object(self.payload, item.plan, "data.object.items.data[].plan")? {
                Some(plan) => self.priced(&plan, item.quantity, item.discounts),
                None => Err(missing(PRICE)),
            },
        }
    }

    /// What so many units of a price cost.
    pub(super) fn priced(&self, price: &Price<'a>, quantity: Json<'a>, discounts: Json<'a>) -> Result<Line<'a>, Rejection> {
        let payload = self.payload;
        let mut terms = Terms::of(price);
        let own = payload.optional(price.currency, "data.object.items.data[].price.currency", Value::currency)?;
        let own = own.or(self.currency).ok_or_else(|| missing("data.object.items.data[].price.currency"))?;
        let currency = self.billed_in(own, price, &mut terms)?;
        let interval = self.interval(&terms)?;
        let metered = payload
            .optional(terms.usage_type, "data.object.items.data[].price.recurring.usage_type", |value| value.choice(&USAGE_TYPES))?;
        let metered = metered.unwrap_or(false);
        let quantity = payload.optional(quantity, "data.object.items.data[].quantity", |value| value.whole(0..=MAX_COUNT))?;
        let quantity = quantity.unwrap_or(1);
        // Nothing depends on what these cost, and it is often not in the event.
        let free = metered || self.has_ended;
        let cost = match self.cost(price, &terms, currency, quantity) {
            Err(_) if free => Cost::PerUnit(Fixed::from(0)),
            cost => cost?,
        };
        Ok(Line { cost, currency, interval, quantity, metered, product: price.product, discounts })
    }

    /// The currency of the subscription, with the amounts of the price in it, where the price has them; else its own.
    fn billed_in(&self, own: Currency, price: &Price<'a>, terms: &mut Terms<'a>) -> Result<Currency, Rejection> {
        let Some(billed) = self.currency.filter(|billed| *billed != own) else { return Ok(own) };
        let option = inner::member(price.currency_options, &billed.code().to_ascii_lowercase());
        let path = "data.object.items.data[].price.currency_options";
        let Some(option) = inner::object::<CurrencyOption<'a>>(self.payload, option, path)? else { return Ok(own) };
        terms.amount = (option.unit_amount_decimal, option.unit_amount);
        terms.tiers = option.tiers;
        Ok(billed)
    }

    fn interval(&self, terms: &Terms<'a>) -> Result<Option<Interval>, Rejection> {
        let unit =
            self.payload.optional(terms.interval, "data.object.items.data[].price.recurring.interval", |value| value.choice(&INTERVALS))?;
        let count = self
            .payload
            .optional(terms.interval_count, "data.object.items.data[].price.recurring.interval_count", |value| value.whole(1..=u32::MAX))?;
        Ok(unit.map(|unit| Interval { unit, count: count.unwrap_or(1) }))
    }

    fn cost(&self, price: &Price<'a>, terms: &Terms<'a>, currency: Currency, quantity: u64) -> Result<Cost, Rejection> {
        let payload = self.payload;
        let scheme =
            payload.optional(price.billing_scheme, "data.object.items.data[].price.billing_scheme", |value| value.word(&SCHEMES))?;
        if scheme.flatten() == Some(true) {
            return self.tiered(price, terms, currency, quantity);
        }
        let path = "data.object.items.data[].price.unit_amount";
        let unit = amount::read(payload, terms.amount, path, currency)?.ok_or_else(|| missing(path))?;
        let Some(packages) = self.packages(terms, quantity)? else { return Ok(Cost::PerUnit(unit)) };
        Ok(Cost::InAll(amount::checked(unit.times(packages), path)?))
    }

    fn tiered(&self, price: &Price<'a>, terms: &Terms<'a>, currency: Currency, quantity: u64) -> Result<Cost, Rejection> {
        if let Some(total) = tiers::total(self.payload, terms.tiers, price.tiers_mode, currency, quantity)? {
            return Ok(Cost::InAll(total));
        }
        let id: Option<Cow<'a, str>> = self.payload.optional(price.id, "data.object.items.data[].price.id", Value::id)?;
        match id.and_then(|id| self.options.tiered_unit_amounts.get(&*id)) {
            Some(unit) => Ok(Cost::PerUnit(amount::minor(i64::from(*unit).into(), currency))),
            None => Err(Rejection::new(
                Code::MissingField,
                format!("{PRICE}.tiers is missing, and the price is tiered: expand it, or give an amount in tiered_unit_amounts"),
            )),
        }
    }

    /// How many packages a quantity is; `None` if units are sold one by one.
    fn packages(&self, terms: &Terms<'a>, quantity: u64) -> Result<Option<u64>, Rejection> {
        let path = "data.object.items.data[].price.transform_quantity";
        let Some(transform) = inner::object::<Transform<'a>>(self.payload, terms.transform, path)? else { return Ok(None) };
        let divide_by =
            self.payload.required(transform.divide_by, "data.object.items.data[].price.transform_quantity.divide_by", |value| {
                value.whole(1..=u64::MAX)
            })?;
        let up = self
            .payload
            .required(transform.round, "data.object.items.data[].price.transform_quantity.round", |value| value.choice(&ROUNDING))?;
        Ok(Some(if up { quantity.div_ceil(divide_by) } else { quantity / divide_by }))
    }
}
