//! What a task reports of itself after a cycle.

use super::{ChangeCounts, Counts};
use crate::account::LimitMeter;
use crate::stream_time::StreamTime;

/// The state of a task besides its accounts, as readers see it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Its streams' clocks.
    pub stream_time: StreamTime,
    /// Outcomes since the changelog began.
    pub counts: Counts,
    /// Limits reached since the task is owned here.
    pub limits: LimitMeter,
    /// Changes published since the task is owned here.
    pub published: ChangeCounts,
}
