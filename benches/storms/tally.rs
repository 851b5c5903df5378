//! Counts changes of bands and compares them with the hidden futures.

use churnwatch::score::{Band, Model};
use churnwatch::simulate::Label;
use churnwatch::time::{DAY_MS, Timestamp};

use crate::scenario::{Scenario, counts_from, number};

pub const HEADER: &str = "\
| portfolio | accounts | band changes | without hysteresis | false alarms | true alarms | declines noticed | days until noticed: median | 90 % | green | yellow | red |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Days after the beginning of a recovery, and before the end of a customer, in which an alarm is not false.
const AFTERMATH_DAYS: i64 = 56;
const HORIZON_DAYS: i64 = 90;
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;

/// The counts of a portfolio.
pub struct Tally {
    model: Model,
    accounts: Vec<Account>,
    changes: u64,
    changes_plain: u64,
    false_alarms: u64,
    true_alarms: u64,
    /// Days of accounts in green, yellow and red.
    days: [u64; 3],
}

#[derive(Default)]
struct Account {
    turns_at: Option<Timestamp>,
    recovers_at: Option<Timestamp>,
    churned_at: Option<Timestamp>,
    band: Option<Band>,
    band_plain: Option<Band>,
    noticed_at: Option<Timestamp>,
}

impl Tally {
    pub fn new(labels: impl Iterator<Item = Label>, model: &Model) -> Self {
        let instant = |text: Option<String>| text.and_then(|text| Timestamp::parse_rfc3339(&text));
        let account = |label: Label| Account {
            turns_at: instant(label.turns_at),
            recovers_at: instant(label.recovers_at),
            churned_at: instant(label.churned_at),
            ..Account::default()
        };
        let accounts = labels.map(account).collect();
        Self { model: model.clone(), accounts, changes: 0, changes_plain: 0, false_alarms: 0, true_alarms: 0, days: [0; 3] }
    }

    /// Adds an account as it is scored at an instant.
    pub fn add(&mut self, id: &str, at: Timestamp, band: Band, health: Option<f64>) {
        let plain = match (band, health) {
            (Band::Churned, _) => Band::Churned,
            (_, None) => Band::Unknown,
            (_, Some(health)) => Band::plain(health, &self.model.bands),
        };
        let Some(account) = self.accounts.get_mut(number(id)) else { return };
        let before = account.band.replace(band);
        self.changes += u64::from(has_changed(before, band));
        self.changes_plain += u64::from(has_changed(account.band_plain.replace(plain), plain));
        let place = [Band::Green, Band::Yellow, Band::Red].iter().position(|one| *one == band);
        if let Some(days) = place.and_then(|place| self.days.get_mut(place)) {
            *days += 1;
        }
        if band != Band::Churned && before.is_some_and(|before| band.is_worse_than(before)) {
            if account.is_in_trouble(at) {
                self.true_alarms += 1;
                account.noticed_at = account.noticed_at.or(account.turns_at.filter(|turns| *turns <= at).map(|_| at));
            } else {
                self.false_alarms += 1;
            }
        }
    }

    pub fn row(&self, scenario: &Scenario) -> String {
        let scored: u64 = self.days.iter().sum();
        let months = scored as f64 / DAYS_PER_MONTH;
        let per_month = |count: u64| format!("{:.3}", count as f64 / months);
        let end = scenario.options.end().minus_days(HORIZON_DAYS);
        let counted = |account: &&Account| account.turns_at.is_some_and(|at| at >= counts_from() && at <= end);
        let declines: Vec<&Account> = self.accounts.iter().filter(counted).collect();
        let mut delays: Vec<i64> =
            declines.iter().filter_map(|account| Some(account.noticed_at?.since(account.turns_at?) / DAY_MS)).collect();
        delays.sort_unstable();
        let quantile = |part: usize| delays.get(delays.len() * part / 100).map_or("-".to_owned(), i64::to_string);
        let share = |part: usize, whole: usize| {
            if whole == 0 { "-".to_owned() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) }
        };
        let [green, yellow, red] = self.days.map(|days| share(usize::try_from(days).unwrap(), usize::try_from(scored).unwrap()));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {green} | {yellow} | {red} |",
            scenario.name,
            scenario.options.accounts,
            per_month(self.changes),
            per_month(self.changes_plain),
            per_month(self.false_alarms),
            per_month(self.true_alarms),
            share(delays.len(), declines.len()),
            quantile(50),
            quantile(90),
        )
    }
}

/// A first band, and the end of a customer, are no changes of mind.
fn has_changed(before: Option<Band>, after: Band) -> bool {
    before.is_some_and(|before| before != after && before != Band::Churned && after != Band::Churned)
}

impl Account {
    /// Whether it is in decline, was so recently, or leaves soon.
    fn is_in_trouble(&self, at: Timestamp) -> bool {
        let ends = self.recovers_at.map(|recovers| recovers.plus(AFTERMATH_DAYS * DAY_MS));
        let declines = self.turns_at.is_some_and(|turns| turns <= at && ends.is_none_or(|ends| at <= ends));
        declines || self.churned_at.is_some_and(|leaves| leaves <= at.plus(HORIZON_DAYS * DAY_MS))
    }
}
