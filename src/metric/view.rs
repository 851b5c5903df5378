//! The instant at which an account is measured, and the state of each stream at that instant.

use crate::event::{PerStream, Stream};
use crate::time::Timestamp;

/// The state of one stream at the instant of scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamView {
    /// When the stream's metrics are computed: at `View::t` or, if the stream is stale, at its last record.
    pub t: Timestamp,
    /// When observation of the stream began; `None`: no record yet.
    pub observed_since: Option<Timestamp>,
    /// Whether the stream is configured or, in a replay, given as a file.
    pub configured: bool,
}

/// The instant of scoring, with the state of each stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The instant of scoring.
    pub t: Timestamp,
    /// The state of each stream.
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
