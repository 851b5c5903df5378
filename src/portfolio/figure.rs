//! The value of a KPI: a number, ratio, distribution or table, optionally with a breakdown.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A whole or a real number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A count, or money in minor units of the reporting currency.
    Whole(i128),
    /// A ratio, a mean, a duration; finite.
    Real(f64),
}

impl Number {
    /// The number as a float.
    #[must_use]
    pub const fn real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

impl From<u64> for Number {
    fn from(count: u64) -> Self {
        Self::Whole(count.into())
    }
}

impl From<i128> for Number {
    fn from(whole: i128) -> Self {
        Self::Whole(whole)
    }
}

impl From<f64> for Number {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => serializer.serialize_i128(*whole),
            Self::Real(real) => serializer.serialize_f64(*real),
        }
    }
}

/// The dimension of a breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Priority of tickets.
    Priority,
    /// Product of tickets.
    Product,
    /// Category of tickets.
    Category,
    /// Contact channel of tickets.
    Channel,
    /// Kind of survey, of advocacy, or of loss.
    Kind,
}

impl Split {
    /// The name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Priority => "by_priority",
            Self::Product => "by_product",
            Self::Category => "by_category",
            Self::Channel => "by_channel",
            Self::Kind => "by_kind",
        }
    }
}

/// The value of a KPI.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    value: Value,
    /// Numerator and denominator.
    parts: Option<(Number, Number)>,
    /// Distributions only: cumulative counts by bound, or counts by class.
    buckets: Vec<(String, u64)>,
    splits: Vec<(Split, Vec<(String, Figure)>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(Number),
    Table(Vec<(String, Value)>),
}

impl<N: Into<Number>> From<N> for Value {
    fn from(number: N) -> Self {
        Self::Number(number.into())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::Table(rows) => Rows(rows).serialize(serializer),
        }
    }
}

impl Figure {
    /// A plain number.
    pub fn number(value: impl Into<Number>) -> Self {
        Self { value: Value::Number(value.into()), parts: None, buckets: Vec::new(), splits: Vec::new() }
    }

    /// Numbers by label.
    #[must_use]
    pub fn table(rows: Vec<(String, Number)>) -> Self {
        Self::nested(rows.into_iter().map(|(label, number)| (label, number.into())).collect())
    }

    /// Numbers, or tables of them, by label.
    pub(super) const fn nested(rows: Vec<(String, Value)>) -> Self {
        Self { value: Value::Table(rows), parts: None, buckets: Vec::new(), splits: Vec::new() }
    }

    /// Numerator / denominator; `None` if the denominator is 0.
    pub fn ratio(numerator: impl Into<Number>, denominator: impl Into<Number>) -> Option<Self> {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        let is_zero = matches!(denominator, Number::Whole(0)) || denominator.real() == 0.0;
        (!is_zero).then(|| Self { parts: Some((numerator, denominator)), ..Self::number(numerator.real() / denominator.real()) })
    }

    /// Replaces the value, for one derived from the ratio.
    #[must_use]
    pub fn with_value(self, value: f64) -> Self {
        Self { value: Value::Number(value.into()), ..self }
    }

    /// Adds buckets, which makes it a distribution.
    #[must_use]
    pub fn with_buckets(self, buckets: Vec<(String, u64)>) -> Self {
        Self { buckets, ..self }
    }

    /// Adds a breakdown, unless it has no rows.
    #[must_use]
    pub fn split(mut self, by: Split, rows: Vec<(String, Self)>) -> Self {
        if !rows.is_empty() {
            self.splits.push((by, rows));
        }
        self
    }

    /// The value as a number; `None` for a table.
    #[must_use]
    pub const fn real(&self) -> Option<f64> {
        match &self.value {
            Value::Number(number) => Some(number.real()),
            Value::Table(_) => None,
        }
    }

    /// Numerator and denominator, if it is a ratio.
    #[must_use]
    pub const fn parts(&self) -> Option<(Number, Number)> {
        self.parts
    }

    fn is_plain(&self) -> bool {
        self.parts.is_none() && self.buckets.is_empty() && self.splits.is_empty()
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &self.value)?;
        if let Some((numerator, denominator)) = &self.parts {
            map.serialize_entry("numerator", numerator)?;
            map.serialize_entry("denominator", denominator)?;
        }
        if !self.buckets.is_empty() {
            map.serialize_entry("buckets", &Rows(&self.buckets))?;
        }
        for (split, rows) in &self.splits {
            map.serialize_entry(split.name(), &SplitRows(rows))?;
        }
        map.end()
    }
}

struct Rows<'a, V>(&'a [(String, V)]);

impl<V: Serialize> Serialize for Rows<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(label, value)| (label, value)))
    }
}

/// Labels with figures; a plain number is written as such.
struct SplitRows<'a>(&'a [(String, Figure)]);

impl Serialize for SplitRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (label, figure) in self.0 {
            match &figure.value {
                Value::Number(number) if figure.is_plain() => map.serialize_entry(label, number)?,
                _ => map.serialize_entry(label, figure)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_with_denominator_0_is_none() {
        assert_eq!(Figure::ratio(3_u64, 0_u64), None);
        assert_eq!(Figure::ratio(3_u64, 4_u64).unwrap().real(), Some(0.75));
    }

    #[test]
    fn figures_are_written_with_their_parts_buckets_and_splits() {
        let low = Figure::ratio(1_u64, 2_u64).unwrap();
        let figure = Figure::ratio(3_u64, 4_u64).unwrap().with_buckets(vec![("+Inf".to_owned(), 4)]);
        let figure = figure.split(Split::Kind, Vec::new()).split(Split::Priority, vec![("low".to_owned(), low)]);
        let expected = r#"{"value":0.75,"numerator":3,"denominator":4,"buckets":{"+Inf":4},"by_priority":{"low":{"value":0.5,"numerator":1,"denominator":2}}}"#;
        assert_eq!(serde_json::to_string(&figure).unwrap(), expected);
        let opened = Figure::number(3_u64).split(Split::Product, vec![("api".to_owned(), Figure::number(3_u64))]);
        assert_eq!(serde_json::to_string(&opened).unwrap(), r#"{"value":3,"by_product":{"api":3}}"#);
        let table = Figure::table(vec![("price".to_owned(), Number::Whole(2))]);
        assert_eq!(serde_json::to_string(&table).unwrap(), r#"{"value":{"price":2}}"#);
    }
}
