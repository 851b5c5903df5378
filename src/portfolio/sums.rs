//! The contribution of one account to the portfolio in a period.

use super::additive::additive;
use super::feedback::Feedback;
use super::health::Health;
use super::money::Money;
use super::support::Support;
use super::usage::Usage;
use super::{AccountScore, Period};
use crate::account::Account;
use crate::metric::Metrics;
use crate::settings::Settings;

/// Sums over accounts: integers and histograms, so the result does not depend on the order or grouping of accounts.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    pub(super) accounts: u64,
    pub(super) money: Money,
    pub(super) usage: Usage,
    pub(super) health: Health,
    pub(super) support: Support,
    pub(super) feedback: Feedback,
    pub(super) onboarded: u64,
    pub(super) referred: u64,
}

impl Sums {
    /// The contribution of one account, with its metrics at the end of the period and its last score.
    #[must_use]
    pub fn of(account: &Account, metrics: &Metrics, score: Option<&AccountScore>, period: &Period, settings: &Settings) -> Self {
        let ledger = account.billing().ledger(&settings.money);
        let money = Money::of(account, &ledger, period);
        let (onboarded, referred) = Self::of_profile(account, &money, period);
        Self {
            accounts: 1,
            usage: Usage::of(account, metrics, period),
            health: Health::of(score, ledger.mrr_at(period.to)),
            support: Support::of(account.support(), period, settings),
            feedback: Feedback::of(account.feedback(), period),
            onboarded,
            referred,
            money,
        }
    }

    /// Whether the account finished onboarding in the period, and whether it was won and referred.
    pub(super) fn of_profile(account: &Account, money: &Money, period: &Period) -> (u64, u64) {
        let profile = account.profile();
        let onboarded = profile.and_then(|profile| profile.onboarded_at).is_some_and(|at| period.holds(at));
        let referred = profile.is_some_and(|profile| profile.referred_by.is_some());
        (u64::from(onboarded), if referred { money.won() } else { 0 })
    }

    /// Number of accounts.
    #[must_use]
    pub const fn accounts(&self) -> u64 {
        self.accounts
    }
}

additive!(Sums { accounts, money, usage, health, support, feedback, onboarded, referred });
