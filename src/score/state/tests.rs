//! When a change is published, what it says, and how bands follow scores.

use super::super::fixture::{Account, context, model};
use super::super::{Level, Risk};
use super::*;
use crate::metric::Metric;
use crate::time::{HOUR_MS, Timestamp};

const RISK: &str = "[risk]\ncoefficients = { days = -3 }\n";

fn even(score: f64) -> Account {
    Account::scoring(score, score, score)
}

fn change(advanced: Advanced<'static>) -> Change<'static> {
    advanced.change.expect("a change")
}

#[test]
fn the_first_scoring_is_published_as_initial_with_nothing_before_it() {
    let first = change(even(80.0).advance(&mut State::default(), 1, &model("")));
    assert_eq!((first.sequence, first.cause, first.direction, first.previous), (1, Cause::Initial, None, None));
    assert_eq!((first.status.score, first.status.band, first.as_of), (Some(80.0), Band::Green, Timestamp(HOUR_MS)));
}

#[test]
fn an_account_with_too_little_data_is_published_once_as_unknown() {
    let (mut state, model) = (State::default(), model(""));
    let unknown = Account::scoring(None, None, 10.0);
    let first = change(unknown.advance(&mut state, 0, &model));
    assert_eq!((first.status.score, first.status.band, first.status.risk), (None, Band::Unknown, None));
    assert_eq!(unknown.advance(&mut state, 1, &model), Advanced { change: None, state_changed: false });
    let known = change(even(30.0).advance(&mut state, 2, &model));
    assert_eq!((known.status.band, known.direction, known.band_dropped()), (Band::Red, None, false));
}

#[test]
fn a_score_that_moved_5_points_since_the_last_change_is_published() {
    let (mut state, model) = (State::default(), model(""));
    even(90.0).advance(&mut state, 0, &model);
    assert_eq!(even(87.0).advance(&mut state, 1, &model).change, None);
    assert_eq!(even(85.1).advance(&mut state, 2, &model).change, None);
    let moved = change(even(85.0).advance(&mut state, 3, &model));
    assert_eq!((moved.sequence, moved.cause, moved.direction), (2, Cause::Events, Some(Direction::Down)));
    assert_eq!(moved.previous.unwrap().score, Some(90.0));
    assert_eq!(change(even(90.0).advance(&mut state, 4, &model)).direction, Some(Direction::Up));
}

#[test]
fn a_risk_that_moved_or_changed_its_level_is_published() {
    let model = model(&format!("{RISK}intercept = 0\n[publish]\nscore_points = 100\n"));
    let mut state = State::default();
    let first = change(even(50.0).advance(&mut state, 0, &model));
    assert_eq!(first.status.risk, Some(Risk { probability: 0.5, level: Level::High }));
    assert_eq!(even(48.0).advance(&mut state, 1, &model).change, None); // 0.530
    let moved = change(even(46.0).advance(&mut state, 2, &model)); // 0.560
    assert_eq!((moved.status.risk.unwrap().level, moved.direction), (Level::High, Some(Direction::Down)));
    let level = change(even(43.0).advance(&mut state, 3, &model)); // 0.603
    assert_eq!(level.status.risk.unwrap().level, Level::Critical);
}

#[test]
fn a_band_entered_by_hours_is_published_though_the_score_is_unchanged() {
    let (mut state, model) = (State::default(), model(""));
    even(71.0).advance(&mut state, 0, &model);
    let step = even(69.0).advance(&mut state, 1, &model);
    assert_eq!((step.change, step.state_changed), (None, true));
    assert_eq!(even(69.0).advance(&mut state, 2, &model), Advanced { change: None, state_changed: false });
    let dropped = change(even(69.0).advance(&mut state, 25, &model));
    assert!(dropped.band_dropped());
    assert_eq!(dropped.explanation.drivers[0], "health has been below 70 for 24 h");
}

#[test]
fn a_worse_band_is_remembered_until_a_better_one() {
    let (mut state, model) = (State::default(), model(""));
    even(90.0).advance(&mut state, 0, &model);
    assert_eq!(state.worsened_at(), None);
    even(10.0).advance(&mut state, 1, &model);
    assert_eq!((state.band(), state.worsened_at()), (Band::Red, Some(Timestamp(HOUR_MS))));
    even(8.0).advance(&mut state, 2, &model);
    assert_eq!(state.worsened_at(), Some(Timestamp(HOUR_MS)), "still the same drop");
    even(95.0).advance(&mut state, 3, &model);
    assert_eq!((state.band(), state.worsened_at()), (Band::Green, None));
}

#[test]
fn a_worse_band_from_a_new_model_is_not_a_drop_of_the_account() {
    let mut state = State::default();
    even(60.0).advance(&mut state, 0, &model("[bands]\ngreen = 50\nyellow = 30\n"));
    assert_eq!(state.band(), Band::Green);
    let moved = change(even(60.0).advance(&mut state, 1, &model("[bands]\ngreen = 90\nyellow = 80\n")));
    assert_eq!((moved.cause, moved.band_dropped(), state.worsened_at()), (Cause::ModelChange, true, None));
}

#[test]
fn an_immediate_rule_passes_hysteresis_and_another_does_not() {
    let rule =
        |immediate| model(&format!("[[rule]]\nname='leaving'\nwhen='revenue.cancel_scheduled >= 1'\ncap_health=39\nimmediate={immediate}"));
    for (immediate, band) in [(true, Band::Red), (false, Band::Yellow)] {
        let mut state = State::default();
        even(80.0).advance(&mut state, 0, &rule(immediate));
        let leaving = even(80.0).with(Metric::CancelScheduled, 1.0, None);
        assert_eq!(change(leaving.advance(&mut state, 1, &rule(immediate))).status.band, band);
    }
}

#[test]
fn a_sole_rule_enters_its_band_at_once_and_hysteresis_continues_from_there() {
    let model = model("[[rule]]\nname='silent'\nwhen='usage.days_since_last > 14'\ncap_health=39");
    let silent = |account: Account| account.with(Metric::DaysSinceLast, 20.0, None);
    let mut state = State::default();
    even(80.0).advance(&mut state, 0, &model);
    let alone = change(silent(Account::scoring(None, None, 80.0)).advance(&mut state, 1, &model));
    assert_eq!((alone.status.score, alone.status.band, alone.band_dropped()), (Some(39.0), Band::Red, true));
    assert_eq!(
        alone.explanation.drivers,
        ["silent: the time since the last activity is 20 days; this rule alone sets health to 39, because 20 % of the weights have data, \
           and a score needs 40 %"]
    );
    assert_eq!(even(43.9).advance(&mut state, 2, &model), Advanced { change: None, state_changed: true }); // within 5 points of the border
    let known = change(even(45.0).advance(&mut state, 3, &model));
    assert_eq!((known.status.band, known.direction), (Band::Yellow, Some(Direction::Up)));
    assert_eq!(known.explanation.drivers[0], "100 % of the weights have data, which is enough for a score");
    let unknown = change(Account::scoring(None, None, 80.0).advance(&mut state, 4, &model));
    assert_eq!((unknown.status.band, unknown.status.score), (Band::Unknown, None));
}

#[test]
fn a_status_between_scorings_has_the_band_of_what_skips_hysteresis() {
    let model = model("");
    let mut state = State::default();
    even(80.0).advance(&mut state, 0, &model);
    let pinned = even(80.0).pinned_to(10.0);
    assert_eq!(state.status(&pinned.subject(), &pinned.assessed_by(&model), &model).band, Band::Red);
}

#[test]
fn a_churned_account_keeps_its_last_score_and_is_silent_until_it_returns() {
    let (mut state, model) = (State::default(), model(RISK));
    even(50.0).advance(&mut state, 0, &model);
    let left = change(even(10.0).in_stage(Stage::Churned).advance(&mut state, 1, &model));
    assert_eq!((left.status.score, left.status.band, left.direction), (Some(50.0), Band::Churned, Some(Direction::Down)));
    assert_eq!(left.status.risk, left.previous.unwrap().risk);
    assert!(left.band_dropped() && left.explanation.components.is_empty());
    assert_eq!(left.explanation.drivers, ["the account churned; its last score, 50.0, is kept"]);
    assert_eq!(even(0.0).in_stage(Stage::Churned).advance(&mut state, 2, &model), Advanced { change: None, state_changed: false });
    let back = change(even(41.0).advance(&mut state, 3, &model));
    assert_eq!((back.sequence, back.status.band, back.direction), (3, Band::Yellow, Some(Direction::Up)));
    let deltas: f64 = back.explanation.components.iter().filter_map(|part| part.delta).sum();
    assert!((deltas - (41.0 - 50.0)).abs() < 1e-9);
}

#[test]
fn an_account_that_is_churned_when_first_seen_has_no_score() {
    let mut state = State::default();
    let first = change(even(50.0).in_stage(Stage::Churned).advance(&mut state, 0, &model(RISK)));
    assert_eq!((first.status.score, first.status.band, first.status.risk), (None, Band::Churned, None));
    let back = change(even(50.0).advance(&mut state, 1, &model(RISK)));
    assert_eq!((back.status.band, back.explanation.renormalisation_delta), (Band::Yellow, None));
}

#[test]
fn an_override_is_the_cause_when_it_begins_and_ends_and_has_no_hysteresis() {
    let (mut state, model) = (State::default(), model(""));
    even(80.0).advance(&mut state, 0, &model);
    let pinned = change(even(80.0).pinned_to(39.0).advance(&mut state, 1, &model));
    assert_eq!((pinned.cause, pinned.status.band), (Cause::Override, Band::Red));
    assert_eq!(pinned.explanation.drivers, ["health is pinned to 39 by dana: exec sponsor"]);
    assert_eq!(even(20.0).pinned_to(39.0).advance(&mut state, 2, &model).change, None);
    let ended = change(even(80.0).advance(&mut state, 3, &model));
    assert_eq!((ended.cause, ended.explanation.override_delta), (Cause::Override, Some(41.0)));
}

#[test]
fn after_an_override_the_band_is_the_one_that_the_measured_scores_led_to() {
    let model = model("");
    let after = |start: f64, during: &[f64], after: f64| {
        let mut state = State::default();
        even(start).advance(&mut state, 0, &model);
        for (hour, score) in (1..).zip(during) {
            let pinned = scored(&even(*score).pinned_to(30.0), &mut state, hour, &model);
            assert_eq!(pinned.band, Band::Red);
        }
        scored(&even(after), &mut state, 30, &model).band
    };
    assert_eq!(after(72.0, &[72.0], 72.0), Band::Green, "a steady score");
    assert_eq!(after(72.0, &[69.0], 69.0), Band::Yellow, "below the border since the first hour of the override");
    assert_eq!(after(72.0, &[69.0], 71.0), Band::Green, "back above the border");
    assert_eq!(after(60.0, &[75.0, 71.0], 71.0), Band::Green, "5 points past the border during the override");
}

#[test]
fn a_steady_72_that_is_pinned_to_30_for_an_hour_is_green_again_at_once_and_stays_so() {
    let (mut state, model) = (State::default(), model(""));
    for hour in 0..100 {
        assert_eq!(scored(&even(72.0), &mut state, hour, &model).band, Band::Green);
    }
    assert_eq!(scored(&even(72.0).pinned_to(30.0), &mut state, 100, &model).band, Band::Red);
    for hour in 101..160 {
        assert_eq!(scored(&even(72.0), &mut state, hour, &model).band, Band::Green, "hour {hour}");
    }
}

/// The status after a scoring.
fn scored(account: &Account, state: &mut State, hour: i64, model: &Model) -> Status {
    account.advance(state, hour, model);
    state.status(&account.subject(), &account.assessed_by(model), model)
}

#[test]
fn a_new_model_is_the_cause_only_at_its_first_scoring() {
    let (one, other) = (model(""), model("[bands]\ngreen = 95\nyellow = 60"));
    let mut state = State::default();
    even(90.0).advance(&mut state, 0, &one);
    let changed = change(even(90.0).advance(&mut state, 1, &other));
    assert_eq!((changed.cause, changed.status.band), (Cause::ModelChange, Band::Yellow));
    assert!(even(90.0).advance(&mut state, 2, &one).state_changed);
    assert_eq!(change(even(80.0).advance(&mut state, 3, &one)).cause, Cause::Events);
}

#[test]
fn as_of_never_goes_back() {
    let (mut state, model) = (State::default(), model(""));
    even(90.0).advance(&mut state, 10, &model);
    assert_eq!(change(even(50.0).advance(&mut state, 9, &model)).as_of, Timestamp(10 * HOUR_MS));
}

#[test]
fn catch_up_is_flagged_and_time_is_a_cause() {
    let account = even(90.0);
    let model = model("");
    let mut state = State::default();
    account.advance(&mut state, 0, &model);
    let lower = even(60.0);
    let context = Context { cause: Cause::Time, catching_up: true, ..context(1) };
    let published = change(lower.advance_in(&mut state, &context, &model));
    assert_eq!((published.cause, published.catching_up), (Cause::Time, true));
}

#[test]
fn a_state_round_trips_and_is_small() {
    let mut state = State::default();
    even(90.0).with(Metric::CancelScheduled, 1.0, None).pinned_to(3.0).advance(&mut state, 5, &model(RISK));
    let bytes = postcard::to_stdvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<State>(&bytes).unwrap(), state);
    assert!(bytes.len() < 200, "{}", bytes.len());
}
