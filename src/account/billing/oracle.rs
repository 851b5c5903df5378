//! A reference model: MRR and its movements computed the slow way, from all facts at every instant, and compared with the real state.
//!
//! It shares nothing with the implementation: the snapshot in force, the run of `past_due`, the discount and the rates are looked up
//! from scratch at each instant, in big rationals.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;

use super::fixture::{MONTH, TestAccount, YEAR, day, item, monthly};
use crate::account::Section;
use crate::event::{BillingEvent, Discount, SubscriptionSnapshot, SubscriptionStatus};
use crate::metric::{MovementKind, MovementTotals};
use crate::money::{Amount, ChurnAt, Currency, Discounts, Fixed, IntervalUnit, RateTable, Rates};
use crate::time::{HOUR_MS, MINUTE_MS, Timestamp};

const IDS: [&str; 3] = ["a", "b", "c"];
/// With 2, 2, 0 and 3 decimals.
const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];

/// A snapshot with its time and event id.
#[derive(Clone, Debug)]
struct SnapshotRecord {
    at: Timestamp,
    id: String,
    snapshot: SubscriptionSnapshot<'static>,
}

/// Rate tables as written: from when, and hundredths of the reporting currency for one unit of each of [`CURRENCIES`].
type Tables = Vec<(Timestamp, [Option<i64>; CURRENCIES.len()])>;

#[derive(Clone, Debug)]
struct History {
    facts: Vec<SnapshotRecord>,
    reporting: Currency,
    tables: Tables,
    discounts: Discounts,
    churn_at: ChurnAt,
}

impl History {
    /// The snapshot in force at t.
    fn state(&self, subscription: &str, t: Timestamp) -> Option<&SnapshotRecord> {
        let known = self.facts.iter().filter(|fact| fact.snapshot.subscription_id == subscription && fact.at <= t);
        known.max_by(|a, b| (a.snapshot.version.unwrap_or(-1), a.at, &a.id).cmp(&(b.snapshot.version.unwrap_or(-1), b.at, &b.id)))
    }

    /// The first snapshot of the unbroken run of `past_due` at t.
    fn past_due_since(&self, subscription: &str, t: Timestamp) -> Timestamp {
        let mut times: Vec<Timestamp> = self.facts.iter().map(|fact| fact.at).filter(|at| *at <= t).collect();
        times.sort_unstable();
        let overdue =
            |at: &&Timestamp| self.state(subscription, **at).is_some_and(|fact| fact.snapshot.status == SubscriptionStatus::PastDue);
        let first = times.iter().rev().take_while(overdue).last();
        // The snapshot may be older than the first instant of the run: then its own time counts.
        first.map_or(t, |first| self.state(subscription, *first).unwrap().at)
    }

    /// Minor units of the reporting currency for one minor unit, by the table in force.
    fn rate(&self, currency: Currency, at: Timestamp) -> BigRational {
        if currency == self.reporting {
            return BigRational::from_integer(1.into());
        }
        let place = CURRENCIES.iter().position(|code| *code == currency.code()).unwrap();
        let minor_units = |currency: Currency| BigInt::from(10).pow(currency.exponent());
        let of = |(_, rates): &(Timestamp, [Option<i64>; 4])| {
            let hundredths = rates[place]?;
            Some(BigRational::new(minor_units(self.reporting) * hundredths, minor_units(currency) * 100))
        };
        let mut tables = self.tables.clone();
        tables.sort_by_key(|(from, _)| *from);
        let in_force = tables.iter().filter(|(from, _)| *from <= at).filter_map(of).next_back();
        in_force.or_else(|| tables.iter().find_map(of)).unwrap_or_else(BigRational::zero)
    }

    fn monthly(&self, amount: Amount, quantity: u64, unit: IntervalUnit, count: u32, rates_at: Timestamp) -> BigRational {
        let (n, d) = match unit {
            IntervalUnit::Day => (365, 12),
            IntervalUnit::Week => (52, 12),
            IntervalUnit::Month => (1, 1),
            IntervalUnit::Quarter => (1, 3),
            IntervalUnit::Year => (1, 12),
        };
        let minor = BigRational::new(BigInt::from(amount.minor.mantissa()) * quantity, BigInt::from(10).pow(amount.minor.scale()));
        minor * BigRational::new(n.into(), (BigInt::from(d)) * BigInt::from(count)) * self.rate(amount.currency, rates_at)
    }

    fn subscription_mrr(&self, subscription: &str, t: Timestamp, rates_at: Timestamp) -> BigRational {
        let nothing = BigRational::zero();
        let Some(SnapshotRecord { at, snapshot, .. }) = self.state(subscription, t) else { return nothing };
        let dunning_is_over = || t.0 >= self.past_due_since(subscription, t).0 + 30 * 24 * HOUR_MS;
        let counted = match snapshot.status {
            SubscriptionStatus::Active => true,
            SubscriptionStatus::PastDue => !dunning_is_over(),
            _ => false,
        };
        let ends = if self.churn_at == ChurnAt::Cancellation { *at } else { snapshot.cancel_at.unwrap_or(snapshot.current_period_end) };
        if !counted || ((snapshot.cancel_at_period_end || snapshot.cancel_at.is_some()) && t >= ends) {
            return nothing;
        }
        let recurring: Vec<_> = snapshot.items.iter().filter(|item| item.interval.is_some() && !item.metered).collect();
        let mut sum = nothing.clone();
        for item in &recurring {
            let interval = item.interval.unwrap();
            sum += self.monthly(item.amount, item.quantity, interval.unit, interval.count, rates_at);
        }
        let in_force = snapshot.discounts.iter().filter(|discount| match self.discounts {
            Discounts::All => discount.ends_at.is_none_or(|end| t < end),
            Discounts::Forever => discount.ends_at.is_none(),
            Discounts::None => false,
        });
        let first = recurring.iter().find(|item| !item.amount.minor.is_negative());
        let Some(first) = first else { return if sum.is_negative() { nothing } else { sum } };
        let in_force: Vec<_> = in_force.collect();
        for discount in &in_force {
            if let Some(percent) = discount.percent_off {
                let off = BigRational::new(percent.mantissa().into(), BigInt::from(100) * BigInt::from(10).pow(percent.scale()));
                sum *= BigRational::from_integer(1.into()) - off;
            }
        }
        for discount in &in_force {
            if let Some(minor) = discount.amount_off_minor {
                let interval = discount.interval.unwrap_or(first.interval.unwrap());
                let amount = Amount { minor, currency: discount.currency.unwrap_or(first.amount.currency) };
                sum -= self.monthly(amount, 1, interval.unit, interval.count, rates_at);
            }
        }
        if sum.is_negative() { nothing } else { sum }
    }

    /// MRR at t at the rates of another instant, rounded half to even.
    fn mrr_at_rates(&self, t: Timestamp, rates_at: Timestamp) -> i64 {
        let sum = IDS.iter().fold(BigRational::zero(), |sum, id| sum + self.subscription_mrr(id, t, rates_at));
        let twice = (&sum * BigInt::from(2)).floor().to_integer();
        let floor = sum.floor().to_integer();
        let is_half = sum.clone() - sum.floor() == BigRational::new(1.into(), 2.into());
        let up = (&twice - &floor * 2) == BigInt::from(1) && !(is_half && (&floor % 2_i32).is_zero());
        (floor + BigInt::from(i32::from(up))).to_i64().unwrap()
    }

    fn mrr(&self, t: Timestamp) -> i64 {
        self.mrr_at_rates(t, t)
    }

    /// Every instant at which anything can change, ascending.
    fn instants(&self) -> Vec<Timestamp> {
        let mut instants: Vec<Timestamp> = self.tables.iter().map(|(from, _)| *from).collect();
        for fact in &self.facts {
            let ends = fact.snapshot.discounts.iter().filter_map(|discount| discount.ends_at).chain(fact.snapshot.cancel_at);
            instants.extend([fact.at, fact.snapshot.current_period_end, fact.at.plus(30 * 24 * HOUR_MS)]);
            instants.extend(ends);
        }
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// The movements of (from, to], by definition.
    fn movements(&self, from: Timestamp, to: Timestamp) -> MovementTotals {
        let mut totals = MovementTotals::default();
        // MRR just before the group, its first change and its last.
        let mut group: Option<(i64, Timestamp, Timestamp)> = None;
        let mut mrr = self.mrr(from);
        for at in self.instants().into_iter().filter(|at| from < *at && *at <= to) {
            let before = Timestamp(at.0 - 1);
            let at_new_rates = self.mrr_at_rates(before, at);
            if at_new_rates != mrr {
                self.close(group.take(), mrr, &mut totals);
                totals.add(MovementKind::Fx, at_new_rates - mrr);
                mrr = at_new_rates;
            }
            let after = self.mrr(at);
            if after != mrr {
                match group {
                    Some((_, _, last)) if at.0 - last.0 > 60 * MINUTE_MS => {
                        self.close(group.take(), mrr, &mut totals);
                        group = Some((mrr, at, at));
                    }
                    Some((before, first, _)) => group = Some((before, first, at)),
                    None => group = Some((mrr, at, at)),
                }
                mrr = after;
            }
        }
        self.close(group, mrr, &mut totals);
        totals
    }

    fn close(&self, group: Option<(i64, Timestamp, Timestamp)>, after: i64, totals: &mut MovementTotals) {
        let Some((before, first, last)) = group else { return };
        let kind = match (before, after) {
            _ if before == after => return,
            (0, _) if self.instants().into_iter().any(|at| at < first && self.mrr(at) > 0) => MovementKind::Reactivation,
            (0, _) if IDS.iter().any(|id| self.is_old_customer(id, last)) => MovementKind::Opening,
            (0, _) => MovementKind::New,
            (_, 0) => MovementKind::Churn,
            _ if after > before => MovementKind::Expansion,
            _ => MovementKind::Contraction,
        };
        totals.add(kind, (after - before).abs());
    }

    fn is_old_customer(&self, subscription: &str, t: Timestamp) -> bool {
        let Some(first) = self.facts.iter().filter(|fact| fact.snapshot.subscription_id == subscription).map(|fact| fact.at).min() else {
            return false;
        };
        let Some(record) = self.state(subscription, first) else { return false };
        let began = record.snapshot.started_at.is_some_and(|began| began.0 < first.0 - 24 * HOUR_MS);
        began && self.subscription_mrr(subscription, first, first).is_positive() && self.subscription_mrr(subscription, t, t).is_positive()
    }

    /// The account after these facts in the given order.
    fn account(&self, order: &[usize]) -> TestAccount {
        let mut account = TestAccount::default();
        let table = |(from, rates): &(Timestamp, [Option<i64>; 4])| {
            let of =
                |(code, hundredths): (&&str, &Option<i64>)| Some((Currency::parse(code)?, rust_decimal::Decimal::new((*hundredths)?, 2)));
            let rates = CURRENCIES.iter().zip(rates).filter_map(of).filter(|(currency, _)| *currency != self.reporting);
            RateTable { valid_from: *from, rates: rates.collect() }
        };
        account.settings.money.rates = Rates::new(self.reporting, self.tables.iter().map(table).collect());
        account.settings.money.discounts = self.discounts;
        account.settings.money.churn_at = self.churn_at;
        for fact in order.iter().filter_map(|position| self.facts.get(*position)) {
            let event = BillingEvent::Subscription(Box::new(fact.snapshot.clone()));
            account.apply(fact.at, Some(&fact.id), &event);
        }
        account
    }
}

/// Instants from few days and few times of day, so that ties, groups and boundaries occur.
fn instant() -> impl Strategy<Value = Timestamp> {
    let days = prop::sample::select(vec![0, 1, 2, 30, 31, 60]);
    let times = prop::sample::select(vec![0, 0, 1, 20 * MINUTE_MS, HOUR_MS, HOUR_MS + 1]);
    (days, times).prop_map(|(number, time)| day(number).plus(time))
}

fn discount() -> impl Strategy<Value = Discount> {
    let percent = prop::option::of((0_i64..=1000).prop_map(|tenths| rust_decimal::Decimal::new(tenths, 1)));
    let off = prop::option::of((0_i128..400_000, 0_u32..4).prop_map(|(mantissa, scale)| Fixed::new(mantissa, scale)));
    let currency = prop::option::of(prop::sample::select(CURRENCIES.to_vec()));
    (percent, off, currency, prop::option::of(instant()), any::<bool>()).prop_map(|(percent_off, off, currency, ends_at, yearly)| {
        Discount {
            percent_off,
            amount_off_minor: off,
            currency: currency.and_then(Currency::parse),
            interval: yearly.then_some(YEAR),
            ends_at,
        }
    })
}

fn status() -> impl Strategy<Value = SubscriptionStatus> {
    use SubscriptionStatus::{Active, Canceled, PastDue, Paused, Trialing};
    prop::sample::select(vec![Active, Active, Active, Active, PastDue, PastDue, Trialing, Canceled, Paused])
}

fn items() -> impl Strategy<Value = Vec<crate::event::Item>> {
    let minor = (-500_i128..2000, prop::sample::select(vec![0, 0, 1, 3])).prop_map(|(mantissa, scale)| Fixed::new(mantissa, scale));
    let one = (minor, prop::sample::select(CURRENCIES.to_vec()), 0_u64..4, 0_u8..8).prop_map(|(minor, currency, quantity, kind)| {
        let amount = Amount { minor, currency: Currency::parse(currency).unwrap() };
        let mut item = item(amount, if kind < 4 { MONTH } else { YEAR });
        item.quantity = quantity;
        item.metered = kind == 6;
        item.interval = item.interval.filter(|_| kind != 7);
        item
    });
    prop::collection::vec(one, 0..3)
}

fn fact() -> impl Strategy<Value = SnapshotRecord> {
    let head = (prop::sample::select(IDS.to_vec()), instant(), 0_u32..1000, prop::option::weighted(0.3, 0_i64..3), status());
    let ends = (prop::bool::weighted(0.2), prop::option::weighted(0.1, instant()));
    let rest = (items(), prop::collection::vec(discount(), 0..3), instant(), ends, prop::option::of(instant()));
    (head, rest).prop_map(|((subscription, at, id, version, status), (items, discounts, end, (cancel, cancel_at), started_at))| {
        SnapshotRecord {
            at,
            id: format!("evt_{id}"),
            snapshot: SubscriptionSnapshot {
                status,
                items,
                discounts,
                version,
                started_at,
                current_period_end: end,
                cancel_at_period_end: cancel,
                cancel_at,
                ..monthly(subscription, 0)
            },
        }
    })
}

fn history() -> impl Strategy<Value = History> {
    let rate = prop::option::weighted(0.7, prop_oneof![1_i64..5, 50_i64..400]);
    let table = [rate.clone(), rate.clone(), rate.clone(), rate];
    let tables = prop::collection::btree_map(prop::sample::select(vec![0_i64, 1, 2, 30, 31]), table, 1..5)
        .prop_map(|tables| tables.into_iter().map(|(from, rates)| (day(from), rates)).collect::<Tables>());
    let reporting = prop::sample::select(CURRENCIES.to_vec()).prop_map(|code| Currency::parse(code).unwrap());
    let discounts = prop::sample::select(vec![Discounts::All, Discounts::All, Discounts::Forever, Discounts::None]);
    let churn_at = prop::sample::select(vec![ChurnAt::PeriodEnd, ChurnAt::PeriodEnd, ChurnAt::Cancellation]);
    let policy = (tables, reporting, discounts, churn_at);
    (prop::collection::vec(fact(), 1..16), policy).prop_map(|(mut facts, (tables, reporting, discounts, churn_at))| {
        // An id identifies one event.
        facts.sort_by(|a, b| a.id.cmp(&b.id));
        facts.dedup_by(|a, b| a.id == b.id);
        History { facts, reporting, tables, discounts, churn_at }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn mrr_matches_the_reference_at_every_instant(history in history(), others in prop::collection::vec(instant(), 4)) {
        let order: Vec<usize> = (0..history.facts.len()).collect();
        let account = history.account(&order);
        let ledger = account.ledger();
        let around = history.instants().into_iter().flat_map(|at| [Timestamp(at.0 - 1), at, Timestamp(at.0 + 1)]);
        for t in around.chain(others) {
            prop_assert_eq!(ledger.mrr_at(t), history.mrr(t), "at {}", t);
        }
    }

    #[test]
    fn movements_match_the_reference_and_add_up_to_the_change_in_mrr(history in history(), a in instant(), b in instant()) {
        let order: Vec<usize> = (0..history.facts.len()).collect();
        let account = history.account(&order);
        let (from, to) = (a.min(b), a.max(b));
        let totals = account.ledger().movement_totals(from, to);
        let sum = |kind: MovementKind| totals.0[kind as usize].1;
        let up = sum(MovementKind::Opening) + sum(MovementKind::New) + sum(MovementKind::Reactivation) + sum(MovementKind::Expansion);
        let down = sum(MovementKind::Contraction) + sum(MovementKind::Churn);
        prop_assert_eq!(account.mrr(from) + up - down + sum(MovementKind::Fx), account.mrr(to));
        prop_assert_eq!(totals, history.movements(from, to));
    }

    #[test]
    fn neither_order_nor_repetition_matters(
        (history, order) in history().prop_flat_map(|history| {
            let positions: Vec<usize> = (0..history.facts.len()).chain(0..history.facts.len()).collect();
            (Just(history), Just(positions).prop_shuffle())
        }),
    ) {
        let sorted: Vec<usize> = (0..history.facts.len()).collect();
        prop_assert_eq!(history.account(&order).state.parts(crate::settings::StateVersion::NEWEST), history.account(&sorted).state.parts(crate::settings::StateVersion::NEWEST));
    }
}
