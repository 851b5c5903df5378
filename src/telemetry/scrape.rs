//! Gauges that are read at the scrape: sums by segment and band, tasks, and the series of single accounts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Registry};

use super::account_series::{Selection, Selector};
use super::family::{Families, Family};
use super::labels::BoundedLabel;
use super::source::{PortfolioCell, Source, TaskPhase, TaskStatus};
use crate::time::Timestamp;

/// Series kept free for everything but single accounts, at most half of all.
const AGGREGATE_SERIES: usize = 1_000;
/// Series of one account.
const SERIES_PER_ACCOUNT: usize = 3;

/// Limits of a scrape, and what comes first within them.
#[derive(Clone, Debug)]
pub struct Caps {
    /// `limits.series`: of the whole scrape.
    pub series: usize,
    /// `limits.label_values`: of each label taken from the users' data.
    pub label_values: usize,
    /// `metrics.watch_accounts`: accounts that have series before others.
    pub watched: Arc<BTreeSet<String>>,
}

impl Caps {
    /// How many accounts may have series of their own.
    fn accounts(&self) -> usize {
        (self.series - AGGREGATE_SERIES.min(self.series / 2)) / SERIES_PER_ACCOUNT
    }
}

/// The gauges of a scrape, filled from a [`Source`] when they are collected.
pub struct Scrape {
    source: Arc<dyn Source>,
    selector: Arc<Selector>,
    gauges: Gauges,
    /// Collections take turns: the gauges are emptied and filled.
    labels: Mutex<Labels>,
}

struct Labels {
    segment: BoundedLabel,
    csm: BoundedLabel,
}

impl Scrape {
    /// Registers the gauges; returns their families.
    ///
    /// # Errors
    /// When the registry holds one of the names already.
    pub fn register(registry: &Registry, source: Arc<dyn Source>, caps: &Caps) -> prometheus::Result<Vec<Family>> {
        let mut families = Families::default();
        let scrape = Self {
            selector: Selector::new(Arc::clone(&source), caps.accounts(), Arc::clone(&caps.watched)),
            source,
            gauges: Gauges::new(&mut families)?,
            labels: Mutex::new(Labels { segment: BoundedLabel::new(caps.label_values), csm: BoundedLabel::new(caps.label_values) }),
        };
        registry.register(Box::new(scrape))?;
        Ok(families.list)
    }

    fn fill(&self, labels: &mut Labels) {
        for gauge in self.gauges.all() {
            gauge.reset();
        }
        let (currency, exponent) = self.source.currency();
        let money = Money { currency: &currency, units: 10_f64.powi(i32::try_from(exponent).unwrap_or(0)) };
        for cell in self.source.portfolio() {
            self.gauges.portfolio(&cell, labels.segment.value(cell.segment.as_deref()), &money);
        }
        let tasks = self.source.tasks();
        self.gauges.tasks(&tasks);
        for task in &tasks {
            self.gauges.task(task);
        }
        if let Some(total) = self.source.tasks_total() {
            set(&self.gauges.tasks_total, &[], count(total as u64));
        }
        self.gauges.ready.with_label_values(&[] as &[&str]).set(f64::from(u8::from(self.source.readiness().ready)));
        self.gauges.accounts_of(&self.selector.selection(), labels, &money);
    }
}

impl Collector for Scrape {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        self.fill(&mut labels);
        self.gauges.all().into_iter().flat_map(Collector::collect).collect()
    }
}

/// The reporting currency.
struct Money<'a> {
    currency: &'a str,
    /// Minor units of one unit.
    units: f64,
}

struct Gauges {
    ready: GaugeVec,
    accounts: GaugeVec,
    mrr: GaugeVec,
    mrr_at_risk: GaugeVec,
    score_sum: GaugeVec,
    score_count: GaugeVec,
    tasks_owned: GaugeVec,
    tasks_total: GaugeVec,
    catching_up: GaugeVec,
    lag: GaugeVec,
    stale: GaugeVec,
    stream_time: GaugeVec,
    observed_since: GaugeVec,
    account_score: GaugeVec,
    account_risk: GaugeVec,
    account_mrr: GaugeVec,
    accounts_left_out: GaugeVec,
}

const ACCOUNT: &[&str] = &["account_id", "segment", "csm"];
const ACCOUNT_MRR: &[&str] = &["account_id", "segment", "csm", "currency"];
const TASK_STREAM: &[&str] = &["task", "stream"];

impl Gauges {
    fn new(make: &mut Families) -> prometheus::Result<Self> {
        Ok(Self {
            ready: make.gauge("churnwatch_ready", "1 when the instance is a member and every task of it is restored.", &[])?,
            accounts: make.gauge("churnwatch_accounts", "Accounts held.", &["segment", "band"])?,
            mrr: make.gauge("churnwatch_mrr", "MRR in units of the reporting currency.", &["segment", "band", "currency"])?,
            mrr_at_risk: make.gauge("churnwatch_mrr_at_risk", "Sum of MRR x churn risk.", &["segment", "band", "currency"])?,
            score_sum: make.gauge("churnwatch_health_score_sum", "Sum of the health scores.", &["segment", "band"])?,
            score_count: make.gauge("churnwatch_health_score_count", "Accounts that have a score.", &["segment", "band"])?,
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
            stale: make.gauge("churnwatch_stream_stale", "1 when the stream brought no record for its stale time.", TASK_STREAM)?,
            stream_time: make.gauge("churnwatch_stream_time_seconds", "Event time of the newest record, Unix time.", TASK_STREAM)?,
            observed_since: make.gauge("churnwatch_stream_observed_since_seconds", "Since when it is observed, Unix time.", TASK_STREAM)?,
            account_score: make.gauge("churnwatch_account_health_score", "Health of an account, 0 to 100.", ACCOUNT)?,
            account_risk: make.gauge("churnwatch_account_risk_ratio", "Churn risk of an account, 0 to 1.", ACCOUNT)?,
            account_mrr: make.gauge("churnwatch_account_mrr", "MRR of an account, units of the reporting currency.", ACCOUNT_MRR)?,
            accounts_left_out: make.gauge("churnwatch_account_series_left_out", "Accounts without series of their own.", &[])?,
        })
    }

    fn all(&self) -> [&GaugeVec; 17] {
        [
            &self.ready,
            &self.accounts,
            &self.mrr,
            &self.mrr_at_risk,
            &self.score_sum,
            &self.score_count,
            &self.tasks_owned,
            &self.tasks_total,
            &self.catching_up,
            &self.lag,
            &self.stale,
            &self.stream_time,
            &self.observed_since,
            &self.account_score,
            &self.account_risk,
            &self.account_mrr,
            &self.accounts_left_out,
        ]
    }

    /// Adds, since several segments may share a label.
    fn portfolio(&self, cell: &PortfolioCell, segment: &str, money: &Money<'_>) {
        let place = [segment, cell.band];
        self.accounts.with_label_values(&place).add(count(cell.accounts));
        self.score_sum.with_label_values(&place).add(cell.score_sum);
        self.score_count.with_label_values(&place).add(count(cell.scored));
        let place = [segment, cell.band, money.currency];
        self.mrr.with_label_values(&place).add(minor(cell.mrr_minor) / money.units);
        self.mrr_at_risk.with_label_values(&place).add(cell.mrr_at_risk_minor / money.units);
    }

    fn tasks(&self, tasks: &[TaskStatus]) {
        for (phase, name) in [(TaskPhase::Running, "running"), (TaskPhase::Restoring, "restoring"), (TaskPhase::Parked, "parked")] {
            set(&self.tasks_owned, &[name], count(tasks.iter().filter(|task| task.phase == phase).count() as u64));
        }
    }

    fn task(&self, status: &TaskStatus) {
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

    fn accounts_of(&self, selection: &Selection, labels: &mut Labels, money: &Money<'_>) {
        for row in &selection.rows {
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
        }
        set(&self.accounts_left_out, &[], count(selection.left_out));
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

impl std::fmt::Debug for Scrape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, row};
    use super::super::top::OwnedRow;
    use super::*;

    fn scraped(fake: Fake, caps: &Caps) -> String {
        let registry = Registry::new();
        Scrape::register(&registry, Arc::new(fake), caps).unwrap();
        String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap()
    }

    fn caps() -> Caps {
        Caps { series: 10_000, label_values: 50, watched: Arc::default() }
    }

    #[test]
    fn money_is_in_units_of_the_reporting_currency() {
        let cell = PortfolioCell { segment: Some("smb".into()), band: "red", accounts: 2, mrr_minor: 12_345, ..PortfolioCell::default() };
        let text = scraped(Fake { cells: vec![cell], ..Fake::default() }, &caps());
        assert!(text.contains("churnwatch_mrr{band=\"red\",currency=\"USD\",segment=\"smb\"} 123.45\n"), "{text}");
        assert!(text.contains("churnwatch_accounts{band=\"red\",segment=\"smb\"} 2\n"));
    }

    #[test]
    fn segments_that_share_a_label_are_added() {
        let cell = |segment: &str| PortfolioCell { segment: Some(segment.into()), band: "green", accounts: 1, ..PortfolioCell::default() };
        let text = scraped(Fake { cells: vec![cell("a"), cell("b"), cell("c")], ..Fake::default() }, &Caps { label_values: 1, ..caps() });
        assert!(text.contains("churnwatch_accounts{band=\"green\",segment=\"other\"} 2\n"), "{text}");
    }

    #[test]
    fn the_most_urgent_accounts_have_series_and_the_rest_is_counted() {
        let rows = vec![row("calm", 90.0, 0.01, 500_000), row("worse", 45.0, 0.2, 100), row("red", 20.0, 0.7, 1_000)];
        let mut fake = Fake { rows, ..Fake::default() };
        fake.rows[1].worsened_at = Some(fake.now);
        let watched = Arc::new(BTreeSet::from(["red".to_owned()]));
        let text = scraped(fake, &Caps { series: 12, watched, ..caps() });
        assert!(text.contains("churnwatch_account_health_score{account_id=\"worse\",csm=\"dana\",segment=\"smb\"} 45\n"), "{text}");
        assert!(text.contains("churnwatch_account_risk_ratio{account_id=\"red\",csm=\"dana\",segment=\"smb\"} 0.7\n"));
        assert!(!text.contains("calm") && text.contains("churnwatch_account_series_left_out 1\n"));
    }

    #[test]
    fn a_scrape_never_exceeds_the_series_it_may_have() {
        let rows = (0..5_000).map(|n| row(&format!("acct-{n}"), 50.0, 0.5, n)).collect();
        let text = scraped(Fake { rows, ..Fake::default() }, &caps());
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!((9_000..=10_000).contains(&series), "{series}");
    }

    #[test]
    fn absent_figures_have_no_series() {
        let fake = Fake { rows: vec![OwnedRow { score: None, risk: None, ..row("new", 0.0, 0.0, 5) }], ..Fake::default() };
        let text = scraped(fake, &caps());
        assert!(!text.contains("churnwatch_account_health_score{") && text.contains("churnwatch_account_mrr{account_id=\"new\""), "{text}");
    }
}
