//! One stored snapshot of a subscription: its rank among others, what it pays, and when it stops by itself.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::denomination::Denomination;
use crate::event::{self, Item, SubscriptionStatus};
use crate::money::{ChurnAt, Currency, Discounts, Exact, Fixed, Interval, Policy, Rates};
use crate::time::Timestamp;

/// Recurring prices kept per snapshot: one per currency and interval, with equal ones summed. Further ones are left out.
pub(super) const MAX_PRICES: usize = 8;
/// Discounts kept per snapshot; further ones are left out.
pub(super) const MAX_DISCOUNTS: usize = 6;
/// Bytes kept of an id or a reason; the rest is cut off.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// A snapshot. The order of the fields is the order of snapshots: (version, `occurred_at`, id) decides which one is in force. The remaining
/// fields make the order total, so that of two snapshots without ids the winner does not depend on which arrived first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Snapshot<'a> {
    /// -1 if none was given.
    pub version: i64,
    pub occurred_at: Timestamp,
    /// Empty if none was given.
    #[serde(borrow)]
    pub id: &'a str,
    pub status: SubscriptionStatus,
    /// The prices that count: recurring and licensed.
    pub prices: Prices,
    pub discounts: DiscountList,
    /// Units of the licensed recurring items.
    pub quantity: u64,
    pub cancellation: Cancellation,
    pub trial_end: Option<Timestamp>,
    pub period_start: Timestamp,
    pub period_end: Timestamp,
    pub started_at: Option<Timestamp>,
    pub term_end: Option<Timestamp>,
    /// Stays the last field: that it ends in 0 or in text tells `packed.rs` where outranked snapshots follow.
    pub reason: Option<&'a str>,
}

/// Nearly always a single price.
type Prices = SmallVec<[Price; 1]>;

/// An amount per interval; negative for a credit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Price {
    pub unit: Denomination,
    pub interval: Interval,
    /// The amount, in units of `unit`.
    pub amount: i128,
}

/// The cancellation that the customer scheduled. The first two are encoded as the flag that version 1 has in this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Cancellation {
    No,
    WithPeriod,
    At(Timestamp),
}

/// Discounts in the order in which their percentages compound. None and one are encoded as the option that version 1 has in this place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum DiscountList {
    None,
    One(Discount),
    Several(Box<[Discount]>),
}

/// A discount with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Discount {
    /// Per cent.
    percent: Option<Fixed>,
    amount: Option<Price>,
    ends_at: Option<Timestamp>,
}

/// A contract term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl<'a> Snapshot<'a> {
    /// Builds the snapshot of an event; the flag is true if [`MAX_PRICES`] or [`MAX_DISCOUNTS`] left something out.
    pub fn new(event: &'a event::SubscriptionSnapshot<'_>, occurred_at: Timestamp, id: Option<&'a str>) -> (Self, bool) {
        let (prices, left_out) = prices(&event.items);
        let snapshot = Self {
            version: event.version.unwrap_or(-1),
            occurred_at,
            id: cut(id.unwrap_or_default()),
            status: event.status,
            discounts: DiscountList::new(&event.discounts, Item::first_recurring(&event.items)),
            prices,
            quantity: seats(&event.items),
            cancellation: match event.cancel_at {
                Some(at) => Cancellation::At(at),
                None if event.cancel_at_period_end => Cancellation::WithPeriod,
                None => Cancellation::No,
            },
            trial_end: event.trial_end,
            period_start: event.current_period_start,
            period_end: event.current_period_end,
            started_at: event.started_at,
            term_end: event.term_end,
            reason: event.reason.as_deref().map(cut),
        };
        (snapshot, left_out || event.discounts.len() > MAX_DISCOUNTS)
    }

    /// MRR in minor units of the reporting currency at the rates of an instant, less the discounts in force at `discounts_of`: first each
    /// percentage off what the previous one left, then the amounts. Neither credits nor discounts make it negative. A currency without any
    /// rate counts as 0.
    pub fn mrr(&self, discounts_of: Timestamp, policy: &Policy, at: Timestamp) -> Exact {
        let rates = &policy.rates;
        let total = self.prices.iter().fold(Exact::ZERO, |sum, price| sum.plus(&price.monthly(rates, at)));
        let in_force = || self.discounts.iter().filter(|discount| discount.is_in_force(policy, discounts_of));
        let left = in_force().fold(total, |left, discount| discount.percent_off(left));
        let left = in_force().filter_map(|discount| discount.amount.as_ref()).fold(left, |left, off| left.minus(&off.monthly(rates, at)));
        if left.is_positive() { left } else { Exact::ZERO }
    }

    /// Whether it can only be stored in version 2.
    pub fn needs_v2(&self) -> bool {
        let off = self.discounts.iter().filter_map(|discount| discount.amount.as_ref());
        matches!(self.cancellation, Cancellation::At(_))
            || matches!(self.discounts, DiscountList::Several(_))
            || self.status == SubscriptionStatus::IncompleteExpired
            || self.prices.iter().chain(off).any(|price| price.unit.has_decimals())
    }

    /// The instants at which a discount that reduces MRR under this policy ends, ascending.
    pub fn discount_ends(&self, policy: &Policy) -> SmallVec<[Timestamp; 2]> {
        let ends = self.discounts.iter().filter_map(|discount| discount.ends_at);
        let mut ends: SmallVec<_> = ends.filter(|_| policy.discounts == Discounts::All).collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    }

    /// When it stops counting by itself: never (`None`), immediately, when a scheduled cancellation takes effect, or when the dunning that
    /// started at `past_due_since` ends.
    pub fn stops_at(&self, past_due_since: Option<Timestamp>, policy: &Policy) -> Option<Timestamp> {
        let dunning_end = match self.status {
            SubscriptionStatus::Active => None,
            SubscriptionStatus::PastDue => Some(policy.dunning_end(past_due_since.unwrap_or(self.occurred_at))),
            _ => return Some(self.occurred_at),
        };
        dunning_end.into_iter().chain(self.scheduled_end(policy)).min()
    }

    /// When the scheduled cancellation is due: at the given instant, or else at the end of the period.
    pub fn cancelled_at(&self) -> Option<Timestamp> {
        match self.cancellation {
            Cancellation::No => None,
            Cancellation::WithPeriod => Some(self.period_end),
            Cancellation::At(at) => Some(at),
        }
    }

    /// When the cancellation that the customer asked for takes effect: when it is due, or at this snapshot if the policy says so and the
    /// subscription counts.
    pub fn scheduled_end(&self, policy: &Policy) -> Option<Timestamp> {
        let counts = matches!(self.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
        let at_once = counts && policy.churn_at == ChurnAt::Cancellation;
        self.cancelled_at().map(|end| if at_once { self.occurred_at } else { end })
    }

    /// Whether a scheduled cancellation has taken effect.
    pub fn has_ended_at(&self, t: Timestamp) -> bool {
        self.cancelled_at().is_some_and(|end| end <= t)
    }

    /// When a trial without a newer snapshot ends unconverted: at its end, or at its scheduled cancellation if that is earlier.
    pub fn lapses_at(&self) -> Option<Timestamp> {
        self.trial_end.into_iter().chain(self.cancelled_at()).min()
    }

    /// The term: from the start of the subscription to `term_end` if that is given, or else the billing period.
    pub fn term(&self) -> Term {
        match self.term_end {
            Some(end) => Term { start: self.started_at.unwrap_or(self.period_start), end },
            None => Term { start: self.period_start, end: self.period_end },
        }
    }

    /// Whether this snapshot changes MRR (now or later) or the status, compared to the previous one.
    pub fn changes_mrr_or_status(&self, before: &Self) -> bool {
        self.status != before.status
            || self.prices != before.prices
            || self.discounts != before.discounts
            || self.cancelled_at() != before.cancelled_at()
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

impl DiscountList {
    /// The discounts of an event, at most [`MAX_DISCOUNTS`].
    fn new(discounts: &[event::Discount], first: Option<(&Item, Interval)>) -> Self {
        match discounts {
            [] => Self::None,
            [discount] => Self::One(Discount::new(discount, first)),
            _ => Self::Several(discounts.iter().take(MAX_DISCOUNTS).map(|discount| Discount::new(discount, first)).collect()),
        }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Discount> {
        let discounts = match self {
            Self::None => &[],
            Self::One(discount) => std::slice::from_ref(discount),
            Self::Several(discounts) => discounts,
        };
        discounts.iter()
    }
}

impl Discount {
    /// Builds the discount of an event; currency and interval default to those of the first recurring item.
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

    fn is_in_force(&self, policy: &Policy, t: Timestamp) -> bool {
        match policy.discounts {
            Discounts::None => false,
            Discounts::Forever => self.ends_at.is_none(),
            Discounts::All => self.ends_at.is_none_or(|end| t < end),
        }
    }

    /// A total less its percentage.
    fn percent_off(&self, total: Exact) -> Exact {
        let Some(percent) = &self.percent else { return total };
        let hundred = 10_i128.saturating_pow(percent.scale()).saturating_mul(100);
        total.times(hundred.saturating_sub(percent.mantissa()), hundred)
    }

    /// The currency of its amount.
    pub fn currency(&self) -> Option<Currency> {
        self.amount.as_ref().map(|amount| amount.unit.currency)
    }
}

/// The items that count, recurring and licensed, with their intervals.
fn counted(items: &[Item]) -> impl Iterator<Item = (&Item, Interval)> {
    items.iter().filter_map(|item| Some((item, item.counted_interval()?)))
}

/// Seats: units of the items that count. A credit has no seats.
fn seats(items: &[Item]) -> u64 {
    let seated = counted(items).filter(|(item, _)| !item.amount.minor.is_negative());
    seated.fold(0, |sum, (item, _)| sum.saturating_add(item.quantity))
}

/// Sums items by currency and interval, in the order of the items; the flag is true if [`MAX_PRICES`] left any out.
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

/// The first [`MAX_TEXT_BYTES`] bytes of a text, cut at a character boundary.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{MONTH, TestAccount, YEAR, amount, day, item, monthly, no_discount, usd};
    use super::*;
    use crate::event::SubscriptionSnapshot;
    use crate::money::{Amount, IntervalUnit};

    fn mrr_of(items: Vec<Item>, discounts: impl IntoIterator<Item = event::Discount>, policy: Discounts) -> i64 {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.10"), (0, "KWD", "3.25")]);
        account.settings.money.discounts = policy;
        account.snapshot(day(1), SubscriptionSnapshot { items, discounts: discounts.into_iter().collect(), ..monthly("a", 0) });
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
    fn the_policy_decides_which_discounts_reduce_mrr() {
        let items = || vec![item(usd(1_000), MONTH)];
        let forever = event::Discount { percent_off: Some(10.into()), ..no_discount() };
        let ending = event::Discount { ends_at: Some(day(9)), ..forever.clone() };
        let mrr = |discount: &event::Discount, policy| mrr_of(items(), Some(discount.clone()), policy);
        assert_eq!([mrr(&forever, Discounts::All), mrr(&forever, Discounts::Forever), mrr(&forever, Discounts::None)], [900, 900, 1_000]);
        assert_eq!([mrr(&ending, Discounts::All), mrr(&ending, Discounts::Forever), mrr(&ending, Discounts::None)], [900, 1_000, 1_000]);
    }

    #[test]
    fn percentages_compound_in_their_order_before_any_amount_comes_off() {
        let percent = |percent: i64| event::Discount { percent_off: Some(percent.into()), ..no_discount() };
        let off = event::Discount { amount_off_minor: Some(150.into()), ..no_discount() };
        assert_eq!(mrr_of(vec![item(usd(1_000), MONTH)], [percent(50), off, percent(20)], Discounts::All), 250); // 500, 400, 400 - 150
        let ending = |day_number| event::Discount { ends_at: Some(day(day_number)), ..percent(50) };
        let mut account = TestAccount::default();
        account.snapshot(day(1), SubscriptionSnapshot { discounts: vec![ending(20), ending(9), percent(10)], ..monthly("a", 1_000) });
        assert_eq!([day(8), day(9), day(20)].map(|t| account.mrr(t)), [225, 450, 900]);
    }

    #[test]
    fn amounts_below_a_minor_unit_are_summed_before_they_are_rounded() {
        let mut events = item(Amount { minor: Fixed::new(2675, 3), currency: Currency::USD }, MONTH);
        events.quantity = 100;
        assert_eq!(mrr_of(vec![events.clone()], None, Discounts::All), 268); // 267.5, half to even
        assert_eq!(mrr_of(vec![events, item(usd(-267), MONTH)], None, Discounts::All), 0); // 0.5, half to even
    }

    #[test]
    fn a_credit_is_never_the_first_item_has_no_seats_and_never_makes_mrr_negative() {
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
    fn prices_beyond_the_limit_are_left_out_and_counted() {
        let mut account = TestAccount::default();
        let counts = 1..=u32::try_from(MAX_PRICES).unwrap() + 1;
        let items = counts.map(|count| item(usd(840), Interval { unit: IntervalUnit::Month, count })).collect();
        account.snapshot(day(1), SubscriptionSnapshot { items, ..monthly("a", 0) });
        assert_eq!(account.mrr(day(1)), 840 + 420 + 280 + 210 + 168 + 140 + 120 + 105);
        assert_eq!(account.reached(crate::account::Limit::Snapshots), 1);
    }
}
