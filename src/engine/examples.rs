//! Worked examples of the metrics that need several sections: tenure, stage, seats, adoption, tickets per ten users.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Input, Outcome, PlainStore, Store, Task};
use crate::event::{Format, Headers, Stream};
use crate::metric::View;
use crate::metric::{Metric, Metrics, Stage};
use crate::settings::Settings;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// 2026-04-01T00:00:00Z.
pub(super) const T: Timestamp = Timestamp(1_775_001_600_000);

fn ago(days: i64) -> i64 {
    T.minus_days(days).0
}

/// A task that has read these records of account `a` at T.
pub(super) fn task_of(settings: &Arc<Settings>, records: impl IntoIterator<Item = (Stream, Json)>) -> Task<PlainStore> {
    let mut task = Task::new(Arc::clone(settings), PlainStore::default());
    for (stream, record) in records {
        let bytes = record.to_string().into_bytes();
        let input = Input {
            stream,
            key: Some(b"a"),
            value: Some(&bytes),
            headers: Headers::NONE,
            timestamp: None,
            format: &Format::Native,
            broker_timestamp: Some(T),
        };
        assert_eq!(task.process(&input, T), Outcome::Applied, "{record}");
    }
    task
}

/// The metrics of account `a` at T after these records: stream, type, when, the other fields.
fn metrics_with(settings: Settings, records: &[(Stream, &str, i64, Json)]) -> Metrics {
    let settings = Arc::new(settings);
    let records = records.iter().enumerate().map(|(number, (stream, kind, at, fields))| {
        let mut record = json!({"id": number.to_string(), "type": kind, "account_id": "a", "occurred_at": at});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        (*stream, record)
    });
    task_of(&settings, records).store().read("a", |slot| slot.account.measure(&View::complete(T), &settings)).unwrap()
}

fn metrics(records: &[(Stream, &str, i64, Json)]) -> Metrics {
    metrics_with(Settings::default(), records)
}

fn profile(at: i64, fields: Json) -> (Stream, &'static str, i64, Json) {
    (Stream::Accounts, "account_profile", at, fields)
}

fn used(user: &str, feature: &str, at: i64) -> (Stream, &'static str, i64, Json) {
    (Stream::Usage, "feature_used", at, json!({"user_id": user, "feature": feature}))
}

/// A subscription of 5 x 20.00 a month, with a term of `term_days` days from `at`.
fn subscribed(at: i64, term_days: i64, more: &Json) -> (Stream, &'static str, i64, Json) {
    let mut fields = json!({"subscription_id": "s", "status": "active", "current_period_start": at, "current_period_end": at + term_days * DAY_MS,
        "items": [{"amount_minor": 2_000, "currency": "USD", "interval": "month", "quantity": 5}]});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Stream::Billing, "subscription_changed", at, fields)
}

fn stage(records: &[(Stream, &str, i64, Json)]) -> Stage {
    metrics(records).stage().unwrap()
}

#[test]
fn tenure_starts_at_sign_up_unless_that_is_in_the_future_and_onboarding_is_measured_from_there() {
    let known = metrics(&[used("u", "x", ago(10)), profile(ago(5), json!({"signed_up_at": ago(90), "onboarded_at": ago(76)}))]);
    assert_eq!((known.number(Metric::TenureDays), known.number(Metric::OnboardingDays)), (Some(90.0), Some(14.0)));
    let to_come = metrics(&[used("u", "x", ago(10)), profile(ago(5), json!({"signed_up_at": T.0 + 1, "onboarded_at": T.0 + 1}))]);
    assert_eq!((to_come.number(Metric::TenureDays), to_come.number(Metric::OnboardingDays)), (Some(10.0), None));
    let half = metrics(&[used("u", "x", T.0 - 12 * HOUR_MS)]);
    assert_eq!(half.number(Metric::TenureDays), Some(0.5));
}

#[test]
fn the_stage_is_the_first_that_fits() {
    let onboarded = || profile(ago(300), json!({"onboarded_at": ago(290)}));
    let ended = json!({"status": "canceled"});
    assert_eq!(stage(&[onboarded(), subscribed(ago(300), 30, &json!({})), subscribed(ago(5), 30, &ended)]), Stage::Churned);
    assert_eq!(stage(&[onboarded(), subscribed(ago(5), 30, &json!({"status": "past_due"}))]), Stage::PastDue);
    let trial = json!({"status": "trialing", "trial_end": T.0 + DAY_MS});
    assert_eq!(stage(&[subscribed(ago(5), 30, &trial)]), Stage::Trial, "and not onboarding");
    let lapsed = json!({"status": "trialing", "trial_end": ago(1)});
    assert_eq!(stage(&[subscribed(ago(5), 30, &lapsed)]), Stage::Churned, "a lapsed trial");
    assert_eq!(stage(&[subscribed(ago(89), 365, &json!({}))]), Stage::Onboarding);
    assert_eq!(stage(&[subscribed(ago(90), 365, &json!({}))]), Stage::Adopted, "90 days are over, onboarded or not");
    assert_eq!(stage(&[onboarded(), subscribed(ago(275), 365, &json!({}))]), Stage::Renewing, "in exactly 90 days");
    assert_eq!(stage(&[onboarded(), subscribed(ago(274), 365, &json!({}))]), Stage::Adopted);
    assert_eq!(stage(&[onboarded(), subscribed(ago(100), 179, &json!({}))]), Stage::Adopted, "a short term");
}

#[test]
fn seats_come_from_the_profile_or_else_from_the_subscriptions() {
    let users = [used("1", "x", ago(1)), used("2", "x", ago(27))];
    let seats = |more: Vec<(Stream, &'static str, i64, Json)>| {
        let records: Vec<_> = users.iter().cloned().chain(more).collect();
        metrics(&records).number(Metric::SeatUtilisation)
    };
    assert_eq!(seats(vec![subscribed(ago(40), 365, &json!({}))]), Some(0.4), "2 of 5");
    assert_eq!(seats(vec![subscribed(ago(40), 365, &json!({})), profile(ago(9), json!({"seats": 1}))]), Some(2.0), "not capped");
    assert_eq!(seats(vec![subscribed(ago(40), 365, &json!({})), profile(ago(9), json!({"seats": 0}))]), None, "0 seats are given");
    assert_eq!(seats(vec![]), None);
}

#[test]
fn adoption_is_relative_to_the_entitled_features_or_else_to_the_catalogue() {
    let users = [used("1", "x", ago(1)), used("1", "y", ago(27)), used("1", "old", ago(29)), used("1", "other", ago(2))];
    let adoption = |settings: Settings, entitled: Json| {
        let records: Vec<_> = users.iter().cloned().chain([profile(ago(9), json!({"entitled_features": entitled}))]).collect();
        metrics_with(settings, &records).number(Metric::Adoption)
    };
    let catalogue = || Settings { feature_catalogue: ["x", "z"].map(str::to_owned).to_vec(), ..Settings::default() };
    assert_eq!(adoption(catalogue(), json!(["x", "y", "z", "old"])), Some(0.5));
    for not_given in [json!(null), json!([])] {
        assert_eq!(adoption(catalogue(), not_given.clone()), Some(0.5), "x of x and z");
        assert_eq!(adoption(Settings::default(), not_given), None);
    }
}

#[test]
fn tickets_are_counted_per_ten_users_and_small_accounts_count_as_ten() {
    let open =
        |ticket: &str, priority: &str| (Stream::Support, "ticket_opened", ago(3), json!({"ticket_id": ticket, "priority": priority}));
    let with_users = |users: usize| {
        let mut records = vec![open("1", "urgent"), open("2", "low"), open("3", "normal")];
        records.extend((1..=users).map(|user| used(&format!("u{user}"), "x", ago(1))));
        let metrics = metrics(&records);
        (metrics.number(Metric::OpenedPer10Users28d), metrics.number(Metric::OpenWeightedPer10Users))
    };
    assert_eq!(with_users(4), (Some(3.0), Some(5.5)));
    assert_eq!(with_users(20), (Some(1.5), Some(2.75)));
}

#[test]
fn a_metric_is_absent_until_its_stream_was_observed_for_the_whole_window() {
    let settings = Settings::default();
    let account = crate::account::Account::new("a");
    let mut view = View::complete(T);
    for (_, stream) in view.streams.iter_mut() {
        stream.observed_since = Some(T.minus_days(28));
    }
    let metrics = account.measure(&view, &settings);
    assert_eq!((metrics.number(Metric::Events28d), metrics.number(Metric::Events91d)), (Some(0.0), None));
    assert_eq!((metrics.number(Metric::Open), metrics.number(Metric::PaymentFailuresOpen)), (Some(0.0), None));
    view.streams.of_mut(Stream::Usage).observed_since = Some(T.minus_days(28).plus(1));
    assert_eq!(account.measure(&view, &settings).number(Metric::Events28d), None);
}
