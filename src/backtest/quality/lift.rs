//! How much churn is among the accounts of highest risk.

use super::Point;

/// Churn rate of the tenth of the points with the highest risk / churn rate of all points (Neslin et al., "Defection detection", Journal of
/// Marketing Research 2006). The tenth is rounded up. Points that share the risk at its border count by the share of them that fits, so
/// ties give the average over their orders. `None` without churn.
#[must_use]
pub fn top_decile_lift(points: &[Point]) -> Option<f64> {
    let churned = points.iter().filter(|point| point.churned).count();
    if churned == 0 {
        return None;
    }
    let top = points.len().div_ceil(10) as f64;
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|one, other| other.risk.total_cmp(&one.risk));
    let (mut room, mut caught) = (top, 0.0);
    for ties in sorted.chunk_by(|one, other| one.risk.total_cmp(&other.risk).is_eq()) {
        let fitting = room.min(ties.len() as f64);
        caught += ties.iter().filter(|point| point.churned).count() as f64 * fitting / ties.len() as f64;
        room -= fitting;
        if room <= 0.0 {
            break;
        }
    }
    Some(caught / top / (churned as f64 / points.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(risk: f64, churned: bool) -> Point {
        Point { account: 0, risk, churned }
    }

    #[test]
    fn the_lift_compares_the_top_tenth_with_all() {
        // 20 points, 4 churned: base rate 0.2. The top two are one churned and one stayed: 0.5 / 0.2.
        let points: Vec<Point> = (0..20).map(|at| point(f64::from(at), [3, 7, 11, 19].contains(&at))).collect();
        assert_eq!(top_decile_lift(&points), Some(2.5));
        assert_eq!(top_decile_lift(&[point(0.3, false)]), None);
    }

    #[test]
    fn ties_at_the_border_count_by_their_share() {
        // One place for four ties of which two churned: half a churn in one place, against a base rate of 0.2.
        let risks = [0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        let points: Vec<Point> = risks.iter().enumerate().map(|(at, risk)| point(*risk, at < 2)).collect();
        assert_eq!(top_decile_lift(&points), Some(2.5));
        let reversed: Vec<Point> = points.iter().rev().copied().collect();
        assert_eq!(top_decile_lift(&reversed), Some(2.5));
    }
}
