//! The company's own acquisition and retention costs, recorded monthly per segment.

use serde::Serialize;

use super::options::Options;
use super::record::{Native, SimulatedRecord};
use crate::event::Stream;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// The key of cost records; the engine ignores it.
const KEY: &str = "company";
/// Category, segment, and minor units per account and month.
const COSTS: [(&str, &str, i64); 6] = [
    ("acquisition", "smb", 1_500),
    ("acquisition", "mid-market", 4_000),
    ("acquisition", "enterprise", 6_000),
    ("retention", "smb", 800),
    ("retention", "mid-market", 2_500),
    ("retention", "enterprise", 5_000),
];

/// The costs of the run, in time order.
#[derive(Debug)]
pub struct Company {
    at: Timestamp,
    end: Timestamp,
    next: usize,
    accounts: u32,
    currency: Box<str>,
    month: u32,
}

impl Company {
    /// The company that owns the simulated product.
    pub fn new(options: &Options) -> Self {
        let at = options.start.plus(12 * HOUR_MS);
        Self { at, end: options.end(), next: 0, accounts: options.accounts, currency: options.currency.as_str().into(), month: 1 }
    }

    /// The time of the next cost.
    pub fn next_at(&self) -> Option<Timestamp> {
        (self.at < self.end).then_some(self.at)
    }

    /// The next cost.
    pub fn next_record(&mut self) -> Option<SimulatedRecord> {
        let at = self.next_at()?;
        let (category, segment, an_account) = *COSTS.get(self.next)?;
        let body = Body { category, segment, amount_minor: an_account * i64::from(self.accounts), currency: &self.currency };
        let id = format!("cost-{}-{}", self.month, self.next + 1);
        let json = Native { id, type_name: "cost_recorded", account_id: None, occurred_at: at, body }.to_json();
        self.next += 1;
        if self.next == COSTS.len() {
            (self.next, self.month) = (0, self.month + 1);
            self.at = at.plus(30 * DAY_MS);
        }
        Some(SimulatedRecord { stream: Stream::Billing, account: KEY.to_owned(), at, json })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    category: &'static str,
    segment: &'static str,
    amount_minor: i64,
    currency: &'a str,
}
