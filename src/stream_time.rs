//! Stream time: how far event time has advanced on each stream of a task, which records are late, and which are recent enough to dedup.
//!
//! A task observes every valid record, in the order it is read, before it is applied. Scoring then looks at each stream through a
//! [`View`].

use xxhash_rust::xxh3::xxh3_64;

use crate::event::{PerStream, Record, Stream};
use crate::metric::{StreamView, View};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// A usage record this many days behind the newest is late: one more than the longest window.
pub const USAGE_LATE_DAYS: i32 = 92;
/// The same for feedback.
const FEEDBACK_LATE_DAYS: i64 = 400;

/// Whether a record is too old for any window of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lateness {
    /// It counts everywhere.
    InTime,
    /// It counts only towards the account's age and, for usage, its last activity.
    Late,
}

/// The result of observing a valid record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Whether it is too old for any window.
    pub lateness: Lateness,
    /// Its identity, if the record is recent enough for duplicates to be detected.
    pub identity: Option<u64>,
    /// The newest event time of its stream, including its own unless that is in the future.
    pub newest: Timestamp,
}

/// The identity of a record within its account: stream, type, id, and `occurred_at` if the payload has one. `None` without an id.
#[must_use]
pub fn identity(stream: Stream, record: &Record<'_>) -> Option<u64> {
    let id = record.id.as_deref()?;
    let mut bytes: smallvec::SmallVec<[u8; 128]> = smallvec::SmallVec::new();
    bytes.push(stream as u8);
    bytes.extend_from_slice(record.type_name.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(id.as_bytes());
    if record.payload_time {
        bytes.push(0);
        bytes.extend_from_slice(&record.occurred_at.0.to_le_bytes());
    }
    Some(xxh3_64(&bytes))
}

/// The clock of one stream of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamClock {
    /// Newest event time of a valid record, not counting event times in the future.
    pub newest: Option<Timestamp>,
    /// Earliest broker timestamp of a valid record (event time in files).
    pub observed_since: Option<Timestamp>,
    /// Latest broker timestamp of a record.
    pub last_record: Option<Timestamp>,
}

/// The clocks of a task's streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamTime {
    clocks: PerStream<StreamClock>,
}

impl StreamTime {
    /// Observes a valid record that is read at `now`.
    pub fn observe(
        &mut self,
        stream: Stream,
        record: &Record<'_>,
        broker: Option<Timestamp>,
        now: Timestamp,
        settings: &Settings,
    ) -> Observation {
        self.observe_at(stream, record.occurred_at, || identity(stream, record), broker, now, settings)
    }

    /// Observes a valid record of this event time and identity that is read at `now`.
    pub fn observe_at(
        &mut self,
        stream: Stream,
        at: Timestamp,
        identity: impl FnOnce() -> Option<u64>,
        broker: Option<Timestamp>,
        now: Timestamp,
        settings: &Settings,
    ) -> Observation {
        let observed = broker.map_or(at, |broker| broker.min(now));
        let clock = self.clocks.of_mut(stream);
        if at <= now {
            clock.newest = clock.newest.max(Some(at));
        }
        let newest = clock.newest.unwrap_or(at);
        if observed <= now {
            clock.observed_since = Some(clock.observed_since.map_or(observed, |since| since.min(observed)));
            clock.last_record = clock.last_record.max(Some(observed));
        }
        let late_days = match stream {
            Stream::Usage => Some(i64::from(USAGE_LATE_DAYS)),
            Stream::Feedback => Some(FEEDBACK_LATE_DAYS),
            Stream::Billing | Stream::Support | Stream::Accounts => None,
        };
        let late = late_days.is_some_and(|days| at.0 <= newest.0 - days * DAY_MS);
        let remembered = newest.0 - at.0 < settings.time.dedup_ms;
        Observation {
            lateness: if late { Lateness::Late } else { Lateness::InTime },
            identity: if remembered { identity() } else { None },
            newest,
        }
    }

    /// Advances to the event time of a waiting record that is now due.
    pub fn reach(&mut self, stream: Stream, at: Timestamp) {
        let clock = self.clocks.of_mut(stream);
        clock.newest = clock.newest.max(Some(at));
    }

    /// The clock of each stream.
    #[must_use]
    pub const fn clocks(&self) -> &PerStream<StreamClock> {
        &self.clocks
    }

    /// The view of each stream at `t`. A stream without a record for `stale_after` is stale: its metrics are computed at the time of its
    /// last record.
    #[must_use]
    pub fn view(&self, t: Timestamp, settings: &Settings) -> View {
        let streams = PerStream::from_fn(|stream| {
            let (clock, stale_after) = (self.clocks.of(stream), *settings.stale_after_ms.of(stream));
            let last = clock.last_record.max(clock.newest);
            let stale = stale_after.zip(last).is_some_and(|(after, last)| t.since(last) > after);
            let t = last.filter(|_| stale).unwrap_or(t);
            StreamView { t, observed_since: clock.observed_since, configured: *settings.configured.of(stream) }
        });
        View { t, streams }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, UsageEvent, UsageKind};

    fn usage(at: i64) -> Record<'static> {
        Record {
            account: Some("acme".into()),
            account_system: None,
            id: Some("1".into()),
            type_name: "feature_used",
            occurred_at: Timestamp(at),
            payload_time: true,
            cut_text: false,
            unexpanded_discount: false,
            event: Event::Usage(UsageEvent {
                user_id: Some("u".into()),
                anonymous_id: None,
                kind: UsageKind::Feature { feature: "f".into(), count: 1 },
            }),
        }
    }

    fn read(time: &mut StreamTime, at: i64, now: i64) -> Observation {
        time.observe(Stream::Usage, &usage(at), None, Timestamp(now), &Settings::default())
    }

    #[test]
    fn usage_is_late_from_92_days_behind_the_newest() {
        let mut time = StreamTime::default();
        let newest = 200 * DAY_MS;
        read(&mut time, newest, newest);
        assert_eq!(read(&mut time, newest - 92 * DAY_MS, newest).lateness, Lateness::Late);
        assert_eq!(read(&mut time, newest - 92 * DAY_MS + 1, newest).lateness, Lateness::InTime);
    }

    #[test]
    fn duplicates_are_detected_up_to_seven_days_behind_the_newest() {
        let mut time = StreamTime::default();
        let newest = 200 * DAY_MS;
        read(&mut time, newest, newest);
        assert!(read(&mut time, newest - 7 * DAY_MS, newest).identity.is_none());
        assert!(read(&mut time, newest - 7 * DAY_MS + 1, newest).identity.is_some());
    }

    #[test]
    fn a_record_from_the_future_advances_stream_time_only_when_it_is_due() {
        let mut time = StreamTime::default();
        read(&mut time, 100, 400);
        assert_eq!(read(&mut time, 1000, 400).newest, Timestamp(100));
        time.reach(Stream::Usage, Timestamp(1000));
        assert_eq!(read(&mut time, 200, 1000).newest, Timestamp(1000));
    }

    #[test]
    fn a_stale_stream_is_measured_at_its_last_record() {
        let mut time = StreamTime::default();
        read(&mut time, 1000, 1000);
        let settings = Settings::default();
        let t = |at: i64| time.view(Timestamp(at), &settings).stream(Stream::Usage).t;
        assert_eq!(t(1000 + DAY_MS), Timestamp(1000 + DAY_MS));
        assert_eq!(t(1001 + DAY_MS), Timestamp(1000));
    }
}
