//! Scores one account: metrics -> assessment -> bands -> change, the same in the service and in replay.

use super::{AccountReport, ChangeCounts, OutputRecord, Slot};
use crate::account::Account;
use crate::metric::{Metric, Metrics, View};
use crate::portfolio::{AccountScore, Driver};
use crate::score::{
    self, AccountFacts, AccountLine, Advanced, Assessment, Cause, Change, ChangeRecord, Context, DAYS_BEFORE, Direction, OtherInstants,
    Override, State, Status, Subject,
};
use crate::settings::Settings;

/// An account at an instant: what its scoring starts from.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its metrics at the instant.
    pub metrics: &'a Metrics,
    /// The instant.
    pub view: &'a View,
    /// The settings, with the model.
    pub settings: &'a Settings,
}

impl OtherInstants for Occasion<'_> {
    fn metrics_before(&self) -> Metrics {
        self.account.measure_before(self.view, DAYS_BEFORE, self.settings)
    }

    fn observing_days(&self) -> Option<i64> {
        let now = Metric::ALL.iter().filter(|metric| metric.has_streams(|stream| *self.settings.configured.of(stream)));
        let mut waits: Vec<i64> = now.filter_map(|metric| self.view.unobserved_days(*metric)).collect();
        waits.sort_unstable();
        waits.dedup();
        waits.into_iter().find(|days| {
            let view = self.view.observed_longer(*days);
            let metrics = self.account.measure(&view, self.settings);
            let later = Occasion { account: self.account, metrics: &metrics, view: &view, settings: self.settings };
            score::assess(&self.settings.model, &later.subject()).score.is_some()
        })
    }
}

impl<'a> Occasion<'a> {
    /// The account as scoring sees it.
    #[must_use]
    pub fn subject(&'a self) -> Subject<'a> {
        let Self { account, metrics, view, settings } = *self;
        let profile = account.profile();
        let active = account.feedback().override_at(view.t);
        Subject {
            metrics,
            segment: profile.and_then(|profile| profile.segment.as_deref()),
            plan: profile.and_then(|profile| profile.plan.as_deref()),
            stage: metrics.stage(),
            tenure_days: metrics.number(Metric::TenureDays).unwrap_or_default(),
            configured: &settings.configured,
            health_override: active.map(|active| Override {
                value: active.value,
                until: active.until,
                reason: &active.reason,
                by: &active.by,
            }),
            other_instants: Some(self),
        }
    }
}

/// An account's metrics at an instant, and their assessment.
pub(super) struct Scored<'a> {
    subject: Subject<'a>,
    assessment: Assessment<'a>,
}

impl<'a> Scored<'a> {
    /// Assesses an account.
    pub(super) fn of(occasion: &'a Occasion<'a>) -> Self {
        let subject = occasion.subject();
        let assessment = score::assess(&occasion.settings.model, &subject);
        Self { subject, assessment }
    }

    /// The line of the account as JSON, without an end of line.
    pub(super) fn line(&self, slot: &Slot, view: &View, settings: &'a Settings) -> Vec<u8> {
        // A report always has cause `time`: which records have not been scored yet does not survive a restart.
        let context = context_at(view, Cause::Time, false, settings);
        let explanation = slot.score.explain_in_full(&self.subject, &self.assessment, &context, &settings.model);
        let facts = facts(&slot.account, settings);
        let line = AccountLine::new(&facts, &self.subject, &self.assessment, &slot.score, &explanation, &context, &settings.model);
        json(&line)
    }

    /// Health, band and risk, with the hysteresis of the last scoring.
    pub(super) fn status(&self, state: &State, settings: &Settings) -> Status {
        state.status(&self.subject, &self.assessment, &settings.model)
    }

    pub(super) fn score(&self, status: &Status) -> AccountScore {
        AccountScore {
            band: status.band,
            mrr_minor: self.subject.metrics.whole_number(Metric::Mrr).unwrap_or_default(),
            risk: status.risk,
            health: status.score,
            stage: self.subject.stage,
        }
    }
}

impl Slot {
    /// The score that the account would get at `view` with these metrics. Changes nothing.
    #[must_use]
    pub fn score_at(&self, metrics: &Metrics, view: &View, settings: &Settings) -> AccountScore {
        advance(&mut self.score.clone(), &self.account, metrics, view, settings)
    }

    /// The report at `view`; `None` while all records of the account are still waiting for their event time.
    #[must_use]
    pub fn report(&self, view: &View, settings: &Settings) -> Option<AccountReport> {
        self.account.first_seen().filter(|first| *first <= view.t)?;
        let metrics = self.account.measure(view, settings);
        let occasion = Occasion { account: &self.account, metrics: &metrics, view, settings };
        Some(AccountReport(Scored::of(&occasion).line(self, view, settings)))
    }
}

/// Scores an account at `view` and advances its band state.
pub(super) fn advance(state: &mut State, account: &Account, metrics: &Metrics, view: &View, settings: &Settings) -> AccountScore {
    let occasion = Occasion { account, metrics, view, settings };
    let scored = Scored::of(&occasion);
    state.advance(&scored.subject, &scored.assessment, &context_at(view, Cause::Time, false, settings), &settings.model);
    scored.score(&scored.status(state, settings))
}

/// The result of scoring an account.
pub(super) struct ScoredSlot {
    /// What to publish.
    pub(super) record: Option<OutputRecord>,
    /// Its score.
    pub(super) score: AccountScore,
}

/// Scores an account, advances its band state, and returns the change to publish, if any.
pub(super) fn score_slot(
    slot: &mut Slot,
    metrics: &Metrics,
    view: &View,
    catching_up: bool,
    settings: &Settings,
    published: &mut ChangeCounts,
) -> ScoredSlot {
    let Slot { account, score: state, unscored, score_changed, live, .. } = slot;
    let cause = if std::mem::take(unscored) { Cause::Events } else { Cause::Time };
    let context = context_at(view, cause, catching_up, settings);
    let occasion = Occasion { account, metrics, view, settings };
    let scored = Scored::of(&occasion);
    let Advanced { change, state_changed } = state.advance(&scored.subject, &scored.assessment, &context, &settings.model);
    let status = scored.status(state, settings);
    let record = change.map(|change| {
        published.count(change.cause);
        live.driver = worst_driver(&change);
        if let Some(previous) = change.previous
            && previous.band != change.status.band
        {
            published.count_band_change(previous.band, change.status.band, scored.subject.segment.unwrap_or_default());
        }
        output(account, &scored, &change, settings)
    });
    *score_changed |= state_changed;
    ScoredSlot { record, score: scored.score(&status) }
}

/// Kept for drops only: right after a change nothing has moved since, so this text can no longer be computed.
fn worst_driver(change: &Change<'_>) -> Option<Box<Driver>> {
    let first = change.explanation.drivers.first().filter(|_| change.direction == Some(Direction::Down))?;
    Some(Box::new(Driver(first.as_str().into())))
}

fn output(account: &Account, scored: &Scored<'_>, change: &Change<'_>, settings: &Settings) -> OutputRecord {
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

fn context_at(view: &View, cause: Cause, catching_up: bool, settings: &Settings) -> Context {
    Context { t: view.t, cause, catching_up, currency: settings.money.rates.reporting() }
}

#[expect(clippy::expect_used, reason = "plain data into memory: a record without a value in its place would be a tombstone")]
fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data is always encoded")
}
