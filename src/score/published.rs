//! The last published scoring of an account: the baseline of the next change.

use serde::{Deserialize, Serialize};

use super::assess::Assessment;
use super::band::Band;
use super::contribution::{ComponentScore, RuleEffect};
use super::model::{Model, name_id};
use super::risk::Risk;
use super::status::Status;
use crate::time::Timestamp;

/// The last published scoring. For a churned account, everything but time and band is frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The instant of scoring.
    pub as_of: Timestamp,
    /// Health.
    pub score: Option<f64>,
    /// Health before rules and override; 0 if a rule alone set the score.
    pub mean: f64,
    /// The band.
    pub band: Band,
    /// Risk.
    pub risk: Option<Risk>,
    /// [`Model::id`].
    pub model: u64,
    /// Index of the profile in that model.
    pub profile: u8,
    /// The components that made the score.
    pub components: Box<[Component]>,
    /// The rules that were in force.
    pub rules: Box<[Rule]>,
    /// Points that the override added.
    pub override_effect: Option<f64>,
}

/// A component as last published. Names are stored as [`name_id`], which stays valid when the model changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Id of the component.
    pub id: u32,
    /// Id of the metric.
    pub metric: u32,
    /// Value of the metric.
    pub value: f64,
    /// Score of the value.
    pub score: f64,
}

/// A rule as last published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: Box<str>,
    /// Points that its cap added, <= 0; the whole score if the rule alone set it.
    pub effect: f64,
}

impl Published {
    /// The baseline that a published scoring leaves behind.
    pub(super) fn of(as_of: Timestamp, status: &Status, assessment: &Assessment<'_>, model: &Model) -> Self {
        // No components are kept with a sole rule, so that after it all are new.
        let makes_score = |component: &&ComponentScore<'_>| component.weight != 0.0 && !assessment.has_sole_rule();
        let components = assessment.components.iter().filter(makes_score);
        Self {
            as_of,
            score: status.score,
            mean: assessment.mean,
            band: status.band,
            risk: status.risk,
            model: model.id,
            profile: assessment.profile,
            components: components.map(Component::of).collect(),
            rules: assessment.rules.iter().map(Rule::of).collect(),
            override_effect: assessment.override_effect,
        }
    }

    /// Looks up a component of the score by id.
    pub(super) fn component(&self, id: u32) -> Option<&Component> {
        self.components.iter().find(|component| component.id == id)
    }

    /// Whether a rule alone set the score: only then is an effect positive.
    pub(super) fn has_sole_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.effect > 0.0)
    }

    /// Score, band and risk.
    #[must_use]
    pub const fn status(&self) -> Status {
        Status { score: self.score, band: self.band, risk: self.risk }
    }
}

impl Component {
    fn of(component: &ComponentScore<'_>) -> Self {
        let value = component.value.number().unwrap_or_default();
        Self { id: component.component.id, metric: name_id(component.metric.name()), value, score: component.score }
    }
}

impl Rule {
    fn of(effect: &RuleEffect<'_>) -> Self {
        Self { name: effect.name.as_ref().into(), effect: effect.contribution }
    }
}
