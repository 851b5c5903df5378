//! The instant at which an account is measured, and the state of each stream at that instant.

use super::Metric;
use crate::event::{PerStream, Stream};
use crate::time::{DAY_MS, Timestamp};

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

    /// The view this many days earlier.
    #[must_use]
    pub fn earlier(&self, days: i64) -> Self {
        let streams = self.streams.0.map(|stream| StreamView { t: stream.t.minus_days(days), ..stream });
        Self { t: self.t.minus_days(days), streams: PerStream(streams) }
    }

    /// The same instant, as if every stream that has a record had been observed for this many more days.
    #[must_use]
    pub fn observed_longer(&self, days: i64) -> Self {
        let longer = |stream: StreamView| {
            let observed_since = stream.observed_since.map(|since| since.minus_days(days));
            StreamView { observed_since, ..stream }
        };
        Self { t: self.t, streams: PerStream(self.streams.0.map(longer)) }
    }

    /// For how many more days a metric's stream must be observed before the metric can have a value; `None` if it already
    /// can, or no record of the stream has been read yet.
    #[must_use]
    pub fn unobserved_days(&self, metric: Metric) -> Option<i64> {
        let stream = self.stream(metric.stream());
        let observed = stream.t.since(stream.observed_since?).max(0);
        let missing = metric.window_days() * DAY_MS - observed;
        (metric.stream() != Stream::Accounts && missing > 0).then_some((missing + DAY_MS - 1) / DAY_MS)
    }

    /// The view of one stream.
    #[must_use]
    pub const fn stream(&self, stream: Stream) -> &StreamView {
        self.streams.of(stream)
    }
}
