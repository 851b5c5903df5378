//! The change record with its headers: what consumers of the changes topic read.
//!
//! Its shape is a contract, `config/schemas/account-health.schema.json`. What is absent is `null` or left out.

use serde::Serialize;

use super::assess::Subject;
use super::entry::{AccountFacts, Health, ModelName, Reasons, Risk, code, health, model_name, reasons, rfc3339, risk, scored_by};
use super::model::Model;
use super::state::{Cause, Change, Direction};
use crate::metric::{Metric, Stage};
use crate::money::Currency;
use crate::time::Timestamp;

/// A change as it is published: the value of a record of the changes topic.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeRecord<'a> {
    account_id: &'a str,
    sequence: u64,
    #[serde(serialize_with = "rfc3339")]
    as_of: Timestamp,
    cause: Cause,
    direction: Option<Direction>,
    catching_up: bool,
    health: Health,
    risk: Risk,
    #[serde(flatten)]
    reasons: Reasons<'a>,
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
    /// The record of a change that was made of this subject by this model.
    #[must_use]
    pub fn new(facts: &AccountFacts<'a>, subject: &Subject<'a>, change: &'a Change, model: &'a Model) -> Self {
        Self {
            account_id: facts.account_id,
            sequence: change.sequence,
            as_of: change.as_of,
            cause: change.cause,
            direction: change.direction,
            catching_up: change.catching_up,
            health: health(&change.standing, change.previous.as_ref(), change.coverage),
            risk: risk(&change.standing, change.previous.as_ref(), model),
            reasons: reasons(&change.explanation, model),
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

/// The headers of a change record: `CloudEvents` 1.0 in Kafka's binary mode, and `churnwatch_band_dropped` where the band is worse than
/// before. `source` names the application, as `/churnwatch/<application id>`.
#[must_use]
pub fn headers(account_id: &str, change: &Change, source: &str) -> Vec<(&'static str, String)> {
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
