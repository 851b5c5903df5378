//! Discounts of a subscription and of its items, in every form in which events have them.
//!
//! A discount on the whole subscription is a native one. One on a single item, or on some products, is the amount that it takes off each
//! item per interval; percentages off the whole come after it in Stripe and before amounts here, so they are taken off that amount, too.

use rust_decimal::Decimal;

use super::line::Line;
use super::payload::{Applied, AppliesTo, Coupon, DiscountSource, Subject};
use super::{UnexpandedDiscounts, amount};
use crate::event::adapter::inner::{self, at};
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::Payload;
use crate::event::native::Value;
use crate::event::{Code, Discount, Rejection};
use crate::money::{Currency, Fixed};
use crate::time::Timestamp;

/// Where the two lists of discounts are.
const OF_SUBSCRIPTION: &str = "data.object.discounts[]";
const OF_ITEM: &str = "data.object.items.data[].discounts";

/// How long a coupon applies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Duration {
    Once,
    Repeating,
    Forever,
}

/// Reads `duration`.
const DURATIONS: [(&str, Duration); 3] = [("once", Duration::Once), ("repeating", Duration::Repeating), ("forever", Duration::Forever)];

/// A discount whose coupon is in the event.
struct Terms<'a> {
    percent_off: Option<Decimal>,
    /// In minor units of `currency`.
    amount_off: Option<Fixed>,
    currency: Option<Currency>,
    ends_at: Option<Timestamp>,
    /// The products that it is restricted to.
    products: Option<Vec<Json<'a>>>,
}

/// Reads the discounts of one subscription.
pub(super) struct Discounts<'r, 'a, 'c> {
    pub(super) payload: &'r Payload<'a, 'c>,
    pub(super) unexpanded: UnexpandedDiscounts,
    /// The subscription's currency, where given.
    pub(super) currency: Option<Currency>,
    /// The end of the period: a coupon that applies once ends with it.
    pub(super) period_end: Timestamp,
}

/// Native discounts, and whether any was left out because the event holds only its id.
#[derive(Default)]
pub(super) struct Found {
    pub(super) discounts: Vec<Discount>,
    pub(super) unexpanded: bool,
}

impl<'a> Discounts<'_, 'a, '_> {
    /// The discounts of a subscription with these items.
    pub(super) fn read(&self, subject: &Subject<'a>, lines: &[Line<'a>]) -> Result<Found, Rejection> {
        let mut found = Found::default();
        // What each item costs after the discounts so far.
        let mut left: Vec<Fixed> = lines.iter().map(Line::total).collect();
        let mut on_lines = Vec::new();
        for (index, (line, left)) in lines.iter().zip(&mut left).enumerate() {
            let discounts = inner::elements(self.payload, line.discounts, OF_ITEM).map_err(|rejection| at(index, &rejection))?;
            for discount in discounts.unwrap_or_default() {
                match self.terms(discount, OF_ITEM).map_err(|rejection| at(index, &rejection))? {
                    Some(terms) => on_lines.extend(off_line(&terms, line, left)?),
                    None => found.unexpanded = true,
                }
            }
        }
        for (index, discount) in self.of_subscription(subject)?.into_iter().enumerate() {
            match self.terms(discount, OF_SUBSCRIPTION).map_err(|rejection| at(index, &rejection))? {
                None => found.unexpanded = true,
                Some(Terms { products: Some(products), .. }) if products.is_empty() => {}
                Some(terms) if terms.products.is_some() => {
                    for (line, left) in lines.iter().zip(&mut left).filter(|(line, _)| terms.covers(line)) {
                        on_lines.extend(off_line(&terms, line, left)?);
                    }
                }
                Some(terms) => found.discounts.push(terms.on_all()),
            }
        }
        let percentages: Vec<Decimal> = found.discounts.iter().filter_map(|discount| discount.percent_off).collect();
        for discount in on_lines {
            found.discounts.push(after(discount, &percentages)?);
        }
        Ok(found)
    }

    /// `discounts`, with the one that `discount` has in full in its place, and before the others if it is not among them.
    fn of_subscription(&self, subject: &Subject<'a>) -> Result<Vec<Json<'a>>, Rejection> {
        let mut listed = inner::elements(self.payload, subject.discounts, "data.object.discounts")?.unwrap_or_default();
        listed.retain(|discount| discount.given().is_some());
        let Some(text) = subject.discount.given() else { return Ok(listed) };
        let single = inner::object::<Applied<'a>>(self.payload, subject.discount, "data.object.discount");
        let id = single.ok().flatten().and_then(|single| single.id.given()).unwrap_or(text);
        let is_single = |discount: &Json<'a>| match inner::object::<Applied<'a>>(self.payload, *discount, OF_SUBSCRIPTION) {
            Ok(Some(discount)) => discount.id.given() == Some(id),
            _ => discount.given() == Some(id),
        };
        match listed.iter_mut().find(|discount| is_single(discount)) {
            // A list that holds it in full may have the newer form of it.
            Some(place) if place.given().is_some_and(inner::is_object) => {}
            Some(place) => *place = subject.discount,
            None => listed.insert(0, subject.discount),
        }
        Ok(listed)
    }

    /// The terms of a discount; `None` if the event holds only an id of it or of its coupon.
    fn terms(&self, discount: Json<'a>, path: &'static str) -> Result<Option<Terms<'a>>, Rejection> {
        let Some((applied, coupon)) = self.coupon(discount, path)? else {
            return match self.unexpanded {
                UnexpandedDiscounts::Ignore => Ok(None),
                UnexpandedDiscounts::Refuse => Err(Rejection::new(
                    Code::MissingField,
                    format!(
                        "{path}.coupon is missing: the event holds only an id; expand the discount, or set unexpanded_discounts = \"ignore\""
                    ),
                )),
            };
        };
        let payload = self.payload;
        let percent = if coupon.percent_off_precise.given().is_some() { coupon.percent_off_precise } else { coupon.percent_off };
        let percent_off = payload.optional(percent, "the discount's coupon.percent_off", Value::percent)?;
        let (amount_off, currency) = self.amount_off(&coupon)?;
        if percent_off.is_none() && amount_off.is_none() {
            return Err(Rejection::new(Code::MissingField, format!("{path}.coupon has neither percent_off nor amount_off")));
        }
        let ends_at = self.ends_at(&applied, &coupon, path)?;
        let restriction = inner::object::<AppliesTo<'a>>(payload, coupon.applies_to, "the discount's coupon.applies_to")?;
        let products = restriction.map(|restriction| restriction.products).filter(|products| products.given().is_some());
        let products = products.map(|products| inner::elements(payload, products, "the discount's coupon.applies_to.products"));
        Ok(Some(Terms { percent_off, amount_off, currency, ends_at, products: products.transpose()?.flatten() }))
    }

    /// A discount and its coupon.
    fn coupon(&self, discount: Json<'a>, path: &'static str) -> Result<Option<(Applied<'a>, Coupon<'a>)>, Rejection> {
        if !discount.given().is_some_and(inner::is_object) {
            return self.payload.optional(discount, path, Value::id).map(|_| None);
        }
        let Some(applied) = inner::object::<Applied<'a>>(self.payload, discount, path)? else { return Ok(None) };
        let source = inner::object::<DiscountSource<'a>>(self.payload, applied.source, "the discount's source")?;
        let in_full = |coupon: &Json<'a>| coupon.given().is_some_and(inner::is_object);
        let Some(coupon) = [Some(applied.coupon), source.map(|source| source.coupon)].into_iter().flatten().find(in_full) else {
            return Ok(None);
        };
        Ok(inner::object(self.payload, coupon, "the discount's coupon")?.map(|coupon| (applied, coupon)))
    }

    /// The amount off and its currency: that of the subscription where the coupon has an amount in it, else the coupon's own.
    fn amount_off(&self, coupon: &Coupon<'a>) -> Result<(Option<Fixed>, Option<Currency>), Rejection> {
        let path = "the discount's coupon.amount_off";
        let own = self.payload.optional(coupon.currency, "the discount's coupon.currency", Value::currency)?;
        let billed = self.currency.filter(|billed| own.is_some_and(|own| own != *billed));
        let option = billed.map(|billed| inner::member(coupon.currency_options, &billed.code().to_ascii_lowercase()));
        let option = option.map(|option| inner::member(option, "amount_off")).filter(|amount| amount.given().is_some());
        let (amount, currency) = match option {
            Some(amount) => (amount, billed),
            None => (coupon.amount_off, own.or(self.currency)),
        };
        let amount_off =
            currency.map(|currency| amount::read(self.payload, (Json::default(), amount), path, currency)).transpose()?.flatten();
        match amount_off {
            Some(amount) if amount.is_negative() => Err(Rejection::new(Code::OutOfRange, format!("{path} is negative"))),
            Some(_) => Ok((amount_off, currency)),
            None => Ok((None, None)),
        }
    }

    /// When a discount ends. One that applies once has no end of its own.
    fn ends_at(&self, applied: &Applied<'a>, coupon: &Coupon<'a>, path: &'static str) -> Result<Option<Timestamp>, Rejection> {
        let end = self.payload.optional(applied.end, "the discount's end", Value::instant)?;
        let duration = self.payload.optional(coupon.duration, "the discount's coupon.duration", |value| value.choice(&DURATIONS))?;
        match (end, duration) {
            (Some(end), _) => Ok(Some(end)),
            (None, Some(Duration::Once)) => Ok(Some(self.period_end)),
            (None, Some(Duration::Repeating)) => {
                Err(Rejection::new(Code::MissingField, format!("{path}.end is missing, and the coupon does not apply forever")))
            }
            (None, Some(Duration::Forever) | None) => Ok(None),
        }
    }
}

impl<'a> Terms<'a> {
    /// The native discount on the whole subscription.
    const fn on_all(&self) -> Discount {
        let Self { percent_off, amount_off, currency, ends_at, .. } = self;
        Discount { percent_off: *percent_off, amount_off_minor: *amount_off, currency: *currency, interval: None, ends_at: *ends_at }
    }

    /// Whether a restricted coupon is for the product of an item.
    fn covers(&self, line: &Line<'a>) -> bool {
        let expanded = |product| if inner::is_object(product) { inner::member(line.product, "id").given() } else { Some(product) };
        let product = line.product.given().map(expanded);
        let products = self.products.iter().flatten();
        product.flatten().is_some_and(|product| products.clone().any(|known| known.given() == Some(product)))
    }
}

/// The discount on one item, as an amount per interval; `left` is what the item still costs.
fn off_line(terms: &Terms<'_>, line: &Line<'_>, left: &mut Fixed) -> Result<Option<Discount>, Rejection> {
    if !line.counts() {
        return Ok(None);
    }
    let mut off = Fixed::from(0);
    if let Some(percent) = terms.percent_off {
        off = amount::portion(*left, percent).ok_or_else(too_fine)?;
    }
    // Amounts are in the subscription's currency, and so are its items.
    if let Some(amount) = terms.amount_off {
        off = off.plus(amount);
    }
    let rest = left.plus(amount::negative(off));
    if rest.is_negative() {
        off = *left;
    }
    *left = if rest.is_negative() { Fixed::from(0) } else { rest };
    let (currency, interval, ends_at) = (Some(line.currency), line.interval, terms.ends_at);
    Ok(Some(Discount { percent_off: None, amount_off_minor: Some(off), currency, interval, ends_at }))
}

/// An amount off one item, less the percentages off everything, which come after it.
fn after(mut discount: Discount, percentages: &[Decimal]) -> Result<Discount, Rejection> {
    for percent in percentages {
        let off = discount.amount_off_minor.unwrap_or(Fixed::from(0));
        discount.amount_off_minor = Some(amount::portion(off, Decimal::ONE_HUNDRED - *percent).ok_or_else(too_fine)?);
    }
    Ok(discount)
}

#[cold]
fn too_fine() -> Rejection {
    Rejection::new(Code::OutOfRange, "the discounts of an item take more digits than can be kept exactly")
}
