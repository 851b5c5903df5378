//! The area under the ROC curve: the probability that an account that churned had a higher risk than one that stayed.

use super::Point;
use super::bootstrap::Bootstrap;
use super::interval::Interval;

/// AUC = (R - c(c + 1)/2) / (c k) for c points that churned and k that stayed, where R is the sum of the mid-ranks of the former by
/// ascending risk: the Mann-Whitney statistic, in which a tie counts one half (Hanley and `McNeil`, Radiology 1982). `None` if either class
/// is missing.
#[must_use]
pub fn auc(points: &[Point]) -> Option<f64> {
    Ranking::of(points).auc(|_| 1)
}

/// The 95 % interval of [`auc`], from a bootstrap of accounts.
#[must_use]
pub fn auc_interval(points: &[Point], bootstrap: &Bootstrap) -> Option<Interval> {
    let ranking = Ranking::of(points);
    bootstrap.interval(ranking.accounts, |drawn| ranking.auc(|account| drawn.get(account).copied().unwrap_or_default()))
}

/// The points by ascending risk, sorted once for all resamples.
struct Ranking {
    points: Vec<Ranked>,
    accounts: usize,
}

/// A point in its place.
struct Ranked {
    /// Place of its account among all accounts.
    account: usize,
    churned: bool,
    /// Whether the next point has a higher risk.
    ends_tie: bool,
}

impl Ranking {
    fn of(points: &[Point]) -> Self {
        let mut accounts: Vec<u64> = points.iter().map(|point| point.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let mut sorted: Vec<&Point> = points.iter().collect();
        sorted.sort_by(|one, other| one.risk.total_cmp(&other.risk));
        let nexts = sorted.iter().skip(1).map(|next| next.risk).chain([f64::INFINITY]);
        let ranked = |(point, next): (&&Point, f64)| Ranked {
            account: accounts.partition_point(|account| *account < point.account),
            churned: point.churned,
            ends_tie: point.risk.total_cmp(&next).is_ne(),
        };
        Self { points: sorted.iter().zip(nexts).map(ranked).collect(), accounts: accounts.len() }
    }

    /// The AUC with each point as often as its account was drawn. All sums are integers: twice the Mann-Whitney statistic.
    fn auc(&self, times: impl Fn(usize) -> u32) -> Option<f64> {
        let (mut twice, mut all_churned, mut all_stayed) = (0_u128, 0_u64, 0_u64);
        let (mut churned, mut stayed) = (0, 0);
        for point in &self.points {
            let class = if point.churned { &mut churned } else { &mut stayed };
            *class += u64::from(times(point.account));
            if point.ends_tie {
                twice += u128::from(churned) * u128::from(2 * all_stayed + stayed);
                all_churned += churned;
                all_stayed += stayed;
                (churned, stayed) = (0, 0);
            }
        }
        let pairs = u128::from(all_churned) * u128::from(all_stayed);
        (pairs > 0).then(|| twice as f64 / (2.0 * pairs as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(f64, bool)]) -> Vec<Point> {
        (0_u64..).zip(of).map(|(account, (risk, churned))| Point { account, risk: *risk, churned: *churned }).collect()
    }

    #[test]
    fn the_auc_counts_pairs_in_order_and_ties_by_half() {
        // Churned 0.9, 0.5, 0.3 against stayed 0.5, 0.2: 2 + (1/2 + 1) + 1 of 6 pairs.
        let mixed = points(&[(0.9, true), (0.5, true), (0.3, true), (0.5, false), (0.2, false)]);
        assert_eq!(auc(&mixed), Some(4.5 / 6.0));
        let reversed: Vec<Point> = mixed.iter().rev().copied().collect();
        assert_eq!(auc(&reversed), auc(&mixed));
    }

    #[test]
    fn the_auc_is_1_in_perfect_order_half_where_all_are_equal_and_undefined_with_one_class() {
        assert_eq!(auc(&points(&[(0.1, false), (0.2, true)])), Some(1.0));
        assert_eq!(auc(&points(&[(0.2, false), (0.1, true)])), Some(0.0));
        assert_eq!(auc(&points(&[(0.4, false), (0.4, true), (0.4, false)])), Some(0.5));
        assert_eq!((auc(&points(&[(0.4, false)])), auc(&[])), (None, None));
    }

    #[test]
    fn repeated_points_of_the_same_accounts_do_not_narrow_the_interval() {
        let risk = |account: u64| (account.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24);
        let once: Vec<Point> = (0..200).map(|account| Point { account, risk: risk(account), churned: account % 4 == 0 }).collect();
        let tenfold: Vec<Point> = once.iter().flat_map(|point| [*point; 10]).collect();
        let interval = auc_interval(&once, &Bootstrap::default()).unwrap();
        assert!(interval.contains(0.5) && interval.high - interval.low > 0.12, "{interval:?}");
        assert_eq!(auc_interval(&tenfold, &Bootstrap::default()), Some(interval));
    }

    #[test]
    fn the_interval_does_not_depend_on_the_order_of_points() {
        let mut mixed: Vec<Point> =
            (0..60).map(|at: u64| Point { account: at / 3, risk: (at * 7 % 60) as f64 / 60.0, churned: at.is_multiple_of(5) }).collect();
        let interval = auc_interval(&mixed, &Bootstrap::default());
        mixed.reverse();
        assert_eq!((auc_interval(&mixed, &Bootstrap::default()), interval.is_some()), (interval, true));
    }
}
