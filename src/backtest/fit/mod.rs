//! Coefficients of the risk model, fitted to history: [`fit`] splits the examples, chooses a penalty, fits, calibrates, and judges the
//! result by the latest part, from which nothing was learned.
//!
//! The result depends on the set of examples and the options alone: examples are sorted first, and all draws are seeded.

mod curves;
mod exact;
mod fitted;
mod function;
mod leak;
mod linear;
mod logistic;
mod model_text;
mod platt;
mod refusal;
#[cfg(test)]
mod simulated;
mod split;
#[cfg(test)]
mod tests;

pub use curves::{Level, NoSuggestion, Suggestion, rises, suggest_curve};
pub use fitted::{Coefficient, Fit, Options, fit};
pub use function::RiskFunction;
pub use leak::{Feature, Leak, Sign, leaks};
pub use logistic::{Design, Failure, Logistic, fit as fit_logistic, sigmoid};
pub use model_text::{TextError, model_text};
pub use platt::{Calibration, MIN_SLOPE};
pub use refusal::{Classes, Refusal};
pub use split::{Part, Split};
