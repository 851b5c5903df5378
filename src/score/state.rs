//! Stored scoring state of an account: its band position, and the last published scoring as the baseline of changes.
//!
//! It is written to the changelog only if it changed ([`Advanced::state_changed`]), so rescoring an idle account costs no record.

use serde::{Deserialize, Serialize};

use super::assess::Assessment;
use super::band::{Band, Position, Reading};
use super::change::{Cause, Change, Context};
use super::driver::{self, Move};
use super::explain::Explanation;
use super::model::{Model, Publish};
use super::published::Published;
use super::status::{Direction, Status};
use super::subject::{Override, Subject};
use crate::metric::Stage;
use crate::money::Currency;
use crate::time::{MaybeTimestamp, Timestamp};

/// Stored scoring state of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    sequence: u64,
    position: Position,
    model: u64,
    pinned: Option<f64>,
    published: Option<Box<Published>>,
    worsened_at: MaybeTimestamp,
}

/// The outcome of a scoring.
#[derive(Clone, Debug, PartialEq)]
pub struct Advanced<'a> {
    /// The change to publish, if any.
    pub change: Option<Change<'a>>,
    /// Whether the state must be written.
    pub state_changed: bool,
}

impl State {
    /// Number of changes published.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// [`Model::id`] of the model that scored last; 0 before.
    #[must_use]
    pub const fn model(&self) -> u64 {
        self.model
    }

    /// The band.
    #[must_use]
    pub const fn band(&self) -> Band {
        self.position.band
    }

    /// When a worse band was last published for another reason than a new model; `None` once a better one was.
    #[must_use]
    pub const fn worsened_at(&self) -> Option<Timestamp> {
        self.worsened_at.get()
    }

    /// What was last published.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        self.published.as_deref()
    }

    /// Applies a scoring: updates the band, and returns a change if it is worth publishing.
    pub fn advance<'a>(&mut self, subject: &Subject<'a>, assessment: &Assessment<'a>, context: &Context, model: &'a Model) -> Advanced<'a> {
        let before = (self.position, self.model, self.pinned);
        let cause = self.cause(subject, context, model);
        self.position = self.next_position(subject, assessment, context, model);
        self.model = model.id;
        self.pinned = subject.health_override.map(|pinned| pinned.value);
        let status = self.status(subject, assessment, model);
        let change = self.is_worth_publishing(&status, &model.publish).then(|| {
            let change = self.change(status, cause, subject, assessment, context, model);
            self.remember(&change, assessment, model);
            change
        });
        Advanced { state_changed: change.is_some() || before != (self.position, self.model, self.pinned), change }
    }

    /// Health and risk by an assessment. With hysteresis, the band is that of the last scoring.
    #[must_use]
    pub fn status(&self, subject: &Subject<'_>, assessment: &Assessment<'_>, model: &Model) -> Status {
        if subject.stage == Some(Stage::Churned) {
            let kept = self.published();
            return Status { score: kept.and_then(|kept| kept.score), band: Band::Churned, risk: kept.and_then(|kept| kept.risk) };
        }
        let band = match (assessment.score, self.position.band) {
            (None, _) => Band::Unknown,
            (Some(score), _) if assessment.skips_hysteresis() => Band::plain(score, &model.bands),
            (Some(score), Band::Unknown | Band::Churned) => Band::plain(score, &model.bands),
            (Some(_), band) => band,
        };
        Status { score: assessment.score, band, risk: assessment.risk }
    }

    /// Composition of the score, and what moved since the last change.
    #[must_use]
    pub fn explain<'a>(&self, subject: &Subject<'a>, assessment: &Assessment<'a>, context: &Context, model: &'a Model) -> Explanation<'a> {
        let status = self.status(subject, assessment, model);
        let explanation = Explanation::of(subject, assessment, self.published(), model);
        let drivers = driver::drivers(&explanation, subject, assessment, &status, self.published(), context.currency, model);
        Explanation { drivers, ..explanation }
    }

    /// The same with the reasons of the present score, for a report of the account.
    #[must_use]
    pub fn explain_in_full<'a>(
        &self,
        subject: &Subject<'a>,
        assessment: &Assessment<'a>,
        context: &Context,
        model: &'a Model,
    ) -> Explanation<'a> {
        let alone = Explanation::of(subject, assessment, None, model);
        let status = self.status(subject, assessment, model);
        let reasons = driver::reasons(&alone, subject, assessment, &status, context.currency, model);
        Explanation { reasons, ..self.explain(subject, assessment, context, model) }
    }

    /// What moved the score since the last published change, largest effect first; the points sum to the change of the score.
    #[must_use]
    pub fn moves<'a>(&self, subject: &Subject<'a>, assessment: &Assessment<'a>, currency: Currency, model: &'a Model) -> Vec<Move> {
        let Some(published) = self.published() else { return Vec::new() };
        let explanation = Explanation::of(subject, assessment, Some(published), model);
        driver::all_moves(&explanation, subject, assessment, published, currency, model)
    }

    /// The band, and since when scores have been beyond its borders.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The position follows the measured scores, also during an override: when it ends, the band is the one that they have led to.
    fn next_position(&self, subject: &Subject<'_>, assessment: &Assessment<'_>, context: &Context, model: &Model) -> Position {
        match assessment.measured {
            _ if subject.stage == Some(Stage::Churned) => Position::settled(Band::Churned),
            None => Position::settled(Band::Unknown),
            Some(score) if assessment.has_sole_rule() => Position::settled(Band::plain(score, &model.bands)),
            Some(score) => self.position.next(Reading { t: context.t, score, immediate_cap: assessment.immediate_cap }, &model.bands),
        }
    }

    /// The cause of a scoring, relative to the last published change.
    #[must_use]
    pub fn cause(&self, subject: &Subject<'_>, context: &Context, model: &Model) -> Cause {
        let value = |pinned: Override<'_>| pinned.value.to_bits();
        if self.published.is_none() {
            Cause::Initial
        } else if self.model != model.id {
            Cause::ModelChange
        } else if self.pinned.map(f64::to_bits) != subject.health_override.map(value) {
            Cause::Override
        } else {
            context.cause
        }
    }

    fn is_worth_publishing(&self, status: &Status, publish: &Publish) -> bool {
        let Some(published) = self.published() else { return true };
        let moved = |now: Option<f64>, before: Option<f64>, least: f64| matches!((now, before), (Some(now), Some(before)) if (now - before).abs() >= least);
        status.band != published.band
            || status.risk.map(|risk| risk.level) != published.risk.map(|risk| risk.level)
            || moved(status.score, published.score, publish.score_points)
            || moved(status.risk.map(|risk| risk.probability), published.risk.map(|risk| risk.probability), publish.risk)
    }

    fn change<'a>(
        &self,
        status: Status,
        cause: Cause,
        subject: &Subject<'a>,
        assessment: &Assessment<'a>,
        context: &Context,
        model: &'a Model,
    ) -> Change<'a> {
        let previous = self.published().map(Published::status);
        Change {
            sequence: self.sequence + 1,
            as_of: self.published().map_or(context.t, |published| published.as_of.max(context.t)),
            cause,
            direction: previous.and_then(|previous| Direction::between(&previous, &status)),
            catching_up: context.catching_up,
            status,
            previous,
            coverage: assessment.coverage,
            profile: assessment.profile,
            explanation: self.explain(subject, assessment, context, model),
        }
    }

    fn remember(&mut self, change: &Change<'_>, assessment: &Assessment<'_>, model: &Model) {
        self.sequence = change.sequence;
        // A new model moves bands, but no customer has moved.
        if change.band_dropped() && change.cause != Cause::ModelChange {
            self.worsened_at = Some(change.as_of).into();
        } else if change.band_rose() {
            self.worsened_at = None.into();
        }
        match self.published.as_deref_mut() {
            Some(kept) if change.status.band == Band::Churned => {
                kept.as_of = change.as_of;
                kept.band = Band::Churned;
            }
            _ => self.published = Some(Box::new(Published::of(change.as_of, &change.status, assessment, model))),
        }
    }
}

#[cfg(test)]
mod tests;
