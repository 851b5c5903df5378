//! The worked example of the documentation, and the default model.

use super::fixture::Account;
use super::*;
use crate::event::PerStream;
use crate::metric::Metric;

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn the_worked_example_of_the_documentation_is_right() {
    let text = include_str!("../../docs/scoring.md").split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let model = Model::compile(&ModelFile::parse(text).unwrap()).unwrap();
    let mut state = State::default();
    let tickets = Account::scoring(None, None, None).with(Metric::OpenWeightedPer10Users, 7.5, None).with(Metric::Nps91d, 100.0, Some(2));

    let first = tickets.clone().with(Metric::SeatUtilisation, 0.65, None).with(Metric::FeedbackCsat, 0.5, Some(4));
    let change = first.advance(&mut state, 0, &model).change.unwrap();
    assert_eq!((change.status.score, change.coverage, change.status.band), (Some(52.0), 1.0, Band::Yellow));
    let risk = change.status.risk.unwrap();
    assert!(close(risk.probability, 1.0 / (1.0 + 1.35_f64.exp())) && risk.level == Level::Medium);

    let second = tickets.with(Metric::SeatUtilisation, 0.8, None);
    let change = second.advance(&mut state, 168, &model).change.unwrap();
    assert_eq!((change.status.score, change.coverage), (Some(66.25), 0.8));
    let deltas: Vec<f64> = change.explanation.components.iter().filter_map(|part| part.delta).collect();
    assert!(close(deltas[0], 11.25) && close(deltas[1], 0.0) && close(change.explanation.renormalisation_delta.unwrap(), 3.0));

    let change = second.with(Metric::CancelScheduled, 1.0, None).advance(&mut state, 169, &model).change.unwrap();
    assert_eq!((change.status.score, change.status.band, change.explanation.rules[0].delta), (Some(39.0), Band::Red, Some(-27.25)));
    assert_eq!(change.status.risk.unwrap().level, Level::Critical);
}

/// A healthy account of the default model, with more metrics.
fn healthy(more: &[(Metric, f64)]) -> Account {
    let good = [
        (Metric::GapsSinceLast, 0.5),
        (Metric::ActiveDaysVsBaseline, 1.0),
        (Metric::Trend, 1.0),
        (Metric::SeatUtilisation, 0.9),
        (Metric::Adoption, 0.6),
        (Metric::MrrGrowth91d, 1.0),
        (Metric::PaymentFailuresOpen, 0.0),
        (Metric::OpenWeightedPer10Users, 2.0),
        (Metric::Nps91d, 50.0),
    ];
    let account = Account { tenure_days: 400.0, ..Account::default() };
    good.iter().chain(more).fold(account, |account, (metric, value)| account.with(*metric, *value, Some(100)))
}

#[test]
fn a_steady_account_is_green_and_at_low_risk_by_the_default_model() {
    let assessment = healthy(&[]).assessed_by(&Model::default());
    assert_eq!((assessment.coverage, assessment.rules.len()), (1.0, 0));
    assert!(assessment.score.is_some_and(|score| score > 80.0), "{assessment:?}");
    assert_eq!(assessment.risk.unwrap().level, Level::Low);
}

/// Metrics, and the cap they bring.
type Case<'a> = (&'a [(Metric, f64)], Option<f64>);

#[test]
fn the_rules_of_the_default_model_begin_where_they_say() {
    let (silent, gaps, days) = (Metric::DaysSinceLast, Metric::GapsSinceLast, Metric::ActiveDays91d);
    let table: [Case<'_>; 11] = [
        (&[(silent, 14.0), (gaps, 14.0), (days, 91.0)], None),
        (&[(silent, 14.1), (gaps, 14.1), (days, 91.0)], Some(39.0)),
        (&[(silent, 14.1), (gaps, 3.72), (days, 24.0)], Some(39.0)),
        (&[(silent, 14.1), (gaps, 2.0), (days, 13.0)], None),
        (&[(silent, 21.1), (gaps, 3.01), (days, 13.0)], Some(39.0)),
        (&[(silent, 45.0), (gaps, 1.0), (days, 2.0)], None),
        (&[(silent, 45.1), (gaps, 1.0), (days, 2.0)], Some(39.0)),
        (&[(silent, 45.1)], Some(39.0)),
        (&[(Metric::CancelScheduled, 1.0)], Some(39.0)),
        (&[(Metric::DaysPastDue, 14.1)], Some(55.0)),
        (&[(Metric::UrgentOpen, 3.0)], Some(55.0)),
    ];
    for (more, cap) in table {
        let assessment = healthy(more).assessed_by(&Model::default());
        assert_eq!(assessment.score.filter(|_| !assessment.rules.is_empty()), cap, "{more:?}");
    }
}

/// An account of a team that has connected usage and nothing else.
fn usage_alone(metrics: &[(Metric, f64)]) -> Account {
    let account = Account { tenure_days: 400.0, configured: PerStream([true, false, false, false, false]), ..Account::default() };
    metrics.iter().fold(account, |account, (metric, value)| account.with(*metric, *value, Some(100)))
}

#[test]
fn with_usage_alone_an_account_that_has_gone_quiet_has_a_score_by_the_default_model() {
    let quiet = usage_alone(&[(Metric::DaysSinceLast, 36.0), (Metric::Features28d, 0.0)]).assessed_by(&Model::default());
    assert!(close(quiet.coverage, 30.0 / 65.0), "{quiet:?}");
    let recency = 85.0 + (40.0 - 85.0) * 6.0 / 15.0; // 36 d between 30 d and 45 d
    assert!(close(quiet.score.unwrap(), 20.0 * recency / 30.0));
    let silent = usage_alone(&[(Metric::DaysSinceLast, 400.0), (Metric::Features28d, 0.0)]).assessed_by(&Model::default());
    assert_eq!((silent.score, silent.rules.len()), (Some(0.0), 1));
}

#[test]
fn an_account_with_four_active_days_is_measured_by_its_own_gaps() {
    let recency = |active_days| {
        let account = usage_alone(&[(Metric::DaysSinceLast, 14.0)]).with(Metric::GapsSinceLast, 2.5, Some(active_days));
        let assessment = account.assessed_by(&Model::default());
        (assessment.components[0].metric, assessment.components[0].score)
    };
    assert_eq!(recency(3), (Metric::DaysSinceLast, 93.0));
    assert_eq!(recency(4), (Metric::GapsSinceLast, 92.5));
}

#[test]
fn a_new_account_is_no_alarm_on_its_first_day_and_is_one_after_three_idle_weeks() {
    let idle = |tenure_days| {
        let account = Account { tenure_days, ..Account::default() };
        account.with(Metric::Features28d, 0.0, None).with(Metric::SeatUtilisation, 0.0, None).with(Metric::TenureDays, tenure_days, None)
    };
    let band = |days| Band::plain(idle(days).assessed_by(&Model::default()).score.unwrap(), &Model::default().bands);
    assert_eq!((band(0.1), band(21.0)), (Band::Yellow, Band::Red));
}
