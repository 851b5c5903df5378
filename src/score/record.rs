//! The change record and its headers, as read by consumers of the changes topic.
//!
//! Its shape is a contract, `config/schemas/account-health.schema.json`. Absent values are `null` or omitted.

use serde::Serialize;

use super::change::{Cause, Change};
use super::fields::{
    AccountFacts, ExplanationFields, HealthFields, ModelName, RiskFields, code, explanation, health, model_name, risk, scored_by,
};
use super::model::Model;
use super::status::Direction;
use super::subject::Subject;
use crate::metric::{Metric, Stage};
use crate::money::Currency;
use crate::time::Timestamp;

/// The value of a record in the changes topic.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeRecord<'a> {
    account_id: &'a str,
    sequence: u64,
    #[serde(serialize_with = "crate::time::rfc3339")]
    as_of: Timestamp,
    cause: Cause,
    direction: Option<Direction>,
    catching_up: bool,
    health: HealthFields,
    risk: RiskFields,
    #[serde(flatten)]
    explanation: ExplanationFields<'a>,
    mrr_minor: Option<i64>,
    #[serde(serialize_with = "code")]
    currency: Currency,
    segment: Option<&'a str>,
    csm: Option<&'a str>,
    stage: Option<Stage>,
    scored_by: Option<&'a str>,
    model: ModelName<'a>,
}

impl<'a> ChangeRecord<'a> {
    /// Builds the record of a change; subject and model must be those of its scoring.
    #[must_use]
    pub fn new(facts: &AccountFacts<'a>, subject: &Subject<'a>, change: &'a Change<'a>, model: &'a Model) -> Self {
        Self {
            account_id: facts.account_id,
            sequence: change.sequence,
            as_of: change.as_of,
            cause: change.cause,
            direction: change.direction,
            catching_up: change.catching_up,
            health: health(&change.status, change.previous.as_ref(), change.coverage),
            risk: risk(&change.status, change.previous.as_ref(), model),
            explanation: explanation(&change.explanation),
            mrr_minor: subject.metrics.whole_number(Metric::Mrr),
            currency: facts.currency,
            segment: subject.segment,
            csm: facts.csm,
            stage: subject.stage,
            scored_by: scored_by(change.profile, model),
            model: model_name(model),
        }
    }
}

/// The headers of a change record: `CloudEvents` 1.0 in binary content mode, plus `churnwatch_band_dropped` if the band got worse.
/// `source` is `/churnwatch/<application id>`.
#[must_use]
pub fn headers(account_id: &str, change: &Change<'_>, source: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", format!("{account_id}:{}", change.sequence)),
        ("ce_source", source.to_owned()),
        ("ce_type", "churnwatch.account_health.changed".to_owned()),
        ("ce_time", change.as_of.to_string()),
        ("ce_subject", account_id.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    if change.band_dropped() {
        headers.push(("churnwatch_band_dropped", "true".to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{Account, facts, model};
    use super::super::schema::violations;
    use super::super::{Change, State, headers};
    use super::*;

    const MORE: &str = r#"
        [[rule]]
        name = "leaving"
        when = "revenue.cancel_scheduled >= 1"
        cap_health = 39
        [risk]
        coefficients = { days = -1 }
    "#;

    fn record(account: &Account, change: &Change<'static>, model: &Model) -> Value {
        serde_json::to_value(ChangeRecord::new(&facts(), &account.subject(), change, model)).unwrap()
    }

    /// The change records of an account scored every hour, with the changes.
    fn records(accounts: &[Account]) -> Vec<(Value, Change<'static>)> {
        let (mut state, model) = (State::default(), model(MORE));
        let changes = accounts.iter().zip(0..).filter_map(|(account, hour)| {
            let change = account.advance(&mut state, hour, &model).change?;
            Some((record(account, &change, &model), change))
        });
        changes.collect()
    }

    fn even(score: f64) -> Account {
        Account::scoring(score, score, score)
    }

    #[test]
    fn a_change_record_has_the_published_shape() {
        let mut later = Account::scoring(None, 90.0, 90.0);
        later.metrics.whole(Metric::ActiveDays28d, 40);
        later.metrics.whole(Metric::Mrr, 120_000);
        later.segment = Some("mid-market");
        let model = model(MORE);
        let (written, _) = records(&[even(90.0), later]).pop().unwrap();
        let risk = |score: f64| 1.0 / (1.0 + (1.2 + (score - 50.0) / 50.0).exp());
        let expected = json!({
            "account_id": "acme", "sequence": 2, "as_of": "1970-01-01T01:00:00Z", "cause": "events", "direction": "down", "catching_up": false,
            "health": {"score": 70.0, "previous": 90.0, "band": "green", "previous_band": "green", "coverage": 1.0},
            "risk": {"probability": risk(40.0), "previous": risk(90.0), "level": "medium", "previous_level": "medium",
                     "horizon_days": 90, "calibrated": false},
            "drivers": ["active days in 28 d fell from 90 to 40"],
            "components": [
                {"name": "days", "group": "usage", "metric": "usage.active_days_28d", "value": 40, "score": 40.0, "weight": 0.4,
                 "contribution": 16.0, "contribution_delta": -20.0},
                {"name": "sessions", "group": "usage", "metric": "usage.sessions_28d", "value": 90.0, "score": 90.0, "weight": 0.4,
                 "contribution": 36.0, "contribution_delta": 0.0},
                {"name": "nps", "group": "sentiment", "metric": "feedback.nps_91d", "value": 90.0, "score": 90.0, "weight": 0.2,
                 "contribution": 18.0, "contribution_delta": 0.0},
            ],
            "absent": [], "renormalisation_delta": 0.0, "rules": [], "rule_deltas": [],
            "mrr_minor": 120_000, "currency": "USD", "segment": "mid-market", "csm": "dana", "stage": "adopted", "scored_by": "default",
            "model": {"name": "custom", "hash": model.hash},
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn every_kind_of_change_fits_the_schema() {
        let schema: Value = serde_json::from_str(include_str!("../../config/schemas/account-health.schema.json")).unwrap();
        let leaving = even(80.0).with(Metric::CancelScheduled, 1.0, None);
        let written = records(&[
            Account::scoring(None, None, 80.0),
            even(80.0),
            leaving.clone(),
            leaving.pinned_to(90.0),
            even(50.0),
            Account::scoring(10.0, None, None),
            even(50.0).in_stage(Stage::Churned),
            even(90.0),
        ]);
        assert_eq!(written.len(), 8);
        for (record, _) in &written {
            assert_eq!(violations(&schema, record), Vec::<String>::new());
        }
        let cap = json!([{"name": "leaving", "cap_health": 39.0, "contribution": -41.0, "delta": -41.0}]);
        assert_eq!((&written[2].0["rules"], &written[2].0["rule_deltas"]), (&json!(["leaving"]), &cap));
        let pinned = json!({"value": 90.0, "until": "1970-01-01T00:00:00Z", "reason": "exec sponsor", "by": "dana"});
        assert_eq!((&written[3].0["override"], &written[3].0["override_delta"]), (&pinned, &json!(51.0)));
        assert_eq!(written[0].0["health"]["score"], Value::Null);
    }

    #[test]
    fn a_change_by_a_sole_rule_names_it_and_fits_the_schema() {
        let schema: Value = serde_json::from_str(include_str!("../../config/schemas/account-health.schema.json")).unwrap();
        let (record, _) = records(&[Account::scoring(None, None, 80.0).with(Metric::CancelScheduled, 1.0, None)]).pop().unwrap();
        assert_eq!(violations(&schema, &record), Vec::<String>::new());
        assert_eq!((&record["sole_rule"], &record["health"]["score"]), (&json!("leaving"), &json!(39.0)));
        let whole = json!([{"name": "leaving", "cap_health": 39.0, "contribution": 39.0, "delta": null}]);
        assert_eq!((&record["rule_deltas"], &record["components"][0]["contribution"]), (&whole, &Value::Null));
    }

    #[test]
    fn the_schema_check_detects_violations() {
        let schema: Value = serde_json::from_str(include_str!("../../config/schemas/account-health.schema.json")).unwrap();
        let (mut record, _) = records(&[even(80.0)]).pop().unwrap();
        record["sequence"] = json!(0);
        record["health"]["band"] = json!("blue");
        record["risk"]["extra"] = json!(1);
        record.as_object_mut().unwrap().remove("model");
        assert_eq!(violations(&schema, &record).len(), 4);
    }

    #[test]
    fn headers_are_cloud_events_in_binary_mode_and_flag_a_dropped_band() {
        let of = |nth: usize| headers("acme", &records(&[even(80.0), even(50.0)])[nth].1, "/churnwatch/test");
        let expected = [
            ("ce_specversion", "1.0"),
            ("ce_id", "acme:2"),
            ("ce_source", "/churnwatch/test"),
            ("ce_type", "churnwatch.account_health.changed"),
            ("ce_time", "1970-01-01T01:00:00Z"),
            ("ce_subject", "acme"),
            ("content-type", "application/json"),
            ("churnwatch_band_dropped", "true"),
        ];
        assert_eq!(of(1), expected.map(|(name, value)| (name, value.to_owned())));
        assert!(of(0).iter().all(|(name, _)| *name != "churnwatch_band_dropped"));
    }
}
