//! Symmetric systems of linear equations, as wide as a model has coefficients.
#![expect(clippy::indexing_slicing, reason = "every index is below the width, which the constructors fix")]

/// A symmetric matrix.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    width: usize,
    /// The lower triangle, row by row.
    cells: Vec<f64>,
}

/// The place of the first cell of a row.
const fn begins(row: usize) -> usize {
    row * (row + 1) / 2
}

impl Symmetric {
    /// All zero.
    pub(super) fn zero(width: usize) -> Self {
        Self { width, cells: vec![0.0; begins(width)] }
    }

    /// The cell of a row and a column.
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[begins(row.max(column)) + row.min(column)]
    }

    /// Adds to a cell and its mirror image.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        self.cells[begins(row.max(column)) + row.min(column)] += value;
    }

    /// Adds `factor` x v v'.
    pub(super) fn add_square(&mut self, factor: f64, v: &[f64]) {
        let mut cells = self.cells.iter_mut();
        for (row, one) in v.iter().enumerate() {
            let scaled = factor * one;
            for (other, cell) in v[..=row].iter().zip(&mut cells) {
                *cell += scaled * other;
            }
        }
    }

    /// Adds `factor` x (v w' + w v').
    pub(super) fn add_product(&mut self, factor: f64, v: &[f64], w: &[f64]) {
        for (row, (v_row, w_row)) in v.iter().zip(w).enumerate() {
            for (cell, (v_column, w_column)) in self.cells[begins(row)..=begins(row) + row].iter_mut().zip(v.iter().zip(w)) {
                *cell += factor * (v_row * w_column + w_row * v_column);
            }
        }
    }

    /// Adds `factor` x a smaller matrix, whose rows and columns go to these indices.
    pub(super) fn add_spread(&mut self, factor: f64, small: &Self, indices: &[usize]) {
        for (row, to_row) in indices.iter().enumerate() {
            for (column, to_column) in indices[..=row].iter().enumerate() {
                self.add(*to_row, *to_column, factor * small.at(row, column));
            }
        }
    }

    /// Divides all cells.
    pub(super) fn divide_by(&mut self, n: f64) {
        self.cells.iter_mut().for_each(|cell| *cell /= n);
    }

    /// The sum of two matrices of the same width.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self { width: self.width, cells: self.cells.iter().zip(&other.cells).map(|(one, other)| one + other).collect() }
    }

    /// The rows and columns of these indices.
    pub(super) fn of(&self, indices: &[usize]) -> Self {
        let row = |(place, row): (usize, &usize)| indices[..=place].iter().map(|column| self.at(*row, *column)).collect::<Vec<_>>();
        Self { width: indices.len(), cells: indices.iter().enumerate().flat_map(row).collect() }
    }

    /// The factor L of this matrix = L L'; `Err` has the first column that depends on those before it, or makes the matrix indefinite.
    /// A pivot below 1e-12 of its diagonal cell is rounding noise.
    pub(super) fn cholesky(&self) -> Result<Cholesky, usize> {
        let n = self.width;
        let mut l = vec![0.0; n * n];
        for row in 0..n {
            for column in 0..=row {
                let inner: f64 = (0..column).map(|k| l[row * n + k] * l[column * n + k]).sum();
                let rest = self.at(row, column) - inner;
                if row != column {
                    l[row * n + column] = rest / l[column * n + column];
                } else if rest.is_finite() && rest > 1e-12 * self.at(row, row).abs() {
                    l[row * n + row] = rest.sqrt();
                } else {
                    return Err(row);
                }
            }
        }
        Ok(Cholesky { width: n, l })
    }
}

/// The lower triangular factor of a positive definite matrix.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    width: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// The x of A x = b.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.width;
        let mut x = b.to_vec();
        for row in 0..n {
            let inner: f64 = (0..row).map(|k| self.l[row * n + k] * x[k]).sum();
            x[row] = (x[row] - inner) / self.l[row * n + row];
        }
        for row in (0..n).rev() {
            let inner: f64 = (row + 1..n).map(|k| self.l[k * n + row] * x[k]).sum();
            x[row] = (x[row] - inner) / self.l[row * n + row];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Symmetric {
        let lower = |(place, row): (usize, &&[f64])| row[..=place].to_vec();
        Symmetric { width: rows.len(), cells: rows.iter().enumerate().flat_map(lower).collect() }
    }

    #[test]
    fn a_system_is_solved() {
        let a = matrix(&[&[4.0, 2.0, 0.6], &[2.0, 5.0, 1.0], &[0.6, 1.0, 3.0]]);
        let x = a.cholesky().unwrap().solve(&[9.8, 15.0, 11.6]); // x = (1, 2, 3)
        for (found, expected) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{x:?}");
        }
    }

    #[test]
    fn a_dependent_column_is_named() {
        let mut squares = Symmetric::zero(3);
        for v in [[1.0, 2.0, 3.0], [1.0, 1.0, 2.0], [1.0, 5.0, 6.0]] {
            squares.add_square(1.0, &v); // the third is the sum of the first two
        }
        assert_eq!(squares.cholesky().err(), Some(2));
        assert_eq!(matrix(&[&[1.0, 2.0], &[2.0, 1.0]]).cholesky().err(), Some(1));
        assert_eq!(matrix(&[&[f64::NAN]]).cholesky().err(), Some(0));
        assert!(squares.of(&[0, 2]).cholesky().is_ok());
    }

    #[test]
    fn products_and_smaller_matrices_are_added() {
        let mut sum = Symmetric::zero(2);
        sum.add_product(2.0, &[1.0, 2.0], &[3.0, 5.0]);
        sum.add(0, 1, 0.5);
        assert_eq!(sum.cells, [12.0, 22.5, 40.0]);
        let mut large = Symmetric::zero(3);
        large.add_spread(2.0, &sum, &[2, 0]);
        for (row, column, sum) in [(2, 2, 24.0), (0, 2, 45.0), (2, 0, 45.0), (0, 0, 80.0), (1, 1, 0.0)] {
            assert!((large.at(row, column) - sum).abs() < 1e-12, "{row} {column}");
        }
    }
}
