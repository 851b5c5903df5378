//! How well churn risk foretold the churn of the past, and the coefficients that would have foretold it best.
//!
//! An [`Example`] is one account at one instant: the inputs of its risk then, and whether it churned within the horizon. [`quality`] judges
//! risks by what happened; [`fit`] finds the coefficients of the risk model.

mod baselines;
mod collect;
mod csv;
mod evidence;
mod example;
pub mod fit;
#[cfg(test)]
mod fixture;
mod html;
mod labels;
mod points;
pub mod quality;
mod refit;
pub mod report;
mod schedule;
mod time_split;

pub use baselines::{Baseline, Baselines, Measure};
pub use collect::{Basis, Collector, leaves_by_billing};
pub use evidence::data_hash;
pub use example::Example;
pub use html::{PICTURES, page, pictures};
pub use labels::{Labels, LabelsError, Outcome};
pub use points::{AccountPast, Past, RedSpell, ScoredPoint, Simple};
pub use refit::{SuggestedCurve, fitted_model};
pub use schedule::{Schedule, Scoring, Span, Takes};
pub use time_split::{Side, TimeSplit};
