//! Metric values formatted for sentences: few digits, and a unit.

use crate::metric::Unit;
use crate::money::Currency;

/// Maximum number of decimals used to distinguish two values.
const MAX_DIGITS: usize = 6;

/// A value with its unit.
#[must_use]
pub(super) fn quantity(unit: Unit, value: f64, currency: Currency) -> String {
    with_digits(unit, value, digits(unit), currency)
}

/// Two values with their unit, with as many decimals as it takes to distinguish them; `None` if that is not enough.
pub(super) fn quantities(unit: Unit, before: f64, now: f64, currency: Currency) -> Option<(String, String)> {
    (digits(unit)..=MAX_DIGITS)
        .map(|digits| (with_digits(unit, before, digits, currency), with_digits(unit, now, digits, currency)))
        .find(|(before, now)| before != now)
}

const fn digits(unit: Unit) -> usize {
    match unit {
        Unit::Ratio => 2,
        Unit::Days | Unit::Hours | Unit::Minutes | Unit::Seconds => 1,
        Unit::Count | Unit::Money | Unit::Text | Unit::Table => 0,
    }
}

fn with_digits(unit: Unit, value: f64, digits: usize, currency: Currency) -> String {
    match unit {
        Unit::Count | Unit::Ratio | Unit::Text | Unit::Table => number(value, digits),
        Unit::Money => money(value, currency),
        Unit::Days => number(value, digits) + " d",
        Unit::Hours => number(value, digits) + " h",
        Unit::Minutes => number(value, digits) + " min",
        Unit::Seconds => number(value, digits) + " s",
    }
}

/// Without trailing zeros and without a negative zero.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.into() }
}

/// Minor units as an amount.
fn money(minor: f64, currency: Currency) -> String {
    let exponent = currency.exponent();
    let major = minor / f64::from(10_u32.pow(exponent));
    format!("{major:.*} {}", usize::try_from(exponent).unwrap_or_default(), currency.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_few_digits_and_its_unit() {
        let table = [
            (Unit::Count, 19.0, "19"),
            (Unit::Ratio, 0.456, "0.46"),
            (Unit::Ratio, 0.5, "0.5"),
            (Unit::Ratio, -0.001, "0"),
            (Unit::Days, 16.27, "16.3 d"),
            (Unit::Hours, 2.0, "2 h"),
            (Unit::Minutes, 100.0, "100 min"),
            (Unit::Money, 120_050.0, "1200.50 USD"),
        ];
        for (unit, value, text) in table {
            assert_eq!(quantity(unit, value, Currency::USD), text);
        }
    }

    #[test]
    fn money_has_the_digits_of_its_currency() {
        assert_eq!(quantity(Unit::Money, 1200.0, Currency::parse("JPY").unwrap()), "1200 JPY");
        assert_eq!(quantity(Unit::Money, 1200.0, Currency::parse("KWD").unwrap()), "1.200 KWD");
    }

    #[test]
    fn two_values_get_enough_digits_to_differ() {
        let texts = |before, now| quantities(Unit::Ratio, before, now, Currency::USD);
        assert_eq!(texts(0.5, 0.4), Some(("0.5".into(), "0.4".into())));
        assert_eq!(texts(0.5, 0.501), Some(("0.5".into(), "0.501".into())));
        assert_eq!(texts(0.5, 0.5), None);
    }
}
