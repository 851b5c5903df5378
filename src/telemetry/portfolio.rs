//! The sums of the portfolio as gauges and histograms, by scope.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prometheus::core::Desc;
use prometheus::proto::{Bucket, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::family::Family;
use super::gauges::Money;
use super::source::Live;
use crate::portfolio::{Exposed, Scope, Sink, Spread, Unit};

/// Most series of one segment, plan or CSM.
const SERIES_PER_SCOPE: usize = 184;
/// Most series of the scope of all accounts, besides those with labels from user data.
const SERIES_OF_ALL: usize = 620;
/// Series per value of a label from user data: families of all accounts, by ticket state and by kind and class of an answer.
const SERIES_PER_LABEL_VALUE: usize = 22;
/// Scopes called `other`: one for segments, one for plans, one for CSMs.
const OTHERS: usize = 3;

/// The families, as documented.
pub(super) fn families() -> Vec<Family> {
    let family = |family: &Exposed| Family { name: family.name(), kind: kind(*family), labels: label_names(*family).collect() };
    Exposed::ALL.iter().map(family).collect()
}

/// The descriptions for the registry.
///
/// # Errors
/// If a name is invalid.
pub(super) fn descriptions() -> prometheus::Result<Vec<Desc>> {
    let describe = |family: &Exposed| {
        let labels = label_names(*family).map(str::to_owned).collect();
        Desc::new(family.name().to_owned(), family.help().to_owned(), labels, HashMap::new())
    };
    Exposed::ALL.iter().map(describe).collect()
}

fn kind(family: Exposed) -> &'static str {
    if family.unit() == Unit::Distribution { "histogram" } else { "gauge" }
}

fn label_names(family: Exposed) -> impl Iterator<Item = &'static str> {
    let currency = (family.unit() == Unit::Money).then_some("currency");
    ["scope", "name"].into_iter().chain(family.labels().iter().copied()).chain(currency)
}

/// The segments, plans and CSMs that have their own series: first come, first served, as long as there is room.
#[derive(Debug)]
pub(super) struct NamedScopes {
    known: BTreeSet<Scope>,
    /// `limits.label_values`: most scopes of each kind.
    of_kind_max: usize,
}

impl NamedScopes {
    pub(super) const fn new(of_kind_max: usize) -> Self {
        Self { known: BTreeSet::new(), of_kind_max }
    }

    fn keeps(&mut self, scope: &Scope, max: usize) -> bool {
        if *scope == Scope::All || self.known.contains(scope) {
            return true;
        }
        let of_kind = self.known.iter().filter(|known| known.kind() == scope.kind()).count();
        let keeps = self.known.len() < max && of_kind < self.of_kind_max;
        if keeps {
            self.known.insert(scope.clone());
        }
        keeps
    }
}

/// All series of the portfolio, at most `budget`; none if even the sums of all accounts do not fit.
pub(super) fn collect(live: &Live, named: &mut NamedScopes, money: &Money<'_>, budget: usize) -> Vec<MetricFamily> {
    let mut series = Series { by_family: BTreeMap::new(), money };
    let Some(left) = budget.checked_sub(SERIES_OF_ALL + SERIES_PER_LABEL_VALUE * named.of_kind_max) else { return Vec::new() };
    let max = (left / SERIES_PER_SCOPE).saturating_sub(OTHERS);
    for (scope, sums, costs) in live.portfolio.sums(|scope| named.keeps(scope, max)) {
        sums.expose(&scope, costs, &live.settings, &mut series.of(&scope));
    }
    series.families()
}

/// Series by family.
struct Series<'a> {
    by_family: BTreeMap<Exposed, Vec<Metric>>,
    money: &'a Money<'a>,
}

impl<'a> Series<'a> {
    const fn of<'b>(&'b mut self, scope: &'b Scope) -> ScopeSeries<'b, 'a> {
        ScopeSeries { scope, series: self }
    }

    fn families(self) -> Vec<MetricFamily> {
        let family = |(family, metrics): (Exposed, Vec<Metric>)| {
            let mut whole = MetricFamily::default();
            whole.set_name(family.name().to_owned());
            whole.set_help(family.help().to_owned());
            let is_histogram = family.unit() == Unit::Distribution;
            whole.set_field_type(if is_histogram { MetricType::HISTOGRAM } else { MetricType::GAUGE });
            whole.set_metric(metrics);
            whole
        };
        self.by_family.into_iter().map(family).collect()
    }
}

/// The series of one scope.
struct ScopeSeries<'a, 'b> {
    scope: &'a Scope,
    series: &'a mut Series<'b>,
}

impl ScopeSeries<'_, '_> {
    fn push(&mut self, family: Exposed, values: &[&str], fill: impl FnOnce(&mut Metric)) {
        let values = [self.scope.kind(), self.scope.name()].into_iter().chain(values.iter().copied()).chain([self.series.money.currency]);
        let mut labels: Vec<LabelPair> = label_names(family).zip(values).map(|(name, value)| label(name, value)).collect();
        labels.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        let mut metric = Metric::from_label(labels);
        fill(&mut metric);
        self.series.by_family.entry(family).or_default().push(metric);
    }
}

impl Sink for ScopeSeries<'_, '_> {
    fn number(&mut self, family: Exposed, labels: &[&str], value: f64) {
        let units = if family.unit() == Unit::Money { self.series.money.units } else { 1.0 };
        let mut gauge = Gauge::default();
        gauge.set_value(value / units);
        self.push(family, labels, |metric| metric.set_gauge(gauge));
    }

    fn spread(&mut self, family: Exposed, labels: &[&str], spread: Spread) {
        let mut histogram = Histogram::default();
        histogram.set_sample_count(spread.count);
        histogram.set_sample_sum(spread.sum);
        histogram.set_bucket(spread.up_to.iter().map(|(bound, count)| bucket(*bound, *count)).collect());
        self.push(family, labels, |metric| metric.set_histogram(histogram));
    }
}

pub(super) fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

fn bucket(bound: f64, count: u64) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(bound);
    bucket.set_cumulative_count(count);
    bucket
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::directory::{Directory, SharedTask};
    use crate::engine::{Input, RoundOptions};
    use crate::event::{Format, Headers, Stream};
    use crate::settings::Settings;
    use crate::time::{BusinessHours, Timestamp, Zone};

    const NOW: Timestamp = Timestamp(1_767_571_200_000);

    /// Accounts that each have their own segment, plan and CSM, pay 1.00 and have a ticket. Business hours are configured, because a scope
    /// has the most series with them.
    fn live(accounts: usize) -> Live {
        let hours = BusinessHours::new(&Zone::utc(), [(); 7].map(|()| Vec::new()), []);
        let settings = Arc::new(Settings { business_hours: Some(hours), ..Settings::default() });
        let directory = Arc::new(Directory::new(Arc::clone(&settings)));
        let mut task = SharedTask::new(0, Arc::clone(&directory));
        task.show();
        let mut process = |stream: Stream, record: serde_json::Value| {
            let bytes = record.to_string().into_bytes();
            let input = Input {
                stream,
                key: None,
                value: Some(&bytes),
                headers: Headers::NONE,
                timestamp: None,
                format: &Format::Native,
                broker_timestamp: Some(NOW),
            };
            task.engine.process(&input, NOW);
        };
        for n in 0..accounts {
            let (id, at) = (n.to_string(), NOW.minus_days(1).0);
            process(
                Stream::Accounts,
                json!({"id": id, "type": "account_profile", "account_id": id, "occurred_at": at, "segment": id, "plan": id, "csm": id}),
            );
            let item = json!({"amount_minor": 100, "currency": "USD", "interval": "month"});
            process(
                Stream::Billing,
                json!({"id": id, "type": "subscription_changed", "account_id": id, "occurred_at": at, "subscription_id": "s",
                "status": "active", "items": [item], "current_period_start": at, "current_period_end": at + 86_400_000 * 30}),
            );
            process(
                Stream::Support,
                json!({"id": id, "type": "ticket_opened", "account_id": id, "occurred_at": at, "ticket_id": "t", "product": id, "channel": id}),
            );
            process(
                Stream::Feedback,
                json!({"id": id, "type": "nps_answered", "account_id": id, "occurred_at": at, "score": 9, "theme": id}),
            );
        }
        task.round(NOW, &RoundOptions { publish: true, catching_up: false, budget: accounts, bytes: usize::MAX }, &mut Vec::new());
        Live { portfolio: directory.portfolio(NOW), settings }
    }

    fn collected(live: &Live, budget: usize) -> Vec<MetricFamily> {
        collect(live, &mut NamedScopes::new(50), &Money { currency: "USD", units: 100.0 }, budget)
    }

    fn lines(families: &[MetricFamily]) -> Vec<String> {
        use prometheus::Encoder as _;
        let mut text = Vec::new();
        prometheus::TextEncoder::new().encode(families, &mut text).unwrap();
        String::from_utf8(text).unwrap().lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn scopes_beyond_the_budget_are_merged_and_every_kind_still_adds_up_to_all() {
        let live = live(120);
        for budget in [2_000, 3_000, 6_000, 50_000] {
            let lines = lines(&collected(&live, budget));
            assert!((1..=budget).contains(&lines.len()), "{} of {budget}", lines.len());
            let mut sums: BTreeMap<String, f64> = BTreeMap::new();
            for line in lines.iter().filter(|line| line.starts_with("churnwatch_portfolio_mrr{")) {
                let scope = line.split("scope=\"").nth(1).unwrap().split('"').next().unwrap();
                *sums.entry(scope.to_owned()).or_default() += line.split(' ').next_back().unwrap().parse::<f64>().unwrap();
            }
            let expected = ["all", "csm", "plan", "segment"].map(|scope| (scope.to_owned(), 120.0));
            assert_eq!(sums.into_iter().collect::<Vec<_>>(), expected, "{budget}");
        }
        assert!(collected(&live, 900).is_empty(), "not even the sums of all accounts fit");
    }

    #[test]
    fn no_scope_has_more_series_than_the_budget_assumes() {
        let lines = lines(&collected(&live(120), 50_000));
        let of = |scope: &str| lines.iter().filter(|line| line.contains(scope)).count();
        assert!(of("name=\"7\",scope=\"segment\"") <= SERIES_PER_SCOPE, "{}", of("name=\"7\",scope=\"segment\""));
        assert!(of("scope=\"all\"") <= SERIES_OF_ALL + 50 * SERIES_PER_LABEL_VALUE, "{}", of("scope=\"all\""));
        assert!(of("product=\"other\"") > 0 && of("product=") <= 2 * 51);
        assert!(of("channel=\"other\"") > 0 && of("channel=") <= 2 * 51);
        assert!(of("theme=\"other\"") == 3 && of("theme=") == 3 * 51);
    }

    #[test]
    fn sums_are_in_currency_units_and_labelled_with_their_scope() {
        let lines = lines(&collected(&live(2), 50_000));
        for line in [
            "churnwatch_portfolio_mrr{currency=\"USD\",name=\"\",scope=\"all\"} 2",
            "churnwatch_portfolio_mrr_movements{currency=\"USD\",kind=\"new\",name=\"1\",scope=\"csm\"} 1",
            "churnwatch_portfolio_tickets{name=\"\",priority=\"normal\",scope=\"all\",state=\"open\"} 2",
            "churnwatch_portfolio_resolution_seconds_bucket{name=\"\",priority=\"low\",scope=\"all\",le=\"3600\"} 0",
            "churnwatch_portfolio_theme_answers{class=\"positive\",kind=\"nps\",name=\"\",scope=\"all\",theme=\"1\"} 1",
            "churnwatch_portfolio_resolution_seconds_count{name=\"1\",priority=\"low\",scope=\"plan\"} 0",
        ] {
            assert!(lines.iter().any(|own| own == line), "{line} is not in\n{}", lines.join("\n"));
        }
    }
}
