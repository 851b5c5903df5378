//! The score of one account, taken apart so that a reader redoes it by hand: from metric values over curves, weights, rules and
//! hysteresis to the band, and from component scores to the risk; what moved it; what would make it green; the events behind it.
//!
//! [`Breakdown::of`] computes it, [`Breakdown::text`] makes it readable.

mod activity;
mod compute;
mod document;
mod green;
mod hysteresis;
mod possible;
mod risk;
mod rules;
mod scoring;
mod text;

pub use activity::ByDay;
pub use document::{
    Absent, Activity, Band, Border, Breakdown, Comparison, Component, Decision, Green, Health, Logistic, ModelName, Moved, Override, Risk,
    Rule, Since, Step, Term,
};
pub use text::WIDTH;
