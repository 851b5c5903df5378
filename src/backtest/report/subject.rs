//! What a report is about.

use super::super::fit::Fit;
use super::super::schedule::Schedule;
use crate::score::Model;
use crate::time::Timestamp;

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Model,
    /// When accounts were scored.
    pub schedule: &'a Schedule,
    /// How far ahead churn counts, days.
    pub horizon_days: u32,
    /// The first record and the end of the history.
    pub span: (Timestamp, Timestamp),
    /// The first instant of the held-out part, if it is given.
    pub train_until: Option<Timestamp>,
    /// Rows of labels.
    pub label_rows: Option<usize>,
    /// What the risk was fitted to, if it was.
    pub fit: Option<&'a Fit>,
}
