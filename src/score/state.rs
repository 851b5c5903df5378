//! What an account remembers of its scores: its position among the bands, and what was last published, which changes are measured against.
//!
//! A part of the account's core record in the changelog. It changes only when something in it does, so that an idle account that is
//! scored again and found the same is not written again ([`Step::touched`]).

use serde::{Deserialize, Serialize};

use super::assess::{Assessment, Override, Subject};
use super::band::{Band, Position, Reading};
use super::explain::{Explanation, explain};
use super::model::{Model, Publish, name_id};
use super::risk::RiskReading;
use crate::metric::Stage;
use crate::money::Currency;
use crate::time::Timestamp;

/// Why a change was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It is the first of the account.
    Initial,
    /// Records of the account.
    Events,
    /// Nothing but time.
    Time,
    /// An override was set, changed or ended.
    Override,
    /// The account was scored by another model before.
    ModelChange,
}

/// Which way an account went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Better.
    Up,
    /// Worse.
    Down,
}

/// What a scoring knows besides the account.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The instant of scoring.
    pub t: Timestamp,
    /// [`Cause::Events`] or [`Cause::Time`]; the other causes are found by the state itself.
    pub cause: Cause,
    /// Whether the task is in catch-up.
    pub catching_up: bool,
    /// The reporting currency, for sentences on money.
    pub currency: Currency,
}

/// Health and risk as they stand, bands with hysteresis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Health; `None`: unknown. Of a churned account the last published one.
    pub score: Option<f64>,
    /// The band.
    pub band: Band,
    /// Risk. Of a churned account the last published one.
    pub risk: Option<RiskReading>,
}

/// A change to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// 1 for the first of an account, then without gaps.
    pub sequence: u64,
    /// The instant of scoring; never before that of the change before.
    pub as_of: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Which way; `None` where there is nothing to compare.
    pub direction: Option<Direction>,
    /// Whether the task was in catch-up.
    pub catching_up: bool,
    /// How the account stands.
    pub standing: Standing,
    /// How it stood in the change before.
    pub previous: Option<Standing>,
    /// Weight present / weight total.
    pub coverage: f64,
    /// Place of the profile in the model.
    pub profile: u8,
    /// Why it stands so, and what moved since.
    pub explanation: Explanation,
}

impl Change {
    /// Whether the band is worse than in the change before.
    #[must_use]
    pub fn band_dropped(&self) -> bool {
        self.previous.is_some_and(|previous| self.standing.band.is_worse_than(previous.band))
    }
}

/// What came of a scoring.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The change to publish, if any.
    pub change: Option<Change>,
    /// Whether the state is another than before and has to be written.
    pub touched: bool,
}

/// What an account remembers of its scores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    sequence: u64,
    position: Position,
    model: u64,
    pinned: Option<f64>,
    published: Option<Box<Published>>,
}

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
    /// The components that were present.
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
    /// What its cap added, <= 0.
    pub effect: f64,
}

impl State {
    /// The number of changes published.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The band.
    #[must_use]
    pub const fn band(&self) -> Band {
        self.position.band
    }

    /// What was last published.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        self.published.as_deref()
    }

    /// Takes a scoring: moves between bands, and publishes what is worth it.
    pub fn advance(&mut self, subject: &Subject<'_>, assessment: &Assessment, round: &Round, model: &Model) -> Step {
        let before = (self.position, self.model, self.pinned);
        let cause = self.cause(subject, round, model);
        self.position = self.next_position(subject, assessment, round, model);
        self.model = model.id;
        self.pinned = subject.health_override.map(|pinned| pinned.value);
        let standing = self.standing(subject, assessment, model);
        let change = self.is_worth_publishing(&standing, &model.publish).then(|| {
            let change = self.change(standing, cause, subject, assessment, round, model);
            self.remember(&change, assessment, model);
            change
        });
        Step { touched: change.is_some() || before != (self.position, self.model, self.pinned), change }
    }

    /// How the account stands by an assessment, the band being that of the last scoring where the score alone does not decide it.
    #[must_use]
    pub fn standing(&self, subject: &Subject<'_>, assessment: &Assessment, model: &Model) -> Standing {
        if subject.stage == Some(Stage::Churned) {
            let kept = self.published();
            return Standing { score: kept.and_then(|kept| kept.score), band: Band::Churned, risk: kept.and_then(|kept| kept.risk) };
        }
        let band = match (assessment.score, self.position.band) {
            (None, _) => Band::Unknown,
            (Some(score), Band::Unknown | Band::Churned) => Band::plain(score, &model.bands),
            (Some(_), band) => band,
        };
        Standing { score: assessment.score, band, risk: assessment.risk }
    }

    /// Why the account stands so, and what moved since the last change.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>, assessment: &Assessment, round: &Round, model: &Model) -> Explanation {
        explain(subject, assessment, &self.standing(subject, assessment, model), self.published(), round.currency, model)
    }

    fn next_position(&self, subject: &Subject<'_>, assessment: &Assessment, round: &Round, model: &Model) -> Position {
        match assessment.score {
            _ if subject.stage == Some(Stage::Churned) => Position::settled(Band::Churned),
            None => Position::settled(Band::Unknown),
            // Hysteresis is against noise; what somebody has decided has none.
            Some(score) if assessment.override_effect.is_some() => Position::settled(Band::plain(score, &model.bands)),
            Some(score) => self.position.next(Reading { t: round.t, score, immediate_cap: assessment.immediate_cap }, &model.bands),
        }
    }

    fn cause(&self, subject: &Subject<'_>, round: &Round, model: &Model) -> Cause {
        let value = |pinned: Override<'_>| pinned.value.to_bits();
        if self.published.is_none() {
            Cause::Initial
        } else if self.model != model.id {
            Cause::ModelChange
        } else if self.pinned.map(f64::to_bits) != subject.health_override.map(value) {
            Cause::Override
        } else {
            round.cause
        }
    }

    fn is_worth_publishing(&self, standing: &Standing, publish: &Publish) -> bool {
        let Some(published) = self.published() else { return true };
        let moved = |now: Option<f64>, before: Option<f64>, least: f64| matches!((now, before), (Some(now), Some(before)) if (now - before).abs() >= least);
        standing.band != published.band
            || standing.risk.map(|risk| risk.level) != published.risk.map(|risk| risk.level)
            || moved(standing.score, published.score, publish.score_points)
            || moved(standing.risk.map(|risk| risk.probability), published.risk.map(|risk| risk.probability), publish.risk)
    }

    fn change(
        &self,
        standing: Standing,
        cause: Cause,
        subject: &Subject<'_>,
        assessment: &Assessment,
        round: &Round,
        model: &Model,
    ) -> Change {
        let previous = self.published().map(|last| Standing { score: last.score, band: last.band, risk: last.risk });
        Change {
            sequence: self.sequence + 1,
            as_of: self.published().map_or(round.t, |published| published.as_of.max(round.t)),
            cause,
            direction: previous.and_then(|previous| direction(&previous, &standing)),
            catching_up: round.catching_up,
            standing,
            previous,
            coverage: assessment.coverage,
            profile: assessment.profile,
            explanation: explain(subject, assessment, &standing, self.published(), round.currency, model),
        }
    }

    fn remember(&mut self, change: &Change, assessment: &Assessment, model: &Model) {
        self.sequence = change.sequence;
        match self.published.as_deref_mut() {
            Some(kept) if change.standing.band == Band::Churned => {
                kept.as_of = change.as_of;
                kept.band = Band::Churned;
            }
            _ => self.published = Some(Box::new(Published::of(change, assessment, model))),
        }
    }
}

impl Published {
    fn of(change: &Change, assessment: &Assessment, model: &Model) -> Self {
        let part = |part: &super::Part| {
            let component = model.components.get(usize::from(part.component))?;
            let metric = name_id(part.metric.name());
            Some(PublishedPart { component: component.id, metric, value: part.value, score: part.score })
        };
        let rule = |rule: &super::RuleEffect| {
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
            parts: assessment.parts.iter().filter_map(part).collect(),
            rules: assessment.rules.iter().filter_map(rule).collect(),
            override_effect: assessment.override_effect,
        }
    }
}

/// By the band where it moved, else by the score, else by the risk.
pub(super) fn direction(before: &Standing, now: &Standing) -> Option<Direction> {
    if now.band.is_worse_than(before.band) {
        return Some(Direction::Down);
    }
    if before.band.is_worse_than(now.band) {
        return Some(Direction::Up);
    }
    let rise = |now: Option<f64>, before: Option<f64>| now.zip(before).map(|(now, before)| now - before).filter(|rise| *rise != 0.0);
    let probability = |standing: &Standing| standing.risk.map(|risk| risk.probability);
    rise(now.score, before.score)
        .or_else(|| rise(probability(before), probability(now)))
        .map(|rise| if rise > 0.0 { Direction::Up } else { Direction::Down })
}
