//! The curves that the report draws.

use super::super::quality::Point;

/// Points of a curve at most, so that a report of a million points stays small.
const MAX_POINTS: usize = 200;

/// The ROC curve: pairs of (share of those that stayed, share of those that churned) at or above each value, from (0, 0) to (1, 1). Empty if
/// either class is missing.
#[must_use]
pub fn roc(points: &[Point]) -> Vec<(f64, f64)> {
    let churned = points.iter().filter(|point| point.churned).count();
    let stayed = points.len() - churned;
    if churned == 0 || stayed == 0 {
        return Vec::new();
    }
    let mut curve = vec![(0.0, 0.0)];
    let (mut caught, mut wrong) = (0, 0);
    for ties in descending(points).chunk_by(|one, other| one.risk.total_cmp(&other.risk).is_eq()) {
        caught += ties.iter().filter(|point| point.churned).count();
        wrong += ties.iter().filter(|point| !point.churned).count();
        curve.push((wrong as f64 / stayed as f64, caught as f64 / churned as f64));
    }
    thin(&curve)
}

/// Lift by depth: for each twentieth of the points, riskiest first, the churn rate of all points down to there / that of all points. Ties
/// count by the share of them that fits. Empty without churn.
#[must_use]
pub fn lift(points: &[Point]) -> Vec<(f64, f64)> {
    let churned = points.iter().filter(|point| point.churned).count();
    if churned == 0 {
        return Vec::new();
    }
    let sorted = descending(points);
    let groups: Vec<(f64, f64)> = sorted
        .chunk_by(|one, other| one.risk.total_cmp(&other.risk).is_eq())
        .map(|ties| (ties.len() as f64, ties.iter().filter(|point| point.churned).count() as f64))
        .collect();
    let caught = |depth: f64| {
        let mut room = depth;
        let taken = |(n, churned): &(f64, f64)| {
            let fitting = room.clamp(0.0, *n);
            room -= fitting;
            churned * fitting / n
        };
        groups.iter().map(taken).sum::<f64>()
    };
    let at = |twentieth: u32| {
        let share = f64::from(twentieth) / 20.0;
        let depth = share * points.len() as f64;
        (share, caught(depth) / depth / (churned as f64 / points.len() as f64))
    };
    (1..=20).map(at).collect()
}

fn descending(points: &[Point]) -> Vec<&Point> {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|one, other| other.risk.total_cmp(&one.risk).then(one.churned.cmp(&other.churned)));
    sorted
}

/// Every n-th point of a curve, and its last.
fn thin(curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = curve.len().div_ceil(MAX_POINTS).max(1);
    let mut thinned: Vec<(f64, f64)> = curve.iter().copied().step_by(step).collect();
    if thinned.last() != curve.last() {
        thinned.extend(curve.last());
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(f64, bool)]) -> Vec<Point> {
        of.iter().map(|(risk, churned)| Point { account: 0, risk: *risk, churned: *churned }).collect()
    }

    #[test]
    fn a_roc_curve_rises_with_each_churn_and_moves_right_with_each_that_stayed() {
        let found = roc(&points(&[(0.9, true), (0.5, false), (0.5, true), (0.1, false)]));
        assert_eq!(found, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert!(roc(&points(&[(0.9, true)])).is_empty());
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let many: Vec<Point> = (0..5000).map(|at| Point { account: 0, risk: f64::from(at), churned: at % 3 == 0 }).collect();
        let found = roc(&many);
        assert!(found.len() <= MAX_POINTS + 1);
        assert_eq!((found.first(), found.last()), (Some(&(0.0, 0.0)), Some(&(1.0, 1.0))));
    }

    #[test]
    fn lift_falls_to_1_with_all_points() {
        // 20 points of which the riskiest two churned: the first tenth has 10 times the rate of all.
        let many: Vec<Point> = (0..20).map(|at| Point { account: 0, risk: f64::from(at), churned: at >= 18 }).collect();
        let found = lift(&many);
        assert_eq!((found[0], found[1], found[3], found[19]), ((0.05, 10.0), (0.1, 10.0), (0.2, 5.0), (1.0, 1.0)));
        assert_eq!(lift(&points(&[(0.3, true), (0.3, false)]))[9], (0.5, 1.0));
        assert!(lift(&points(&[(0.3, false)])).is_empty());
    }
}
