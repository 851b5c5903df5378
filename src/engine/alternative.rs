//! Scores every account with a second model, next to the active one, to show which accounts it would put into another band.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Store, Task, scoring};
use crate::metric::View;
use crate::portfolio::AccountScore;
use crate::score::{Model, State};
use crate::settings::Settings;

/// A second model with its own score and band per account. It publishes nothing.
#[derive(Debug)]
pub struct AlternativeModel {
    settings: Settings,
    scored: BTreeMap<Box<str>, (State, AccountScore)>,
}

/// One account as two models score it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Identity.
    pub account_id: Box<str>,
    /// Display name.
    pub name: Option<Box<str>>,
    /// Segment.
    pub segment: Option<Box<str>>,
    /// Customer success manager.
    pub csm: Option<Box<str>>,
    /// By the active model.
    pub from: AccountScore,
    /// By the other model.
    pub to: AccountScore,
}

impl AlternativeModel {
    /// The settings of a task with another model, before any scoring.
    #[must_use]
    pub fn new(settings: &Arc<Settings>, model: Model) -> Self {
        Self { settings: Settings { model, ..Settings::clone(settings) }, scored: BTreeMap::new() }
    }

    /// The other model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.settings.model
    }

    /// Scores every account of a task at `view`.
    pub fn score_all(&mut self, task: &Task<impl Store>, view: &View) {
        task.store().for_each(|slot| {
            let account = &slot.account;
            if account.first_seen().is_none_or(|first| first > view.t) {
                return;
            }
            let metrics = account.measure(view, &self.settings);
            let mut state = self.scored.remove(account.id()).map(|(state, _)| state).unwrap_or_default();
            let score = scoring::advance(&mut state, account, &metrics, view, &self.settings);
            self.scored.insert(account.id().into(), (state, score));
        });
    }

    /// Every account that both models have scored, in no particular order.
    #[must_use]
    pub fn compare(&self, task: &Task<impl Store>) -> Vec<Comparison> {
        let mut comparisons = Vec::new();
        task.store().for_each(|slot| {
            let account = &slot.account;
            let (Some(from), Some((_, to))) = (slot.last_score(), self.scored.get(account.id())) else { return };
            let profile = account.profile();
            comparisons.push(Comparison {
                account_id: account.id().into(),
                name: profile.and_then(|profile| profile.name.as_deref()).map(Box::from),
                csm: profile.and_then(|profile| profile.csm.as_deref()).map(Box::from),
                segment: profile.and_then(|profile| profile.segment.clone()),
                from: *from,
                to: *to,
            });
        });
        comparisons
    }
}

impl Comparison {
    /// Display order: highest MRR first, then by account id.
    #[must_use]
    pub fn by_mrr(one: &Self, other: &Self) -> Ordering {
        (other.to.mrr_minor, &one.account_id).cmp(&(one.to.mrr_minor, &other.account_id))
    }
}
