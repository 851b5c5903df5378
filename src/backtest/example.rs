//! One account at one instant of the past, with what became of it.

use crate::time::Timestamp;

/// An account at an instant: what the risk model saw, and whether the account churned within the horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Hash of the account id. It groups the examples of one account, decides splits by account, and orders them.
    pub account: u64,
    /// When the account was scored.
    pub instant: Timestamp,
    /// Whether it churned after the instant and within the horizon.
    pub churned: bool,
    /// [`Example::input`] of each component of the model, in file order; `None` if it was absent or outside the account's profile.
    pub inputs: Box<[Option<f64>]>,
}

impl Example {
    /// The input of the risk model for a component score: (score - 50) / 50, -1 to 1.
    #[must_use]
    pub fn input(score: f64) -> f64 {
        (score - 50.0) / 50.0
    }

    /// Sorts by instant and account, so that sums of floating-point numbers do not depend on the order of reading. What one account has
    /// twice at one instant is ordered by its content.
    pub fn sort(examples: &mut [Self]) {
        examples.sort_by(|one, other| {
            let place = |example: &Self| (example.instant, example.account, example.churned);
            let bits = |example: &Self| example.inputs.iter().map(|input| input.map(f64::to_bits)).collect::<Vec<_>>();
            place(one).cmp(&place(other)).then_with(|| bits(one).cmp(&bits(other)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_the_score_around_50() {
        assert_eq!([0.0, 50.0, 75.0, 100.0].map(|score| Some(Example::input(score))), [-1.0, 0.0, 0.5, 1.0].map(Some));
    }

    #[test]
    fn any_order_of_reading_sorts_to_the_same() {
        let example = |account, day: i64, input| Example { account, instant: Timestamp(day), churned: false, inputs: [input].into() };
        let sorted = [example(2, 1, None), example(1, 2, Some(0.1)), example(1, 2, Some(0.2)), example(3, 2, None)];
        for order in [[3, 1, 0, 2], [2, 3, 1, 0], [1, 2, 3, 0]] {
            let mut mixed = order.map(|place: usize| sorted[place].clone());
            Example::sort(&mut mixed);
            assert_eq!(mixed, sorted);
        }
    }
}
