//! The active dates of an account's whole life that are no longer kept: a count and the first date, in a few bytes.
//!
//! Dates are kept one by one as long as a use can still be added to them. Whatever is read, a date is in that window or counted here, never
//! both: a use on a date before the window is late (see [`stream_time`](crate::stream_time)) and adds no date.

use crate::time::Date;

/// The active dates before those that are kept one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EarlierDates {
    /// How many.
    pub(super) count: u32,
    /// The first of them; meaningless if there are none.
    pub(super) first: Date,
}

impl EarlierDates {
    /// Counts a date that is no longer kept; dates come in ascending order.
    pub(super) const fn add(&mut self, date: Date) {
        if self.count == 0 {
            self.first = date;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The earlier dates of an account's next life, which begins on `date`. If the life before has some of them, none are left, because it
    /// is not known how many.
    pub(super) fn since(self, date: Date) -> Self {
        if self.count > 0 && self.first >= date { self } else { Self::default() }
    }

    /// The first date, if there is one.
    pub(super) fn first(self) -> Option<Date> {
        Some(self.first).filter(|_| self.count > 0)
    }
}
