//! One account scored: metrics -> assessment -> bands -> change, the same in the service and in replay.

use super::{OutputRecord, Share, Totals};
use crate::account::Account;
use crate::metric::View;
use crate::metric::{Metric, Metrics};
use crate::score::{self, AccountFacts, AccountLine, Assessment, Cause, Change, ChangeRecord, Override, Round, Standing, State, Subject};
use crate::settings::Settings;

/// An account's metrics at an instant, and what they come to.
pub(super) struct Scored<'a> {
    subject: Subject<'a>,
    assessment: Assessment,
}

impl<'a> Scored<'a> {
    /// Assesses an account by its metrics at `view`.
    pub(super) fn of(account: &'a Account, metrics: &'a Metrics, view: &View, settings: &Settings) -> Self {
        let profile = account.profile();
        let pin = account.feedback().pin_at(view.t);
        let subject = Subject {
            metrics,
            segment: profile.and_then(|profile| profile.segment.as_deref()),
            plan: profile.and_then(|profile| profile.plan.as_deref()),
            stage: metrics.stage(),
            tenure_days: metrics.number(Metric::TenureDays).unwrap_or_default(),
            health_override: pin.map(|pin| Override { value: pin.value, until: pin.until, reason: &pin.reason, by: &pin.by }),
        };
        let assessment = score::assess(&settings.model, &subject);
        Self { subject, assessment }
    }

    /// The line of the account as JSON, without an end of line.
    pub(super) fn line(&self, account: &Account, view: &View, settings: &Settings) -> Vec<u8> {
        // A reading is made for its instant, not for a record; which records have not been scored yet is not remembered over a restart.
        let round = round_at(view, Cause::Time, false, settings);
        let explanation = account.score.explain(&self.subject, &self.assessment, &round, &settings.model);
        let facts = facts(account, settings);
        let line = AccountLine::new(&facts, &self.subject, &self.assessment, &account.score, &explanation, &round, &settings.model);
        json(&line)
    }

    fn share(&self, standing: &Standing) -> Share {
        Share {
            segment: self.subject.segment.unwrap_or_default().into(),
            band: standing.band,
            mrr_minor: self.subject.metrics.whole_number(Metric::Mrr).unwrap_or_default(),
            risk: standing.risk,
            health: standing.score,
        }
    }
}

impl Share {
    /// What an account would add if it were scored at `view`, by its `metrics` there. The account stays as it is.
    #[must_use]
    pub fn at(account: &Account, metrics: &Metrics, view: &View, settings: &Settings) -> Self {
        Self::advance(&mut account.score.clone(), account, metrics, view, settings)
    }

    /// The same for bands that are kept beside the account's own, which move on.
    pub(super) fn advance(state: &mut State, account: &Account, metrics: &Metrics, view: &View, settings: &Settings) -> Self {
        let scored = Scored::of(account, metrics, view, settings);
        state.advance(&scored.subject, &scored.assessment, &round_at(view, Cause::Time, false, settings), &settings.model);
        scored.share(&state.standing(&scored.subject, &scored.assessment, &settings.model))
    }
}

/// What came of scoring an account.
pub(super) struct Outcome {
    /// What to publish.
    pub(super) record: Option<OutputRecord>,
    /// What the account adds to the sums.
    pub(super) share: Share,
}

/// Scores an account by its metrics at `view`, moves its bands, and says what to publish.
pub(super) fn score_account(
    account: &mut Account,
    metrics: &Metrics,
    view: &View,
    catching_up: bool,
    settings: &Settings,
    totals: &mut Totals,
) -> Outcome {
    let cause = if std::mem::take(&mut account.unscored) { Cause::Events } else { Cause::Time };
    let round = round_at(view, cause, catching_up, settings);
    let mut state = std::mem::take(&mut account.score);
    let scored = Scored::of(account, metrics, view, settings);
    let step = state.advance(&scored.subject, &scored.assessment, &round, &settings.model);
    let standing = state.standing(&scored.subject, &scored.assessment, &settings.model);
    let segment = totals.label(scored.subject.segment.unwrap_or_default());
    let share = Share { segment: segment.clone(), ..scored.share(&standing) };
    let record = step.change.map(|change| {
        totals.published(change.cause);
        if let Some(previous) = change.previous
            && previous.band != change.standing.band
        {
            totals.band_changed(previous.band, change.standing.band, &segment);
        }
        output(account, &scored, &change, settings)
    });
    drop(scored);
    account.score = state;
    if step.touched {
        account.score_changed();
    }
    Outcome { record, share }
}

fn output(account: &Account, scored: &Scored<'_>, change: &Change, settings: &Settings) -> OutputRecord {
    let record = ChangeRecord::new(&facts(account, settings), &scored.subject, change, &settings.model);
    let headers = score::headers(account.id(), change, &settings.source);
    OutputRecord {
        key: account.id().to_owned(),
        value: Some(json(&record)),
        headers: headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
    }
}

fn facts<'a>(account: &'a Account, settings: &Settings) -> AccountFacts<'a> {
    let profile = account.profile();
    AccountFacts {
        account_id: account.id(),
        name: profile.and_then(|profile| profile.name.as_deref()),
        csm: profile.and_then(|profile| profile.csm.as_deref()),
        currency: settings.money.rates.reporting(),
    }
}

fn round_at(view: &View, cause: Cause, catching_up: bool, settings: &Settings) -> Round {
    Round { t: view.t, cause, catching_up, currency: settings.money.rates.reporting() }
}

/// Plain data as JSON; writing it into memory has no way to fail.
fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
