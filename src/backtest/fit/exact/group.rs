//! Rows in which the same inputs are present, and sums over them.

use super::super::linear::Symmetric;
use super::super::logistic::{Design, loss, sigmoid};
use super::slopes::Scale;

/// Rows with inputs at the same places.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The places of the inputs among the coefficients, ascending.
    pub places: Vec<usize>,
    /// The present inputs.
    inputs: Design,
    targets: Vec<f64>,
    /// Rows of one account are not independent.
    accounts: Vec<u64>,
}

/// Sums over the rows of a group, with e = p - y, w = p (1 - p) and s = S / P.
pub(super) struct Sums {
    e: f64,
    es: f64,
    ex: Vec<f64>,
    w: f64,
    ws: f64,
    wss: f64,
    wx: Vec<f64>,
    wsx: Vec<f64>,
    wxx: Symmetric,
}

impl Group {
    pub(super) fn new(places: &[usize]) -> Self {
        Self { places: places.to_vec(), inputs: Design::new(places.len()), targets: Vec::new(), accounts: Vec::new() }
    }

    pub(super) fn push(&mut self, account: u64, present: impl IntoIterator<Item = f64>, churned: bool) {
        self.inputs.push(present);
        self.targets.push(f64::from(u8::from(churned)));
        self.accounts.push(account);
    }

    /// Present inputs, target and account of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[f64], f64, u64)> {
        self.inputs.rows().zip(&self.targets).zip(&self.accounts).map(|((inputs, target), account)| (inputs, *target, *account))
    }

    /// The present ones of the coefficients c.
    fn present(&self, c: &[f64]) -> Vec<f64> {
        self.places.iter().filter_map(|place| c.get(*place)).copied().collect()
    }

    /// The sum of the losses of the rows.
    pub(super) fn loss(&self, b: f64, c: &[f64], total: f64) -> f64 {
        let c = self.present(c);
        let present: f64 = c.iter().map(|c| c.abs()).sum();
        let factor = if present > 0.0 { total / present } else { 0.0 };
        self.rows().map(|(inputs, target, _)| loss(b + factor * product(&c, inputs), target)).sum()
    }

    /// Calls `see` with the inputs, e, w, s and account of each row.
    pub(super) fn residuals(&self, parameters: &[f64], scale: &Scale, mut see: impl FnMut(&[f64], f64, f64, f64, u64)) {
        let (b, c) = super::slopes::split(parameters);
        let c = self.present(c);
        for (inputs, target, account) in self.rows() {
            let sum = product(&c, inputs);
            let risk = sigmoid(b + scale.factor * sum);
            see(inputs, risk - target, risk * (1.0 - risk), sum / scale.present, account);
        }
    }

    pub(super) fn sums(&self, parameters: &[f64], scale: &Scale) -> Sums {
        let zero = || vec![0.0; self.places.len()];
        let mut sums = Sums {
            e: 0.0,
            es: 0.0,
            ex: zero(),
            w: 0.0,
            ws: 0.0,
            wss: 0.0,
            wx: zero(),
            wsx: zero(),
            wxx: Symmetric::zero(self.places.len()),
        };
        self.residuals(parameters, scale, |inputs, e, w, s, _| {
            sums.e += e;
            sums.es += e * s;
            sums.w += w;
            sums.ws += w * s;
            sums.wss += w * s * s;
            add(&mut sums.ex, e, inputs);
            add(&mut sums.wx, w, inputs);
            add(&mut sums.wsx, w * s, inputs);
            sums.wxx.add_square(w, inputs);
        });
        sums
    }
}

impl Sums {
    /// Adds the derivatives of the group, before the division by the number of rows and the penalty: the gradient, the Gauss-Newton part of
    /// the Hessian, and the rest of it.
    pub(super) fn add_to(&self, scale: &Scale, places: &[usize], gradient: &mut [f64], gauss_newton: &mut Symmetric, rest: &mut Symmetric) {
        let width = gradient.len();
        let at_place = |sums: &[f64]| {
            let mut all = vec![0.0; width];
            for (place, sum) in places.iter().zip(sums) {
                if let Some(cell) = all.get_mut(place + 1) {
                    *cell = *sum;
                }
            }
            all
        };
        let d = &scale.direction;
        let slope = |s: f64, x: &[f64]| -> Vec<f64> { d.iter().zip(at_place(x)).map(|(d, x)| s * d + scale.factor * x).collect() };
        let intercept: Vec<f64> = (0..width).map(|place| if place == 0 { 1.0 } else { 0.0 }).collect();
        add(gradient, self.e, &intercept);
        add(gradient, 1.0, &slope(self.es, &self.ex));
        gauss_newton.add(0, 0, self.w);
        gauss_newton.add_product(1.0, &intercept, &slope(self.ws, &self.wx));
        gauss_newton.add_square(self.wss, d);
        gauss_newton.add_product(scale.factor, d, &at_place(&self.wsx));
        gauss_newton.add_spread(scale.factor * scale.factor, &self.wxx, &places.iter().map(|place| place + 1).collect::<Vec<_>>());
        let u: Vec<f64> = at_place(&self.ex).iter().zip(&scale.present_signs).map(|(x, n)| x - self.es * n).collect();
        let v: Vec<f64> = d.iter().map(|d| d / scale.present).collect();
        rest.add_product(1.0, &u, &v);
    }
}

fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn add(to: &mut [f64], factor: f64, by: &[f64]) {
    to.iter_mut().zip(by).for_each(|(to, by)| *to += factor * by);
}
