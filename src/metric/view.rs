//! The instant that an account is measured at, and what is known of each stream then.

use crate::event::{PerStream, Stream};
use crate::time::Timestamp;

/// What is known of one stream at the instant of scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamView {
    /// The stream's metrics are computed at this instant: t, or the last record's time where the stream is stale.
    pub t: Timestamp,
    /// Since when the stream is observed; `None`: no record yet.
    pub observed_since: Option<Timestamp>,
    /// Whether the stream is configured (in replay: given).
    pub configured: bool,
}

/// The instant of scoring, with what is known of each stream then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The instant of scoring.
    pub t: Timestamp,
    /// What is known of each stream.
    pub streams: PerStream<StreamView>,
}

impl View {
    /// A view at `t` with every stream configured and observed since the beginning of time: for tests and examples.
    #[must_use]
    pub const fn complete(t: Timestamp) -> Self {
        let stream = StreamView { t, observed_since: Some(Timestamp::MIN), configured: true };
        Self { t, streams: PerStream([stream; 5]) }
    }

    /// The view of one stream.
    #[must_use]
    pub const fn stream(&self, stream: Stream) -> &StreamView {
        self.streams.of(stream)
    }
}
