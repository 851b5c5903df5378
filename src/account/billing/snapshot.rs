//! One snapshot of a subscription, as it is kept: what orders it, what it pays, and when it stops by itself.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::denomination::Denomination;
use crate::event::{self, Item, SubscriptionStatus};
use crate::money::{ChurnAt, Currency, Discounts, Exact, Fixed, Interval, Policy, Rates};
use crate::time::Timestamp;

/// Recurring prices kept of a snapshot: one for each currency and interval, units of equal ones being summed. Further ones are left out.
pub(super) const MAX_PRICES: usize = 8;
/// Bytes kept of an id or a reason; what is longer is cut.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// A snapshot. Fields are in the order by which snapshots are ordered: (version, `occurred_at`, id) decides which one holds; the
/// rest makes the order total, so that of two without ids the one that holds does not depend on which arrived first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Snapshot<'a> {
    /// -1 where none was given.
    pub version: i64,
    pub occurred_at: Timestamp,
    /// Empty where none was given.
    #[serde(borrow)]
    pub id: &'a str,
    pub status: SubscriptionStatus,
    /// What counts: recurring licensed prices.
    pub prices: Prices,
    pub discount: Option<Discount>,
    /// Units of the licensed recurring items.
    pub quantity: u64,
    pub cancel_at_period_end: bool,
    pub trial_end: Option<Timestamp>,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    pub started_at: Option<Timestamp>,
    pub term_end: Option<Timestamp>,
    pub reason: Option<&'a str>,
}

/// Nearly always one.
type Prices = SmallVec<[Price; 1]>;

/// An amount for each interval; a credit is below 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Price {
    pub unit: Denomination,
    pub interval: Interval,
    /// How many of the unit.
    pub amount: i128,
}

/// A discount with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Discount {
    /// Per cent.
    percent: Option<Fixed>,
    amount: Option<Price>,
    pub ends_at: Option<Timestamp>,
}

/// A contract term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl<'a> Snapshot<'a> {
    /// What is kept of an event, and whether [`MAX_PRICES`] left something out.
    pub fn new(event: &'a event::SubscriptionSnapshot<'_>, occurred_at: Timestamp, id: Option<&'a str>) -> (Self, bool) {
        let (prices, left_out) = prices(&event.items);
        let discount = event.discount.as_ref().map(|discount| Discount::new(discount, Item::first_recurring(&event.items)));
        let snapshot = Self {
            version: event.version.unwrap_or(-1),
            occurred_at,
            id: cut(id.unwrap_or_default()),
            status: event.status,
            discount,
            prices,
            quantity: seats(&event.items),
            cancel_at_period_end: event.cancel_at_period_end,
            trial_end: event.trial_end,
            period_start: event.current_period_start,
            period_end: event.current_period_end,
            started_at: event.started_at,
            term_end: event.term_end,
            reason: event.reason.as_deref().map(cut),
        };
        (snapshot, left_out)
    }

    /// MRR in minor units of the reporting currency at the rates of an instant, with or without its discount: the percentage off the
    /// recurring total, then the amount. Neither credits nor the discount take it below 0. A currency without any rate counts nothing.
    pub fn mrr(&self, discounted: bool, rates: &Rates, at: Timestamp) -> Exact {
        let total = self.prices.iter().fold(Exact::ZERO, |sum, price| sum.plus(&price.monthly(rates, at)));
        let left = match &self.discount {
            Some(discount) if discounted => discount.off(&total, rates, at),
            _ => total,
        };
        if left.is_positive() { left } else { Exact::ZERO }
    }

    /// Whether it holds what the first format of the state cannot.
    pub fn needs_v2(&self) -> bool {
        let off = self.discount.as_ref().and_then(|discount| discount.amount.as_ref());
        self.status == SubscriptionStatus::IncompleteExpired || self.prices.iter().chain(off).any(|price| price.unit.has_decimals())
    }

    /// Until when the discount moves MRR under this policy: `None` where it does not at all.
    pub fn discounted_until(&self, policy: &Policy) -> Option<Timestamp> {
        let ends_at = self.discount.as_ref()?.ends_at;
        match (policy.discounts, ends_at) {
            (Discounts::None, _) | (Discounts::Forever, Some(_)) => None,
            (Discounts::Forever, None) => Some(Timestamp(i64::MAX)),
            (Discounts::All, ends_at) => Some(ends_at.unwrap_or(Timestamp(i64::MAX))),
        }
    }

    /// From when it counts 0 by itself: never (`None`), at once, when the scheduled cancellation comes, or when dunning ends that
    /// began at `past_due_since`.
    pub fn stops_at(&self, past_due_since: Option<Timestamp>, policy: &Policy) -> Option<Timestamp> {
        let dunning_end = match self.status {
            SubscriptionStatus::Active => None,
            SubscriptionStatus::PastDue => Some(policy.dunning_end(past_due_since.unwrap_or(self.occurred_at))),
            _ => return Some(self.occurred_at),
        };
        dunning_end.into_iter().chain(self.scheduled_end(policy)).min()
    }

    /// When the cancellation that the customer asked for takes effect: with the period, or from this snapshot on where the policy says
    /// so and there is something that can stop counting.
    pub fn scheduled_end(&self, policy: &Policy) -> Option<Timestamp> {
        let counts = matches!(self.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
        let at_once = counts && policy.churn_at == ChurnAt::Cancellation;
        self.cancel_at_period_end.then_some(if at_once { self.occurred_at } else { self.period_end })
    }

    /// Whether a scheduled cancellation has come.
    pub fn has_ended_at(&self, t: Timestamp) -> bool {
        self.cancel_at_period_end && self.period_end <= t
    }

    /// When a trial without newer snapshot ends unconverted: at its end, or where it is to be cancelled before, then.
    pub fn lapses_at(&self) -> Option<Timestamp> {
        self.trial_end.into_iter().chain(self.cancel_at_period_end.then_some(self.period_end)).min()
    }

    /// The term: to `term_end` from the start of the subscription where one is given, else the billing period.
    pub fn term(&self) -> Term {
        match self.term_end {
            Some(end) => Term { start: self.started_at.unwrap_or(self.period_start), end },
            None => Term { start: self.period_start, end: self.period_end },
        }
    }

    /// Whether this snapshot moves MRR, at once or in time, or the status, against the one that it follows.
    pub fn changes_mrr_or_status(&self, before: &Self) -> bool {
        let cancellation = |snapshot: &Self| snapshot.cancel_at_period_end.then_some(snapshot.period_end);
        self.status != before.status
            || self.prices != before.prices
            || self.discount != before.discount
            || cancellation(self) != cancellation(before)
    }
}

impl Price {
    fn new(minor: Fixed, currency: Currency, interval: Interval) -> Self {
        let (unit, amount) = Denomination::of(minor, currency);
        Self { unit, interval, amount }
    }

    fn monthly(&self, rates: &Rates, at: Timestamp) -> Exact {
        let (numerator, denominator) = self.interval.per_month();
        let monthly = self.unit.minor(self.amount).exact().times(numerator, denominator);
        rates.at(self.unit.currency, at).map_or(Exact::ZERO, |rate| rate.apply(&monthly))
    }
}

impl Discount {
    /// The discount of an event; currency and interval of its amount default to those of the first recurring item.
    fn new(discount: &event::Discount, first: Option<(&Item, Interval)>) -> Self {
        let currency = discount.currency.or(first.map(|(item, _)| item.amount.currency));
        let interval = discount.interval.or(first.map(|(_, interval)| interval));
        let amount = discount.amount_off_minor.zip(currency).zip(interval);
        Self {
            percent: discount.percent_off.map(Fixed::from),
            amount: amount.map(|((minor, currency), interval)| Price::new(minor, currency, interval)),
            ends_at: discount.ends_at,
        }
    }

    /// What it leaves of a recurring total.
    fn off(&self, total: &Exact, rates: &Rates, at: Timestamp) -> Exact {
        let mut left = total.clone();
        if let Some(percent) = &self.percent {
            let hundred = 10_i128.saturating_pow(percent.scale()).saturating_mul(100);
            left = left.times(hundred.saturating_sub(percent.mantissa()), hundred);
        }
        if let Some(amount) = &self.amount {
            left = left.minus(&amount.monthly(rates, at));
        }
        left
    }

    /// The currency of its amount.
    pub fn currency(&self) -> Option<Currency> {
        self.amount.as_ref().map(|amount| amount.unit.currency)
    }
}

/// Items that count, each with its interval: recurring and licensed.
fn counted(items: &[Item]) -> impl Iterator<Item = (&Item, Interval)> {
    items.iter().filter_map(|item| Some((item, item.counted_interval()?)))
}

/// Units of the items that count. A credit has no seats.
fn seats(items: &[Item]) -> u64 {
    let seated = counted(items).filter(|(item, _)| !item.amount.minor.is_negative());
    seated.fold(0, |sum, (item, _)| sum.saturating_add(item.quantity))
}

/// Sums items by currency and interval, the first item's first; and whether [`MAX_PRICES`] left any out.
fn prices(items: &[Item]) -> (Prices, bool) {
    let mut prices = Prices::new();
    let mut left_out = false;
    for (item, interval) in counted(items) {
        let currency = item.amount.currency;
        let minor = item.amount.minor.times(item.quantity);
        let same = |price: &&mut Price| price.unit.currency == currency && price.interval == interval;
        if let Some(price) = prices.iter_mut().find(same) {
            *price = Price::new(price.unit.minor(price.amount).plus(minor), currency, interval);
        } else if prices.len() < MAX_PRICES {
            prices.push(Price::new(minor, currency, interval));
        } else {
            left_out = true;
        }
    }
    (prices, left_out)
}

/// The first [`MAX_TEXT_BYTES`] bytes of a text, whole characters.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{MONTH, TestAccount, YEAR, amount, day, item, monthly, no_discount, usd};
    use super::*;
    use crate::event::SubscriptionSnapshot;
    use crate::money::{Amount, IntervalUnit};

    fn mrr_of(items: Vec<Item>, discount: Option<event::Discount>, policy: Discounts) -> i64 {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (0, "KWD", "3.25")]);
        account.settings.money.discounts = policy;
        account.snapshot(day(1), SubscriptionSnapshot { items, discount, ..monthly("a", 0) });
        account.mrr(day(1))
    }

    #[test]
    fn only_recurring_licensed_prices_count() {
        let mut seats = item(usd(900), MONTH);
        seats.quantity = 10;
        let metered = Item { metered: true, ..item(usd(5_000), MONTH) };
        let setup = Item { interval: None, ..item(usd(70_000), MONTH) };
        let support = item(usd(30_000), Interval { unit: IntervalUnit::Quarter, count: 1 });
        assert_eq!(mrr_of(vec![setup, metered, seats, support], None, Discounts::All), 9_000 + 10_000);
    }

    #[test]
    fn items_of_several_currencies_are_added_in_the_reporting_one() {
        let items = vec![item(amount(10_000, "EUR"), MONTH), item(amount(1_500, "KWD"), MONTH), item(usd(1), MONTH)];
        assert_eq!(mrr_of(items, None, Discounts::All), 11_000 + 488 + 1 - 1); // 487.5 + 1 = 488.5, half to even
    }

    #[test]
    fn the_percentage_comes_off_first_and_then_the_amount_by_its_interval() {
        let year = vec![item(usd(120_000), YEAR)];
        let percent = event::Discount { percent_off: Some("12.5".parse().unwrap()), ..no_discount() };
        assert_eq!(mrr_of(year.clone(), Some(percent.clone()), Discounts::All), 8_750);
        let both = event::Discount { amount_off_minor: Some(12_000.into()), ..percent };
        assert_eq!(mrr_of(year.clone(), Some(both.clone()), Discounts::All), 7_750); // 12,000 a year, as the item
        let monthly = event::Discount { interval: Some(MONTH), ..both.clone() };
        assert_eq!(mrr_of(year.clone(), Some(monthly), Discounts::All), 0); // not below 0
        let euros = event::Discount { currency: Currency::parse("EUR"), ..both };
        assert_eq!(mrr_of(year, Some(euros), Discounts::All), 7_650);
    }

    #[test]
    fn the_policy_says_which_discounts_move_mrr() {
        let items = || vec![item(usd(1_000), MONTH)];
        let forever = event::Discount { percent_off: Some(10.into()), ..no_discount() };
        let ending = event::Discount { ends_at: Some(day(9)), ..forever.clone() };
        let mrr = |discount: &event::Discount, policy| mrr_of(items(), Some(discount.clone()), policy);
        assert_eq!([mrr(&forever, Discounts::All), mrr(&forever, Discounts::Forever), mrr(&forever, Discounts::None)], [900, 900, 1_000]);
        assert_eq!([mrr(&ending, Discounts::All), mrr(&ending, Discounts::Forever), mrr(&ending, Discounts::None)], [900, 1_000, 1_000]);
    }

    #[test]
    fn amounts_below_a_minor_unit_are_summed_before_they_are_rounded() {
        let mut events = item(Amount { minor: Fixed::new(2675, 3), currency: Currency::USD }, MONTH);
        events.quantity = 100;
        assert_eq!(mrr_of(vec![events.clone()], None, Discounts::All), 268); // 267.5, half to even
        assert_eq!(mrr_of(vec![events, item(usd(-267), MONTH)], None, Discounts::All), 0); // 0.5, half to even
    }

    #[test]
    fn a_credit_is_not_the_first_item_has_no_seats_and_takes_a_subscription_to_0_at_most() {
        let mut credit = item(amount(-2_500, "EUR"), YEAR);
        credit.quantity = 40;
        let mut seats = item(usd(9_000), MONTH);
        seats.quantity = 3;
        let off = event::Discount { amount_off_minor: Some(500.into()), ..no_discount() }; // in USD and monthly, as the seats
        let items = vec![credit.clone(), seats];
        assert_eq!(mrr_of(items.clone(), Some(off), Discounts::All), 27_000 - 9_167 - 500);
        assert_eq!(mrr_of(vec![credit.clone()], None, Discounts::All), 0);
        assert_eq!(super::seats(&items), 3);
    }

    #[test]
    fn prices_beyond_the_limit_are_left_out_and_metered() {
        let mut account = TestAccount::default();
        let counts = 1..=u32::try_from(MAX_PRICES).unwrap() + 1;
        let items = counts.map(|count| item(usd(840), Interval { unit: IntervalUnit::Month, count })).collect();
        account.snapshot(day(1), SubscriptionSnapshot { items, ..monthly("a", 0) });
        assert_eq!(account.mrr(day(1)), 840 + 420 + 280 + 210 + 168 + 140 + 120 + 105);
        assert_eq!(account.reached(crate::account::Limit::Snapshots), 1);
    }
}
