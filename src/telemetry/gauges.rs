//! All gauges except the KPIs: sums by segment and band, tasks, single accounts.

use prometheus::GaugeVec;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;

use super::account_series::Selection;
use super::family::Families;
use super::labels::AccountLabels;
use super::source::{PortfolioCell, RepartitionStatus, TaskPhase, TaskStatus};
use super::track_record::TrackRecord;
use crate::time::Timestamp;

/// The reporting currency.
pub(super) struct Money<'a> {
    pub(super) currency: &'a str,
    /// Minor units per unit of the currency.
    pub(super) units: f64,
}

/// The gauges, reset and refilled at each scrape.
pub(super) struct Gauges {
    ready: GaugeVec,
    memory: GaugeVec,
    accounts: GaugeVec,
    mrr: GaugeVec,
    mrr_at_risk: GaugeVec,
    tasks_owned: GaugeVec,
    tasks_total: GaugeVec,
    catching_up: GaugeVec,
    lag: GaugeVec,
    repartition_lag: GaugeVec,
    stale: GaugeVec,
    stream_time: GaugeVec,
    observed_since: GaugeVec,
    account_score: GaugeVec,
    account_risk: GaugeVec,
    account_mrr: GaugeVec,
    account_worsened: GaugeVec,
    account_driver: GaugeVec,
    accounts_left_out: GaugeVec,
    predictions_due: GaugeVec,
    expected_churn: GaugeVec,
    observed_churn: GaugeVec,
}

const ACCOUNT: &[&str] = &["account_id", "segment", "csm"];
const ACCOUNT_MRR: &[&str] = &["account_id", "segment", "csm", "currency"];
const LEVEL: &[&str] = &["level"];
const TASK_STREAM: &[&str] = &["task", "stream"];

impl Gauges {
    pub(super) fn new(make: &mut Families) -> prometheus::Result<Self> {
        Ok(Self {
            ready: make.gauge("churnwatch_ready", "1 when the instance is a member and every task of it is restored.", &[])?,
            memory: make.gauge("churnwatch_resident_memory_bytes", "Resident memory of the process.", &[])?,
            accounts: make.gauge("churnwatch_accounts", "Accounts held.", &["segment", "band"])?,
            mrr: make.gauge("churnwatch_mrr", "MRR in units of the reporting currency.", &["segment", "band", "currency"])?,
            mrr_at_risk: make.gauge("churnwatch_mrr_at_risk", "Sum of MRR x churn risk.", &["segment", "band", "currency"])?,
            tasks_owned: make.gauge("churnwatch_tasks_owned", "Tasks of this instance, by phase.", &["phase"])?,
            tasks_total: make.gauge("churnwatch_group_tasks", "Tasks of the whole group.", &[])?,
            catching_up: make.gauge(
                "churnwatch_task_catching_up",
                "1 while the task reads old records and publishes nothing.",
                &["task"],
            )?,
            lag: make.gauge(
                "churnwatch_task_lag_records",
                "Records between what is committed and the ends of its partitions.",
                &["task"],
            )?,
            repartition_lag: make.gauge(
                "churnwatch_repartition_lag_records",
                "Records between what the repartition stage has read of a topic and the ends of its partitions.",
                &["topic"],
            )?,
            stale: make.gauge("churnwatch_stream_stale", "1 when the stream brought no record for its stale time.", TASK_STREAM)?,
            stream_time: make.gauge("churnwatch_stream_time_seconds", "Event time of the newest record, Unix time.", TASK_STREAM)?,
            observed_since: make.gauge("churnwatch_stream_observed_since_seconds", "Since when it is observed, Unix time.", TASK_STREAM)?,
            account_score: make.gauge("churnwatch_account_health_score", "Health of an account, 0 to 100.", ACCOUNT)?,
            account_risk: make.gauge("churnwatch_account_risk_ratio", "Churn risk of an account, 0 to 1.", ACCOUNT)?,
            account_mrr: make.gauge("churnwatch_account_mrr", "MRR of an account, units of the reporting currency.", ACCOUNT_MRR)?,
            account_worsened: make.gauge(
                "churnwatch_account_band_worsened",
                "1 when the band of an account became worse in the last 24 hours and not better since.",
                ACCOUNT,
            )?,
            account_driver: make.gauge(
                "churnwatch_account_driver_info",
                "Always 1; what moved an account most in its last published change.",
                &["account_id", "driver"],
            )?,
            accounts_left_out: make.gauge("churnwatch_account_series_left_out", "Accounts without series of their own.", &[])?,
            predictions_due: make.gauge(
                "churnwatch_predictions_due",
                "Predictions of the calibrated model in force whose horizon has passed or whose account has churned.",
                LEVEL,
            )?,
            expected_churn: make.gauge("churnwatch_predictions_expected_churn", "Sum of the probabilities of those.", LEVEL)?,
            observed_churn: make.gauge("churnwatch_predictions_observed_churn", "Those whose account has churned.", LEVEL)?,
        })
    }

    pub(super) fn all(&self) -> [&GaugeVec; 22] {
        [
            &self.ready,
            &self.memory,
            &self.accounts,
            &self.mrr,
            &self.mrr_at_risk,
            &self.tasks_owned,
            &self.tasks_total,
            &self.catching_up,
            &self.lag,
            &self.repartition_lag,
            &self.stale,
            &self.stream_time,
            &self.observed_since,
            &self.account_score,
            &self.account_risk,
            &self.account_mrr,
            &self.account_worsened,
            &self.account_driver,
            &self.accounts_left_out,
            &self.predictions_due,
            &self.expected_churn,
            &self.observed_churn,
        ]
    }

    pub(super) fn collect(&self) -> Vec<MetricFamily> {
        self.all().into_iter().flat_map(Collector::collect).collect()
    }

    /// Adds to the gauges instead of setting them, because several segments may share a label value.
    pub(super) fn portfolio(&self, cell: &PortfolioCell, segment: &str, money: &Money<'_>) {
        let place = [segment, cell.band];
        self.accounts.with_label_values(&place).add(count(cell.accounts));
        let place = [segment, cell.band, money.currency];
        self.mrr.with_label_values(&place).add(minor(cell.mrr_minor) / money.units);
        if let Some(minor) = cell.mrr_at_risk_minor {
            self.mrr_at_risk.with_label_values(&place).add(minor / money.units);
        }
    }

    pub(super) fn tasks(&self, tasks: &[TaskStatus]) {
        for (phase, name) in [(TaskPhase::Running, "running"), (TaskPhase::Restoring, "restoring"), (TaskPhase::Parked, "parked")] {
            set(&self.tasks_owned, &[name], count(tasks.iter().filter(|task| task.phase == phase).count() as u64));
        }
    }

    /// Readiness and the tasks of the group.
    pub(super) fn group(&self, tasks_total: Option<usize>, ready: bool) {
        if let Some(total) = tasks_total {
            set(&self.tasks_total, &[], count(total as u64));
        }
        set(&self.ready, &[], f64::from(u8::from(ready)));
    }

    /// Memory of the process, where the system tells.
    pub(super) fn process(&self, resident_bytes: Option<f64>) {
        if let Some(bytes) = resident_bytes {
            set(&self.memory, &[], bytes);
        }
    }

    /// The repartition stage.
    pub(super) fn repartition(&self, topics: &[RepartitionStatus]) {
        for (topic, lag) in topics.iter().filter_map(|status| Some((&status.topic, status.lag_records?))) {
            set(&self.repartition_lag, &[topic], count(lag));
        }
    }

    /// What became of the predictions of a calibrated model.
    pub(super) fn track_record(&self, record: Option<&TrackRecord>) {
        for level in record.map(|record| &record.levels).into_iter().flatten() {
            set(&self.predictions_due, &[level.level], count(level.predictions));
            set(&self.expected_churn, &[level.level], level.expected_churn);
            set(&self.observed_churn, &[level.level], count(level.observed_churn));
        }
    }

    pub(super) fn task(&self, status: &TaskStatus) {
        let task = status.task.to_string();
        set(&self.catching_up, &[&task], f64::from(u8::from(status.catching_up)));
        if let Some(lag) = status.lag_records {
            set(&self.lag, &[&task], count(lag));
        }
        for stream in &status.streams {
            let place = [task.as_str(), stream.stream.name()];
            set(&self.stale, &place, f64::from(u8::from(stream.stale)));
            if let Some(at) = stream.time {
                set(&self.stream_time, &place, unix_seconds(at));
            }
            if let Some(at) = stream.observed_since {
                set(&self.observed_since, &place, unix_seconds(at));
            }
        }
    }

    pub(super) fn accounts_of(&self, selection: &Selection, most: usize, labels: &mut AccountLabels, money: &Money<'_>, now: Timestamp) {
        let shown = selection.rows.len().min(most);
        for row in selection.rows.iter().take(shown) {
            let segment = labels.segment.value(row.segment.as_deref());
            let csm = labels.csm.value(row.csm.as_deref());
            if let Some(score) = row.score {
                set(&self.account_score, &[&row.account_id, segment, csm], score);
            }
            if let Some(risk) = row.risk {
                set(&self.account_risk, &[&row.account_id, segment, csm], risk);
            }
            if let Some(mrr) = row.mrr_minor {
                set(&self.account_mrr, &[&row.account_id, segment, csm, money.currency], minor(mrr) / money.units);
            }
            set(&self.account_worsened, &[&row.account_id, segment, csm], f64::from(u8::from(row.has_worsened(now))));
            if let Some(driver) = &row.driver {
                set(&self.account_driver, &[&row.account_id, driver], 1.0);
            }
        }
        set(&self.accounts_left_out, &[], count(selection.accounts.saturating_sub(shown as u64)));
    }
}

fn set(gauge: &GaugeVec, labels: &[&str], value: f64) {
    gauge.with_label_values(labels).set(value);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn count(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn minor(amount: i64) -> f64 {
    amount as f64
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn unix_seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}
