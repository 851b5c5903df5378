//! What the rows of a group have in common: how present inputs are scaled up for those that are absent.
//!
//! With n the signs of the present coefficients and d = a - T/P n, the derivatives of one row are dz/dc = S/P d + T/P x, u = x - S/P n
//! and v = d/P: d, T and P are those of the group, and only S and x those of the row.

/// T, P and d of a group.
pub(super) struct Scale {
    /// T / P; 0 if no coefficient is present, so that z is b.
    pub factor: f64,
    /// P.
    pub present: f64,
    /// n: by parameter, the signs of the coefficients present, else 0; 0 for b.
    pub present_signs: Vec<f64>,
    /// d: by parameter; 0 for b.
    pub direction: Vec<f64>,
}

impl Scale {
    /// That of the rows with inputs at these places.
    pub(super) fn of(places: &[usize], parameters: &[f64], signs: &[f64]) -> Self {
        let (_, c) = split(parameters);
        let total: f64 = c.iter().map(|c| c.abs()).sum();
        let present: f64 = places.iter().filter_map(|place| c.get(*place)).map(|c| c.abs()).sum();
        let mut present_signs = vec![0.0; parameters.len()];
        for place in places {
            if let (Some(cell), Some(sign)) = (present_signs.get_mut(place + 1), signs.get(place + 1)) {
                *cell = *sign;
            }
        }
        if present <= 0.0 {
            return Self { factor: 0.0, present: 1.0, present_signs, direction: vec![0.0; parameters.len()] };
        }
        let factor = total / present;
        let mut direction: Vec<f64> = signs.iter().zip(&present_signs).map(|(a, n)| a - factor * n).collect();
        if let Some(b) = direction.first_mut() {
            *b = 0.0;
        }
        Self { factor, present, present_signs, direction }
    }
}

/// b and c.
pub(super) fn split(parameters: &[f64]) -> (f64, &[f64]) {
    parameters.split_first().map_or((0.0, &[]), |(b, c)| (*b, c))
}
