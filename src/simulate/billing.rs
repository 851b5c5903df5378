//! The subscription of an account: periods, renewals, failed payments, and the end.

use serde::Serialize;

use super::action::{Action, BillingAct, SubscriptionChange};
use super::agenda::Agenda;
use super::decline::GIVING_UP_DAYS;
use super::future::{Cause, Leaving};
use super::kind::Kind;
use super::options::Options;
use super::profile::{TRIAL_DAYS, Traits};
use super::random::Random;
use super::story::Story;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// Upper bound on the length of runs and tenures, years.
const YEARS_MAX: i64 = 30;

/// The current state of the subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Start of the first paid period; every period starts a whole number of months later.
    anchor: Timestamp,
    months: i64,
    period: i64,
    trial: Option<(Timestamp, Timestamp)>,
    status: &'static str,
    cancel_at_period_end: bool,
    /// When a yearly subscription ends that is cancelled within its period.
    cancel_at: Option<Timestamp>,
    canceled_at: Option<Timestamp>,
    percent_off: Option<u32>,
    cause: Option<Cause>,
    ends_at: Option<Timestamp>,
    ended: bool,
    version: u32,
    invoices: u32,
}

impl Subscription {
    /// Creates the subscription of an account and plans its first events.
    pub fn draw(traits: &Traits, story: &Story, options: &Options, random: &mut Random, agenda: &mut Agenda) -> Self {
        let months = if story.kind != Kind::Trial && random.chance(0.3) { 12 } else { 1 };
        let percent_off = random.chance(0.15).then(|| random.pick(&[5, 10, 20]));
        let mut subscription = Self {
            anchor: traits.signed_up_at,
            months,
            period: 0,
            trial: None,
            status: "active",
            cancel_at_period_end: false,
            cancel_at: None,
            canceled_at: None,
            percent_off,
            cause: None,
            ends_at: None,
            ended: false,
            version: 0,
            invoices: 0,
        };
        if story.kind == Kind::Trial {
            subscription.begin_trial(story, traits.signed_up_at, agenda);
        } else {
            subscription.begin_paid(story.future.leaving, traits, options.start, random, agenda);
        }
        subscription
    }

    /// When it ends for good, if it does; decided from the start.
    pub const fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// Whether it has ended.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Start of its first period.
    pub const fn started_at(&self) -> Timestamp {
        self.anchor
    }

    fn begin_trial(&mut self, story: &Story, signed_up_at: Timestamp, agenda: &mut Agenda) {
        let ends = signed_up_at.plus(TRIAL_DAYS * DAY_MS);
        self.trial = Some((signed_up_at, ends));
        self.anchor = ends;
        self.status = "trialing";
        change(agenda, signed_up_at.plus(5_000), SubscriptionChange::Trial);
        if story.trial_fails {
            self.ends_at = Some(ends);
            change(agenda, ends, SubscriptionChange::Ended);
            return;
        }
        change(agenda, ends, SubscriptionChange::Converted);
        if let Some(leaving) = story.future.leaving {
            self.end_at_once(leaving, agenda);
        }
    }

    fn begin_paid(&mut self, leaving: Option<Leaving>, traits: &Traits, start: Timestamp, random: &mut Random, agenda: &mut Agenda) {
        if let Some(leaving) = leaving {
            self.plan_end(leaving, traits.signed_up_at, agenda);
        }
        while self.boundary(self.period + 1) <= start {
            self.period += 1;
        }
        let seen = if traits.is_new { traits.signed_up_at } else { start.plus(random.between(1_000, 60_000)) };
        change(agenda, seen.plus(2_000), SubscriptionChange::Seen);
        change(agenda, self.boundary(self.period + 1), SubscriptionChange::Renewed);
    }

    fn plan_end(&mut self, leaving: Leaving, signed_up_at: Timestamp, agenda: &mut Agenda) {
        let Leaving { decided_at, leaves_at, cause } = leaving;
        match cause {
            Cause::Sudden => return self.end_at_once(leaving, agenda),
            // The payment that fails first is that of a renewal.
            Cause::NonPayment => self.align(decided_at, signed_up_at),
            Cause::Cancellation if self.months == 1 => {
                self.align(leaves_at, signed_up_at);
                change(agenda, decided_at, SubscriptionChange::CancelScheduled);
            }
            // Aligned as well, renewals of yearly subscriptions would tell who leaves.
            Cause::Cancellation => {
                self.cancel_at = Some(leaves_at);
                change(agenda, decided_at, SubscriptionChange::CancelScheduled);
                change(agenda, leaves_at, SubscriptionChange::Ended);
            }
        }
        (self.ends_at, self.cause) = (Some(leaves_at), Some(cause));
    }

    fn end_at_once(&mut self, leaving: Leaving, agenda: &mut Agenda) {
        (self.ends_at, self.cause) = (Some(leaving.leaves_at), Some(leaving.cause));
        change(agenda, leaving.leaves_at, SubscriptionChange::Ended);
    }

    /// Moves the periods so that one begins at this instant. The start of the first one moves back by at most a period and a few months: a
    /// month that is too short for the day is no start.
    fn align(&mut self, boundary: Timestamp, signed_up_at: Timestamp) {
        let starts = (1..=12 * YEARS_MAX).map(|periods| (periods, plus_months(boundary, -periods * self.months)));
        let mut fitting = starts.filter(|(_, start)| *start <= signed_up_at);
        if let Some((_, start)) = fitting.find(|(periods, start)| plus_months(*start, periods * self.months) == boundary) {
            self.anchor = start;
        }
    }

    fn boundary(&self, period: i64) -> Timestamp {
        plus_months(self.anchor, period * self.months)
    }

    /// Applies a change and plans what follows from it. `payment_failure` is the probability that the payment of an invoice fails at first.
    pub fn apply(&mut self, kind: SubscriptionChange, (at, payment_failure): (Timestamp, f64), random: &mut Random, agenda: &mut Agenda) {
        self.version += 1;
        match kind {
            SubscriptionChange::Seen | SubscriptionChange::Trial | SubscriptionChange::Seats => {}
            SubscriptionChange::Converted => {
                self.status = "active";
                self.trial = None;
                self.collect((at, payment_failure), random, agenda);
                change(agenda, self.boundary(self.period + 1), SubscriptionChange::Renewed);
            }
            SubscriptionChange::Renewed => self.renew((at, payment_failure), random, agenda),
            SubscriptionChange::PastDue => self.status = "past_due",
            SubscriptionChange::Recovered => self.status = "active",
            SubscriptionChange::CancelScheduled => {
                self.cancel_at_period_end = self.cancel_at.is_none();
                self.canceled_at = Some(at);
            }
            SubscriptionChange::Ended => self.end(at),
        }
    }

    fn renew(&mut self, (at, payment_failure): (Timestamp, f64), random: &mut Random, agenda: &mut Agenda) {
        if self.ends_at.is_some_and(|end| end <= at) {
            self.end(at);
            return;
        }
        self.period += 1;
        change(agenda, self.boundary(self.period + 1), SubscriptionChange::Renewed);
        match self.ends_at {
            Some(end) if self.stops_paying() && end.since(at) <= GIVING_UP_DAYS * DAY_MS => self.give_up(at, end, agenda),
            _ => self.collect((at, payment_failure), random, agenda),
        }
    }

    fn end(&mut self, at: Timestamp) {
        self.status = if self.trial.is_some() { "expired" } else { "canceled" };
        self.canceled_at = self.canceled_at.or(Some(at));
        self.ended = true;
    }

    const fn stops_paying(&self) -> bool {
        matches!(self.cause, Some(Cause::NonPayment))
    }

    /// Sends an invoice. Most payments that fail at first succeed a few days later.
    fn collect(&mut self, (at, payment_failure): (Timestamp, f64), random: &mut Random, agenda: &mut Agenda) {
        self.invoices += 1;
        let asked = at.plus(HOUR_MS);
        if !random.chance(payment_failure) {
            agenda.add(asked, Action::Billing(BillingAct::Paid(self.invoices)));
            return;
        }
        self.fail(asked, agenda);
        let paid = asked.plus(if random.chance(0.8) { 3 } else { 9 } * DAY_MS);
        agenda.add(paid, Action::Billing(BillingAct::Paid(self.invoices)));
        change(agenda, paid.plus(2_000), SubscriptionChange::Recovered);
    }

    fn give_up(&mut self, at: Timestamp, end: Timestamp, agenda: &mut Agenda) {
        self.invoices += 1;
        let asked = at.plus(HOUR_MS);
        self.fail(asked, agenda);
        for days in [3, 7, 14] {
            agenda.add(asked.plus(days * DAY_MS), Action::Billing(BillingAct::Failed(self.invoices)));
        }
        change(agenda, end, SubscriptionChange::Ended);
    }

    fn fail(&self, at: Timestamp, agenda: &mut Agenda) {
        agenda.add(at, Action::Billing(BillingAct::Failed(self.invoices)));
        change(agenda, at.plus(2_000), SubscriptionChange::PastDue);
    }

    fn unit_amount(&self, traits: &Traits) -> i64 {
        if self.months == 12 { traits.plan.seat_price * 10 } else { traits.plan.seat_price }
    }

    fn period_now(&self) -> (Timestamp, Timestamp) {
        self.trial.unwrap_or_else(|| (self.boundary(self.period), self.boundary(self.period + 1)))
    }
}

fn change(agenda: &mut Agenda, at: Timestamp, kind: SubscriptionChange) {
    agenda.add(at, Action::Billing(BillingAct::Change(kind)));
}

/// The same day and time in UTC `months` later, or the last day of the month if it is shorter.
fn plus_months(at: Timestamp, months: i64) -> Timestamp {
    let moved = jiff::Timestamp::from_millisecond(at.millis())
        .map(|instant| instant.to_zoned(jiff::tz::TimeZone::UTC))
        .and_then(|zoned| zoned.checked_add(jiff::Span::new().try_months(months)?));
    moved.map_or(at, |zoned| Timestamp(zoned.timestamp().as_millisecond()))
}

/// The type and fields of a billing event; `subscription` is in its state after the event.
pub fn body<'a>(act: BillingAct, traits: &'a Traits, subscription: &Subscription, currency: &'a str) -> (&'static str, Body<'a>) {
    match act {
        BillingAct::Change(kind) => ("subscription_changed", Body::Subscription(snapshot(kind, traits, subscription, currency))),
        BillingAct::Paid(number) => ("invoice_paid", Body::Invoice(invoice(number, traits, subscription, currency))),
        BillingAct::Failed(number) => ("invoice_payment_failed", Body::Invoice(invoice(number, traits, subscription, currency))),
    }
}

fn snapshot<'a>(kind: SubscriptionChange, traits: &Traits, subscription: &Subscription, currency: &'a str) -> Snapshot<'a> {
    let (current_period_start, current_period_end) = subscription.period_now();
    let reason = (subscription.canceled_at.is_some() && subscription.trial.is_none()).then_some(if subscription.stops_paying() {
        "payment failed"
    } else if subscription.cause == Some(Cause::Sudden) {
        if subscription.period % 2 == 0 { "company acquired" } else { "budget cut" }
    } else if kind == SubscriptionChange::CancelScheduled || subscription.period % 2 == 0 {
        "missing features"
    } else {
        "too expensive"
    });
    Snapshot {
        subscription_id: format!("{}-sub", traits.account_id),
        status: subscription.status,
        items: [Item {
            amount_minor: subscription.unit_amount(traits),
            currency,
            interval: if subscription.months == 12 { "year" } else { "month" },
            interval_count: 1,
            quantity: traits.seats,
        }],
        discount: subscription.percent_off.map(|percent_off| Discount { percent_off }),
        trial_end: subscription.trial.map(|(_, end)| end),
        current_period_start,
        current_period_end,
        cancel_at_period_end: subscription.cancel_at_period_end,
        cancel_at: subscription.cancel_at.filter(|_| subscription.canceled_at.is_some()),
        canceled_at: subscription.canceled_at,
        started_at: subscription.trial.map_or(subscription.anchor, |(begin, _)| begin),
        reason,
        version: subscription.version,
    }
}

fn invoice<'a>(number: u32, traits: &Traits, subscription: &Subscription, currency: &'a str) -> Invoice<'a> {
    let full = subscription.unit_amount(traits) * i64::from(traits.seats);
    Invoice {
        invoice_id: format!("{}-inv-{number}", traits.account_id),
        subscription_id: format!("{}-sub", traits.account_id),
        amount_minor: full * (100 - i64::from(subscription.percent_off.unwrap_or(0))) / 100,
        currency,
    }
}

/// The fields of a billing event.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Body<'a> {
    /// Of `subscription_changed`.
    Subscription(Snapshot<'a>),
    /// Of `invoice_paid` and `invoice_payment_failed`.
    Invoice(Invoice<'a>),
}

/// The whole current subscription.
#[derive(Serialize)]
pub struct Snapshot<'a> {
    subscription_id: String,
    status: &'static str,
    items: [Item<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<Discount>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::time::rfc3339_or_null")]
    trial_end: Option<Timestamp>,
    #[serde(serialize_with = "crate::time::rfc3339")]
    current_period_start: Timestamp,
    #[serde(serialize_with = "crate::time::rfc3339")]
    current_period_end: Timestamp,
    cancel_at_period_end: bool,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::time::rfc3339_or_null")]
    cancel_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::time::rfc3339_or_null")]
    canceled_at: Option<Timestamp>,
    #[serde(serialize_with = "crate::time::rfc3339")]
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    version: u32,
}

#[derive(Serialize)]
struct Item<'a> {
    amount_minor: i64,
    currency: &'a str,
    interval: &'static str,
    interval_count: u32,
    quantity: u32,
}

#[derive(Serialize)]
struct Discount {
    percent_off: u32,
}

/// An invoice.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub struct Invoice<'a> {
    invoice_id: String,
    subscription_id: String,
    amount_minor: i64,
    currency: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_keep_their_day_where_it_exists() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        assert_eq!(plus_months(at("2026-01-31T10:00:00Z"), 1), at("2026-02-28T10:00:00Z"));
        assert_eq!(plus_months(at("2026-01-31T10:00:00Z"), -12), at("2025-01-31T10:00:00Z"));
    }
}
