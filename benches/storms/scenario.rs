//! The portfolios, and what each of them lives through.

use churnwatch::event::Stream;
use churnwatch::simulate::{Kind, Options, SimulatedRecord};
use churnwatch::time::{Calendar, DAY_MS, Date, QuietPeriod, Timestamp};

/// Days before the first that counts: the windows of all metrics have been observed by then.
pub const WARM_UP_DAYS: i64 = 98;
/// Days that count.
pub const DAYS: i64 = 364;
/// Monday, 2 June 2025, so that the days that count hold the turn of the year.
const START: Timestamp = Timestamp(1_748_822_400_000);
/// Usage relative to an active product: enough for daily use, little enough for a short bench.
const ACTIVITY: f64 = 0.3;
/// 22 December to 4 January.
const HOLIDAYS: (&str, &str) = ("2025-12-22", "2026-01-04");
/// The share of use that is left during holidays, in percent.
const HOLIDAY_USE: usize = 5;
/// First and last day without usage records, counted from the start: a Monday to a Thursday.
const OUTAGE: (i64, i64) = (224, 227);
/// Days of history at a first start, as a topic's retention keeps them.
const RETENTION_DAYS: i64 = 7;

/// A portfolio.
pub struct Scenario {
    pub name: &'static str,
    pub options: Options,
    /// Which records reach the engine.
    pub passes: fn(&SimulatedRecord) -> bool,
    pub calendar: Calendar,
}

/// All scenarios. The stable and the mixed portfolio have this many accounts, each of the others a fifth.
pub fn all(accounts: u32, seed: u64) -> Vec<Scenario> {
    let options = |mix: &[Kind], accounts: u32| Options {
        seed,
        accounts,
        start: START,
        days: u32::try_from(WARM_UP_DAYS + DAYS).unwrap(),
        story_days: u32::try_from(WARM_UP_DAYS + DAYS).unwrap(),
        activity: ACTIVITY,
        mix: Kind::ALL.map(|kind| u32::from(mix.contains(&kind))),
        ..Options::default()
    };
    let few = (accounts / 5).max(1);
    let stable = |name| Scenario { name, options: options(&[Kind::Healthy], few), passes: |_| true, calendar: Calendar::default() };
    vec![
        Scenario { options: options(&[Kind::Healthy], accounts), ..stable("stable") },
        Scenario { options: Options { mix: Kind::ALL.map(Kind::default_share), ..options(&[], accounts) }, ..stable("mixed") },
        Scenario { options: Options { noise: 2.5, ..stable("").options }, ..stable("stable, 2.5 x the noise") },
        Scenario { options: Options { seats_max: 3, ..stable("").options }, ..stable("tiny accounts, 1 to 3 users") },
        Scenario { passes: monthly, ..stable("used for 3 days a month") },
        Scenario { options: options(&[Kind::Trial], few), ..stable("new accounts") },
        Scenario { passes: holidays, ..stable("holidays") },
        Scenario { passes: holidays, calendar: quiet(), ..stable("holidays as quiet days") },
        Scenario { passes: outage, ..stable("usage missing for 4 days") },
        Scenario { passes: retained, ..stable("first start with 7 days of history") },
    ]
}

/// The first instant that counts.
pub fn counts_from() -> Timestamp {
    START.plus(WARM_UP_DAYS * DAY_MS)
}

fn quiet() -> Calendar {
    let date = |text| Date::parse(text).unwrap();
    Calendar::new(vec![QuietPeriod { from: date(HOLIDAYS.0), to: date(HOLIDAYS.1), regions: Vec::new() }])
}

fn day_of(record: &SimulatedRecord) -> i64 {
    record.at.since(START).div_euclid(DAY_MS)
}

/// Overrides are decisions of people: they change bands by intention, about 0.024 times per account and month (`simulate` pins an account for
/// 30 days with a probability of 0.0004 per day).
pub fn is_override(record: &SimulatedRecord) -> bool {
    record.stream == Stream::Feedback && record.json.contains("\"health_override_set\"")
}

/// Every account has its own days of the month.
fn monthly(record: &SimulatedRecord) -> bool {
    let number = i64::try_from(number(&record.account)).unwrap();
    record.stream != Stream::Usage || (day_of(record) + number * 11).rem_euclid(30) < 3
}

fn holidays(record: &SimulatedRecord) -> bool {
    let day = |text| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).unwrap();
    let is_holiday = day(HOLIDAYS.0) <= record.at && record.at < day(HOLIDAYS.1).plus(DAY_MS);
    // By the bytes of the record, so that the choice is the same in every run.
    let spared = || record.json.bytes().fold(7, |hash: usize, byte| hash.wrapping_mul(31) ^ usize::from(byte)) % 100 < HOLIDAY_USE;
    record.stream != Stream::Usage || !is_holiday || spared()
}

fn outage(record: &SimulatedRecord) -> bool {
    record.stream != Stream::Usage || !(OUTAGE.0..=OUTAGE.1).contains(&day_of(record))
}

/// Profiles are kept for ever, because their topic is compacted.
fn retained(record: &SimulatedRecord) -> bool {
    record.stream == Stream::Accounts || record.at >= counts_from().minus_days(RETENTION_DAYS)
}

/// The number at the end of an account's id; 0 for the company itself.
pub fn number(account: &str) -> usize {
    account.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
