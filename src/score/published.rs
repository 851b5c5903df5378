//! What was last published of an account, which the next change is measured against.

use serde::{Deserialize, Serialize};

use super::assess::{Assessment, Part, RuleEffect};
use super::band::Band;
use super::change::{Change, Standing};
use super::model::{Model, name_id};
use super::risk::RiskReading;
use crate::time::Timestamp;

/// What was last published. Of a churned account, whose score is frozen, all but time and band are those of the change before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The instant of scoring.
    pub as_of: Timestamp,
    /// Health.
    pub score: Option<f64>,
    /// Health before rules and override.
    pub mean: f64,
    /// The band.
    pub band: Band,
    /// Risk.
    pub risk: Option<RiskReading>,
    /// [`Model::id`].
    pub model: u64,
    /// Place of the profile in that model.
    pub profile: u8,
    /// The components that made the score.
    pub parts: Box<[PublishedPart]>,
    /// The rules that were in force.
    pub rules: Box<[PublishedRule]>,
    /// What the override added.
    pub override_effect: Option<f64>,
}

/// A component as last published. Names are remembered as [`name_id`], so that they outlive a change of the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedPart {
    /// Id of the component.
    pub component: u32,
    /// Id of the metric.
    pub metric: u32,
    /// Value of the metric.
    pub value: f64,
    /// Score of the value.
    pub score: f64,
}

/// A rule as last published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedRule {
    /// Its name.
    pub name: Box<str>,
    /// What its cap added: <= 0, or the whole score where the rule alone gave it.
    pub effect: f64,
}

impl Published {
    /// What a change and the assessment that it was made of leave behind.
    pub(super) fn of(change: &Change, assessment: &Assessment, model: &Model) -> Self {
        let part = |part: &Part| {
            let component = model.components.get(usize::from(part.component))?;
            let metric = name_id(part.metric.name());
            Some(PublishedPart { component: component.id, metric, value: part.value, score: part.score })
        };
        let rule = |rule: &RuleEffect| {
            let name = model.rules.get(usize::from(rule.rule))?.name.as_str().into();
            Some(PublishedRule { name, effect: rule.effect })
        };
        Self {
            as_of: change.as_of,
            score: change.standing.score,
            mean: assessment.mean,
            band: change.standing.band,
            risk: change.standing.risk,
            model: model.id,
            profile: change.profile,
            // What a rule alone gave owes nothing to components: whichever come later are new.
            parts: assessment.parts.iter().filter(|_| assessment.sole_rule.is_none()).filter_map(part).collect(),
            rules: assessment.rules.iter().filter_map(rule).collect(),
            override_effect: assessment.override_effect,
        }
    }

    /// Whether a rule alone gave the score: only then has a rule raised it.
    pub(super) fn is_of_sole_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.effect > 0.0)
    }

    /// How the account stood.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing { score: self.score, band: self.band, risk: self.risk }
    }
}
