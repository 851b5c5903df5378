//! The condition of a rule: comparisons of a metric with a number, joined by `and`.

use super::name::nearest;
use crate::metric::{Metric, Metrics};

/// Maximum number of comparisons per condition.
pub const MAX_COMPARISONS: usize = 16;

/// A condition over metrics. A comparison with an absent metric is false, whatever the operator; sample sizes are ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    comparisons: Box<[Comparison]>,
}

/// A comparison of a metric with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The metric.
    pub metric: Metric,
    /// How they are compared.
    pub operator: Operator,
    /// The number.
    pub number: f64,
}

/// How a metric is compared with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Operator {
    /// As written in a model.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

impl Condition {
    /// Parses `metric op number and metric op number ...`, where op is one of `<`, `<=`, `>`, `>=`, `==`.
    ///
    /// # Errors
    /// Names the invalid part and, for an unknown metric, the nearest name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = spaced(text);
        let parts: Vec<&[&str]> = words.split(|word| *word == "and").collect();
        if parts.len() > MAX_COMPARISONS {
            return Err(format!("has {} comparisons, at most {MAX_COMPARISONS} are allowed", parts.len()));
        }
        let comparisons = parts.into_iter().map(Comparison::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { comparisons: comparisons.into() })
    }

    /// The comparisons, in the order written.
    #[must_use]
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// Whether every comparison holds.
    #[must_use]
    pub fn holds(&self, metrics: &Metrics) -> bool {
        self.comparisons.iter().all(|comparison| metrics.number(comparison.metric).is_some_and(|value| comparison.holds(value)))
    }
}

impl Comparison {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let [metric, operator, number] = words else {
            return Err(format!("`{}` is not `metric operator number`", words.join(" ")));
        };
        let operator = match *operator {
            "<" => Operator::Less,
            "<=" => Operator::AtMost,
            ">" => Operator::Greater,
            ">=" => Operator::AtLeast,
            "==" => Operator::Equal,
            other => return Err(format!("`{other}` is not one of <, <=, >, >=, ==")),
        };
        let number = number.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| format!("`{number}` is not a number"))?;
        Ok(Self { metric: numeric_metric(metric)?, operator, number })
    }

    /// Whether it holds for a value of the metric.
    #[expect(clippy::float_cmp, reason = "== compares a value with a literal, and is meant for counts")]
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::Less => value < self.number,
            Operator::AtMost => value <= self.number,
            Operator::Greater => value > self.number,
            Operator::AtLeast => value >= self.number,
            Operator::Equal => value == self.number,
        }
    }
}

/// Looks up a numeric metric by name.
///
/// # Errors
/// Names the nearest metric if there is none with this name.
pub fn numeric_metric(name: &str) -> Result<Metric, String> {
    match Metric::named(name) {
        Some(metric) if metric.is_numeric() => Ok(metric),
        Some(_) => Err(format!("metric `{name}` is not a number")),
        None => {
            let names = Metric::ALL.iter().filter(|metric| metric.is_numeric()).map(|metric| metric.name());
            Err(format!("unknown metric `{name}`; did you mean `{}`?", nearest(name, names).unwrap_or_default()))
        }
    }
}

/// Splits into words; operators are separate words even without spaces around them.
fn spaced(text: &str) -> Vec<&str> {
    let is_operator = |c: char| matches!(c, '<' | '>' | '=');
    text.split_whitespace()
        .flat_map(|word| {
            let start = word.find(is_operator).unwrap_or(word.len());
            let (left, rest) = word.split_at(start);
            let (operator, right) = rest.split_at(rest.find(|c| !is_operator(c)).unwrap_or(rest.len()));
            [left, operator, right]
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let mut metrics = Metrics::default();
        metrics.whole(Metric::CancelScheduled, 1);
        metrics.real(Metric::DaysSinceLast, 14.0, None);
        metrics.real(Metric::Nps91d, -20.0, Some(1));
        metrics
    }

    #[test]
    fn every_operator_compares_as_written() {
        let table = [
            ("revenue.cancel_scheduled >= 1", true),
            ("revenue.cancel_scheduled>=1", true),
            ("revenue.cancel_scheduled == 1", true),
            ("revenue.cancel_scheduled < 1", false),
            ("usage.days_since_last > 14", false),
            ("usage.days_since_last <= 14.0", true),
            ("usage.days_since_last > 13.9 and revenue.cancel_scheduled == 1", true),
            ("usage.days_since_last > 13.9 and revenue.cancel_scheduled == 0", false),
        ];
        for (text, holds) in table {
            assert_eq!(Condition::parse(text).unwrap().holds(&metrics()), holds, "{text}");
        }
    }

    #[test]
    fn an_absent_metric_is_false_whatever_the_operator() {
        for operator in ["<", "<=", ">", ">=", "=="] {
            assert!(!Condition::parse(&format!("support.open {operator} 0")).unwrap().holds(&metrics()));
        }
    }

    #[test]
    fn a_condition_ignores_sample_sizes() {
        assert!(Condition::parse("feedback.nps_91d < 0").unwrap().holds(&metrics()));
    }

    #[test]
    fn errors_name_the_invalid_part() {
        let table = [
            ("revenue.cancel_sheduled >= 1", "did you mean `revenue.cancel_scheduled`?"),
            ("account.stage == 1", "not a number"),
            ("usage.trend", "not `metric operator number`"),
            ("", "not `metric operator number`"),
            ("usage.trend < 1 and", "not `metric operator number`"),
            ("usage.trend < 1 or usage.trend > 2", "not `metric operator number`"),
            ("usage.trend != 1", "not `metric operator number`"),
            ("usage.trend => 1", "`=>` is not one of"),
            ("usage.trend > inf", "`inf` is not a number"),
            ("usage.trend > x", "`x` is not a number"),
        ];
        for (text, message) in table {
            let problem = Condition::parse(text).unwrap_err();
            assert!(problem.contains(message), "{text}: {problem}");
        }
    }
}
