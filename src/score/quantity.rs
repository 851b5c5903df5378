//! Metric values as they are said: few digits, and a unit.

use super::words::{Measure, words};
use crate::metric::Metric;
use crate::money::Currency;

/// Maximum number of decimals used to distinguish two values.
const MAX_DIGITS: usize = 6;

/// A value of a metric with its unit.
#[must_use]
pub fn quantity(metric: Metric, value: f64, currency: Currency) -> String {
    let measure = words(metric).measure;
    with_digits(measure, value, digits(measure), currency)
}

/// Two values of a metric, with as many decimals as it takes to distinguish them; `None` if that is not enough.
pub(super) fn quantities(metric: Metric, before: f64, now: f64, currency: Currency) -> Option<(String, String)> {
    let measure = words(metric).measure;
    (digits(measure)..=MAX_DIGITS)
        .map(|digits| (with_digits(measure, before, digits, currency), with_digits(measure, now, digits, currency)))
        .find(|(before, now)| before != now)
}

const fn digits(measure: Measure) -> usize {
    match measure {
        Measure::Number => 2,
        Measure::Time(_) | Measure::Gaps => 1,
        Measure::Count | Measure::Percent | Measure::Money | Measure::OutOfTen => 0,
    }
}

fn with_digits(measure: Measure, value: f64, digits: usize, currency: Currency) -> String {
    match measure {
        Measure::Count | Measure::Number | Measure::Gaps => number(value, digits),
        Measure::Percent => number(value * 100.0, digits) + " %",
        Measure::Money => money(value, currency),
        Measure::Time(unit) => counted(&number(value, digits), unit),
        Measure::OutOfTen => number(value, digits) + " of 10",
    }
}

/// A number with the singular or plural of what it counts.
fn counted(number: &str, noun: &str) -> String {
    if number == "1" { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// With a comma between thousands, without trailing zeros and without a negative zero.
#[must_use]
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { with_thousands(text) }
}

fn with_thousands(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction}")
}

/// Minor units as an amount.
fn money(minor: f64, currency: Currency) -> String {
    let exponent = currency.exponent();
    let major = minor / f64::from(10_u32.pow(exponent));
    let text = format!("{major:.*}", usize::try_from(exponent).unwrap_or_default());
    format!("{} {}", with_thousands(&text), currency.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_few_digits_and_its_unit() {
        let table = [
            (Metric::ActiveDays28d, 19.0, "19"),
            (Metric::Events91d, 1_234_567.0, "1,234,567"),
            (Metric::SeatUtilisation, 0.456, "46 %"),
            (Metric::OpenWeighted, 4.5, "4.5"),
            (Metric::Nps91d, -0.001, "0"),
            (Metric::DaysSinceLast, 16.27, "16.3 days"),
            (Metric::DaysSinceLast, 1.0, "1 day"),
            (Metric::GapsSinceLast, 3.21, "3.2"),
            (Metric::ResolutionP50, 2.0, "2 hours"),
            (Metric::FirstReplyP50, 1.0, "1 minute"),
            (Metric::NpsLatest, 9.0, "9 of 10"),
            (Metric::Mrr, 120_050.0, "1,200.50 USD"),
            (Metric::MrrDelta28d, -123_456_700.0, "-1,234,567.00 USD"),
        ];
        for (metric, value, text) in table {
            assert_eq!(quantity(metric, value, Currency::USD), text);
        }
    }

    #[test]
    fn money_has_the_digits_of_its_currency() {
        assert_eq!(quantity(Metric::Mrr, 1200.0, Currency::parse("JPY").unwrap()), "1,200 JPY");
        assert_eq!(quantity(Metric::Mrr, 1200.0, Currency::parse("KWD").unwrap()), "1.200 KWD");
    }

    #[test]
    fn two_values_get_enough_digits_to_differ() {
        let texts = |before, now| quantities(Metric::SeatUtilisation, before, now, Currency::USD);
        assert_eq!(texts(0.5, 0.4), Some(("50 %".into(), "40 %".into())));
        assert_eq!(texts(0.5, 0.501), Some(("50 %".into(), "50.1 %".into())));
        assert_eq!(texts(0.5, 0.5), None);
    }
}
