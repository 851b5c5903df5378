//! How well churn risk foretold the churn of the past, and the coefficients that would have foretold it best.
//!
//! An [`Example`] is one account at one instant: the inputs of its risk then, and whether it churned within the horizon. [`quality`] judges
//! risks by what happened; [`fit`] finds the coefficients of the risk model.

mod evidence;
mod example;
pub mod fit;
pub mod quality;

pub use evidence::data_hash;
pub use example::Example;
