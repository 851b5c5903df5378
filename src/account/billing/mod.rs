//! The billing section of an account.
use super::{ApplyContext, CodecError, Section};
use crate::{
    event::BillingEvent,
    metric::Metrics,
    settings::{Settings, View},
    time::Timestamp,
};
/// Billing.
#[derive(Clone, Debug, Default)]
pub struct State;
/// Standing of an account's subscriptions.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that a stage is chosen by")]
pub struct Standing {
    /// MRR.
    pub mrr: i64,
    /// Any subscription on trial.
    pub any_trialing: bool,
    /// Any counted.
    pub any_counted: bool,
    /// Paid before.
    pub has_paid_before: bool,
    /// Has an ended subscription.
    pub has_ended: bool,
    /// Has a lapsed trial.
    pub has_lapsed_trial: bool,
    /// In dunning.
    pub in_dunning: bool,
    /// Days to the end of the nearest long term.
    pub long_term_ends_in_days: Option<f64>,
}
impl State {
    /// Applies.
    pub fn apply(&mut self, _: &BillingEvent<'_>, _: &mut ApplyContext<'_>) {}
    /// Measures.
    pub fn measure(&self, _: &View, _: &Settings, _: &mut Metrics) {}
    /// Standing.
    pub fn standing(&self, _: Timestamp, _: &Settings) -> Standing {
        Standing::default()
    }
    /// Seats.
    pub fn licensed_quantity(&self, _: Timestamp, _: &Settings) -> Option<u64> {
        None
    }
}
impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }
    fn restore(&mut self, _: u16, _: &[u8]) -> Result<(), CodecError> {
        Ok(())
    }
}
