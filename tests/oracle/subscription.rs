//! One subscription: its snapshots, its state at an instant, and what it pays per month.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed as _, Zero as _};

use super::fields::Fields;
use super::input::Record;
use super::money::{convert, fraction, minor_digits, monthly};
use super::settings::Settings;
use super::zone::DAY;

/// A price.
#[derive(Clone)]
pub struct Item {
    /// Minor units; below 0 it is a credit.
    amount: BigRational,
    currency: String,
    /// Interval and count; `None`: one-off.
    interval: Option<(&'static str, i64)>,
    /// How many.
    pub quantity: i64,
    metered: bool,
}

#[derive(Clone)]
struct Discount {
    percent: Option<BigRational>,
    /// As written, until the currency is known: in minor or major units.
    amount: Option<(BigRational, bool)>,
    currency: Option<String>,
    interval: Option<(&'static str, i64)>,
    ends_at: Option<i64>,
}

/// A snapshot of a subscription.
#[derive(Clone)]
pub struct Snapshot {
    /// -1: none.
    pub version: i64,
    /// When.
    pub at: i64,
    /// The record's id.
    pub id: String,
    /// Its status.
    pub status: &'static str,
    items: Vec<Item>,
    discounts: Vec<Discount>,
    /// When a trial ends.
    pub trial_end: Option<i64>,
    /// Start and end of the current period.
    pub period: (i64, i64),
    /// When a scheduled cancellation comes.
    cancels_at: Option<i64>,
    /// When it started.
    pub started_at: Option<i64>,
    term_end: Option<i64>,
    /// Why it changed.
    pub reason: Option<String>,
}

impl Snapshot {
    fn of(record: &Record) -> Self {
        let body = record.fields();
        let instant = |name| body.instant(name).unwrap();
        let period = (instant("current_period_start").unwrap(), instant("current_period_end").unwrap());
        let with_period = body.flag("cancel_at_period_end").unwrap().unwrap_or(false) || super::check::renews_no_more(body);
        Self {
            version: body.whole("version", 0).unwrap().unwrap_or(-1),
            at: record.at,
            id: record.id.clone(),
            status: super::check::subscription_status(body),
            items: body.list("items").unwrap().unwrap().iter().map(|item| Item::of(Fields(item.as_object().unwrap()))).collect(),
            discounts: super::check::discounts(body).unwrap().into_iter().map(Discount::of).collect(),
            trial_end: instant("trial_end"),
            period,
            cancels_at: instant("cancel_at").or(with_period.then_some(period.1)),
            started_at: instant("started_at"),
            term_end: instant("term_end"),
            reason: body.text("reason").unwrap(),
        }
    }

    /// Items that recur and are licensed.
    pub fn licensed(&self) -> Vec<&Item> {
        self.items.iter().filter(|item| item.interval.is_some() && !item.metered).collect()
    }

    /// Start and end of the term.
    pub fn term(&self) -> (i64, i64) {
        match self.term_end {
            Some(end) => (self.started_at.unwrap_or(self.period.0), end),
            None => self.period,
        }
    }

    /// When a scheduled cancellation ends the subscription.
    fn ends_at(&self) -> Option<i64> {
        self.cancels_at.map(|end| end.max(self.at))
    }

    /// Whether a cancellation is scheduled that is still to come at `t`.
    pub fn is_to_be_cancelled(&self, t: i64) -> bool {
        self.cancels_at.is_some_and(|end| t < end)
    }

    /// When a scheduled cancellation makes it count 0.
    fn counts_until(&self, settings: &Settings) -> Option<i64> {
        if settings.churn_at == "cancellation" { self.cancels_at.map(|_| self.at) } else { self.ends_at() }
    }

    /// When the customer wanted it to end; a subscription that does not count continues until the scheduled end.
    fn asked_to_end(&self, settings: &Settings) -> Option<i64> {
        if ["active", "past_due"].contains(&self.status) { self.counts_until(settings) } else { self.ends_at() }
    }

    /// The recurring total per month with the discounts in force at `t`, in the reporting currency at the rates of `rates_at`.
    fn monthly_total(&self, settings: &Settings, t: i64, rates_at: i64) -> BigRational {
        let mut total = BigRational::zero();
        for item in self.licensed() {
            let (interval, count) = item.interval.unwrap();
            let amount = monthly(interval, count) * &item.amount * fraction(item.quantity, 1);
            total += convert(settings, &amount, &item.currency, rates_at);
        }
        let first = self.licensed().into_iter().find(|item| !item.is_credit());
        let Some(first) = first else { return total.max(BigRational::zero()) };
        let in_force: Vec<&Discount> = self.discounts.iter().filter(|discount| discount.in_force(settings, t)).collect();
        for discount in &in_force {
            if let Some(percent) = &discount.percent {
                total *= fraction(1, 1) - percent / fraction(100, 1);
            }
        }
        for discount in &in_force {
            if let Some((amount, is_major)) = &discount.amount {
                let (interval, count) = discount.interval.or(first.interval).unwrap();
                let currency = discount.currency.as_ref().unwrap_or(&first.currency);
                let digits = if *is_major { minor_digits(currency) } else { 0 };
                let amount = amount * BigInt::from(10).pow(digits);
                total -= convert(settings, &(monthly(interval, count) * amount), currency, rates_at);
            }
        }
        total.max(BigRational::zero())
    }
}

fn interval(body: Fields<'_>) -> Option<(&'static str, i64)> {
    let interval = super::check::interval(body).unwrap()?;
    Some((interval, body.whole("interval_count", 1).unwrap().unwrap_or(1)))
}

impl Item {
    /// Whether it is a credit, which is never the first item and has no seats.
    pub fn is_credit(&self) -> bool {
        self.amount.is_negative()
    }

    fn of(body: Fields<'_>) -> Self {
        Self {
            amount: super::check::minor_amount(body),
            currency: body.text("currency").unwrap().unwrap().to_ascii_uppercase(),
            interval: interval(body),
            quantity: body.whole("quantity", 0).unwrap().unwrap_or(1),
            metered: body.choice("usage_type", &["licensed", "metered"]).unwrap() == Some("metered"),
        }
    }
}

impl Discount {
    fn of(body: Fields<'_>) -> Self {
        Self {
            percent: body.number("percent_off").unwrap(),
            amount: body.amount("amount_off_minor", "amount_off", 0).unwrap().map(|amount| (amount, body.get("amount_off").is_some())),
            currency: body.text("currency").unwrap().map(|currency| currency.to_ascii_uppercase()),
            interval: interval(body),
            ends_at: body.instant("ends_at").unwrap(),
        }
    }

    fn in_force(&self, settings: &Settings, t: i64) -> bool {
        match settings.discounts {
            "none" => false,
            "forever" => self.ends_at.is_none(),
            _ => self.ends_at.is_none_or(|end| t < end),
        }
    }
}

/// All snapshots of a subscription.
pub struct Subscription {
    /// In no order.
    pub snapshots: Vec<Snapshot>,
}

impl Subscription {
    /// The subscriptions in an account's records.
    pub fn all(records: &[&Record]) -> Vec<Self> {
        let mut by_id: BTreeMap<String, Vec<Snapshot>> = BTreeMap::new();
        for record in records.iter().filter(|record| record.kind == "subscription_changed") {
            by_id.entry(record.fields().id("subscription_id").unwrap().unwrap()).or_default().push(Snapshot::of(record));
        }
        by_id.into_values().map(|snapshots| Self { snapshots }).collect()
    }

    /// The snapshot with the greatest (version, `occurred_at`, id) among those at or before `t`.
    pub fn state(&self, t: i64) -> Option<&Snapshot> {
        self.snapshots.iter().filter(|snapshot| snapshot.at <= t).max_by_key(|snapshot| (snapshot.version, snapshot.at, &snapshot.id))
    }

    /// Instants at or before `t` from which on another snapshot is the state, newest first.
    fn state_changes(&self, t: i64) -> Vec<i64> {
        let mut at: Vec<i64> = self.snapshots.iter().map(|snapshot| snapshot.at).filter(|at| *at <= t).collect();
        at.sort_unstable();
        at.dedup();
        at.reverse();
        at
    }

    /// When dunning ends, if the state at `t` is past due.
    fn dunning_end(&self, t: i64, settings: &Settings) -> Option<i64> {
        let changes = self.state_changes(t);
        let run = changes.into_iter().take_while(|at| self.state(*at).is_some_and(|state| state.status == "past_due"));
        run.last().map(|first| first + settings.dunning_days * DAY)
    }

    /// Whether a scheduled cancellation has taken effect.
    fn cancelled(&self, t: i64) -> bool {
        self.state(t).and_then(Snapshot::ends_at).is_some_and(|end| end <= t)
    }

    /// Whether a scheduled cancellation makes it count 0.
    fn written_off(&self, t: i64, settings: &Settings) -> bool {
        self.state(t).and_then(|state| state.counts_until(settings)).is_some_and(|end| end <= t)
    }

    /// Past due, with dunning still in progress.
    pub fn in_dunning(&self, t: i64, settings: &Settings) -> bool {
        !self.written_off(t, settings) && self.dunning_end(t, settings).is_some_and(|end| t < end)
    }

    /// Active or in dunning, and not cancelled.
    pub fn is_counted(&self, t: i64, settings: &Settings) -> bool {
        let active = self.state(t).is_some_and(|state| state.status == "active") && !self.written_off(t, settings);
        active || self.in_dunning(t, settings)
    }

    /// In a trial that has not ended.
    pub fn in_trial(&self, t: i64) -> bool {
        let trialing = self.state(t).is_some_and(|state| state.status == "trialing");
        trialing && !self.trial_lapsed(t) && !self.cancelled(t)
    }

    /// A trial past its end, without a newer snapshot.
    pub fn trial_lapsed(&self, t: i64) -> bool {
        self.state(t).is_some_and(|state| state.status == "trialing" && state.trial_end.is_some_and(|end| end <= t))
    }

    /// Counted or in a trial.
    pub fn is_live(&self, t: i64, settings: &Settings) -> bool {
        self.is_counted(t, settings) || self.in_trial(t)
    }

    /// Canceled or expired, or a scheduled cancellation has taken effect (with `churn_at = "cancellation"`: been scheduled).
    pub fn has_ended(&self, t: i64, settings: &Settings) -> bool {
        let Some(state) = self.state(t).filter(|state| state.status != "incomplete_expired") else { return false };
        let written_off = ["active", "past_due"].contains(&state.status) && self.written_off(t, settings);
        ["canceled", "expired"].contains(&state.status) || self.cancelled(t) || written_off
    }

    /// Whether it stopped counting at `at` because a payment failed, and not because the customer had scheduled that end.
    pub fn ended_unpaid(&self, at: i64, settings: &Settings) -> bool {
        if !self.is_counted(at - 1, settings) || self.is_counted(at, settings) {
            return false;
        }
        let (was, is) = (self.state(at - 1).unwrap(), self.state(at).unwrap());
        let unpaid = was.status == "past_due" || is.status == "unpaid" || is.reason.as_deref() == Some("payment_failed");
        unpaid && ![was, is].into_iter().any(|state| state.asked_to_end(settings).is_some_and(|end| end <= at))
    }

    /// Exactly what it pays per month in its state at `t`, at the rates of `rates_at`.
    pub fn mrr(&self, t: i64, rates_at: i64, settings: &Settings) -> BigRational {
        match self.state(t) {
            Some(state) if self.is_counted(t, settings) => state.monthly_total(settings, t, rates_at),
            _ => BigRational::zero(),
        }
    }

    /// Length of each term that ended in (from, to] while the subscription paid, and whether it was renewed.
    pub fn ended_terms(&self, from: i64, to: i64, settings: &Settings) -> Vec<(i64, bool)> {
        let mut ends: Vec<i64> = self.snapshots.iter().map(|snapshot| snapshot.term().1).filter(|end| from < *end && *end <= to).collect();
        ends.sort_unstable();
        ends.dedup();
        let pays = |at| !self.mrr(at, at, settings).is_zero();
        let terms = ends.into_iter().filter_map(|end| {
            Some((end, self.state(end - 1)?.term().0)).filter(|_| self.state(end - 1).is_some_and(|state| state.term().1 == end))
        });
        terms.filter(|(end, _)| pays(end - 1)).map(|(end, start)| (end - start, pays(to.min(end + DAY)))).collect()
    }

    /// For each trial that ended or converted in (from, to], whether it converted. One that did not has ended by its `trial_end`.
    pub fn ended_trials(&self, from: i64, to: i64) -> Vec<bool> {
        let mut changes = self.state_changes(to);
        changes.retain(|at| self.state(*at).is_some_and(|state| state.at == *at));
        changes.reverse();
        let mut ends = Vec::new();
        for (number, at) in changes.iter().enumerate() {
            let Some(state) = self.state(*at).filter(|state| state.status == "trialing") else { continue };
            let over = state.trial_end.into_iter().chain(state.ends_at()).min().map(|end| end.max(*at));
            match changes.get(number + 1).and_then(|next| self.state(*next)) {
                Some(next) if next.status == "trialing" => {}
                Some(next) if ["active", "past_due"].contains(&next.status) => ends.push((changes[number + 1], true)),
                Some(_) => ends.push((over.map_or(changes[number + 1], |over| over.min(changes[number + 1])), false)),
                None => ends.extend(over.map(|over| (over, false))),
            }
        }
        ends.into_iter().filter(|(at, _)| from < *at && *at <= to).map(|(_, converted)| converted).collect()
    }

    /// Instants at which its MRR may change.
    pub fn borders(&self, settings: &Settings) -> Vec<i64> {
        let mut borders = Vec::new();
        for snapshot in &self.snapshots {
            borders.extend([snapshot.at, snapshot.period.1, snapshot.at + settings.dunning_days * DAY]);
            borders.extend(snapshot.discounts.iter().filter_map(|discount| discount.ends_at).chain(snapshot.cancels_at));
        }
        borders
    }
}
