//! Fits the coefficients of the risk function itself: minimises
//!
//! F(b, c) = (1/n) sum(-y ln p - (1 - y) ln(1 - p)) + lambda/2 sum(c^2),   p = sigmoid(z)
//! z = b + T S / P,   T = sum of all |c|, S = sum of c x over the present, P = sum of |c| over the present
//!
//! Plain logistic regression with 0 for absent inputs would fit another function: it ignores that T / P scales the others up. With a the
//! signs of c, n those of the present ones, m the inputs of the present ones and u = m - S/P n:
//!
//! dz/dc = S/P a + T/P u,   d2z/dc2 = u v' + v u',   v = a/P - T/P^2 n
//!
//! F is not convex, so the exact Hessian is used where it is positive definite, else its Gauss-Newton part.
//!
//! F has a kink where a coefficient is 0, and a gap for rows in which no other component is present: z depends on the sign of that
//! coefficient, but not on its size. So each descent keeps the signs it began with and every |c| at [`descent::LEAST`] or above, which is as good as
//! 0 for all other rows; within these bounds F is smooth. The other side of each bound is tried afterwards.

mod descent;
mod group;
mod likelihood;
mod robust;
mod search;
mod slopes;
#[cfg(test)]
mod tests;

pub(super) use descent::Minimum;
pub(super) use likelihood::Rows;
