//! What becomes of the predictions of a calibrated model, over rounds and restarts.

use churnwatch::engine::{Settled, Tally};
use churnwatch::event::PerStream;
use churnwatch::score::Level;

use super::*;

const CALIBRATED: &str = "[risk]\ncalibrated = true\nhorizon_days = 60\n";

fn settings(text: &str) -> Settings {
    Settings { model: model(text), stale_after_ms: PerStream::from_fn(|_| None), ..Settings::default() }
}

/// A customer of many years, scored at noon of each day.
fn live(driver: &mut Driver, days: std::ops::Range<i64>) {
    for day in days {
        let noon = at(day).plus(12 * HOUR_MS);
        driver.feed(Stream::Usage, &used(&format!("u{day}"), "acme", "u", noon), noon);
        driver.round(noon, &PUBLISH);
    }
}

/// The customer after 60 days under a model that predicts nothing, when its metrics have been observed for long enough.
fn known(settings: &Settings) -> Driver {
    let mut driver = Driver::with(Settings { model: model(""), ..settings.clone() });
    driver.feed(Stream::Billing, &subscribed("b1", "acme", 5_000, at(0)), at(0));
    live(&mut driver, 0..60);
    driver.restart_with(settings.clone())
}

fn cancelled(day: i64) -> Value {
    let mut event = subscribed("b2", "acme", 5_000, at(day));
    event["status"] = json!("canceled");
    event
}

/// The sum over all levels.
fn settled(tally: &Tally, model: &Model) -> Settled {
    let mut sum = Settled::default();
    Level::ALL.iter().filter_map(|level| tally.of(*level, model)).for_each(|level| sum.add(level));
    sum
}

#[test]
fn each_month_has_a_prediction_that_comes_due_at_its_horizon_or_when_the_account_churns() {
    let settings = settings(CALIBRATED);
    let mut driver = known(&settings);
    live(&mut driver, 60..150);
    let mut restarted = driver.restart_with(settings.clone());
    for driver in [&mut driver, &mut restarted] {
        live(driver, 150..190);
        let due = settled(&driver.task.summary().predictions, &settings.model);
        assert_eq!((due.predictions, due.churned), (3, 0), "those of days 60, 90 and 120");
        driver.feed(Stream::Billing, &cancelled(190), at(190));
        live(driver, 191..192);
        let due = settled(&driver.task.summary().predictions, &settings.model);
        assert_eq!((due.predictions, due.churned), (5, 2), "those of days 150 and 180 have come true");
        assert!(due.expected() > 0.0 && due.expected() < 5.0, "{due:?}");
        live(driver, 192..300);
        assert_eq!(settled(&driver.task.summary().predictions, &settings.model), due, "nothing is predicted for a lost customer");
    }
    assert_eq!(restarted.task.summary().predictions, driver.task.summary().predictions);
    assert_eq!(restarted.changelog, driver.changelog);
}

#[test]
fn while_billing_is_stale_nothing_comes_due() {
    let settings =
        Settings { stale_after_ms: PerStream::from_fn(|stream| (stream == Stream::Billing).then_some(7 * DAY_MS)), ..settings(CALIBRATED) };
    let mut driver = known(&settings);
    driver.feed(Stream::Billing, &subscribed("b2", "acme", 5_000, at(60)), at(60));
    live(&mut driver, 60..200);
    assert_eq!(settled(&driver.task.summary().predictions, &settings.model).predictions, 0, "the account may have left meanwhile");
    driver.feed(Stream::Billing, &subscribed("b3", "acme", 5_000, at(200)), at(200));
    live(&mut driver, 200..201);
    assert_eq!(settled(&driver.task.summary().predictions, &settings.model).predictions, 1);
}

#[test]
fn a_model_that_is_not_calibrated_and_a_deleted_account_leave_nothing_in_the_changelog() {
    let predictions = |driver: &Driver| driver.changelog.keys().filter(|key| key.starts_with(&[2, b'p'])).count();
    for (text, expected) in [("", 0), (CALIBRATED, 1)] {
        let mut driver = known(&settings(text));
        live(&mut driver, 60..62);
        assert_eq!(predictions(&driver), expected);
        let deleted = json!({"id": "d", "type": "account_profile", "account_id": "acme", "deleted": true, "occurred_at": at(63).0});
        driver.feed(Stream::Accounts, &deleted, at(63));
        driver.round(at(64), &PUBLISH);
        assert_eq!(predictions(&driver), 0);
    }
}
