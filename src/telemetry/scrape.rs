//! The collector of everything that is computed at a scrape, within the limit on series.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::account_series::Selection;
use super::family::{Families, Family};
use super::gauges::{Gauges, Money};
use super::health_score::HealthScores;
use super::labels::AccountLabels;
use super::memory;
use super::portfolio::{self, NamedScopes};
use super::refreshed::Refreshed;
use super::source::Source;

/// Series reserved for the counters of the stream threads, but at most a quarter of all.
const COUNTER_SERIES: usize = 1_500;
/// Share of the rest that the portfolio may use for segments, plans and CSMs, percent.
const PORTFOLIO_PERCENT: usize = 65;
/// Series of one account.
const SERIES_PER_ACCOUNT: usize = 5;

/// The limits of a scrape, and the watch list.
#[derive(Clone, Debug)]
pub struct Caps {
    /// `limits.series`: most series of the whole scrape.
    pub series: usize,
    /// `limits.label_values`: most values of each label with user data.
    pub label_values: usize,
    /// `metrics.watch_accounts`: accounts that take precedence over others.
    pub watched: Arc<BTreeSet<String>>,
}

impl Caps {
    /// Most series of all gauges together.
    fn gauges(&self) -> usize {
        self.series - COUNTER_SERIES.min(self.series / 4)
    }

    /// How many accounts could have their own series if nothing else had any.
    fn accounts(&self) -> usize {
        self.gauges() / SERIES_PER_ACCOUNT
    }
}

/// The gauges of a scrape, filled from a [`Source`] when they are collected.
pub struct Scrape {
    source: Arc<dyn Source>,
    selection: Arc<Refreshed<Selection>>,
    gauges: Gauges,
    /// Descriptions of the families that are rebuilt at each scrape.
    made: Vec<Desc>,
    series_max: usize,
    /// Also serialises collections, which reset and refill the gauges.
    labels: Mutex<Labels>,
}

/// Labels with user data.
#[derive(Debug)]
struct Labels {
    accounts: AccountLabels,
    scopes: NamedScopes,
}

impl Scrape {
    /// Registers the gauges; returns their families.
    ///
    /// # Errors
    /// If the registry already contains one of the names.
    pub fn register(registry: &Registry, source: Arc<dyn Source>, caps: &Caps) -> prometheus::Result<Vec<Family>> {
        let mut families = Families::default();
        let scrape = Self {
            selection: Selection::of(Arc::clone(&source), caps.accounts(), Arc::clone(&caps.watched)),
            source,
            gauges: Gauges::new(&mut families)?,
            made: portfolio::descriptions()?.into_iter().chain([HealthScores::description()?]).collect(),
            series_max: caps.gauges(),
            labels: Mutex::new(Labels { accounts: AccountLabels::new(caps.label_values), scopes: NamedScopes::new(caps.label_values) }),
        };
        registry.register(Box::new(scrape))?;
        families.list.extend(portfolio::families());
        families.list.push(HealthScores::family());
        Ok(families.list)
    }

    /// Refills the gauges, single accounts last and only as far as there is room. Returns the families that are rebuilt at each scrape.
    fn fill(&self, labels: &mut Labels) -> Vec<MetricFamily> {
        for gauge in self.gauges.all() {
            gauge.reset();
        }
        let (currency, exponent) = self.source.currency();
        let money = Money { currency: &currency, units: 10_f64.powi(i32::try_from(exponent).unwrap_or(0)) };
        let mut scores = HealthScores::default();
        for cell in self.source.portfolio() {
            let segment = labels.accounts.segment.value(cell.segment.as_deref());
            self.gauges.portfolio(&cell, segment, &money);
            scores.add(&cell, segment);
        }
        self.gauges.process(memory::resident_bytes());
        let tasks = self.source.tasks();
        self.gauges.tasks(&tasks);
        for task in &tasks {
            self.gauges.task(task);
        }
        self.gauges.repartition(&self.source.repartition());
        self.gauges.track_record(self.source.track_record().as_ref());
        self.gauges.group(self.source.tasks_total(), self.source.readiness().ready);
        let scores = vec![scores.collect()];
        let room = self.series_max.saturating_sub(series_of(&self.gauges.collect()) + series_of(&scores));
        let portfolio = portfolio::collect(&self.source.live(), &mut labels.scopes, &money, room * PORTFOLIO_PERCENT / 100);
        let room = room.saturating_sub(series_of(&portfolio) + 1);
        self.gauges.accounts_of(&self.selection.get(), room / SERIES_PER_ACCOUNT, &mut labels.accounts, &money, self.source.now());
        portfolio.into_iter().chain(scores).collect()
    }
}

impl Collector for Scrape {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.all().into_iter().flat_map(Collector::desc).chain(&self.made).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let made = self.fill(&mut labels);
        self.gauges.collect().into_iter().chain(made).collect()
    }
}

/// Counts series; a histogram has one per bound, plus three.
fn series_of(families: &[MetricFamily]) -> usize {
    let of_metric = |metric: &Metric, kind: MetricType| match kind {
        MetricType::HISTOGRAM => metric.get_histogram().get_bucket().len() + 3,
        MetricType::SUMMARY => 2,
        _ => 1,
    };
    families.iter().flat_map(|family| family.get_metric().iter().map(|metric| of_metric(metric, family.get_field_type()))).sum()
}

impl std::fmt::Debug for Scrape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, row};
    use super::super::source::PortfolioCell;
    use super::super::top::OwnedRow;
    use super::super::track_record::{LevelRecord, TrackRecord};
    use super::*;
    use crate::score::Level;

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
    fn mrr_at_risk_is_absent_where_no_account_has_a_risk() {
        let cell =
            |band, mrr_at_risk_minor| PortfolioCell { band, accounts: 1, mrr_minor: 100, mrr_at_risk_minor, ..PortfolioCell::default() };
        let cells = vec![cell("red", Some(50.0)), cell("green", Some(0.0)), cell("unknown", None)];
        let text = scraped(Fake { cells, ..Fake::default() }, &caps());
        let at_risk: Vec<&str> = text.lines().filter(|line| line.starts_with("churnwatch_mrr_at_risk{")).collect();
        assert!(at_risk.len() == 2 && at_risk[0].contains("green") && at_risk[0].ends_with(" 0"), "{at_risk:?}");
        assert!(at_risk[1].contains("red") && at_risk[1].ends_with(" 0.5"), "{at_risk:?}");
    }

    #[test]
    fn predictions_that_have_come_due_are_exposed_by_level() {
        let levels = Level::ALL.map(|level| LevelRecord { level: level.name(), predictions: 40, expected_churn: 2.5, observed_churn: 3 });
        let record = TrackRecord { name: "fitted".to_owned(), horizon_days: 90, evidence: None, levels };
        let text = scraped(Fake { track_record: Some(record), ..Fake::default() }, &caps());
        for (name, value) in [("due", "40"), ("expected_churn", "2.5"), ("observed_churn", "3")] {
            assert!(text.contains(&format!("churnwatch_predictions_{name}{{level=\"high\"}} {value}\n")), "{text}");
        }
        assert!(!scraped(Fake::default(), &caps()).contains("churnwatch_predictions_due{"), "a model that is not calibrated has no record");
    }

    #[test]
    fn segments_that_share_a_label_are_summed() {
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
        let text = scraped(fake, &Caps { series: 24, watched, ..caps() });
        assert!(text.contains("churnwatch_account_health_score{account_id=\"worse\",csm=\"dana\",segment=\"smb\"} 45\n"), "{text}");
        assert!(text.contains("churnwatch_account_risk_ratio{account_id=\"red\",csm=\"dana\",segment=\"smb\"} 0.7\n"));
        let worsened = |id: &str, value: u8| format!("band_worsened{{account_id=\"{id}\",csm=\"dana\",segment=\"smb\"}} {value}\n");
        assert!(text.contains(&worsened("worse", 1)) && text.contains(&worsened("red", 0)), "{text}");
        assert!(text.contains("churnwatch_account_driver_info{account_id=\"worse\",driver=\"made up\"} 1\n"), "{text}");
        assert!(!text.contains("calm") && text.contains("churnwatch_account_series_left_out 1\n"));
    }

    #[test]
    fn a_scrape_never_exceeds_its_limit_on_series() {
        let rows = (0..5_000).map(|n| row(&format!("acct-{n}"), 50.0, 0.5, n)).collect();
        let text = scraped(Fake { rows, ..Fake::default() }, &caps());
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!((8_000..=10_000).contains(&series), "{series}");
    }

    #[test]
    fn an_account_without_a_score_has_no_score_series() {
        let fake = Fake { rows: vec![OwnedRow { score: None, risk: None, ..row("new", 0.0, 0.0, 5) }], ..Fake::default() };
        let text = scraped(fake, &caps());
        assert!(!text.contains("churnwatch_account_health_score{") && text.contains("churnwatch_account_mrr{account_id=\"new\""), "{text}");
    }
}
