//! Every metric and every rule in words. `cargo test every_metric_has_a_sentence -- --nocapture` prints them, to be read aloud.

use super::super::fixture::{Account, model};
use super::super::model::{Model, ModelFile};
use super::super::{Change, OtherInstants, State};
use crate::metric::{Metric, Metrics};

/// The account 28 days before, and how long it must be observed for a score.
#[derive(Clone, Debug)]
struct Before(Metrics, Option<i64>);

impl OtherInstants for Before {
    fn metrics_before(&self) -> Metrics {
        self.0.clone()
    }

    fn observing_days(&self) -> Option<i64> {
        self.1
    }
}

/// Two plausible values of a metric, the second one worse by the curve of [`model_of`].
fn values(metric: Metric) -> (f64, f64) {
    use super::super::words::{Measure, words};
    match words(metric).measure {
        Measure::Count => (14.0, 1.0),
        Measure::Number => (12.5, 3.25),
        Measure::Percent => (0.95, 0.4),
        Measure::Money => (12_345_600.0, 99_900.0),
        Measure::Time(_) => (16.3, 1.0),
        Measure::Gaps => (3.2, 1.0),
        Measure::OutOfTen => (9.0, 4.0),
    }
}

/// A model with one component, on which more is better.
fn model_of(metric: Metric) -> Model {
    let (high, _) = values(metric);
    let text = format!(
        "[[health.component]]\nname='x'\ngroup='usage'\nmetric='{}'\ncurve=[[0.0, 0], [{high:?}, 90]]\nweight=1\nmin_n=0",
        metric.name()
    );
    Model::compile(&ModelFile::parse(&text).unwrap()).unwrap()
}

fn with(metric: Metric, value: f64) -> Account {
    Account::scoring(None, None, None).with(metric, value, Some(63)).with(Metric::Mrr, value, None)
}

/// All but the scheduled cancellation, whose sentence has no from and to.
fn numeric() -> impl Iterator<Item = Metric> {
    Metric::ALL.iter().copied().filter(|metric| metric.is_numeric() && *metric != Metric::CancelScheduled)
}

/// The first scoring, 28 days after other values.
fn first(account: Account, before: Before, model: &Model) -> Change<'static> {
    let account = Account { other_instants: Some(Box::leak(Box::new(before))), ..account };
    account.advance(&mut State::default(), 0, model).change.unwrap()
}

fn has_number(sentence: &str) -> bool {
    // The window in a subject is no number of the account.
    let rest = ["28 d", "91 d", "7 d", "24 h", "63 d", "364 d", "4 of 28", "10 users", "90th"]
        .iter()
        .fold(sentence.to_owned(), |text, window| text.replace(window, ""));
    rest.chars().any(|c| c.is_ascii_digit())
}

#[test]
fn every_metric_has_a_sentence_with_from_and_to() {
    for metric in numeric() {
        let (high, low) = values(metric);
        let model = model_of(metric);
        let mut state = State::default();
        with(metric, high).advance(&mut state, 0, &model);
        let moved = with(metric, low).advance(&mut state, 1, &model).change.unwrap().explanation.drivers.remove(0);
        println!("{:<46} {moved}", metric.name());
        assert!(moved.contains(" fell from ") && moved.contains(" to "), "{moved}");
        let alone = with(metric, low).advance(&mut State::default(), 0, &model).change.unwrap().explanation.drivers.remove(0);
        println!("{:<46} {alone}", "  nothing known of the past");
        let mut past = Metrics::default();
        past.real(metric, high, None);
        let compared = first(with(metric, low), Before(past, None), &model).explanation.drivers.remove(0);
        println!("{:<46} {compared}", "  28 days before known");
        for sentence in [&moved, &alone, &compared] {
            assert!(has_number(sentence) && !sentence.contains("  "), "{sentence}");
        }
        let from_to = compared.contains(" fell from ") || compared.contains("usual gap") || compared.contains(" of ");
        assert!(from_to, "{compared}");
    }
}

#[test]
fn a_first_change_compares_with_the_accounts_own_past() {
    let model = model("");
    let mut past = Metrics::default();
    past.whole(Metric::ActiveDays28d, 14);
    past.whole(Metric::Sessions28d, 0);
    let drivers = first(Account::scoring(0.0, 0.0, 50.0), Before(past, None), &model).explanation.drivers;
    let expected = [
        "active days in 28 d fell from 14 to 0, compared with 28 d earlier; 70 or more is healthy",
        "sessions in 28 d are 0, as 28 d earlier; 70 or more is healthy",
        "net promoter score over 91 d is 50; 70 or more is healthy",
    ];
    assert_eq!(drivers, expected);
}

#[test]
fn a_metric_that_is_relative_is_said_as_both_values() {
    let base = |metric: Metric, value: f64, n: u64| {
        let account = Account::scoring(None, None, None).with(Metric::AgeDays, 400.0, None).with(metric, value, Some(n)).with(
            Metric::Mrr,
            90_000.0,
            None,
        );
        let account = account.with(Metric::Mau, 8.0, None);
        account.advance(&mut State::default(), 0, &model_of(metric)).change.unwrap().explanation.drivers.remove(0)
    };
    let table = [
        (Metric::Trend, 0.4, 240, "feature uses in 7 d fell from a usual 60 to 24, or 40 %"),
        (Metric::ActiveDaysVsBaseline, 0.5, 45, "active days in 28 d fell from a usual 20 to 10, or 50 %"),
        (Metric::ActiveUsersGrowth, 0.4, 20, "users active in 28 d fell from 20 to 8 against the 28 d before, or 40 %"),
        (Metric::FeaturesGrowth, 0.5, 6, "features used in 28 d fell from 6 to 3 against the 28 d before, or 50 %"),
        (Metric::MrrGrowth91d, 0.75, 0, "monthly recurring revenue fell from 1,200.00 USD to 900.00 USD in 91 d, or 75 %"),
        (Metric::SeatUtilisation, 0.4, 0, "the share of seats in use is 40 %, 8 of 20"),
        (Metric::GapsSinceLast, 1.5, 13, "the last activity was 10.5 days ago, and the usual gap is 7 days"),
        (Metric::GapsSinceLastLifetime, 1.5, 5, "the last activity was 120 days ago, and the usual gap is 80 days"),
    ];
    for (metric, value, n, sentence) in table {
        let driver = base(metric, value, n);
        assert!(driver.starts_with(sentence), "{driver}");
    }
}

#[test]
fn an_unknown_account_is_told_how_long_it_will_be_observed() {
    let unknown = |days| first(Account::scoring(None, None, 50.0), Before(Metrics::default(), days), &model("")).explanation.drivers;
    let coverage = "20 % of the weights have data, and a score needs 40 %";
    assert_eq!(unknown(Some(12)).first(), Some(&format!("{coverage}: observing for 12 more days")));
    assert_eq!(unknown(Some(1)).first(), Some(&format!("{coverage}: observing for 1 more day")));
    assert_eq!(unknown(None).first().map(String::as_str), Some(coverage));
}

#[test]
fn every_rule_of_the_default_model_says_why_it_is_in_force_and_when_it_ends() {
    let model = Model::default();
    let calm = || {
        let metrics = [Metric::DaysSinceLast, Metric::DaysPastDue, Metric::UrgentOpen, Metric::CancelScheduled];
        let calm = metrics.into_iter().fold(Account::scoring(None, None, None), |account, metric| account.with(metric, 0.0, None));
        calm.with(Metric::GapsSinceLast, 0.1, Some(40)).with(Metric::SeatUtilisation, 0.9, None).with(Metric::ActiveDays91d, 40.0, None)
    };
    let cases = [
        calm().with(Metric::CancelScheduled, 1.0, None),
        calm().with(Metric::DaysPastDue, 15.0, None),
        calm().with(Metric::UrgentOpen, 3.0, None),
        calm().with(Metric::DaysSinceLast, 16.0, None),
        calm().with(Metric::GapsSinceLast, 0.2, Some(9)).with(Metric::GapsSinceLast, 3.5, Some(9)).with(Metric::ActiveDays91d, 9.0, None),
        calm().with(Metric::DaysSinceLast, 60.0, None).with(Metric::ActiveDays91d, 0.0, None),
    ];
    for (rule, account) in model.rules.iter().zip(cases) {
        let mut state = State::default();
        calm().advance(&mut state, 0, &model);
        let come = account.advance(&mut state, 1, &model).change.unwrap().explanation.drivers;
        let gone = calm().advance(&mut state, 2, &model).change.unwrap().explanation.drivers;
        println!("{}\n  {}", come.join("\n"), gone.join("\n  "));
        let (come, gone) = (come.join("\n"), gone.join("\n"));
        let cap = rule.cap_health.unwrap();
        assert!(come.contains(&format!("{}: health is capped at {cap}; ", rule.name)), "{come}");
        assert!(gone.contains(&format!("{}: health is no longer capped at {cap}", rule.name)), "{gone}");
    }
}
