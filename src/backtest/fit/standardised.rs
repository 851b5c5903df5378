//! Logistic regression on plain features, each in its own unit: the baseline that a model has to beat.

use super::logistic::{Design, Failure, Logistic, fit};

/// A regression on features that are shifted to mean 0 and scaled to standard deviation 1, so that the penalty treats them alike. An absent
/// feature counts as its mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardised {
    /// Mean and standard deviation of each feature where it is present.
    moments: Vec<(f64, f64)>,
    regression: Logistic,
}

impl Standardised {
    /// Fits rows of `width` features.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn fit<'a>(
        width: usize,
        rows: impl Iterator<Item = &'a [Option<f64>]> + Clone,
        churned: &[bool],
        lambda: f64,
    ) -> Result<Self, Failure> {
        let moments: Vec<(f64, f64)> =
            (0..width).map(|place| moments(rows.clone().filter_map(|row| row.get(place).copied().flatten()))).collect();
        let mut design = Design::new(width);
        for row in rows {
            design.push(standardised(&moments, row));
        }
        Ok(Self { regression: fit(&design, churned, lambda)?, moments })
    }

    /// The probability of churn.
    #[must_use]
    pub fn risk(&self, row: &[Option<f64>]) -> f64 {
        self.regression.risk(&standardised(&self.moments, row).collect::<Vec<_>>())
    }
}

fn standardised<'a>(moments: &'a [(f64, f64)], row: &'a [Option<f64>]) -> impl Iterator<Item = f64> + 'a {
    moments.iter().enumerate().map(|(place, (mean, deviation))| {
        let value = row.get(place).copied().flatten().unwrap_or(*mean);
        if *deviation > 0.0 { (value - mean) / deviation } else { 0.0 }
    })
}

/// Mean and standard deviation; sums are in ascending order, so that the order of rows does not show.
fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let n = (values.len() as f64).max(1.0);
    let mean = values.iter().sum::<f64>() / n;
    let mut squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    squares.sort_by(f64::total_cmp);
    (mean, (squares.iter().sum::<f64>() / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_do_not_matter() {
        let rows: Vec<[Option<f64>; 2]> = (0..60_u32).map(|at| [Some(f64::from(at * 7 % 13)), Some(f64::from(at * 5 % 11))]).collect();
        let churned: Vec<bool> = (0..60_u32).map(|at| at * 7 % 13 + at % 3 > 7).collect();
        let risks = |factor: f64, shift: f64| -> Vec<f64> {
            let scaled: Vec<[Option<f64>; 2]> = rows.iter().map(|row| row.map(|value| value.map(|value| factor * value + shift))).collect();
            let model = Standardised::fit(2, scaled.iter().map(<[Option<f64>; 2]>::as_slice), &churned, 0.01).unwrap();
            scaled.iter().map(|row| model.risk(row)).collect()
        };
        for (one, other) in risks(1.0, 0.0).iter().zip(risks(1000.0, -5.0)) {
            assert!((one - other).abs() < 1e-9, "{one} {other}");
        }
        let spread = risks(1.0, 0.0).iter().fold((1.0_f64, 0.0_f64), |(least, most), risk| (least.min(*risk), most.max(*risk)));
        assert!(spread.1 - spread.0 > 0.5, "{spread:?}");
    }

    #[test]
    fn an_absent_feature_counts_as_its_mean_and_a_constant_one_not_at_all() {
        let rows = [
            [Some(1.0), Some(3.0)],
            [Some(2.0), Some(3.0)],
            [Some(3.0), None],
            [None, Some(3.0)],
            [Some(0.0), Some(3.0)],
            [Some(4.0), None],
        ];
        let churned = [true, false, true, false, false, true];
        let model = Standardised::fit(2, rows.iter().map(<[Option<f64>; 2]>::as_slice), &churned, 0.01).unwrap();
        assert!((model.risk(&[None, None]) - model.risk(&[Some(2.0), Some(9.0)])).abs() < 1e-12);
        assert!(model.risk(&[Some(4.0), None]) > model.risk(&[Some(0.0), None]));
    }
}
