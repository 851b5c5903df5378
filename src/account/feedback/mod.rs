//! The feedback section of an account.
use super::{ApplyContext, CodecError, Section};
use crate::{
    event::FeedbackEvent,
    metric::Metrics,
    settings::{Settings, View},
};
/// State.
#[derive(Clone, Debug, Default)]
pub struct State;
impl State {
    /// Applies.
    pub fn apply(&mut self, _: &FeedbackEvent<'_>, _: &mut ApplyContext<'_>) {}
    /// Measures.
    pub fn measure(&self, _: &View, _: &Settings, _: &mut Metrics) {}
}
impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        Vec::new()
    }
    fn restore(&mut self, _: u16, _: &[u8]) -> Result<(), CodecError> {
        Ok(())
    }
}
