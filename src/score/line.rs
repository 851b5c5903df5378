//! The line of an account: everything about it at an instant, whether or not it is worth publishing.

use serde::Serialize;

use super::assess::{Assessment, Subject};
use super::entry::{AccountFacts, Health, ModelName, Reasons, Risk, code, health, model_name, reasons, rfc3339, risk, scored_by};
use super::explain::Explanation;
use super::model::Model;
use super::state::{Standing, State};
use crate::metric::{Metrics, Stage};
use crate::money::Currency;
use crate::time::Timestamp;

/// An account with all its metrics, its standing and the reasons: a line of `replay --out-accounts`, the answer of
/// `GET /api/accounts/{id}`.
#[derive(Clone, Debug, Serialize)]
pub struct AccountLine<'a> {
    account_id: &'a str,
    #[serde(serialize_with = "rfc3339")]
    as_of: Timestamp,
    metrics: &'a Metrics,
    health: Health,
    risk: Risk,
    #[serde(flatten)]
    reasons: Reasons<'a>,
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
    /// The line of an account at an instant; `explanation` is of [`State::explain`] with the same assessment.
    #[must_use]
    pub fn new(
        facts: &AccountFacts<'a>,
        subject: &Subject<'a>,
        assessment: &Assessment,
        state: &State,
        explanation: &'a Explanation,
        as_of: Timestamp,
        model: &'a Model,
    ) -> Self {
        let standing = state.standing(subject, assessment, model);
        let published = state.published().map(|last| Standing { score: last.score, band: last.band, risk: last.risk });
        Self {
            account_id: facts.account_id,
            as_of,
            metrics: subject.metrics,
            health: health(&standing, published.as_ref(), assessment.coverage),
            risk: risk(&standing, published.as_ref(), model),
            reasons: reasons(explanation, model),
            currency: facts.currency,
            stage: subject.stage,
            profile: ProfileFacts { name: facts.name, segment: subject.segment, plan: subject.plan, csm: facts.csm },
            scored_by: scored_by(assessment.profile, model),
            model: model_name(model),
        }
    }
}
