//! The read side for HTTP and the scrape: accounts, sums, tasks. They see nothing else of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::track_record::TrackRecord;
use crate::breakdown::Breakdown;
use crate::engine::{AccountDetails, AccountHistory, Counts};
use crate::event::Stream;
use crate::portfolio::{Cohorts, Portfolio, PortfolioHistory};
use crate::settings::Settings;
use crate::time::Timestamp;

/// Names of the bands, best first.
pub const BANDS: [&str; 5] = ["green", "yellow", "red", "unknown", "churned"];

/// The read side of this instance. Its methods may be called from any thread and hold no lock when they return.
pub trait Source: Send + Sync + 'static {
    /// The current time: wall-clock time, or simulated time in `demo`.
    fn now(&self) -> Timestamp;

    /// Visits every account once, in no particular order. The accounts of one key are locked at a time, so `visit` must be quick.
    fn visit(&self, visit: &mut dyn FnMut(&AccountRow<'_>));

    /// One account as in `replay --out-accounts`, measured at `now`; `None` if this instance does not hold it.
    fn account(&self, account_id: &str) -> Option<Value>;

    /// The score of one account at `now` taken apart; `None` if this instance does not hold it.
    fn breakdown(&self, account_id: &str) -> Option<Breakdown>;

    /// One account on past dates; `None` if this instance does not hold it.
    fn account_history(&self, account_id: &str) -> Option<AccountHistory>;

    /// What stands behind the figures of one account; `None` if this instance does not hold it.
    fn account_details(&self, account_id: &str) -> Option<AccountDetails>;

    /// The newest published changes since this instance took over its tasks, newest first, at most `limit`.
    fn recent_changes(&self, limit: usize) -> Vec<Value>;

    /// Sums over the accounts by segment and band.
    fn portfolio(&self) -> Vec<PortfolioCell>;

    /// The sums behind the live KPIs of this instance's accounts; at most a minute old.
    fn live(&self) -> Arc<Live>;

    /// The cohorts of this instance's accounts; at most a minute old if they are requested regularly.
    fn cohorts(&self) -> Arc<Cohorts>;

    /// The portfolio on past dates; at most a minute old if it is requested regularly.
    fn portfolio_history(&self) -> Arc<PortfolioHistory>;

    /// ISO code of the reporting currency, and the digits of its minor unit.
    fn currency(&self) -> (String, u32);

    /// The tasks of this instance by number.
    fn tasks(&self) -> Vec<TaskStatus>;

    /// The stream threads of this instance, by number.
    fn threads(&self) -> Vec<ThreadStatus> {
        Vec::new()
    }

    /// How far the repartition stage of this instance has read each of its topics; empty without one.
    fn repartition(&self) -> Vec<RepartitionStatus> {
        Vec::new()
    }

    /// What the model in force was fitted to and how it has done since; `None` if it is not calibrated.
    fn track_record(&self) -> Option<TrackRecord> {
        None
    }

    /// The number of tasks in the group; `None` until it is known.
    fn tasks_total(&self) -> Option<usize>;

    /// The known members of the group, for users looking for an account that another member holds.
    fn members(&self) -> Vec<String>;

    /// Whether this instance is ready.
    fn readiness(&self) -> Readiness;

    /// A thread that hangs, if there is one.
    fn stuck(&self) -> Option<String> {
        None
    }
}

/// The live sums of the portfolio, and the settings that turn them into KPIs.
#[derive(Clone, Debug)]
pub struct Live {
    /// Sums by scope.
    pub portfolio: Portfolio,
    /// The settings in force.
    pub settings: Arc<Settings>,
}

/// The fields of an account in lists and series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountRow<'a> {
    /// Identity.
    pub account_id: &'a str,
    /// Display name.
    pub name: Option<&'a str>,
    /// Segment.
    pub segment: Option<&'a str>,
    /// Plan.
    pub plan: Option<&'a str>,
    /// Customer success manager.
    pub csm: Option<&'a str>,
    /// Lifecycle stage; `None` without billing.
    pub stage: Option<&'static str>,
    /// One of [`BANDS`].
    pub band: &'static str,
    /// Health, 0..=100.
    pub score: Option<f64>,
    /// Churn risk, 0..=1.
    pub risk: Option<f64>,
    /// `low`, `medium`, `high` or `critical`.
    pub level: Option<&'static str>,
    /// Monthly recurring revenue in minor units of the reporting currency.
    pub mrr_minor: Option<i64>,
    /// When the band last became worse, unless it has become better since.
    pub worsened_at: Option<Timestamp>,
    /// Number of changes published.
    pub sequence: u64,
    /// What moved it most, if the last published change was for the worse and this process published it.
    pub driver: Option<&'a str>,
}

/// Sums over the accounts of one segment and band.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PortfolioCell {
    /// Segment; `None` for accounts without one.
    pub segment: Option<String>,
    /// One of [`BANDS`].
    pub band: &'static str,
    /// Accounts.
    pub accounts: u64,
    /// Sum of their MRR in minor units of the reporting currency.
    pub mrr_minor: i64,
    /// Sum of MRR x risk in minor units; `None` where no account has a risk that describes today.
    pub mrr_at_risk_minor: Option<f64>,
    /// Sum of the scores of those that have one.
    pub score_sum: f64,
    /// Accounts with a score.
    pub scored: u64,
}

/// What a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// It was assigned without all of its topics.
    Parked,
    /// Its state is being read from the changelog.
    Restoring,
    /// It reads records.
    Running,
}

/// One task of this instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskStatus {
    /// The partition number that it owns in every topic.
    pub task: i32,
    /// What it is doing.
    pub phase: TaskPhase,
    /// Whether it is reading old records and publishes nothing.
    pub catching_up: bool,
    /// Accounts that it holds.
    pub accounts: u64,
    /// Records between the next offset and the end of its partitions; `None` while unknown.
    pub lag_records: Option<u64>,
    /// Its configured streams.
    pub streams: Vec<StreamStatus>,
    /// Records by outcome, as in `replay --out-counts`.
    pub counts: Counts,
    /// The reason of the newest dead letter, by stream and code.
    pub reasons: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
}

/// One stream thread of this instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ThreadStatus {
    /// Its number.
    pub thread: usize,
    /// The tasks that it is restoring.
    pub restoring: Vec<i32>,
    /// Records of the changelog that it has read so far.
    pub restored_records: u64,
    /// Transactions that it has committed.
    pub transactions: u64,
    /// Seconds that they took in all, from begin to commit.
    pub commit_seconds: f64,
    /// When it committed the last one.
    #[serde(serialize_with = "crate::time::rfc3339_or_null")]
    pub committed_at: Option<Timestamp>,
}

/// One stream of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamStatus {
    /// The stream.
    pub stream: Stream,
    /// Event time of the newest record.
    #[serde(serialize_with = "crate::time::rfc3339_or_null")]
    pub time: Option<Timestamp>,
    /// Broker time of the earliest record read.
    #[serde(serialize_with = "crate::time::rfc3339_or_null")]
    pub observed_since: Option<Timestamp>,
    /// Whether the stream has been silent so long that its metrics are frozen.
    pub stale: bool,
}

/// Whether the instance is ready, and if not, what it is waiting for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether it has joined the group and restored every assigned task.
    pub ready: bool,
    /// What it is waiting for.
    pub waiting_for: Vec<String>,
    /// Since when no broker has answered; `None` while one does.
    #[serde(serialize_with = "crate::time::rfc3339_or_null")]
    pub no_contact_since: Option<Timestamp>,
}

/// A topic that the repartition stage reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepartitionStatus {
    /// The topic.
    pub topic: String,
    /// Partitions that this instance reads.
    pub partitions: usize,
    /// Records between what was read and the ends of these partitions; `None` while an end is unknown.
    pub lag_records: Option<u64>,
}
