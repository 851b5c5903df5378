//! Cohorts: accounts grouped by the month of their first payment, and how many still pay at the end of each month since.
//!
//! Computed from billing facts alone, so a late snapshot corrects old months too. Cohorts of disjoint sets of accounts can be added, and
//! over all cohorts a month adds up to its paying accounts and their MRR.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::additive::{Additive, Sign, additive};
use super::line::json;
use super::{Period, Scope};
use crate::account::Account;
use crate::account::billing::Ledger;
use crate::settings::Settings;
use crate::time::{Date, Timestamp, Zone};

/// A calendar month of the reporting zone, identified by its first date; serialised as `2026-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Month(Date);

/// A group of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cohort {
    /// Already customers when first seen: their first movement is *opening*.
    Before,
    /// First paid in this month.
    Of(Month),
}

/// The months that are complete at an instant, starting with the month of the earliest record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteMonths(Vec<Period>);

impl CompleteMonths {
    /// `begins` is the time of the earliest record; without one, no month is complete.
    #[must_use]
    pub fn new(begins: Option<Timestamp>, t: Timestamp, zone: &Zone) -> Self {
        Self(begins.map(|begins| Period::complete_months(begins, t, zone).collect()).unwrap_or_default())
    }

    /// The months through which a cohort is followed.
    fn since(&self, cohort: Cohort) -> &[Period] {
        let skipped = match cohort {
            Cohort::Before => 0,
            Cohort::Of(first) => self.0.partition_point(|month| Month::of(month) < first),
        };
        self.0.get(skipped..).unwrap_or_default()
    }
}

/// Accounts and their MRR in minor units of the reporting currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Paying {
    accounts: u64,
    mrr: i128,
}

additive!(Paying { accounts, mrr });

impl Paying {
    fn of(mrr: i64) -> Self {
        Self { accounts: u64::from(mrr > 0), mrr: mrr.into() }
    }
}

/// The course of one cohort: its accounts at their first payment, and at the end of each month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Course {
    first: Paying,
    by_month: Vec<Paying>,
}

/// The cohorts of some accounts, by scope.
#[derive(Clone, Debug)]
pub struct Cohorts {
    months: CompleteMonths,
    /// Maximum number of scopes; those that sort last are dropped.
    scopes_max: usize,
    scopes: BTreeMap<Scope, BTreeMap<Cohort, Course>>,
}

impl Cohorts {
    /// No account yet.
    #[must_use]
    pub const fn new(months: CompleteMonths, scopes_max: usize) -> Self {
        Self { months, scopes_max, scopes: BTreeMap::new() }
    }

    /// Adds an account with its billing at `t`, which lags behind the present while billing is stale.
    pub fn add_account(&mut self, account: &Account, t: Timestamp, settings: &Settings) {
        let ledger = account.billing().ledger(&settings.money);
        let Some(first) = ledger.first_payment(t) else { return };
        let month = Month(settings.zone.date_of(first.at).first_of_month());
        let cohort = if first.was_customer { Cohort::Before } else { Cohort::Of(month) };
        let course = Course { first: Paying::of(first.mrr), by_month: self.by_month(cohort, &ledger, t) };
        for scope in Scope::of(account) {
            self.add_to(scope, cohort, &course);
        }
    }

    /// Adds the cohorts of other accounts over the same months.
    pub fn merge(&mut self, other: &Self) {
        for (scope, cohorts) in &other.scopes {
            for (cohort, course) in cohorts {
                self.add_to(scope.clone(), *cohort, course);
            }
        }
    }

    /// The output lines, without line ends: all accounts first, then segments, plans and CSMs by name; for each, its cohorts, oldest
    /// first.
    pub fn lines(&self) -> impl Iterator<Item = Vec<u8>> {
        let lines = self.scopes.iter().flat_map(move |(scope, cohorts)| {
            cohorts.iter().map(move |(cohort, course)| {
                let months = self.months.since(*cohort).iter().zip(&course.by_month);
                let months = months.map(|(month, left)| MonthCell { month: Month::of(month), accounts: left.accounts, mrr: left.mrr });
                let first = course.first;
                Line { cohort: *cohort, scope, accounts: first.accounts, mrr: first.mrr, months: months.collect() }
            })
        });
        lines.map(|line| json(&line))
    }

    fn by_month(&self, cohort: Cohort, ledger: &Ledger<'_>, t: Timestamp) -> Vec<Paying> {
        self.months.since(cohort).iter().map(|month| Paying::of(ledger.mrr_at(month.to.min(t)))).collect()
    }

    fn add_to(&mut self, scope: Scope, cohort: Cohort, course: &Course) {
        self.scopes.entry(scope).or_default().entry(cohort).or_default().add(course);
        if self.scopes.len() > self.scopes_max {
            self.scopes.pop_last();
        }
    }
}

impl Additive for Course {
    fn merge(&mut self, other: &Self, sign: Sign) {
        self.first.merge(&other.first, sign);
        self.by_month.resize_with(other.by_month.len(), Paying::default);
        self.by_month.iter_mut().zip(&other.by_month).for_each(|(own, other)| own.merge(other, sign));
    }
}

impl Month {
    fn of(month: &Period) -> Self {
        Self(month.to_date.first_of_month())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.0.year_and_month();
        write!(f, "{year:04}-{month:02}")
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Cohort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Before => serializer.serialize_str("before"),
            Self::Of(month) => month.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    cohort: Cohort,
    scope: &'a Scope,
    accounts: u64,
    mrr: i128,
    months: Vec<MonthCell>,
}

#[derive(Serialize)]
struct MonthCell {
    month: Month,
    accounts: u64,
    mrr: i128,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_cohort_is_followed_from_its_own_month_and_earlier_customers_from_the_first() {
        let months = CompleteMonths::new(Some(at("2025-11-20T00:00:00Z")), at("2026-02-01T00:00:00Z"), &Zone::utc());
        let since = |cohort| months.since(cohort).iter().map(|month| Month::of(month).to_string()).collect::<Vec<_>>();
        let of = |date| Cohort::Of(Month(Date::parse(date).unwrap()));
        assert_eq!(since(Cohort::Before), ["2025-11", "2025-12", "2026-01"]);
        assert_eq!(since(of("2025-12-01")), ["2025-12", "2026-01"]);
        assert!(since(of("2026-02-01")).is_empty());
        assert_eq!(CompleteMonths::new(None, at("2026-02-01T00:00:00Z"), &Zone::utc()).since(Cohort::Before).len(), 0);
    }

    #[test]
    fn parts_add_up_whatever_their_order() {
        let months = || CompleteMonths::new(Some(at("2025-12-20T00:00:00Z")), at("2026-02-01T00:00:00Z"), &Zone::utc());
        let one = |scope: Scope, mrr: i64| {
            let mut cohorts = Cohorts::new(months(), 2);
            cohorts.add_to(scope, Cohort::Before, &Course { first: Paying::of(mrr), by_month: vec![Paying::of(0), Paying::of(mrr)] });
            cohorts
        };
        let mut parts = [one(Scope::All, 5), one(Scope::All, 7), one(Scope::Plan("a".into()), 1), one(Scope::Plan("b".into()), 1)];
        let lines = |parts: &[Cohorts]| {
            let mut whole = Cohorts::new(months(), 2);
            for part in parts {
                whole.merge(part);
            }
            whole.lines().map(|line| String::from_utf8(line).unwrap()).collect::<Vec<_>>()
        };
        let expected = [
            r#"{"cohort":"before","scope":{},"accounts":2,"mrr":12,"months":[{"month":"2025-12","accounts":0,"mrr":0},{"month":"2026-01","accounts":2,"mrr":12}]}"#,
            r#"{"cohort":"before","scope":{"plan":"a"},"accounts":1,"mrr":1,"months":[{"month":"2025-12","accounts":0,"mrr":0},{"month":"2026-01","accounts":1,"mrr":1}]}"#,
        ];
        assert_eq!(lines(&parts), expected);
        parts.reverse();
        assert_eq!(lines(&parts), expected);
    }
}
