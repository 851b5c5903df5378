//! Amounts as Stripe writes them: in the smallest unit of the currency, as an integer, and as a decimal where that is too coarse.

use crate::event::adapter::object::Json;
use crate::event::adapter::payload::Payload;
use crate::event::{Code, Rejection};
use crate::money::{Currency, Fixed};

/// An amount whose integer and decimal are in these fields, in minor units as ISO 4217 has them; the decimal, which is exact, wins. `None`
/// if neither is given.
///
/// # Errors
/// `wrong_type`; `out_of_range` beyond 64 bits.
pub(super) fn read<'a, 'c>(
    payload: &Payload<'a, 'c>,
    (decimal, integer): (Json<'a>, Json<'a>),
    path: &'c str,
    currency: Currency,
) -> Result<Option<Fixed>, Rejection> {
    let written = if decimal.given().is_some() { decimal } else { integer };
    let amount = payload.optional(written, path, |value| value.decimal(0))?;
    amount.map(|amount| checked(minor(amount, currency), path)).transpose()
}

/// The same amount if it is within the range of amounts.
pub(super) fn checked(amount: Fixed, path: &str) -> Result<Fixed, Rejection> {
    let whole = amount.mantissa() / 10_i128.saturating_pow(amount.scale());
    match i64::try_from(whole) {
        Ok(_) => Ok(amount),
        Err(_) => Err(Rejection::new(Code::OutOfRange, format!("{path} is outside its range"))),
    }
}

/// Minor units from Stripe's: it writes the króna and the Ugandan shilling, which have no minor unit, with two decimals, and the ariary,
/// whose minor unit is not decimal, with none.
pub(super) fn minor(amount: Fixed, currency: Currency) -> Fixed {
    match currency.code() {
        "ISK" | "UGX" => Fixed::new(amount.mantissa(), amount.scale() + 2),
        "MGA" => amount.times(100),
        _ => amount,
    }
}

/// A percentage of an amount, exactly; `None` if that takes too many digits.
pub(super) fn portion(amount: Fixed, percent: rust_decimal::Decimal) -> Option<Fixed> {
    /// Far more than any price has, and few enough for sums in 128 bits.
    const MAX_DECIMALS: u32 = 24;
    let mantissa = amount.mantissa().checked_mul(percent.mantissa())?;
    let portion = Fixed::new(mantissa, amount.scale() + percent.scale() + 2);
    (portion.scale() <= MAX_DECIMALS).then_some(portion)
}

/// The negative amount.
pub(super) const fn negative(amount: Fixed) -> Fixed {
    Fixed::new(-amount.mantissa(), amount.scale())
}
