//! Paid invoices that were folded for lack of room: sums by date of payment, without the invoices themselves.
//!
//! The invoices paid longest ago are folded first, so all facts up to the newest folded payment belong to folded invoices, unless the
//! invoice is still known.

use serde::{Deserialize, Serialize};

use crate::time::{Timestamp, Zone};

/// Dates kept apart, at most; beyond that, the two oldest become one.
const MAX_DATES: usize = 1_000;

/// Paid invoices, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidInvoices {
    /// How many.
    pub count: u64,
    /// The sum of their newest amounts, in minor units of the reporting currency, each rounded separately at the rate of its time.
    pub sum: i64,
}

impl PaidInvoices {
    /// Adds others.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }
}

/// Sums of folded invoices, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settled(Vec<PaidOnDate>);

/// The folded invoices that were paid on one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PaidOnDate {
    /// The last payment among them.
    last: Timestamp,
    paid: PaidInvoices,
}

impl Settled {
    /// Whether a fact of an unknown invoice at this instant is taken for one of a folded invoice: counting it again would be worse than
    /// leaving out a late one.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.0.last().is_some_and(|newest| at <= newest.last)
    }

    /// Folds an invoice that was paid at this instant.
    pub fn add(&mut self, at: Timestamp, amount: i64, zone: &Zone) {
        let date = zone.date_of(at);
        let paid = PaidInvoices { count: 1, sum: amount };
        if let Some(known) = self.0.iter_mut().rfind(|known| zone.date_of(known.last) == date) {
            known.last = known.last.max(at);
            known.paid.add(paid);
        } else {
            let place = self.0.partition_point(|known| known.last < at);
            self.0.insert(place, PaidOnDate { last: at, paid });
        }
        if self.0.len() > MAX_DATES {
            let oldest = self.0.remove(0);
            self.0.iter_mut().take(1).for_each(|next| next.paid.add(oldest.paid));
        }
    }

    /// Forgets the dates up to a deletion; returns whether any is left.
    pub fn forget_until(&mut self, deleted_at: Timestamp) -> bool {
        self.0.retain(|known| known.last > deleted_at);
        !self.0.is_empty()
    }

    /// The end of the first date.
    pub fn first_at(&self) -> Option<Timestamp> {
        self.0.first().map(|known| known.last)
    }

    /// What had been paid by t: exact at the end of each date.
    pub fn paid_by(&self, t: Timestamp) -> PaidInvoices {
        let mut paid = PaidInvoices::default();
        self.0.iter().take_while(|date| date.last <= t).for_each(|date| paid.add(date.paid));
        paid
    }
}

/// Version 1 keeps one sum and no dates.
impl From<PaidInvoices> for Settled {
    fn from(paid: PaidInvoices) -> Self {
        Self(vec![PaidOnDate { last: Timestamp::MIN, paid }])
    }
}
