//! Metric families, as registered and documented.

use prometheus::core::Collector;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// A family, as docs/metrics.md describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// `churnwatch_<noun>_<unit>[_total]`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Names of its labels.
    pub labels: Vec<&'static str>,
}

/// Creates families and lists them.
#[derive(Default)]
pub(super) struct Families {
    /// The families, in order of creation.
    pub(super) list: Vec<Family>,
}

impl Families {
    pub(super) fn counter(&mut self, name: &'static str, help: &str, labels: &'static [&'static str]) -> prometheus::Result<IntCounterVec> {
        self.list.push(Family { name, kind: "counter", labels: labels.to_vec() });
        IntCounterVec::new(Opts::new(name, help), labels)
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &str, labels: &'static [&'static str]) -> prometheus::Result<GaugeVec> {
        self.list.push(Family { name, kind: "gauge", labels: labels.to_vec() });
        GaugeVec::new(Opts::new(name, help), labels)
    }

    pub(super) fn histogram(&mut self, name: &'static str, help: &str, buckets: &[f64]) -> prometheus::Result<HistogramVec> {
        self.list.push(Family { name, kind: "histogram", labels: Vec::new() });
        HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[])
    }
}

/// Registers a family and returns it.
pub(super) fn registered<C: Collector + Clone + 'static>(registry: &Registry, family: C) -> prometheus::Result<C> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
