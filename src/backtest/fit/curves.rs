//! A curve for a component, as history suggests it: scores that are linear in the log-odds of churn, which is what the risk model wants.
//!
//! Churn rates by metric value are made monotone in the direction of the curve by pooling adjacent violators (Ayer et al., Annals of
//! Mathematical Statistics 1955; Barlow et al., "Statistical inference under order restrictions", 1972). Neighbouring levels that are
//! small or hardly differ are merged, and the rest become the points of the curve.

use std::fmt;

/// Points of a suggested curve, at most.
const MAX_KNOTS: usize = 5;
/// Values needed, and how many of them of either outcome.
const MIN_VALUES: u64 = 100;
const MIN_OF_EITHER: u64 = 20;
/// Values per level, at least; and at least a twentieth of all.
const MIN_LEVEL: u64 = 20;
/// Two levels differ if the deviance rises by more than this when they are merged: the 99 % quantile of chi-square with one degree of
/// freedom. Stricter than usual, because the points of an account are not independent and pooling has already sought out differences.
const MIN_DEVIANCE: f64 = 6.635;

/// A suggested curve.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Suggestion {
    /// Points (metric, score), ascending by metric; scores from 0, where churn is most frequent, to 100.
    pub points: Vec<[f64; 2]>,
    /// What each point stands for.
    pub levels: Vec<Level>,
}

/// Neighbouring values with about the same churn.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Level {
    /// Mean value of the metric.
    pub value: f64,
    /// Number of values.
    pub n: u64,
    /// Number of them that were followed by churn.
    pub churned: u64,
}

/// Why there is no suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuggestion {
    /// Too little history.
    #[error(
        "{n} values, {churned} of them followed by churn, are too few: {MIN_VALUES} values are needed, {MIN_OF_EITHER} of either outcome"
    )]
    TooFew {
        /// Number of values.
        n: u64,
        /// Number of them that were followed by churn.
        churned: u64,
    },
    /// The curve in force has no direction.
    #[error("its curve is as high at its end as at its beginning, so it does not tell which way to go")]
    Flat,
    /// No difference beyond chance in the direction of the curve.
    #[error("churn does not depend on the metric in the direction of its curve")]
    NoRelation,
}

impl fmt::Display for Suggestion {
    /// The points as they are written in a model.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points: Vec<String> = self.points.iter().map(|[x, y]| format!("[{x}, {y}]")).collect();
        write!(f, "[{}]", points.join(", "))
    }
}

/// Whether a curve rises from its first point to its last; `None` if it does neither.
#[must_use]
pub fn rises(points: &[[f64; 2]]) -> Option<bool> {
    let ([_, first], [_, last]) = (points.first()?, points.last()?);
    (first.total_cmp(last).is_ne()).then_some(first < last)
}

/// Suggests a curve that rises, or one that falls, from pairs (metric value, churned). The order of the pairs does not matter.
///
/// # Errors
/// If there are too few values, or churn does not depend on them in this direction.
pub fn suggest_curve(values: &[(f64, bool)], rises: bool) -> Result<Suggestion, NoSuggestion> {
    let mut steps = distinct(values);
    let (n, churned) = steps.iter().fold((0, 0), |(n, churned), step| (n + step.n, churned + step.churned));
    if n < MIN_VALUES || churned.min(n - churned) < MIN_OF_EITHER {
        return Err(NoSuggestion::TooFew { n, churned });
    }
    if !rises {
        steps.reverse();
    }
    let mut levels = pooled(&steps);
    let smallest = MIN_LEVEL.max(n / 20);
    while let Some(place) = next_merge(&levels, smallest) {
        merge(&mut levels, place);
    }
    if !rises {
        levels.reverse();
    }
    if levels.len() < 2 {
        return Err(NoSuggestion::NoRelation);
    }
    let levels: Vec<Level> =
        levels.iter().map(|step| Level { value: step.sum / step.n as f64, n: step.n, churned: step.churned }).collect();
    Ok(Suggestion { points: points(&levels, rises), levels })
}

/// Successive values.
#[derive(Clone, Copy, Debug)]
struct Step {
    sum: f64,
    n: u64,
    churned: u64,
}

impl Step {
    fn plus(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, n: self.n + other.n, churned: self.churned + other.churned }
    }

    /// -2 ln(likelihood) at its own churn rate.
    fn deviance(self) -> f64 {
        let term = |count: u64| if count == 0 { 0.0 } else { count as f64 * (count as f64 / self.n as f64).ln() };
        -2.0 * (term(self.churned) + term(self.n - self.churned))
    }
}

/// Log-odds of churn, with half a case added to either side so that they are finite (Haldane, Annals of Human Genetics 1956).
fn log_odds(churned: u64, n: u64) -> f64 {
    ((churned as f64 + 0.5) / ((n - churned) as f64 + 0.5)).ln()
}

/// One step per distinct finite value, ascending.
fn distinct(values: &[(f64, bool)]) -> Vec<Step> {
    let mut sorted: Vec<(f64, bool)> = values.iter().copied().filter(|(value, _)| value.is_finite()).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let step = |ties: &[(f64, bool)]| Step {
        sum: ties.first().map_or(0.0, |(value, _)| value * ties.len() as f64),
        n: ties.len() as u64,
        churned: ties.iter().filter(|(_, churned)| *churned).count() as u64,
    };
    sorted.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()).map(step).collect()
}

/// Pools adjacent steps until churn rates fall from each to the next.
fn pooled(steps: &[Step]) -> Vec<Step> {
    let mut pooled: Vec<Step> = Vec::new();
    for step in steps {
        let mut last = *step;
        // rate(before) <= rate(last), without division
        while let Some(before) =
            pooled.pop_if(|before| u128::from(before.churned) * u128::from(last.n) <= u128::from(last.churned) * u128::from(before.n))
        {
            last = before.plus(last);
        }
        pooled.push(last);
    }
    pooled
}

/// The pair to merge next, by the place of its first: first those with a level that is too small, then those that differ least, while they
/// do not differ enough or there are too many levels.
fn next_merge(levels: &[Step], smallest: u64) -> Option<usize> {
    let pairs = || levels.iter().zip(levels.iter().skip(1)).enumerate();
    let cost = |one: &Step, other: &Step| one.plus(*other).deviance() - one.deviance() - other.deviance();
    let cheapest = |only_small: bool| {
        let eligible = pairs().filter(move |(_, (one, other))| !only_small || one.n.min(other.n) < smallest);
        eligible.map(|(place, (one, other))| (place, cost(one, other))).min_by(|one, other| one.1.total_cmp(&other.1))
    };
    if let Some((place, _)) = cheapest(true) {
        return Some(place);
    }
    cheapest(false).filter(|(_, cost)| *cost < MIN_DEVIANCE || levels.len() > MAX_KNOTS).map(|(place, _)| place)
}

fn merge(levels: &mut Vec<Step>, place: usize) {
    if place + 1 < levels.len() {
        let next = levels.remove(place + 1);
        if let Some(level) = levels.get_mut(place) {
            *level = level.plus(next);
        }
    }
}

/// Scores from 0 to 100 by log-odds; metric values with four digits, which is more than a curve deserves.
fn points(levels: &[Level], rises: bool) -> Vec<[f64; 2]> {
    let odds: Vec<f64> = levels.iter().map(|level| log_odds(level.churned, level.n)).collect();
    let (most, least) = odds.iter().fold((f64::MIN, f64::MAX), |(most, least), odds| (most.max(*odds), least.min(*odds)));
    let mut best: f64 = 0.0;
    let mut scores: Vec<f64> = Vec::new();
    let ordered: Vec<f64> = if rises { odds } else { odds.into_iter().rev().collect() };
    for odds in ordered {
        // The half cases may turn two close levels around; a curve goes one way.
        best = best.max((100.0 * (most - odds) / (most - least)).round());
        scores.push(best);
    }
    if !rises {
        scores.reverse();
    }
    let mut xs: Vec<f64> = levels.iter().map(|level| digits(level.value)).collect();
    if !xs.iter().zip(xs.iter().skip(1)).all(|(one, other)| one < other) {
        xs = levels.iter().map(|level| level.value).collect();
    }
    xs.into_iter().zip(scores).map(|(x, y)| [x, y]).collect()
}

/// Four significant digits.
fn digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::model::Curve;

    /// `n` values around `value` of which `churned` churn.
    fn level(value: f64, n: u32, churned: u32) -> impl Iterator<Item = (f64, bool)> {
        (0..n).map(move |at| (value + f64::from(at % 5) / 100.0 - 0.02, at * 7 % n < churned))
    }

    fn three_levels() -> Vec<(f64, bool)> {
        level(0.1, 200, 100).chain(level(0.5, 200, 40)).chain(level(0.9, 200, 4)).collect()
    }

    #[test]
    fn pooling_gives_the_isotonic_rates() {
        // Rates 1/2, 3/4, 0/1, 1/2 in descending order: {1/2, 3/4} pool to 4/6 and {0/1, 1/2} to 1/3.
        let steps = [(2, 1), (4, 3), (1, 0), (2, 1)].map(|(n, churned)| Step { sum: 0.0, n, churned });
        let found: Vec<(u64, u64)> = pooled(&steps).iter().map(|step| (step.churned, step.n)).collect();
        assert_eq!(found, [(4, 6), (1, 3)]);
    }

    #[test]
    fn a_curve_goes_through_the_levels_by_log_odds() {
        let found = suggest_curve(&three_levels(), true).unwrap();
        assert_eq!(found.levels.iter().map(|level| (level.n, level.churned)).collect::<Vec<_>>(), [(200, 100), (200, 40), (200, 4)]);
        // Log-odds 0, ln(40.5/160.5) and ln(4.5/196.5): the middle is 36 % of the way.
        assert_eq!(found.to_string(), "[[0.1, 0], [0.5, 36], [0.9, 100]]");
        assert!(Curve::new(&found.points).is_ok());
    }

    #[test]
    fn a_falling_curve_is_the_mirror_image() {
        let mirrored: Vec<(f64, bool)> = three_levels().iter().map(|(value, churned)| (1.0 - value, *churned)).collect();
        assert_eq!(suggest_curve(&mirrored, false).unwrap().to_string(), "[[0.1, 100], [0.5, 36], [0.9, 0]]");
        assert_eq!(
            (rises(&[[0.0, 100.0], [1.0, 0.0]]), rises(&[[0.0, 0.0], [1.0, 70.0]]), rises(&[[0.0, 5.0]])),
            (Some(false), Some(true), None)
        );
    }

    #[test]
    fn churn_in_the_other_direction_or_none_at_all_gives_no_curve() {
        assert_eq!(suggest_curve(&three_levels(), false), Err(NoSuggestion::NoRelation));
        let flat: Vec<(f64, bool)> = (0..500).map(|at| (f64::from(at * 37 % 100), at % 5 == 0)).collect();
        assert_eq!(suggest_curve(&flat, true), Err(NoSuggestion::NoRelation));
    }

    #[test]
    fn many_levels_become_five_that_ascend() {
        let many: Vec<(f64, bool)> = (0..10_u32).flat_map(|at| level(f64::from(at), 400, 390 - 40 * at)).collect();
        let found = suggest_curve(&many, true).unwrap();
        assert_eq!(found.points.len(), 5, "{found}");
        assert!(found.points.windows(2).all(|two| two[0][0] < two[1][0] && two[0][1] <= two[1][1]), "{found}");
        assert_eq!((found.points[0][1], found.points[4][1]), (0.0, 100.0));
        assert!(Curve::new(&found.points).is_ok());
    }

    #[test]
    fn the_order_of_values_and_values_that_are_no_numbers_do_not_matter() {
        let mut values = three_levels();
        let found = suggest_curve(&values, true);
        values.reverse();
        values.extend([(f64::NAN, true), (f64::INFINITY, true)]);
        assert_eq!(suggest_curve(&values, true), found);
    }

    #[test]
    fn few_values_are_refused_with_their_count() {
        let few: Vec<(f64, bool)> = level(0.1, 99, 40).collect();
        assert_eq!(suggest_curve(&few, true), Err(NoSuggestion::TooFew { n: 99, churned: 40 }));
        let rare: Vec<(f64, bool)> = level(0.1, 200, 19).collect();
        assert_eq!(suggest_curve(&rare, true), Err(NoSuggestion::TooFew { n: 200, churned: 19 }));
    }
}
