//! Invoices of an account: open payment failures, and what was paid.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::denomination::Denomination;
use super::packed::{Packed, PackedTable, pack};
use super::settled::{PaidInvoices, Settled};
use super::snapshot::cut;
use super::subscription::repeats;
use crate::money::{Amount, Policy};
use crate::settings::Settings;
use crate::time::Timestamp;

/// Invoices kept per account. Beyond that, the one paid longest ago is folded into the sum of its date; if none is paid, the earliest
/// failure is forgotten.
pub(super) const MAX_INVOICES: usize = 2_000;
/// Payments kept per invoice besides the newest: the first, because it closes the invoice, and the latest ones before the newest.
const MAX_EARLIER_PAYMENTS: usize = 3;
/// Failures kept per invoice besides the first: the newest. They count only if a deletion of the account forgets the first one.
pub(super) const MAX_REPEATED_FAILURES: usize = 16;

/// The invoices, and the sums of those folded for lack of room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invoices {
    /// [`Invoice`]s by hash of their ids.
    pub kept: PackedTable,
    pub settled: Option<Box<Settled>>,
}

/// One invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invoice<'a> {
    /// Its first failed payment.
    failed_at: Option<Timestamp>,
    #[serde(borrow)]
    newest_payment: Option<Payment<'a>>,
    /// In order of time.
    earlier_payments: Vec<Payment<'a>>,
    /// Its later failed payments, in order of time.
    #[serde(skip)]
    failed_again: Vec<Timestamp>,
}

/// A payment. The order of the fields decides which payment is the newest; the amount only makes the order total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Payment<'a> {
    at: Timestamp,
    id: &'a str,
    amount: i128,
    unit: Denomination,
}

/// What happened to an invoice.
pub(super) enum InvoiceFact<'a> {
    Failed(Timestamp),
    Paid(Payment<'a>),
}

impl InvoiceFact<'_> {
    const fn at(&self) -> Timestamp {
        match self {
            Self::Failed(at) => *at,
            Self::Paid(payment) => payment.at,
        }
    }

    /// Whether it can only be stored in version 2.
    pub const fn needs_v2(&self) -> bool {
        match self {
            Self::Failed(_) => false,
            Self::Paid(payment) => payment.needs_v2(),
        }
    }
}

/// Unpaid invoices with a failed payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentFailures {
    /// How many.
    pub open: u64,
    /// The first failure of the oldest one.
    pub oldest: Option<Timestamp>,
}

impl<'a> Payment<'a> {
    pub fn new(amount: Amount, at: Timestamp, id: Option<&'a str>) -> Self {
        let (unit, count) = Denomination::of(amount.minor, amount.currency);
        Self { at, id: cut(id.unwrap_or_default()), amount: count, unit }
    }

    /// Whether it can only be stored in version 2.
    const fn needs_v2(&self) -> bool {
        self.unit.has_decimals()
    }

    /// Of two payments at one instant, only the greater can ever be the newest.
    fn meet(&mut self, other: Self) {
        if other > *self && !repeats(self.id, other.id) {
            *self = other;
        }
    }

    /// In minor units of the reporting currency; 0 if the currency no longer has a rate.
    fn converted(&self, policy: &Policy) -> i64 {
        let amount = Amount { minor: self.unit.minor(self.amount), currency: self.unit.currency };
        policy.convert(amount, self.at).unwrap_or(0)
    }
}

impl<'a> Invoice<'a> {
    /// Whether it can only be stored in version 2.
    pub fn needs_v2(&self) -> bool {
        self.newest_payment.iter().chain(&self.earlier_payments).any(Payment::needs_v2)
    }

    /// The invoice without what happened up to an instant; `None` if nothing is left.
    fn after(mut self, instant: Timestamp) -> Option<Self> {
        let failures = self.failed_at.into_iter().chain(std::mem::take(&mut self.failed_again));
        let mut failures = failures.filter(|failed_at| *failed_at > instant);
        (self.failed_at, self.failed_again) = (failures.next(), failures.collect());
        self.newest_payment.take_if(|payment| payment.at <= instant);
        self.earlier_payments.retain(|payment| payment.at > instant);
        self.first_at().is_some().then_some(self)
    }

    /// The time of its first fact that is kept.
    fn first_at(&self) -> Option<Timestamp> {
        let payments = self.earlier_payments.iter().chain(&self.newest_payment).map(|payment| payment.at);
        payments.chain(self.failed_at).min()
    }

    /// The newest payment at t.
    fn payment_at(&self, t: Timestamp) -> Option<&Payment<'a>> {
        let newest = self.newest_payment.as_ref()?;
        if newest.at <= t { Some(newest) } else { self.earlier_payments.iter().rev().find(|payment| payment.at <= t) }
    }

    /// Adds a fact; returns true if one had to be dropped.
    fn record(&mut self, fact: InvoiceFact<'a>) -> bool {
        match fact {
            InvoiceFact::Failed(at) => self.fail(at),
            InvoiceFact::Paid(payment) => self.pay(payment),
        }
        let many_failures = self.failed_again.len() > MAX_REPEATED_FAILURES;
        if many_failures {
            self.failed_again.remove(0);
        }
        let many_payments = self.earlier_payments.len() > MAX_EARLIER_PAYMENTS;
        if many_payments {
            self.earlier_payments.remove(1);
        }
        many_failures || many_payments
    }

    fn fail(&mut self, at: Timestamp) {
        let first = self.failed_at.map_or(at, |known| known.min(at));
        let again = self.failed_at.replace(first).map(|known| known.max(at)).filter(|again| *again > first);
        if let Some(again) = again
            && let Err(place) = self.failed_again.binary_search(&again)
        {
            self.failed_again.insert(place, again);
        }
    }

    fn pay(&mut self, payment: Payment<'a>) {
        let Some(newest) = &mut self.newest_payment else {
            self.newest_payment = Some(payment);
            return;
        };
        match payment.at.cmp(&newest.at) {
            Ordering::Equal => newest.meet(payment),
            Ordering::Greater => self.earlier_payments.push(std::mem::replace(newest, payment)),
            Ordering::Less => {
                let position = self.earlier_payments.partition_point(|known| known.at < payment.at);
                match self.earlier_payments.get_mut(position) {
                    Some(known) if known.at == payment.at => known.meet(payment),
                    _ => self.earlier_payments.insert(position, payment),
                }
            }
        }
    }
}

impl<'a> Packed<'a> for Invoice<'a> {
    type Outranked = Timestamp;

    fn outranked(&self) -> &[Timestamp] {
        &self.failed_again
    }

    fn set_outranked(&mut self, outranked: Vec<Timestamp>) {
        self.failed_again = outranked;
    }
}

impl Invoices {
    /// Adds a fact of an invoice; returns true if a limit was reached.
    pub fn record(&mut self, invoice_id: &str, fact: InvoiceFact<'_>, settings: &Settings) -> bool {
        let hash = xxh3_64(invoice_id.as_bytes());
        let known = self.kept.get(hash);
        if known.is_none() && self.settled.as_ref().is_some_and(|settled| settled.covers(fact.at())) {
            return true;
        }
        let mut invoice: Invoice<'_> = known.unwrap_or_default();
        let mut limited = invoice.record(fact);
        let bytes = pack(&invoice);
        self.kept.put(hash, bytes);
        while self.kept.len() > MAX_INVOICES {
            limited = true;
            self.settle_one(settings);
        }
        limited
    }

    /// Makes room: folds the invoice paid longest ago into the sum, or forgets the earliest failure.
    fn settle_one(&mut self, settings: &Settings) {
        let idle = |(hash, invoice): (u64, Invoice<'_>)| {
            let payment = invoice.newest_payment.map(|payment| (payment.at, payment.converted(&settings.money)));
            (payment.is_none(), payment.map(|(at, _)| at), invoice.failed_at, hash, payment)
        };
        let Some((.., hash, payment)) = self.kept.iter().map(idle).min() else { return };
        self.kept.remove(hash);
        if let Some((at, amount)) = payment {
            self.settled.get_or_insert_default().add(at, amount, &settings.zone);
        }
    }

    /// Forgets everything up to the deletion of the account.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        let after = |(hash, invoice): (u64, Invoice<'_>)| Some((hash, pack(&invoice.after(deleted_at)?)));
        self.kept = self.kept.iter().filter_map(after).collect();
        self.settled.take_if(|settled| !settled.forget_until(deleted_at));
    }

    /// The time of the first fact that is kept.
    pub fn first_at(&self) -> Option<Timestamp> {
        let kept = self.kept.iter::<Invoice<'_>>().filter_map(|(_, invoice)| invoice.first_at());
        kept.chain(self.settled.as_ref().and_then(|settled| settled.first_at())).min()
    }

    /// Whether it can only be stored in version 2.
    pub fn needs_v2(&self) -> bool {
        self.kept.iter::<Invoice<'_>>().any(|(_, invoice)| invoice.needs_v2())
    }

    /// Open failures and paid invoices at t.
    pub fn at(&self, t: Timestamp, policy: &Policy) -> (PaymentFailures, PaidInvoices) {
        let mut failures = PaymentFailures::default();
        let mut paid = self.settled.as_ref().map(|settled| settled.paid_by(t)).unwrap_or_default();
        for (_, invoice) in self.kept.iter::<Invoice<'_>>() {
            if let Some(payment) = invoice.payment_at(t) {
                paid.add(PaidInvoices { count: 1, sum: payment.converted(policy) });
            } else if let Some(failed_at) = invoice.failed_at.filter(|failed_at| *failed_at <= t) {
                failures.open += 1;
                failures.oldest = Some(failures.oldest.map_or(failed_at, |oldest| oldest.min(failed_at)));
            }
        }
        (failures, paid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TestAccount, amount, day, usd};
    use super::*;
    use crate::time::Zone;

    #[test]
    fn an_invoice_is_open_from_its_first_failure_until_it_is_paid() {
        let mut account = TestAccount::default();
        account.failed(day(10), "in_1");
        account.failed(day(7), "in_1");
        account.failed(day(9), "in_2");
        account.paid(day(20), "in_1", "evt_1", usd(500));
        let open = |t| account.ledger().invoices(t).0;
        assert_eq!(open(day(6)), PaymentFailures { open: 0, oldest: None });
        assert_eq!(open(day(12)), PaymentFailures { open: 2, oldest: Some(day(7)) });
        assert_eq!(open(day(20)), PaymentFailures { open: 1, oldest: Some(day(9)) });
    }

    #[test]
    fn a_failure_after_payment_does_not_reopen_the_invoice() {
        let mut account = TestAccount::default();
        account.failed(day(10), "in_1");
        account.paid(day(5), "in_1", "evt_1", usd(500));
        assert_eq!(account.ledger().invoices(day(11)).0.open, 0);
    }

    #[test]
    fn each_paid_invoice_counts_once_with_its_newest_amount() {
        let mut account = TestAccount::default();
        account.paid(day(3), "in_1", "evt_b", usd(300));
        account.paid(day(2), "in_1", "evt_a", usd(200));
        account.paid(day(3), "in_1", "evt_a", usd(999));
        account.paid(day(3), "in_2", "evt_c", usd(50));
        let paid = |t| account.ledger().invoices(t).1;
        assert_eq!(paid(day(1)), PaidInvoices { count: 0, sum: 0 });
        assert_eq!(paid(day(2)), PaidInvoices { count: 1, sum: 200 });
        assert_eq!(paid(day(3)), PaidInvoices { count: 2, sum: 350 });
    }

    #[test]
    fn each_invoice_is_rounded_separately_at_the_rate_of_its_time() {
        let mut account = TestAccount::with_rates(&[(0, "EUR", "1.005"), (30, "EUR", "1.205")]);
        account.paid(day(29), "in_1", "evt_1", amount(100, "EUR")); // 100.5 -> 100
        account.paid(day(29), "in_2", "evt_2", amount(300, "EUR")); // 301.5 -> 302
        account.paid(day(30), "in_3", "evt_3", amount(100, "EUR")); // 120.5 -> 120
        assert_eq!(account.ledger().invoices(day(40)).1, PaidInvoices { count: 3, sum: 522 });
    }

    /// One invoice a day, ten more than are kept.
    fn crowded() -> TestAccount {
        let mut account = TestAccount::default();
        for number in 0..MAX_INVOICES + 10 {
            account.paid(day(number.try_into().unwrap()), &format!("in_{number}"), "evt", usd(7));
        }
        account
    }

    #[test]
    fn beyond_the_limit_the_oldest_payments_are_folded_into_a_sum_and_still_count_from_their_date_on() {
        let account = crowded();
        let paid = |t| account.ledger().invoices(t).1;
        assert_eq!(paid(day(9_000)), PaidInvoices { count: 2_010, sum: 14_070 });
        assert_eq!(account.reached(crate::account::Limit::Invoices), 10);
        assert_eq!(account.state.invoices.kept.len(), MAX_INVOICES);
        assert_eq!([-1, 0, 4, 9, 10].map(|number| paid(day(number)).count), [0, 1, 5, 10, 11]);
    }

    #[test]
    fn a_folded_invoice_that_is_delivered_again_changes_nothing() {
        let mut account = crowded();
        let before = account.state.clone();
        account.paid(day(3), "in_3", "evt", usd(7));
        account.failed(day(2), "in_3");
        assert_eq!(account.state, before);
        assert_eq!(account.reached(crate::account::Limit::Invoices), 12);
        account.failed(day(15), "late");
        assert_eq!(account.ledger().invoices(day(9_000)).0.open, 1, "a new invoice behind the folded ones");
    }

    #[test]
    fn folded_payments_of_one_date_share_an_entry_and_old_dates_are_merged() {
        let mut settled = Settled::default();
        let zone = Zone::utc();
        for number in 0..3_000 {
            settled.add(day(number / 2).plus(number % 2), 1, &zone);
        }
        assert_eq!(settled.paid_by(day(2_000)).count, 3_000);
        assert_eq!([499, 500, 501].map(|number| settled.paid_by(day(number).plus(1)).count), [0, 1_002, 1_004]);
    }

    #[test]
    fn open_failures_are_forgotten_only_if_no_invoice_is_paid() {
        let mut account = TestAccount::default();
        for number in 0..=MAX_INVOICES {
            account.failed(day(number.try_into().unwrap()), &format!("in_{number}"));
        }
        let failures = account.ledger().invoices(day(9_000)).0;
        assert_eq!(failures, PaymentFailures { open: MAX_INVOICES as u64, oldest: Some(day(1)) });
    }
}
