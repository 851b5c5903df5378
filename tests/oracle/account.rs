//! One account at one instant: its records, its newest profile, its tenure and stage.

use std::collections::BTreeSet;

use super::fields::{Fields, cut};
use super::input::Record;
use super::metric::Metrics;
use super::settings::Settings;
use super::subscription::Subscription;
use super::zone::DAY;

/// The records of an account at or before t.
pub struct Account<'a> {
    /// By (`occurred_at`, id).
    pub records: Vec<&'a Record>,
    /// The settings.
    pub settings: &'a Settings,
    /// The instant.
    pub t: i64,
    /// Its subscriptions, read once.
    pub subscriptions: Vec<Subscription>,
}

impl<'a> Account<'a> {
    /// The account of some records at or before `t`.
    pub fn new(records: Vec<&'a Record>, settings: &'a Settings, t: i64) -> Self {
        let subscriptions = Subscription::all(&records);
        Self { records, settings, t, subscriptions }
    }

    /// The records of a stream.
    pub fn of(&self, stream: &str) -> Vec<&'a Record> {
        self.records.iter().copied().filter(|record| record.stream == stream).collect()
    }

    /// The records of a type.
    pub fn kind(&self, kind: &str) -> Vec<&'a Record> {
        self.records.iter().copied().filter(|record| record.kind == kind).collect()
    }

    /// Every metric that can be computed, however long its stream was observed.
    pub fn metrics(&self) -> Metrics {
        let mut out = Metrics::default();
        self.usage(&mut out);
        self.billing(&mut out);
        self.support(&mut out);
        self.feedback(&mut out);
        out.float("account.tenure_days", Some(self.tenure_ms() as f64 / DAY as f64));
        let onboarded = self.onboarded_at().map(|at| (at - self.tenure_start()) as f64 / DAY as f64);
        out.float("account.onboarding_days", onboarded);
        out.values.insert("account.stage", self.stage().into());
        out
    }

    /// The profile that has the say about a field: the newest by (`occurred_at`, id), not counting those that merge and do not give it.
    pub fn profile(&self, name: &str) -> Option<Fields<'a>> {
        let merges = |record: &&Record| record.fields().flag("merge") == Ok(Some(true));
        let gives = |record: &&Record| record.fields().get(name).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
        let profiles = self.kind("account_profile").into_iter().filter(|record| !merges(record) || gives(record));
        profiles.max_by_key(|record| (record.at, &record.id)).map(Record::fields)
    }

    /// A text of the newest profile.
    pub fn profile_text(&self, name: &str) -> Option<String> {
        self.profile(name)?.text(name).unwrap()
    }

    /// The region.
    pub fn region(&self) -> Option<String> {
        self.profile_text("region")
    }

    /// When onboarding ended, if it has.
    pub fn onboarded_at(&self) -> Option<i64> {
        self.profile("onboarded_at")?.instant("onboarded_at").unwrap().filter(|at| *at <= self.t)
    }

    /// Seats: the profile's, else the licensed quantities of active, past due and trialing subscriptions.
    pub fn seats(&self) -> Option<i64> {
        let given = self.profile("seats").and_then(|profile| profile.whole("seats", 0).unwrap());
        given.or_else(|| {
            let states = self.subscriptions.iter().filter_map(|subscription| subscription.state(self.t).cloned());
            let counted = states.filter(|state| ["active", "past_due", "trialing"].contains(&state.status));
            Some(counted.map(|state| state.licensed().iter().filter(|item| !item.is_credit()).map(|item| item.quantity).sum::<i64>()).sum())
        })
    }

    /// Entitled features: the profile's, else the catalogue's.
    pub fn entitled(&self) -> BTreeSet<String> {
        let given = self.profile("entitled_features").and_then(|profile| profile.list("entitled_features").unwrap()).unwrap_or_default();
        let names = given.iter().map(|feature| feature.as_str().map_or_else(|| feature.to_string(), cut));
        let names: BTreeSet<String> = names.collect();
        if names.is_empty() { self.settings.catalogue.iter().map(|name| (*name).to_owned()).collect() } else { names }
    }

    /// Sign-up if known and not after t, else the earliest record.
    pub fn tenure_start(&self) -> i64 {
        let signed_up =
            self.profile("signed_up_at").and_then(|profile| profile.instant("signed_up_at").unwrap()).filter(|at| *at <= self.t);
        signed_up.unwrap_or_else(|| self.records.iter().map(|record| record.at).min().unwrap())
    }

    /// Milliseconds since the start of tenure.
    pub fn tenure_ms(&self) -> i64 {
        self.t - self.tenure_start()
    }

    /// The first stage that matches.
    pub fn stage(&self) -> &'static str {
        let t = self.t;
        let any = |test: &dyn Fn(&Subscription) -> bool| self.subscriptions.iter().any(test);
        let pays = self.mrr(t) > 0;
        let over = any(&|subscription| subscription.has_ended(t, self.settings) || subscription.trial_lapsed(t));
        if !pays && !any(&|subscription| subscription.is_live(t, self.settings)) && (self.paid_before(t) || over) {
            "churned"
        } else if any(&|subscription| subscription.in_dunning(t, self.settings)) {
            "past_due"
        } else if !pays && any(&|subscription| subscription.in_trial(t)) {
            "trial"
        } else if self.onboarded_at().is_none() && self.tenure_ms() < self.settings.onboarding_days * DAY {
            "onboarding"
        } else if any(&|subscription| self.renews_soon(subscription)) {
            "renewing"
        } else {
            "adopted"
        }
    }

    /// Whether a term of at least 180 days of a counted subscription ends soon.
    fn renews_soon(&self, subscription: &Subscription) -> bool {
        subscription.is_counted(self.t, self.settings)
            && subscription.state(self.t).is_some_and(|state| {
                let (start, end) = state.term();
                end - start >= 180 * DAY && self.t < end && end <= self.t + self.settings.renewing_days * DAY
            })
    }
}
