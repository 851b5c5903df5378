//! What a task reports after each cycle.

use std::collections::BTreeMap;

use super::{ChangeCounts, Counts, Tally};
use crate::account::LimitMeter;
use crate::event::{Code, Stream};
use crate::stream_time::StreamTime;

/// The state of a task, apart from its accounts, as readers see it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The clocks of its streams.
    pub stream_time: StreamTime,
    /// Outcomes since the changelog began.
    pub counts: Counts,
    /// Limits reached since this instance took over the task.
    pub limits: LimitMeter,
    /// Changes published since this instance took over the task.
    pub published: ChangeCounts,
    /// The reason of the newest dead letter of each stream and code since this instance took over the task.
    pub reasons: BTreeMap<(Stream, Code), Box<str>>,
    /// What became of the predictions of a calibrated model.
    pub predictions: Tally,
}
