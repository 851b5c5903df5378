//! What a quantity costs by the tiers of a price.

use super::amount;
use super::payload::Tier;
use crate::event::adapter::inner::{self, at};
use crate::event::adapter::object::Json;
use crate::event::adapter::payload::Payload;
use crate::event::native::Value;
use crate::event::{Code, Rejection};
use crate::money::{Currency, Fixed};

/// Where tiers are.
const TIERS: &str = "data.object.items.data[].price.tiers";
const TIER: &str = "data.object.items.data[].price.tiers[]";

/// How tiers add up.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Each unit costs what its tier says.
    Graduated,
    /// All units cost what the tier of the last one says.
    Volume,
}

/// Reads `tiers_mode`.
const MODES: [(&str, Mode); 2] = [("graduated", Mode::Graduated), ("volume", Mode::Volume)];

/// A tier: from the end of the one before it up to and including `up_to`.
struct Bracket {
    /// `None`: without end.
    up_to: Option<u64>,
    flat: Fixed,
    unit: Fixed,
}

/// What `quantity` units cost per interval; `None` if the tiers are not in the event.
///
/// # Errors
/// If the tiers make no sense, or one has no price.
pub(super) fn total<'a>(
    payload: &Payload<'a, '_>,
    tiers: Json<'a>,
    mode: Json<'a>,
    currency: Currency,
    quantity: u64,
) -> Result<Option<Fixed>, Rejection> {
    let tiers = inner::elements(payload, tiers, TIERS)?.filter(|tiers| !tiers.is_empty());
    let Some(tiers) = tiers else { return Ok(None) };
    let mode = payload.required(mode, "data.object.items.data[].price.tiers_mode", |value| value.choice(&MODES))?;
    let bracket = |(index, tier): (usize, &Json<'a>)| bracket(payload, *tier, currency).map_err(|rejection| at_tier(index, &rejection));
    let brackets = tiers.iter().enumerate().map(bracket).collect::<Result<Vec<_>, _>>()?;
    let ascending = brackets.is_sorted_by(|a, b| a.up_to.is_some_and(|end| b.up_to.is_none_or(|next| end < next)));
    let reached = brackets.iter().position(|bracket| bracket.up_to.is_none_or(|end| quantity <= end));
    let Some(reached) = reached.filter(|_| ascending) else {
        return Err(Rejection::new(Code::OutOfRange, format!("{TIERS} do not ascend, or end below the quantity")));
    };
    let cost = match mode {
        Mode::Graduated => graduated(brackets.get(..=reached).unwrap_or_default(), quantity),
        Mode::Volume => brackets.get(reached).map_or(Fixed::from(0), |bracket| bracket.unit.times(quantity).plus(bracket.flat)),
    };
    amount::checked(cost, TIERS).map(Some)
}

/// The sum over the tiers that are reached. The first one is always reached, so its flat amount is due for no units, too.
fn graduated(brackets: &[Bracket], quantity: u64) -> Fixed {
    let mut sum = Fixed::from(0);
    let mut below = 0;
    for bracket in brackets {
        let end = bracket.up_to.map_or(quantity, |end| end.min(quantity));
        sum = sum.plus(bracket.unit.times(end.saturating_sub(below))).plus(bracket.flat);
        below = end;
    }
    sum
}

fn bracket<'a>(payload: &Payload<'a, '_>, tier: Json<'a>, currency: Currency) -> Result<Bracket, Rejection> {
    let Some(tier) = inner::object::<Tier<'a>>(payload, tier, TIER)? else {
        return Err(Rejection::new(Code::MissingField, format!("{TIER} is missing")));
    };
    let up_to = payload.optional(tier.up_to, "data.object.items.data[].price.tiers[].up_to", up_to)?.flatten();
    let unit = if tier.unit_amount.given().is_some() { tier.unit_amount } else { tier.amount };
    let unit = amount::read(payload, (tier.unit_amount_decimal, unit), "data.object.items.data[].price.tiers[].unit_amount", currency)?;
    let flat = (tier.flat_amount_decimal, tier.flat_amount);
    let flat = amount::read(payload, flat, "data.object.items.data[].price.tiers[].flat_amount", currency)?;
    if unit.is_none() && flat.is_none() {
        return Err(Rejection::new(Code::MissingField, format!("{TIER}.unit_amount is missing")));
    }
    Ok(Bracket { up_to, flat: flat.unwrap_or(Fixed::from(0)), unit: unit.unwrap_or(Fixed::from(0)) })
}

/// The end of a tier; the last one has null, or `inf` as in requests.
fn up_to(value: &Value<'_, '_>) -> Result<Option<u64>, Rejection> {
    match value.word(&[("inf", ())])? {
        Some(()) => Ok(None),
        None => value.whole(0..=u64::MAX).map(Some),
    }
}

/// The index of a tier goes into the second list of the path; the first is filled in by the caller.
#[cold]
fn at_tier(index: usize, rejection: &Rejection) -> Rejection {
    const MARK: &str = "data[]";
    let tier = Rejection::new(rejection.code, rejection.reason.replacen(MARK, "data()", 1));
    let tier = at(index, &tier);
    Rejection::new(tier.code, tier.reason.replacen("data()", MARK, 1))
}
