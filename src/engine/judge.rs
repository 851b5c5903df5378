//! Late or not, and since when each stream is observed: what a task knows of its streams' time, in reading order.

use crate::account::{Lateness, seen};
use crate::event::{Record, Stream};
use crate::settings::{Settings, StreamView, View};
use crate::time::{DAY_MS, Timestamp};

/// Days behind the newest usage record from which a usage record is late: one more than the longest window.
const USAGE_LATE_DAYS: i64 = 92;
/// The same for feedback.
const FEEDBACK_LATE_DAYS: i64 = 400;

/// Times of one stream of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamClock {
    /// Newest event time of a valid record whose time has come.
    pub newest: Option<Timestamp>,
    /// Earliest broker timestamp of a valid record (event time in files).
    pub observed_since: Option<Timestamp>,
    /// Latest broker timestamp of a record.
    pub last_record: Option<Timestamp>,
}

/// What reading a valid record told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is too old for any window.
    pub lateness: Lateness,
    /// Its identity, where it is young enough for a repetition to be known.
    pub identity: Option<u64>,
    /// The newest event time of its stream, itself included unless its time has not come.
    pub newest: Timestamp,
}

/// The clocks of a task's streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Judge {
    clocks: [StreamClock; 5],
}

impl Judge {
    /// Reads a valid record at `now`.
    pub fn judge(
        &mut self,
        stream: Stream,
        record: &Record<'_>,
        broker: Option<Timestamp>,
        now: Timestamp,
        settings: &Settings,
    ) -> Verdict {
        self.judge_at(stream, record.occurred_at, || seen::identity(stream, record), broker, now, settings)
    }

    /// Reads a valid record of this event time and identity at `now`.
    pub fn judge_at(
        &mut self,
        stream: Stream,
        at: Timestamp,
        identity: impl FnOnce() -> Option<u64>,
        broker: Option<Timestamp>,
        now: Timestamp,
        settings: &Settings,
    ) -> Verdict {
        let observed = broker.map_or(at, |broker| broker.min(now));
        let clock = self.clock_mut(stream);
        if at <= now {
            clock.newest = clock.newest.max(Some(at));
        }
        let newest = clock.newest.unwrap_or(at);
        if observed <= now {
            clock.observed_since = Some(clock.observed_since.map_or(observed, |since| since.min(observed)));
            clock.last_record = clock.last_record.max(Some(observed));
        }
        let late_days = match stream {
            Stream::Usage => Some(USAGE_LATE_DAYS),
            Stream::Feedback => Some(FEEDBACK_LATE_DAYS),
            Stream::Billing | Stream::Support | Stream::Accounts => None,
        };
        let late = late_days.is_some_and(|days| at.0 <= newest.0 - days * DAY_MS);
        let remembered = newest.0 - at.0 < settings.time.dedup_ms;
        Verdict {
            lateness: if late { Lateness::Late } else { Lateness::InTime },
            identity: if remembered { identity() } else { None },
            newest,
        }
    }

    /// The time of a record that waited has come.
    pub fn reach(&mut self, stream: Stream, at: Timestamp) {
        let clock = self.clock_mut(stream);
        clock.newest = clock.newest.max(Some(at));
    }

    const fn clock_mut(&mut self, stream: Stream) -> &mut StreamClock {
        let [usage, billing, support, feedback, accounts] = &mut self.clocks;
        match stream {
            Stream::Usage => usage,
            Stream::Billing => billing,
            Stream::Support => support,
            Stream::Feedback => feedback,
            Stream::Accounts => accounts,
        }
    }

    /// The clocks, by [`Stream::index`].
    #[must_use]
    pub const fn clocks(&self) -> &[StreamClock; 5] {
        &self.clocks
    }

    /// What each stream looks like at `t`: a stream without a record for its time is stale, and its metrics are computed at its last
    /// record's time.
    #[must_use]
    pub fn view(&self, t: Timestamp, settings: &Settings) -> View {
        let stream = |clock: &StreamClock, configured: bool, stale_after: Option<i64>| {
            let last = clock.last_record.max(clock.newest);
            let stale = stale_after.zip(last).is_some_and(|(after, last)| t.since(last) > after);
            StreamView { t: last.filter(|_| stale).unwrap_or(t), observed_since: clock.observed_since, configured }
        };
        let mut streams = [StreamView { t, observed_since: None, configured: false }; 5];
        let known = self.clocks.iter().zip(settings.configured).zip(settings.stale_after_ms);
        for (view, ((clock, configured), stale_after)) in streams.iter_mut().zip(known) {
            *view = stream(clock, configured, stale_after);
        }
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
            id: Some("1".into()),
            type_name: "feature_used",
            occurred_at: Timestamp(at),
            payload_time: true,
            cut_text: false,
            event: Event::Usage(UsageEvent { user_id: Some("u".into()), kind: UsageKind::Feature { feature: "f".into(), count: 1 } }),
        }
    }

    fn read(judge: &mut Judge, at: i64, now: i64) -> Verdict {
        judge.judge(Stream::Usage, &usage(at), None, Timestamp(now), &Settings::default())
    }

    #[test]
    fn usage_is_late_from_92_days_behind_the_newest_on() {
        let mut judge = Judge::default();
        let newest = 200 * DAY_MS;
        read(&mut judge, newest, newest);
        assert_eq!(read(&mut judge, newest - 92 * DAY_MS, newest).lateness, Lateness::Late);
        assert_eq!(read(&mut judge, newest - 92 * DAY_MS + 1, newest).lateness, Lateness::InTime);
    }

    #[test]
    fn a_repetition_is_known_less_than_seven_days_behind_the_newest() {
        let mut judge = Judge::default();
        let newest = 200 * DAY_MS;
        read(&mut judge, newest, newest);
        assert!(read(&mut judge, newest - 7 * DAY_MS, newest).identity.is_none());
        assert!(read(&mut judge, newest - 7 * DAY_MS + 1, newest).identity.is_some());
    }

    #[test]
    fn a_record_ahead_of_its_time_moves_the_newest_only_when_its_time_has_come() {
        let mut judge = Judge::default();
        read(&mut judge, 100, 400);
        assert_eq!(read(&mut judge, 1000, 400).newest, Timestamp(100));
        judge.reach(Stream::Usage, Timestamp(1000));
        assert_eq!(read(&mut judge, 200, 1000).newest, Timestamp(1000));
    }

    #[test]
    fn a_stale_stream_is_measured_at_its_last_record() {
        let mut judge = Judge::default();
        read(&mut judge, 1000, 1000);
        let settings = Settings::default();
        let t = |at: i64| judge.view(Timestamp(at), &settings).stream(Stream::Usage).t;
        assert_eq!(t(1000 + DAY_MS), Timestamp(1000 + DAY_MS));
        assert_eq!(t(1001 + DAY_MS), Timestamp(1000));
    }
}
