//! Piecewise-linear curves from a metric to a score.

/// Maximum number of points per curve.
pub const MAX_CURVE_POINTS: usize = 64;

/// A piecewise-linear function, constant beyond its ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    points: Box<[[f64; 2]]>,
}

impl Curve {
    /// A curve through points (metric, score).
    ///
    /// # Errors
    /// Without points, with too many, if metric values are not strictly ascending, or if a score is outside 0..=100.
    pub fn new(points: &[[f64; 2]]) -> Result<Self, String> {
        if points.is_empty() {
            return Err("has no points".into());
        }
        if points.len() > MAX_CURVE_POINTS {
            return Err(format!("has {} points, at most {MAX_CURVE_POINTS} are allowed", points.len()));
        }
        for [x, y] in points {
            if !x.is_finite() || !(0.0..=100.0).contains(y) {
                return Err(format!("point [{x}, {y}]: the score must be 0 to 100 and the metric a finite number"));
            }
        }
        for ([before, _], [x, _]) in points.iter().zip(points.iter().skip(1)) {
            if before >= x {
                return Err(format!("metric values must ascend, {x} follows {before}"));
            }
        }
        Ok(Self { points: points.into() })
    }

    /// Its points (metric, score), in ascending order of the metric.
    #[must_use]
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The score at a value of the metric, 0..=100.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        match self.around(value) {
            (Some([x0, y0]), Some([x1, y1])) => y0 + (y1 - y0) * ((value - x0) / (x1 - x0)),
            (Some([_, y]), None) | (None, Some([_, y])) => y,
            (None, None) => 0.0,
        }
    }

    /// The last point at or below a value and the first above it: the two between which it is interpolated.
    #[must_use]
    pub fn around(&self, value: f64) -> (Option<[f64; 2]>, Option<[f64; 2]>) {
        let after = self.points.partition_point(|[x, _]| *x <= value);
        (after.checked_sub(1).and_then(|before| self.points.get(before)).copied(), self.points.get(after).copied())
    }

    /// The value from which on a curve that rises, or up to which one that falls, gives at least `score`, and whether the curve rises;
    /// `None` if it goes both ways, is constant, or never reaches the score.
    #[must_use]
    pub fn reaching(&self, score: f64) -> Option<(f64, bool)> {
        let pairs = || self.points.iter().zip(self.points.iter().skip(1));
        let rises = pairs().any(|([_, y0], [_, y1])| y0 < y1);
        if rises == pairs().any(|([_, y0], [_, y1])| y0 > y1) {
            return None;
        }
        let crosses = |([x0, y0], [x1, y1]): (&[f64; 2], &[f64; 2])| {
            let is_crossed = if rises { *y0 < score && score <= *y1 } else { *y1 < score && score <= *y0 };
            is_crossed.then(|| x0 + (x1 - x0) * ((score - y0) / (y1 - y0)))
        };
        let x = if rises { pairs().find_map(crosses) } else { pairs().rev().find_map(crosses) };
        x.map(|x| (x, rises))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seats() -> Curve {
        Curve::new(&[[0.0, 0.0], [0.2, 25.0], [0.5, 50.0], [0.8, 85.0], [1.0, 100.0]]).unwrap()
    }

    #[test]
    fn a_curve_is_linear_between_points_and_flat_beyond_them() {
        let table = [(-1.0, 0.0), (0.0, 0.0), (0.1, 12.5), (0.2, 25.0), (0.35, 37.5), (0.5, 50.0), (0.8, 85.0), (1.0, 100.0), (7.0, 100.0)];
        for (value, score) in table {
            assert!((seats().at(value) - score).abs() < 1e-12, "{value}: {}", seats().at(value));
        }
        let constant = Curve::new(&[[3.0, 40.0]]).unwrap();
        assert_eq!((constant.at(-5.0), constant.at(3.0)), (40.0, 40.0));
    }

    #[test]
    fn a_curve_may_fall() {
        let due = Curve::new(&[[0.0, 60.0], [14.0, 40.0], [30.0, 0.0]]).unwrap();
        assert_eq!((due.at(7.0), due.at(22.0), due.at(31.0)), (50.0, 20.0, 0.0));
    }

    #[test]
    fn a_value_lies_between_two_points_or_beyond_one() {
        assert_eq!(seats().around(0.3), (Some([0.2, 25.0]), Some([0.5, 50.0])));
        assert_eq!(seats().around(0.2), (Some([0.2, 25.0]), Some([0.5, 50.0])));
        assert_eq!((seats().around(-1.0), seats().around(1.0)), ((None, Some([0.0, 0.0])), (Some([1.0, 100.0]), None)));
    }

    #[test]
    fn a_curve_is_inverted_where_it_goes_one_way() {
        assert_eq!(seats().reaching(67.5), Some((0.65, true)));
        let due = Curve::new(&[[0.0, 60.0], [14.0, 40.0], [30.0, 0.0]]).unwrap();
        assert_eq!((due.reaching(40.0), due.reaching(50.0), due.reaching(70.0)), (Some((14.0, false)), Some((7.0, false)), None));
        let hill = Curve::new(&[[0.0, 0.0], [1.0, 90.0], [2.0, 10.0]]).unwrap();
        assert_eq!((hill.reaching(50.0), Curve::new(&[[3.0, 90.0]]).unwrap().reaching(70.0)), (None, None));
    }

    #[test]
    fn invalid_curves_are_rejected() {
        for points in
            [&[][..], &[[0.0, 0.0], [0.0, 1.0]], &[[1.0, 0.0], [0.0, 1.0]], &[[0.0, 101.0]], &[[0.0, f64::NAN]], &[[f64::INFINITY, 1.0]]]
        {
            assert!(Curve::new(points).is_err(), "{points:?}");
        }
    }

    proptest! {
        #[test]
        fn a_curve_through_rising_points_never_falls(
            steps in prop::collection::vec((0.01_f64..10.0, 0.0_f64..10.0), 1..10), a in -5.0_f64..100.0, b in -5.0_f64..100.0,
        ) {
            let points: Vec<[f64; 2]> = steps.iter().scan([0.0, 0.0], |sum, (dx, dy)| { sum[0] += dx; sum[1] += dy; Some(*sum) }).collect();
            let curve = Curve::new(&points).unwrap();
            let (low, high) = (curve.at(a.min(b)), curve.at(a.max(b)));
            prop_assert!(low <= high + 1e-9);
            prop_assert!((0.0..=100.0 + 1e-9).contains(&high));
        }
    }
}
