//! Exact amounts: minor units, dated rates, prices normalised to a month.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::fields::{decimal, half_even};
use super::settings::Settings;

/// A fraction.
pub fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// Decimals of a currency's major unit.
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

/// Whether a currency can be converted to the reporting currency.
pub fn has_rate(settings: &Settings, currency: &str) -> bool {
    currency == settings.currency || settings.rates.iter().any(|(_, table)| table.contains_key(currency))
}

/// Units of the reporting currency for one unit: of the newest table that names the currency and is valid at `t`, else of the first one.
fn rate(settings: &Settings, currency: &str, t: i64) -> BigRational {
    if currency == settings.currency {
        return fraction(1, 1);
    }
    let mut naming: Vec<_> = settings.rates.iter().filter(|(_, table)| table.contains_key(currency)).collect();
    naming.sort_by_key(|(from, _)| *from);
    let valid = naming.iter().rev().find(|(from, _)| settings.zone.start(*from) <= t);
    let (_, table) = valid.unwrap_or(&naming[0]);
    decimal(table[currency]).unwrap()
}

/// An amount in minor units of the reporting currency at the rate of `t`, not rounded.
pub fn convert(settings: &Settings, amount: &BigRational, currency: &str, t: i64) -> BigRational {
    let units = amount / BigInt::from(10).pow(minor_digits(currency));
    units * rate(settings, currency, t) * BigInt::from(10).pow(minor_digits(settings.currency))
}

/// The same, rounded: an invoice or a cost.
pub fn convert_one(settings: &Settings, amount: &BigRational, currency: &str, t: i64) -> i64 {
    half_even(&convert(settings, amount, currency, t))
}

/// Monthly factor of a price per `count` intervals.
pub fn monthly(interval: &str, count: i64) -> BigRational {
    match interval {
        "day" => fraction(365, 12 * count),
        "week" => fraction(52, 12 * count),
        "month" => fraction(1, count),
        "quarter" => fraction(1, 3 * count),
        "year" => fraction(1, 12 * count),
        _ => unreachable!("an interval was checked"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;

    use super::{convert_one, monthly};
    use crate::oracle::fields::half_even;
    use crate::oracle::money::fraction;
    use crate::oracle::settings::Settings;

    #[test]
    fn minor_units_differ_and_rates_have_dates() {
        let early = BTreeMap::from([("EUR", "1.08"), ("JPY", "0.0068")]);
        let late = BTreeMap::from([("EUR", "1.10"), ("KWD", "3.25")]);
        let settings = Settings { rates: vec![(date(2024, 1, 1), early), (date(2025, 1, 1), late)], ..Settings::default() };
        let (before, after) = (settings.zone.start(date(2024, 12, 31)), settings.zone.start(date(2025, 1, 1)));
        assert_eq!(convert_one(&settings, &fraction(1000, 1), "EUR", before), 1080);
        assert_eq!(convert_one(&settings, &fraction(1000, 1), "EUR", after), 1100);
        assert_eq!(
            convert_one(&settings, &fraction(1000, 1), "JPY", after),
            680,
            "a currency that a table leaves out keeps its older rate"
        );
        assert_eq!(convert_one(&settings, &fraction(1000, 1), "KWD", before), 325, "before its first table it has that one");
    }

    #[test]
    fn prices_are_normalised_to_a_month() {
        let of_1200 = |interval, count| half_even(&(monthly(interval, count) * fraction(1200, 1)));
        assert_eq!(of_1200("day", 1), 36_500);
        assert_eq!(of_1200("week", 2), 2_600);
        assert_eq!(of_1200("month", 6), 200);
        assert_eq!(of_1200("quarter", 1), 400);
        assert_eq!(of_1200("year", 1), 100);
    }
}
