//! Whether a predicted 20 % comes true in 20 % of cases.

use super::Point;
use super::interval::{Interval, wilson};

/// The points of one bin of predicted risk.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Lowest predicted risk.
    pub from: f64,
    /// Highest predicted risk.
    pub to: f64,
    /// Number of points.
    pub n: u64,
    /// Number that churned.
    pub churned: u64,
    /// Mean predicted risk.
    pub predicted: f64,
    /// Share that churned.
    pub observed: f64,
    /// Wilson interval of that share; it takes points as independent.
    pub interval: Interval,
}

/// The points by deciles of predicted risk, ascending: bin i ends at rank i n / 10, or behind the points that tie there. So there are at
/// most ten bins, fewer if many points share a risk (Hosmer and Lemeshow, "Goodness of fit tests", 1980).
#[must_use]
pub fn reliability(points: &[Point]) -> Vec<Bin> {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|one, other| one.risk.total_cmp(&other.risk).then(one.churned.cmp(&other.churned)));
    let (mut bins, mut current, mut seen) = (Vec::new(), Vec::new(), 0);
    for ties in sorted.chunk_by(|one, other| one.risk.total_cmp(&other.risk).is_eq()) {
        current.extend_from_slice(ties);
        let decile = |seen: usize| seen * 10 / points.len();
        if decile(seen + ties.len()) > decile(seen) {
            bins.extend(bin(&current));
            current.clear();
        }
        seen += ties.len();
    }
    bins
}

fn bin(points: &[&Point]) -> Option<Bin> {
    let n = points.len() as u64;
    let churned = points.iter().filter(|point| point.churned).count() as u64;
    let predicted = points.iter().map(|point| point.risk).sum::<f64>() / n as f64;
    let interval = wilson(churned, n)?;
    Some(Bin { from: points.first()?.risk, to: points.last()?.risk, n, churned, predicted, observed: churned as f64 / n as f64, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_deciles_of_predicted_risk() {
        let points: Vec<Point> = (0..40).map(|at| Point { account: 0, risk: f64::from(39 - at) / 100.0, churned: at < 2 }).collect();
        let bins = reliability(&points);
        assert_eq!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>(), [4; 10]);
        let last = bins[9];
        assert_eq!((last.from, last.to, last.churned, last.observed), (0.36, 0.39, 2, 0.5));
        assert!((last.predicted - 0.375).abs() < 1e-12);
        assert_eq!((bins[0].observed, Some(bins[0].interval)), (0.0, wilson(0, 4)));
    }

    #[test]
    fn ties_share_a_bin_and_every_point_is_in_one() {
        let risk = |at: u32| if at < 25 { 0.1 } else { f64::from(at) / 100.0 };
        let points: Vec<Point> = (0..37).map(|at| Point { account: 0, risk: risk(at), churned: at % 9 == 0 }).collect();
        let bins = reliability(&points);
        assert_eq!(bins.first().map(|bin| (bin.n, bin.from, bin.to)), Some((25, 0.1, 0.1)));
        assert_eq!(bins.iter().map(|bin| bin.n).sum::<u64>(), 37);
        assert!(bins.len() <= 10 && bins.windows(2).all(|two| two[0].to < two[1].from));
        assert!(reliability(&[]).is_empty());
    }
}
