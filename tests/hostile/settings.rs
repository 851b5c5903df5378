//! Settings and time of a case: zones with days that are not 24 hours long, dated rates, quiet days.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::oracle::desk::Desk;
use crate::oracle::settings::Settings;
use crate::oracle::zone::{HOUR, Zone};

/// Zones, each with interesting days: clock changes, month ends, leap days.
const PLACES: [(&str, &[Date]); 5] = [
    ("UTC", &[date(2024, 2, 29), date(2026, 3, 1), date(2025, 1, 1)]),
    ("Europe/Berlin", &[date(2025, 3, 30), date(2025, 10, 26), date(2024, 4, 20)]),
    ("America/Sao_Paulo", &[date(2018, 11, 4), date(2019, 2, 17), date(2018, 12, 1)]),
    ("Asia/Kathmandu", &[date(2026, 1, 31), date(2024, 3, 1)]),
    ("America/New_York", &[date(2025, 3, 9), date(2025, 11, 2), date(2025, 12, 31)]),
];

/// Settings and the instant of the replay.
pub fn draw(rng: &mut ChaCha8Rng) -> (Settings, i64) {
    let (name, days) = PLACES.choose(rng).unwrap();
    let zone = Zone::named(name);
    let day = days.choose(rng).unwrap().checked_add(rng.random_range(0..40_i64).days()).unwrap();
    let t = match rng.random_range(0..5) {
        0 => zone.start(day),
        1 => zone.start(day) - 1,
        2 => zone.start(day) + HOUR * rng.random_range(1..23),
        _ => zone.start(day) + rng.random_range(0..23 * HOUR),
    };
    let mut settings = Settings { zone, ..Settings::default() };
    settings.currency = ["USD", "USD", "EUR", "JPY", "KWD"].choose(rng).unwrap();
    settings.rates = rates(rng, settings.currency, day);
    settings.discounts = ["all", "all", "forever", "none"].choose(rng).unwrap();
    settings.churn_at = ["period_end", "period_end", "cancellation"].choose(rng).unwrap();
    settings.dunning_days = *[30, 30, 7].choose(rng).unwrap();
    settings.movement_window_minutes = *[60, 60, 60, 5, 1440].choose(rng).unwrap();
    settings.dedup_days = *[7, 7, 2].choose(rng).unwrap();
    settings.max_future_hours = *[24, 24, 1].choose(rng).unwrap();
    if rng.random_ratio(1, 4) {
        settings.weights.insert("urgent", 7.5);
        settings.onboarding_days = 30;
        settings.renewing_days = 45;
        settings.catalogue = vec!["f0", "f1", "export"];
    }
    if rng.random_ratio(1, 4) && *name != "Asia/Kathmandu" {
        let from = day.checked_sub(rng.random_range(0..60_i64).days()).unwrap();
        let to = from.checked_add(rng.random_range(0..12_i64).days()).unwrap();
        let regions = if rng.random() { Vec::new() } else { vec!["emea"] };
        settings.quiet.push((from, to, regions));
    }
    usage(rng, &mut settings);
    if rng.random_ratio(1, 8) {
        settings.earliest = day.checked_sub(rng.random_range(5..70_i64).days()).unwrap();
    }
    if rng.random_ratio(1, 3) {
        settings.model = Some(include_str!("model.toml"));
    }
    if rng.random_ratio(1, 2) {
        settings.desk = Some(desk(rng, day));
    }
    (settings, t)
}

/// Open hours with breaks, around the clock, across clock changes, in another zone, and with holidays.
fn desk(rng: &mut ChaCha8Rng, day: Date) -> Desk {
    const HOURS: [&[&str]; 6] =
        [&[], &["09:00-17:00"], &["09:00-12:30", "13:30-18:00"], &["00:00-24:00"], &["13:00-13:01", "00:00-03:15"], &["01:30-02:30"]];
    let mut open: [Vec<&'static str>; 7] = std::array::from_fn(|_| HOURS.choose(rng).unwrap().to_vec());
    open[0] = vec!["08:00-16:45"];
    let zones = [None, Some("Europe/London"), Some("Australia/Lord_Howe"), Some("America/Sao_Paulo"), Some("Asia/Kathmandu")];
    let holidays = (0..rng.random_range(0..4)).map(|_| day.checked_sub(rng.random_range(0..100_i64).days()).unwrap()).collect();
    Desk { zone: *zones.choose(rng).unwrap(), open, holidays }
}

/// Which usage counts.
fn usage(rng: &mut ChaCha8Rng, settings: &mut Settings) {
    if rng.random_ratio(1, 3) {
        settings.ignore_users = vec!["svc-*", "[qa]", "{cron,batch}-?", "7"];
    }
    if rng.random_ratio(1, 6) {
        settings.active_features.clone_from([vec!["*"], vec!["f?", "export", "{api,xx*}"]].choose(rng).unwrap());
    }
    if rng.random_ratio(1, 6) {
        settings.ignore_features = vec!["f[0-9]", "Rep*", "a\u{e9}*"];
    }
    if rng.random_ratio(1, 4) {
        settings.anonymous_users = Some([vec!["Guest", "3"], vec![]].choose(rng).unwrap().clone());
    }
}

/// Rate tables, where later ones omit currencies.
fn rates(rng: &mut ChaCha8Rng, reporting: &str, day: Date) -> Vec<(Date, BTreeMap<&'static str, &'static str>)> {
    let all = [
        ("USD", ["0.93", "1.1", "1"]),
        ("EUR", ["1.08", "1.0437", "0.999"]),
        ("JPY", ["0.0068", "0.00641", "0.007"]),
        ("KWD", ["3.25", "3.2571", "3.3"]),
    ];
    let mut tables = Vec::new();
    for number in 0..rng.random_range(1..=3_usize) {
        let from = if number == 0 { date(2010, 1, 1) } else { day.checked_sub(rng.random_range(0..60_i64).days()).unwrap() };
        let named = all.iter().filter(|(currency, _)| *currency != reporting && (number == 0 || rng.random_ratio(2, 3)));
        let table: BTreeMap<_, _> = named.map(|(currency, rates)| (*currency, rates[number])).collect();
        if !table.is_empty() && tables.iter().all(|(other, _)| *other != from) {
            tables.push((from, table));
        }
    }
    if rng.random_ratio(1, 6) {
        tables[0].0 = day.checked_sub(20.days()).unwrap();
        tables.truncate(1);
    }
    tables
}
