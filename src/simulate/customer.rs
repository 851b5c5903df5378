//! One account: its traits, its story, and the resulting records in time order.

use super::action::{Action, BillingAct, SubscriptionChange};
use super::agenda::Agenda;
use super::billing::{self, Subscription};
use super::kind::Kind;
use super::options::Options;
use super::outlook::Outlook;
use super::profile::Traits;
use super::random::{Random, whole};
use super::record::{Native, SimulatedRecord};
use super::story::Story;
use super::{feedback, support, usage};
use crate::event::{PerStream, Stream};
use crate::time::{DAY_MS, Timestamp};

/// One account, which depends only on the seed and its number.
#[derive(Debug)]
pub struct Customer {
    traits: Traits,
    story: Story,
    random: Random,
    subscription: Subscription,
    agenda: Agenda,
    /// The first day without a plan.
    unplanned: Timestamp,
    end: Timestamp,
    activity: f64,
    currency: Box<str>,
    gone: bool,
    sessions: u32,
    tickets: u32,
    /// Number of records so far, used in event ids.
    records: PerStream<u32>,
}

/// The true future of an account, for evaluating predictions.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Label {
    /// The account.
    pub account_id: String,
    /// Its [`Kind`].
    pub kind: &'static str,
    /// When its decline begins; null if it never does.
    pub turns_at: Option<String>,
    /// When it begins to recover; null if it never does.
    pub recovers_at: Option<String>,
    /// When it leaves, possibly after the run; null if it stays.
    pub churned_at: Option<String>,
    /// Why it leaves: `cancellation`, `non-payment`, `sudden` or `trial ended`.
    pub cause: Option<&'static str>,
    /// Whether a decline is or recently was under way when it leaves; if not, there is no sign.
    pub in_decline: Option<bool>,
}

impl Customer {
    /// Creates the account with this number.
    pub fn new(index: u32, options: &Options) -> Self {
        let mut random = Random::new(options.seed, u64::from(index));
        let kind = Kind::draw(&options.mix, &mut random);
        let mut traits = Traits::draw(index, kind, options, &mut random);
        let story = Story::draw(kind, &traits, options, &mut random);
        let mut agenda = Agenda::default();
        let subscription = Subscription::draw(&traits, &story, options, &mut random, &mut agenda);
        if !traits.is_new {
            traits.signed_up_at = traits.signed_up_at.min(subscription.started_at());
        }
        let first = if traits.is_new { traits.signed_up_at } else { options.start.plus(random.between(0, 1_000)) };
        agenda.add(first, Action::Profile);
        if traits.onboarding_ends() > first {
            agenda.add(traits.onboarding_ends(), Action::Profile);
        }
        Self {
            unplanned: next_midnight(if traits.is_new { first } else { options.start.plus(-1) }),
            end: options.end(),
            activity: options.activity,
            currency: options.currency.as_str().into(),
            traits,
            story,
            random,
            subscription,
            agenda,
            gone: false,
            sessions: 0,
            tickets: 0,
            records: PerStream::default(),
        }
    }

    /// Its true future.
    pub fn label(&self) -> Label {
        let future = &self.story.future;
        // It may leave before its decline begins, or before it recovers.
        let leaves_at = self.leaves_at();
        let lives_to_see = |at: &Timestamp| leaves_at.is_none_or(|leaves| *at < leaves);
        let decline = future.decline.filter(|decline| lives_to_see(&decline.begins_at));
        let cause = if self.story.trial_fails { "trial ended" } else { future.leaving.map_or("", |leaving| leaving.cause.name()) };
        Label {
            account_id: self.traits.account_id.clone(),
            kind: self.story.kind.name(),
            turns_at: decline.map(|decline| decline.begins_at.to_string()),
            recovers_at: decline.and_then(|decline| decline.recovers_at).filter(lives_to_see).map(|at| at.to_string()),
            churned_at: leaves_at.map(|at| at.to_string()),
            cause: leaves_at.map(|_| cause),
            in_decline: leaves_at.map(|at| future.is_marked(at)),
        }
    }

    /// When it leaves, if it does.
    pub const fn leaves_at(&self) -> Option<Timestamp> {
        self.subscription.ends_at()
    }

    /// Its id.
    pub fn account_id(&self) -> &str {
        &self.traits.account_id
    }

    /// When it begins to pay; the start of the run if it has been a customer before, never if its trial runs out.
    pub const fn paid_from(&self) -> Timestamp {
        if self.story.trial_fails { Timestamp::MAX } else { self.traits.paid_from }
    }

    /// The probability that it leaves within the horizon, given its hidden condition at an instant at which it is a customer.
    pub fn true_probability(&self, outlook: &Outlook, at: Timestamp) -> f64 {
        outlook.probability(&self.story, self.traits.poor_fit, at)
    }

    /// The time of its next record; `None` if there are no more.
    pub fn next_at(&mut self) -> Option<Timestamp> {
        while !self.gone && self.unplanned < self.end && self.agenda.next_at().is_none_or(|at| at >= self.unplanned) {
            self.plan_day(self.unplanned);
            self.unplanned = self.unplanned.plus(DAY_MS);
        }
        self.agenda.next_at().filter(|at| *at < self.end)
    }

    fn plan_day(&mut self, day: Timestamp) {
        let Self { traits, story, random, agenda, .. } = self;
        let users = traits.users_at(story.usage_level(day));
        usage::plan_day(day, self.activity, (traits, story), random, agenda, &mut self.sessions);
        support::plan_day(day, users, story, random, agenda, &mut self.tickets);
        feedback::plan_day(day, users, story, random, agenda);
        self.plan_seats(day, users);
    }

    /// A growing account buys seats when it runs out; one in visible decline may return some.
    fn plan_seats(&mut self, day: Timestamp, users: u32) {
        let seats = self.traits.seats;
        let crowded = f64::from(users) > 0.95 * f64::from(seats);
        let (chance, factor) = match self.story.kind {
            Kind::Trial => (0.0, 1.0),
            Kind::Growing if crowded => (0.06, 1.2),
            _ if self.story.is_visibly_in_decline(day) => (0.012, 0.8),
            _ => (0.003, if crowded { 1.1 } else { 0.95 }),
        };
        let wanted = whole(f64::from(seats) * factor).max(1);
        if self.random.chance(chance) && wanted != seats {
            self.agenda.add(day.plus(self.random.between(0, DAY_MS - 5_000)), Action::Seats(wanted));
        }
    }

    /// Its next record.
    pub fn next_record(&mut self) -> Option<SimulatedRecord> {
        self.next_at()?;
        let (at, action) = self.agenda.pop()?;
        Some(match action {
            Action::Profile => self.profile(at),
            Action::Seats(seats) => {
                self.traits.seats = seats;
                if self.story.kind == Kind::Growing {
                    self.traits.users = self.traits.users.max(f64::from(seats) * 0.8);
                }
                self.agenda.add(at.plus(2_000), Action::Billing(BillingAct::Change(SubscriptionChange::Seats)));
                self.profile(at)
            }
            Action::Usage(act) => self.record(Stream::Usage, at, |customer| usage::body(act, &customer.traits.account_id)),
            Action::Support(act) => self.record(Stream::Support, at, |customer| support::body(act, &customer.traits.account_id)),
            Action::Feedback(act) => self.record(Stream::Feedback, at, |customer| feedback::body(act, &customer.traits.account_id)),
            Action::Billing(act) => self.bill(act, at),
        })
    }

    fn profile(&mut self, at: Timestamp) -> SimulatedRecord {
        self.record(Stream::Accounts, at, |customer| ("account_profile", customer.traits.body(at)))
    }

    fn bill(&mut self, act: BillingAct, at: Timestamp) -> SimulatedRecord {
        if let BillingAct::Change(change) = act {
            let payment_failure = self.story.payment_failure(at);
            self.subscription.apply(change, (at, payment_failure), &mut self.random, &mut self.agenda);
            if self.subscription.has_ended() {
                self.gone = true;
                self.agenda = Agenda::default();
            }
        }
        self.record(Stream::Billing, at, |customer| billing::body(act, &customer.traits, &customer.subscription, &customer.currency))
    }

    fn record<'a, B: serde::Serialize>(
        &'a mut self,
        stream: Stream,
        at: Timestamp,
        body: impl FnOnce(&'a Self) -> (&'static str, B),
    ) -> SimulatedRecord {
        let count = self.records.of_mut(stream);
        *count += 1;
        let number = *count;
        let customer: &'a Self = self;
        let account = customer.traits.account_id.clone();
        let (type_name, body) = body(customer);
        let id = format!("{account}-{}-{number}", stream.name());
        let json = Native { id, type_name, account_id: Some(&account), occurred_at: at, body }.to_json();
        SimulatedRecord { stream, account, at, json }
    }
}

/// The first midnight in UTC after an instant.
fn next_midnight(at: Timestamp) -> Timestamp {
    at.plus(DAY_MS - at.millis().rem_euclid(DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(kind: Kind) -> Options {
        Options { mix: Kind::ALL.map(|other| u32::from(other == kind)), days: 240, ..Options::default() }
    }

    fn records(mut customer: Customer) -> Vec<SimulatedRecord> {
        std::iter::from_fn(|| customer.next_record()).collect()
    }

    #[test]
    fn records_of_an_account_come_in_order_and_with_unique_ids() {
        for kind in Kind::ALL {
            let all = records(Customer::new(3, &all_of(kind)));
            assert!(all.is_sorted_by_key(|record| record.at), "{kind:?}");
            let ids: std::collections::BTreeSet<_> = all.iter().map(|r| r.json.split(',').next().unwrap()).collect();
            assert_eq!(ids.len(), all.len(), "{kind:?}");
        }
    }

    #[test]
    fn nothing_comes_after_the_end_of_the_subscription() {
        let options = all_of(Kind::Churning);
        let customer =
            (0..100).map(|index| Customer::new(index, &options)).find(|c| c.subscription.ends_at().is_some_and(|at| at < c.end)).unwrap();
        let ends_at = customer.subscription.ends_at().unwrap();
        let all = records(customer);
        let last = all.last().unwrap();
        assert_eq!(last.at, ends_at);
        assert!(last.json.contains(r#""status":"canceled""#), "{}", last.json);
    }

    #[test]
    fn a_silent_account_still_renews_but_uses_nothing() {
        let options = all_of(Kind::Silent);
        // From here to there no behaviour is late any more, and nobody has recovered or left.
        let quiet = |customer: &Customer| {
            let decline = customer.story.future.decline?;
            let (from, to) = (decline.begins_at.plus(30 * DAY_MS), decline.begins_at.plus(75 * DAY_MS));
            let lasts = |ends: Option<Timestamp>| ends.is_none_or(|at| at > to);
            (to < options.end() && lasts(decline.recovers_at) && lasts(customer.leaves_at())).then_some((from, to))
        };
        let (customer, (from, to)) = (0..300).map(|index| Customer::new(index, &options)).find_map(|c| quiet(&c).map(|q| (c, q))).unwrap();
        let all = records(customer);
        let within: Vec<_> = all.iter().filter(|record| from < record.at && record.at < to).collect();
        assert!(within.iter().all(|record| record.stream != Stream::Usage));
        assert!(within.iter().any(|record| record.json.contains("invoice_paid")) || all.iter().all(|r| !r.json.contains("\"month\"")));
        assert!(all.iter().any(|record| record.stream == Stream::Usage));
    }

    #[test]
    fn a_trial_begins_at_zero_and_converts_or_runs_out() {
        let options = all_of(Kind::Trial);
        for index in 0..10 {
            let customer = Customer::new(index, &options);
            let label = customer.label();
            let billing: Vec<_> = records(customer).into_iter().filter(|r| r.stream == Stream::Billing).collect();
            assert!(billing[0].json.contains(r#""status":"trialing""#));
            if let Some(second) = billing.get(1) {
                let status = if label.churned_at.is_some() { r#""status":"expired""# } else { r#""status":"active""# };
                assert!(second.json.contains(status), "{}", second.json);
            }
        }
    }
}
