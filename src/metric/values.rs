//! The metrics of one account at one instant. An absent metric is absent, never 0.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Metric;

/// Kinds of MRR movement, in the order of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovementKind {
    /// Already a customer when first seen.
    Opening,
    /// First MRR of an account.
    New,
    /// MRR rose.
    Expansion,
    /// MRR fell, but not to 0.
    Contraction,
    /// MRR fell to 0.
    Churn,
    /// MRR rose from 0 after churn.
    Reactivation,
    /// An exchange rate changed.
    Fx,
}

impl MovementKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [Self::Opening, Self::New, Self::Expansion, Self::Contraction, Self::Churn, Self::Reactivation, Self::Fx];

    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::New => "new",
            Self::Expansion => "expansion",
            Self::Contraction => "contraction",
            Self::Churn => "churn",
            Self::Reactivation => "reactivation",
            Self::Fx => "fx",
        }
    }
}

/// Count and sum of the movements of each kind. Sums of contraction and churn are positive; `fx` has its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovementTotals(pub [(u64, i64); 7]);

impl MovementTotals {
    /// Adds one movement; `amount` in minor units, signed as described above.
    pub fn add(&mut self, kind: MovementKind, amount: i64) {
        if let Some((count, sum)) = self.0.get_mut(kind as usize) {
            *count += 1;
            *sum = sum.saturating_add(amount);
        }
    }
}

impl Serialize for MovementTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Total {
            count: u64,
            sum: i64,
        }
        let mut map = serializer.serialize_map(Some(7))?;
        for (kind, (count, sum)) in MovementKind::ALL.iter().zip(self.0) {
            map.serialize_entry(kind.name(), &Total { count, sum })?;
        }
        map.end()
    }
}

/// Lifecycle stage of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Paid before, no longer pays.
    Churned,
    /// In dunning.
    PastDue,
    /// On trial.
    Trial,
    /// New, and still onboarding.
    Onboarding,
    /// A long contract term ends soon.
    Renewing,
    /// None of the others.
    Adopted,
}

impl Stage {
    /// All stages, in order of precedence.
    pub const ALL: [Self; 6] = [Self::Churned, Self::PastDue, Self::Trial, Self::Onboarding, Self::Renewing, Self::Adopted];

    /// The name in outputs and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Churned => "churned",
            Self::PastDue => "past_due",
            Self::Trial => "trial",
            Self::Onboarding => "onboarding",
            Self::Renewing => "renewing",
            Self::Adopted => "adopted",
        }
    }
}

/// A metric's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number: a count, or money in minor units.
    Whole(i64),
    /// A ratio, duration or weighted count; finite.
    Real(f64),
    /// The stage.
    Stage(Stage),
    /// The movements; boxed because every metric slot is as large as the largest variant.
    Movements(Box<MovementTotals>),
}

impl Value {
    /// The value as a number; `None` for stage and movements.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Real(real) => Some(*real),
            Self::Stage(_) | Self::Movements(_) => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => serializer.serialize_i64(*whole),
            Self::Real(real) => serializer.serialize_f64(*real),
            Self::Stage(stage) => serializer.serialize_str(stage.name()),
            Self::Movements(totals) => totals.serialize(serializer),
        }
    }
}

/// A value with its sample size, which components compare with `min_n`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The value.
    pub value: Value,
    /// Answers, tickets or events behind the value; `None` if the metric has no sample size.
    pub n: Option<u64>,
}

/// The metrics of one account at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics([Option<Sample>; Metric::COUNT]);

impl Default for Metrics {
    fn default() -> Self {
        Self([const { None }; Metric::COUNT])
    }
}

impl Metrics {
    /// Sets a whole number.
    pub fn whole(&mut self, metric: Metric, value: impl TryInto<i64>) {
        self.set(metric, Value::Whole(value.try_into().unwrap_or(i64::MAX)), None);
    }

    /// Sets a real number; one that is not finite leaves the metric absent.
    pub fn real(&mut self, metric: Metric, value: f64, n: Option<u64>) {
        if value.is_finite() {
            self.set(metric, Value::Real(value), n);
        }
    }

    /// Sets a value.
    pub fn set(&mut self, metric: Metric, value: Value, n: Option<u64>) {
        if let Some(slot) = self.0.get_mut(metric.index()) {
            *slot = Some(Sample { value, n });
        }
    }

    /// Makes a metric absent.
    pub fn clear(&mut self, metric: Metric) {
        if let Some(slot) = self.0.get_mut(metric.index()) {
            *slot = None;
        }
    }

    /// The sample of a metric, if present.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<&Sample> {
        self.0.get(metric.index()).and_then(Option::as_ref)
    }

    /// The value of a metric as a number, if present.
    #[must_use]
    pub fn number(&self, metric: Metric) -> Option<f64> {
        self.get(metric).and_then(|sample| sample.value.number())
    }

    /// The value of a metric as a whole number, if present.
    #[must_use]
    pub fn whole_number(&self, metric: Metric) -> Option<i64> {
        match &self.get(metric)?.value {
            Value::Whole(whole) => Some(*whole),
            _ => None,
        }
    }

    /// The stage, if present.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match &self.get(Metric::StageName)?.value {
            Value::Stage(stage) => Some(*stage),
            _ => None,
        }
    }

    /// The present metrics, in the order of the registry.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, &Sample)> {
        Metric::ALL.iter().zip(&self.0).filter_map(|(metric, sample)| sample.as_ref().map(|sample| (*metric, sample)))
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(metric, sample)| (metric.name(), &sample.value)))
    }
}
