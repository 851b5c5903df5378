//! Features that know the outcome, because they are a consequence of it or its record: a model that uses them looks better in a backtest
//! than it will ever be.

use super::super::example::Example;
use super::super::quality::{Point, auc};
use crate::metric::Metric;
use crate::score::Model;
use crate::score::model::Component;

/// A feature that ranks accounts alone better than this knows the outcome.
const MAX_AUC: f64 = 0.95;
/// Points of either outcome that have the feature, at least.
const MIN_POINTS: usize = 20;
/// Jumps, at least, and the share of them that churn follows.
const MIN_JUMPS: u64 = 20;
const MIN_SHARE: f64 = 0.95;

/// One number per example.
#[derive(Clone, Debug)]
pub struct Feature<'a> {
    /// Name of a component or metric.
    pub name: &'a str,
    /// Its value by example, in the order of the examples.
    pub values: Vec<Option<f64>>,
    /// The least change between two successive instants of an account that is a jump: 0.5 for inputs of components, which is 25 points of
    /// the score; 1 for a flag.
    pub jump: f64,
}

/// The direction of a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// To a higher value.
    Up,
    /// To a lower value.
    Down,
}

/// A feature that knows the outcome.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Leak {
    /// It ranks accounts almost perfectly.
    Ranks {
        /// The feature.
        name: String,
        /// Its AUC alone, in the better direction.
        auc: f64,
    },
    /// It is a scheduled cancellation, which is churn with a date. A model may well use it, but not claim to have foreseen it.
    Announces {
        /// The component.
        name: String,
    },
    /// Churn follows almost whenever it jumps.
    Jumps {
        /// The feature.
        name: String,
        /// The direction.
        direction: Sign,
        /// Number of jumps.
        jumps: u64,
        /// Number of jumps that were followed by churn.
        churned: u64,
    },
}

impl std::fmt::Display for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ranks { name, auc } => {
                write!(f, "{name} alone reaches an AUC of {auc:.3}: it may record churn rather than foretell it")
            }
            Self::Announces { name } => {
                write!(
                    f,
                    "{name} measures revenue.cancel_scheduled, which announces churn: figures with it say little about foreseeing churn"
                )
            }
            Self::Jumps { name, direction, jumps, churned } => {
                let way = if *direction == Sign::Up { "rises" } else { "drops" };
                write!(f, "churn followed {churned} of {jumps} {way} of {name}: it may record churn rather than foretell it")
            }
        }
    }
}

impl<'a> Feature<'a> {
    /// The inputs of a component.
    #[must_use]
    pub fn of_component(name: &'a str, place: usize, examples: &[Example]) -> Self {
        Self { name, values: examples.iter().map(|example| example.inputs.get(place).copied().flatten()).collect(), jump: 0.5 }
    }

    /// The values of a metric. A jump is a quarter of the range of ordinary values (from the 5 % to the 95 % quantile), as it is for a
    /// component; of a metric that hardly ever differs, such as a flag, of the whole range.
    #[must_use]
    pub fn of_metric(name: &'a str, values: Vec<Option<f64>>) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        let range = |from: usize, to: usize| {
            let at = |percent: usize| sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
            Some(at(to) - at(from)).filter(|range| *range > 0.0)
        };
        let jump = range(5, 95).or_else(|| range(0, 100)).map_or(f64::INFINITY, |range| range / 4.0);
        Self { name, values, jump }
    }
}

/// The features that know the outcome of these examples.
#[must_use]
pub fn leaks(features: &[Feature<'_>], examples: &[Example]) -> Vec<Leak> {
    let mut by_account: Vec<usize> = (0..examples.len()).collect();
    by_account.sort_by_key(|place| examples.get(*place).map(|example| (example.account, example.instant)));
    features.iter().flat_map(|feature| ranks(feature, examples).into_iter().chain(jumps(feature, examples, &by_account))).collect()
}

/// The components that measure scheduled cancellations.
pub(super) fn announcements(model: &Model) -> Vec<Leak> {
    let announces = |component: &&Component| component.sources.iter().any(|source| source.metric == Metric::CancelScheduled);
    model.components.iter().filter(announces).map(|component| Leak::Announces { name: component.name.clone() }).collect()
}

fn ranks(feature: &Feature<'_>, examples: &[Example]) -> Option<Leak> {
    let known = examples.iter().zip(&feature.values).filter_map(|(example, value)| Some((example, (*value)?)));
    let points: Vec<Point> =
        known.map(|(example, value)| Point { account: example.account, risk: value, churned: example.churned }).collect();
    let churned = points.iter().filter(|point| point.churned).count();
    let auc = auc(&points).map(|auc| auc.max(1.0 - auc)).filter(|auc| *auc > MAX_AUC)?;
    (churned.min(points.len() - churned) >= MIN_POINTS).then(|| Leak::Ranks { name: feature.name.to_owned(), auc })
}

fn jumps(feature: &Feature<'_>, examples: &[Example], by_account: &[usize]) -> Vec<Leak> {
    let (mut up, mut down) = ((0, 0), (0, 0));
    for (before, after) in by_account.iter().zip(by_account.iter().skip(1)) {
        let at = |place: &usize| Some((examples.get(*place)?, (*feature.values.get(*place)?)?));
        let (Some((one, from)), Some((other, to))) = (at(before), at(after)) else { continue };
        let change = to - from;
        if one.account == other.account && change.abs() >= feature.jump - 1e-9 {
            let (jumps, churned) = if change > 0.0 { &mut up } else { &mut down };
            *jumps += 1;
            *churned += u64::from(other.churned);
        }
    }
    let leak = |(direction, (jumps, churned)): (Sign, (u64, u64))| {
        let is_leak = jumps >= MIN_JUMPS && churned as f64 >= MIN_SHARE * jumps as f64;
        is_leak.then(|| Leak::Jumps { name: feature.name.to_owned(), direction, jumps, churned })
    };
    [(Sign::Up, up), (Sign::Down, down)].into_iter().filter_map(leak).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::ModelFile;
    use crate::time::Timestamp;

    /// 100 accounts at two instants; the first 30 churn after the second.
    fn examples() -> Vec<Example> {
        let example = |at: u64| Example {
            account: at / 2,
            instant: Timestamp(i64::from(at % 2 == 1)),
            churned: at % 2 == 1 && at < 60,
            inputs: Box::default(),
        };
        (0..200).map(example).collect()
    }

    fn found(jump: f64, value: impl Fn(&Example) -> Option<f64>) -> Vec<Leak> {
        let examples = examples();
        leaks(&[Feature { name: "x", values: examples.iter().map(value).collect(), jump }], &examples)
    }

    #[test]
    fn a_feature_that_ranks_almost_perfectly_is_named_in_either_direction() {
        let noise = |example: &Example| (example.account % 10) as f64 / 100.0;
        for sign in [1.0, -1.0] {
            let leaks = found(100.0, |example| Some(sign * (f64::from(u8::from(example.churned)) + noise(example))));
            assert!(matches!(leaks.as_slice(), [Leak::Ranks { auc, .. }] if *auc > 0.999), "{leaks:?}");
        }
        assert!(found(100.0, |example| Some(noise(example))).is_empty());
        assert!(
            found(100.0, |example| (example.account < 19 || example.account > 80).then(|| f64::from(u8::from(example.churned)))).is_empty()
        );
    }

    #[test]
    fn a_jump_that_churn_follows_is_named() {
        // Drops from 0.5 to -0.1 before 25 of 30 churns, and once where the account stayed.
        let drops = |example: &Example| example.account < 25 || example.account == 70;
        let leaks = found(0.5, |example| Some(if drops(example) && example.instant.0 == 1 { -0.1 } else { 0.5 }));
        let expected = Leak::Jumps { name: "x".into(), direction: Sign::Down, jumps: 26, churned: 25 };
        assert!(leaks.contains(&expected), "{leaks:?}");
        assert!(expected.to_string().starts_with("churn followed 25 of 26 drops of x"));
        let smaller = found(0.5, |example| Some(if drops(example) && example.instant.0 == 1 { 0.1 } else { 0.5 }));
        assert!(smaller.is_empty(), "{smaller:?}");
    }

    #[test]
    fn jumps_that_are_few_or_not_followed_by_churn_are_not_named() {
        let down = |limit: u64| move |example: &Example| Some(if example.account < limit && example.instant.0 == 1 { -1.0 } else { 0.0 });
        assert!(found(0.5, down(19)).is_empty());
        assert_eq!(found(0.5, down(20)).len(), 1);
        assert!(found(0.5, down(32)).iter().all(|leak| matches!(leak, Leak::Ranks { .. }))); // 30 of 32
    }

    #[test]
    fn a_component_of_scheduled_cancellations_is_named() {
        let component = |name: &str, metric: &str| {
            format!(
                "[[health.component]]\nname = '{name}'\ngroup = 'revenue'\nmetric = '{metric}'\ncurve = [[0, 100], [1, 0]]\nweight = 1\n"
            )
        };
        let text = component("leaving", "revenue.cancel_scheduled") + &component("late", "revenue.days_past_due");
        let model = Model::compile(&ModelFile::parse(&text).unwrap()).unwrap();
        assert_eq!(announcements(&model), [Leak::Announces { name: "leaving".into() }]);
    }

    #[test]
    fn the_change_from_one_account_to_the_next_is_no_jump() {
        let example = |account: u64| Example { account, instant: Timestamp(0), churned: account % 2 == 1, inputs: Box::default() };
        let examples: Vec<Example> = (0..100).map(example).collect();
        let values = examples.iter().map(|example| Some(f64::from(u8::from(example.churned)))).collect();
        let found = leaks(&[Feature { name: "x", values, jump: 0.5 }], &examples);
        assert!(matches!(found.as_slice(), [Leak::Ranks { .. }]), "{found:?}");
    }
}
