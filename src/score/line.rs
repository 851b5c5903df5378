//! The account line: everything about an account at an instant, whether or not a change was published.

use serde::Serialize;

use super::assess::Assessment;
use super::change::{Cause, Context};
use super::explain::Explanation;
use super::fields::{
    self, AccountFacts, ExplanationFields, HealthFields, ModelName, RiskFields, code, health, model_name, risk, scored_by,
};
use super::model::Model;
use super::published::Published;
use super::state::State;
use super::subject::Subject;
use crate::metric::{Metrics, Stage};
use crate::money::Currency;
use crate::time::Timestamp;

/// An account with its metrics, status and explanation: a line of `replay --out-accounts` and the response of
/// `GET /api/accounts/{id}`.
#[derive(Clone, Debug, Serialize)]
pub struct AccountLine<'a> {
    account_id: &'a str,
    #[serde(serialize_with = "crate::time::rfc3339")]
    as_of: Timestamp,
    cause: Cause,
    metrics: &'a Metrics,
    health: HealthFields,
    risk: RiskFields,
    #[serde(flatten)]
    explanation: ExplanationFields<'a>,
    reasons: &'a [String],
    #[serde(serialize_with = "code")]
    currency: Currency,
    stage: Option<Stage>,
    profile: ProfileFacts<'a>,
    scored_by: Option<&'a str>,
    model: ModelName<'a>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ProfileFacts<'a> {
    name: Option<&'a str>,
    segment: Option<&'a str>,
    plan: Option<&'a str>,
    csm: Option<&'a str>,
}

impl<'a> AccountLine<'a> {
    /// The line of an account; `explanation` must come from [`State::explain_in_full`] with the same assessment.
    #[must_use]
    pub fn new(
        facts: &AccountFacts<'a>,
        subject: &Subject<'a>,
        assessment: &Assessment<'_>,
        state: &State,
        explanation: &'a Explanation<'a>,
        context: &Context,
        model: &'a Model,
    ) -> Self {
        let status = state.status(subject, assessment, model);
        let published = state.published().map(Published::status);
        Self {
            account_id: facts.account_id,
            as_of: context.t,
            cause: state.cause(subject, context, model),
            metrics: subject.metrics,
            health: health(&status, published.as_ref(), assessment.coverage),
            risk: risk(&status, published.as_ref(), model),
            explanation: fields::explanation(explanation),
            reasons: &explanation.reasons,
            currency: facts.currency,
            stage: subject.stage,
            profile: ProfileFacts { name: facts.name, segment: subject.segment, plan: subject.plan, csm: facts.csm },
            scored_by: scored_by(assessment.profile, model),
            model: model_name(model),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::assess::assess;
    use super::super::fixture::{Account, context, facts, model};
    use super::*;
    use crate::metric::Metric;

    fn line(account: &Account, state: &State, hour: i64) -> Value {
        let (account, model) = account.leaked(&model(""));
        let (assessment, context) = (assess(model, &account.subject()), context(hour));
        let explanation = state.explain_in_full(&account.subject(), &assessment, &context, model);
        let line = AccountLine::new(&facts(), &account.subject(), &assessment, state, &explanation, &context, model);
        serde_json::to_value(line).unwrap()
    }

    #[test]
    fn a_line_has_the_present_metrics_and_compares_with_the_last_change() {
        let mut account = Account::scoring(80.0, None, 50.0);
        account.metrics.whole(Metric::Mrr, 120_000);
        let mut state = State::default();
        account.advance(&mut state, 0, &model(""));
        let written = line(&Account::scoring(80.0, 60.0, 50.0), &state, 1);
        assert_eq!(written["metrics"]["usage.sessions_28d"], json!(60.0));
        assert_eq!(written["metrics"].get("revenue.mrr"), None);
        let health = json!({"score": 66.0, "previous": 70.0, "band": "green", "previous_band": "green", "coverage": 1.0});
        assert_eq!((&written["health"], &written["as_of"]), (&health, &json!("1970-01-01T01:00:00Z")));
        assert_eq!(written["profile"], json!({"name": "Acme Inc", "segment": null, "plan": null, "csm": "dana"}));
        assert_eq!(written["drivers"], json!(["sessions in 28 d are 60; 70 or more is healthy"]));
        let reasons = json!([
            "sessions in 28 d are 60; 70 or more is healthy",
            "net promoter score over 91 d is 50; 70 or more is healthy",
            "active days in 28 d are 80"
        ]);
        assert_eq!(written["reasons"], reasons, "what costs most comes first, whatever moved");
        assert_eq!(written["components"][1]["contribution_delta"], json!(-4.0)); // 0.4 x (60 - 70)
    }

    #[test]
    fn the_line_of_a_churned_account_has_its_frozen_score_and_no_components() {
        let mut state = State::default();
        Account::scoring(80.0, 80.0, 80.0).advance(&mut state, 0, &model(""));
        let left = Account::scoring(10.0, 10.0, 10.0).in_stage(Stage::Churned);
        left.advance(&mut state, 1, &model(""));
        let written = line(&left, &state, 2);
        assert_eq!((&written["health"]["score"], &written["health"]["band"]), (&json!(80.0), &json!("churned")));
        assert_eq!(written["components"], json!([]));
    }

    #[test]
    fn an_account_never_published_has_no_previous_status() {
        let written = line(&Account::scoring(80.0, 80.0, 80.0), &State::default(), 0);
        assert_eq!((&written["health"]["band"], &written["health"]["previous"]), (&json!("green"), &Value::Null));
    }

    #[test]
    fn the_cause_is_initial_only_for_the_first_scoring() {
        let mut state = State::default();
        let account = Account::scoring(80.0, 80.0, 80.0);
        assert_eq!(line(&account, &state, 0)["cause"], json!("initial"));
        account.advance(&mut state, 0, &model(""));
        assert_eq!(line(&account, &state, 1)["cause"], json!("events"));
    }
}
