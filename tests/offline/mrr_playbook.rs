//! MRR and its movements, checked to the cent against dbt's MRR playbook, for every month and customer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use churnwatch::account::billing::{Billing, Movement};
use churnwatch::account::{ApplyContext, LimitMeter};
use churnwatch::event::{BillingEvent, Item, SubscriptionSnapshot, SubscriptionStatus};
use churnwatch::metric::MovementKind;
use churnwatch::money::{Amount, Currency, Interval, IntervalUnit};
use churnwatch::settings::Settings;
use churnwatch::time::{Date, Timestamp, Zone};

const PERIODS: &str = include_str!("../fixtures/mrr_playbook/subscription_periods.csv");
const BY_MONTH: &str = include_str!("../fixtures/mrr_playbook/expected_by_month.csv");
const BY_CUSTOMER: &str = include_str!("../fixtures/mrr_playbook/expected_movements.csv");
const CENTS: i64 = 100;

/// How the end of a subscription is reported.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// The only snapshot, at its start, says that it ends with its period.
    Scheduled,
    /// A second snapshot, at its end, cancels it.
    Reported,
}

struct Period<'a> {
    subscription: &'a str,
    customer: &'a str,
    start: Timestamp,
    end: Timestamp,
    dollars: i64,
}

impl<'a> Period<'a> {
    fn read(row: &[&'a str]) -> Self {
        Self { subscription: row[0], customer: row[1], start: midnight(row[2]), end: midnight(row[3]), dollars: row[4].parse().unwrap() }
    }

    /// The period as snapshots with their times.
    fn snapshots(&self, ending: Ending) -> Vec<(Timestamp, SubscriptionSnapshot<'a>)> {
        let begin = SubscriptionSnapshot {
            subscription_id: Cow::Borrowed(self.subscription),
            status: SubscriptionStatus::Active,
            items: vec![Item {
                amount: Amount { minor: (self.dollars * CENTS).into(), currency: Currency::USD },
                interval: Some(Interval { unit: IntervalUnit::Month, count: 1 }),
                quantity: 1,
                metered: false,
            }],
            discounts: Vec::new(),
            trial_end: None,
            current_period_start: self.start,
            current_period_end: self.end,
            cancel_at_period_end: false,
            cancel_at: None,
            canceled_at: None,
            started_at: Some(self.start),
            term_end: None,
            reason: None,
            version: None,
        };
        match ending {
            Ending::Scheduled => vec![(self.start, SubscriptionSnapshot { cancel_at_period_end: true, ..begin })],
            Ending::Reported => {
                let end = SubscriptionSnapshot { status: SubscriptionStatus::Canceled, ..begin.clone() };
                vec![(self.start, begin), (self.end, end)]
            }
        }
    }
}

fn rows(csv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect())
}

fn midnight(date: &str) -> Timestamp {
    Zone::utc().start_of(Date::parse(date).unwrap())
}

/// A month as (from, to]: from its first instant to its last millisecond.
fn month(first: &str) -> (Timestamp, Timestamp) {
    let next = Zone::utc().start_of(Date::parse(first).unwrap().first_of_next_month());
    (midnight(first).plus(-1), next.plus(-1))
}

/// The billing of every customer, reported one way and in one order.
fn customers(ending: Ending, newest_first: bool) -> BTreeMap<&'static str, Billing> {
    let settings = Settings::default();
    let mut snapshots: Vec<_> = rows(PERIODS)
        .flat_map(|row| {
            let period = Period::read(&row);
            period.snapshots(ending).into_iter().map(move |(at, snapshot)| (period.customer, at, snapshot))
        })
        .collect();
    if newest_first {
        snapshots.reverse();
    }
    let mut customers: BTreeMap<&str, Billing> = BTreeMap::new();
    for (customer, at, snapshot) in snapshots {
        let mut limits = LimitMeter::default();
        let mut ctx = ApplyContext { at, id: None, settings: &settings, limits: &mut limits };
        customers.entry(customer).or_default().apply(&BillingEvent::Subscription(Box::new(snapshot)), &mut ctx);
    }
    customers
}

/// Every way of reporting the same history.
fn tellings() -> impl Iterator<Item = (String, BTreeMap<&'static str, Billing>)> {
    let ways = [(Ending::Scheduled, false), (Ending::Scheduled, true), (Ending::Reported, false), (Ending::Reported, true)];
    ways.into_iter().map(|(ending, newest_first)| (format!("{ending:?}, newest first: {newest_first}"), customers(ending, newest_first)))
}

/// The playbook's word for a movement, and its signed change.
fn in_their_words(movement: &Movement) -> (&'static str, i64) {
    match movement.kind {
        MovementKind::New => ("new", movement.amount),
        MovementKind::Expansion => ("upgrade", movement.amount),
        MovementKind::Contraction => ("downgrade", -movement.amount),
        MovementKind::Churn => ("churn", -movement.amount),
        MovementKind::Reactivation => ("reactivation", movement.amount),
        MovementKind::Opening | MovementKind::Fx => panic!("no {} in the playbook", movement.kind.name()),
    }
}

#[test]
fn every_month_has_the_playbooks_mrr_and_movements() {
    let settings = Settings::default();
    for (telling, customers) in tellings() {
        for row in rows(BY_MONTH) {
            let (from, to) = month(row[0]);
            let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
            let mut mrr = 0;
            for state in customers.values() {
                let ledger = state.ledger(&settings.money);
                mrr += ledger.mrr_at(to);
                for (word, change) in ledger.movements(from, to).map(|movement| in_their_words(&movement)) {
                    *sums.entry(word).or_default() += change;
                }
            }
            let words = ["churn", "downgrade", "new", "reactivation", "upgrade"];
            let ours = words.map(|word| sums.get(word).copied().unwrap_or_default());
            let theirs: Vec<i64> = row[2..].iter().map(|dollars| dollars.parse::<i64>().unwrap() * CENTS).collect();
            assert_eq!((&ours[..], mrr), (&theirs[..5], theirs[5]), "{} ({telling})", row[0]);
        }
    }
}

#[test]
fn every_customer_and_month_has_the_playbooks_movement() {
    let settings = Settings::default();
    for (telling, customers) in tellings() {
        for row in rows(BY_CUSTOMER) {
            let (from, to) = month(row[0]);
            let ledger = customers[row[1]].ledger(&settings.money);
            let ours: Vec<_> = ledger.movements(from, to).map(|movement| in_their_words(&movement)).collect();
            let dollars = |column: usize| row[column].parse::<i64>().unwrap() * CENTS;
            let theirs = if row[5].is_empty() { vec![] } else { vec![(row[5], dollars(4))] };
            let mrr = (ledger.mrr_at(to), ledger.mrr_at(from));
            assert_eq!((ours, mrr), (theirs, (dollars(2), dollars(3))), "customer {} in {} ({telling})", row[1], row[0]);
        }
    }
}

/// Count and sum of each kind of movement in (from, to].
fn totals(customers: &BTreeMap<&'static str, Billing>, from: Timestamp, to: Timestamp) -> BTreeMap<&'static str, (u64, i64)> {
    let settings = Settings::default();
    let mut totals: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for state in customers.values() {
        for (word, change) in state.ledger(&settings.money).movements(from, to).map(|movement| in_their_words(&movement)) {
            let total = totals.entry(word).or_default();
            *total = (total.0 + 1, total.1 + change / CENTS);
        }
    }
    totals
}

#[test]
fn the_totals_match_the_playbook_plus_the_three_customers_of_2017() {
    for (telling, customers) in tellings() {
        let changes = [("downgrade", (27, -555)), ("reactivation", (3, 150)), ("upgrade", (30, 660))];
        let playbook = [("churn", (55, -2_450)), ("new", (52, 2_195))].into_iter().chain(changes).collect();
        assert_eq!(totals(&customers, month("2018-01-01").0, month("2020-02-01").1), playbook, "{telling}");
        let whole = [("churn", (58, -2_550)), ("new", (55, 2_295))].into_iter().chain(changes).collect();
        assert_eq!(totals(&customers, Timestamp::MIN, Timestamp::MAX), whole, "{telling}");
    }
}
