//! Health scores by segment and band as a summary (sum and count), so that averages over several instances come out right.

use std::collections::{BTreeMap, HashMap};

use prometheus::core::Desc;
use prometheus::proto::{Metric, MetricFamily, MetricType, Summary};

use super::family::Family;
use super::portfolio::label;
use super::source::PortfolioCell;

const NAME: &str = "churnwatch_health_score";
const HELP: &str = "Health scores of accounts, 0 to 100.";
const LABELS: [&str; 2] = ["band", "segment"];

/// Sum and number of scores by band and segment.
#[derive(Debug, Default)]
pub(super) struct HealthScores(BTreeMap<[String; 2], (f64, u64)>);

impl HealthScores {
    pub(super) fn family() -> Family {
        Family { name: NAME, kind: "summary", labels: LABELS.to_vec() }
    }

    /// The description for the registry.
    ///
    /// # Errors
    /// If the name is invalid.
    pub(super) fn description() -> prometheus::Result<Desc> {
        Desc::new(NAME.to_owned(), HELP.to_owned(), LABELS.map(str::to_owned).to_vec(), HashMap::new())
    }

    /// Adds a cell under the label of its segment; several segments may share one.
    pub(super) fn add(&mut self, cell: &PortfolioCell, segment: &str) {
        let (sum, count) = self.0.entry([cell.band.to_owned(), segment.to_owned()]).or_default();
        *sum += cell.score_sum;
        *count += cell.scored;
    }

    pub(super) fn collect(self) -> MetricFamily {
        let metric = |(values, (sum, count)): ([String; 2], (f64, u64))| {
            let mut metric = Metric::from_label(LABELS.iter().zip(&values).map(|(name, value)| label(name, value)).collect());
            let mut summary = Summary::default();
            summary.set_sample_sum(sum);
            summary.set_sample_count(count);
            metric.set_summary(summary);
            metric
        };
        let mut family = MetricFamily::default();
        family.set_name(NAME.to_owned());
        family.set_help(HELP.to_owned());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(self.0.into_iter().map(metric).collect());
        family
    }
}
