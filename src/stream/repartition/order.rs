//! Which partition is read next while a backlog is read: the one whose next record is the oldest, unless an older one may still arrive.

use std::time::{Duration, Instant};

use super::frontier::Frontier;
use crate::event::{PerStream, Stream};
use crate::time::{HOUR_MS, Timestamp};

/// How long a partition that is not at its end may take to deliver its next record before the others go on without it.
const IDLE_LIMIT: Duration = Duration::from_secs(20);
/// Timestamps further ahead than this are wrong; a partition must not wait until it is that late.
const AHEAD_MAX_MS: i64 = HOUR_MS;

/// Where one partition stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Its stream, whose order counts.
    stream: Stream,
    /// The timestamp of the record that waits for its turn; the earliest if it has none to go by.
    head: Option<Timestamp>,
    /// The last plausible timestamp.
    last: Option<Timestamp>,
    /// Since when the next record has been awaited.
    awaited: Option<Instant>,
    /// Whether its backlog has been read.
    is_caught_up: bool,
}

impl Turn {
    /// A partition of which nothing has arrived.
    pub(super) const fn new(stream: Stream) -> Self {
        Self { stream, head: None, last: None, awaited: None, is_caught_up: false }
    }

    /// The next record has arrived at `now`. It is part of a backlog if it is older than `slack_ms`.
    pub(super) fn arrived(&mut self, timestamp: Option<Timestamp>, now: Timestamp, slack_ms: i64) {
        let plausible = timestamp.filter(|timestamp| *timestamp <= now.plus(AHEAD_MAX_MS));
        self.last = plausible.or(self.last);
        self.is_caught_up |= plausible.is_some_and(|timestamp| timestamp >= now.plus(-slack_ms));
        self.head = Some(plausible.unwrap_or(Timestamp(i64::MIN)));
        self.awaited = None;
    }

    /// The next record has been read.
    pub(super) const fn passed(&mut self) {
        self.head = None;
    }

    /// There is no next record for now.
    pub(super) const fn reached_end(&mut self) {
        self.is_caught_up = true;
    }

    /// The next record has not arrived by `now`.
    pub(super) fn awaits(&mut self, now: Instant) {
        self.awaited.get_or_insert(now);
    }

    /// What others may know about it.
    pub(super) fn frontier(&self) -> Frontier {
        match self.last {
            _ if self.is_caught_up => Frontier::CaughtUp,
            Some(last) => Frontier::At(last),
            None => Frontier::Unknown,
        }
    }

    /// Whether its backlog has been read.
    pub(super) const fn is_caught_up(&self) -> bool {
        self.is_caught_up
    }

    /// Whether a record is there.
    pub(super) const fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// Whether an older record than the others' may still arrive.
    fn holds(&self, now: Instant) -> bool {
        let is_idle = self.awaited.is_some_and(|since| now.saturating_duration_since(since) >= IDLE_LIMIT);
        self.head.is_none() && !self.is_caught_up && !is_idle
    }
}

/// The partition to read from: the one with the oldest record among the streams of which every partition has one and which are not ahead of
/// other threads.
pub(super) fn next<'t>(
    turns: impl Iterator<Item = &'t Turn> + Clone,
    limits: &PerStream<Option<Timestamp>>,
    now: Instant,
) -> Option<usize> {
    let mut held: PerStream<bool> = PerStream::default();
    for turn in turns.clone().filter(|turn| turn.holds(now)) {
        *held.of_mut(turn.stream) = true;
    }
    let may_read = |turn: &Turn, head: Timestamp| !held.of(turn.stream) && limits.of(turn.stream).is_none_or(|limit| head <= limit);
    let heads = turns.enumerate().filter_map(|(place, turn)| Some((turn.head.filter(|head| may_read(turn, *head))?, place)));
    heads.min().map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;
    use crate::time::DAY_MS;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    /// A partition whose next record is this many days old.
    fn with(stream: Stream, days: Option<i64>) -> Turn {
        let mut turn = Turn::new(stream);
        turn.arrived(days.map(|days| NOW.plus(-days * DAY_MS)), NOW, DAY_MS);
        turn
    }

    fn usage(days: i64) -> Turn {
        with(Stream::Usage, Some(days))
    }

    fn chosen(turns: &[Turn], now: Instant) -> Option<usize> {
        next(turns.iter(), &PerStream::default(), now)
    }

    #[test]
    fn the_oldest_record_comes_first_and_the_first_partition_among_equals() {
        assert_eq!(chosen(&[usage(3), usage(5), usage(5)], monotonic()), Some(1));
    }

    #[test]
    fn an_empty_partition_holds_its_stream_until_its_end_or_for_a_while() {
        let now = monotonic();
        let mut empty = Turn::new(Stream::Usage);
        empty.awaits(now);
        assert_eq!(chosen(&[usage(3), empty], now), None);
        assert_eq!(chosen(&[usage(3), empty, with(Stream::Billing, Some(1))], now), Some(2), "the order of streams does not count");
        assert_eq!(chosen(&[usage(3), empty], now + IDLE_LIMIT), Some(0));
        empty.reached_end();
        assert_eq!(chosen(&[usage(3), empty], now), Some(0));
    }

    #[test]
    fn a_partition_that_delivers_again_gets_its_time_again() {
        let now = monotonic();
        let mut slow = usage(9);
        slow.passed();
        slow.awaits(now);
        assert_eq!(chosen(&[usage(3), slow], now + IDLE_LIMIT), Some(0));
        slow.arrived(Some(NOW.plus(-8 * DAY_MS)), NOW, DAY_MS);
        slow.passed();
        slow.awaits(now + IDLE_LIMIT);
        assert_eq!(chosen(&[usage(3), slow], now + IDLE_LIMIT), None);
    }

    #[test]
    fn a_record_without_a_plausible_timestamp_is_read_at_once() {
        let mut future = usage(4);
        future.passed();
        future.arrived(Some(NOW.plus(400 * DAY_MS)), NOW, DAY_MS);
        assert_eq!(chosen(&[usage(3), future], monotonic()), Some(1));
        assert_eq!(future.frontier(), Frontier::At(NOW.plus(-4 * DAY_MS)), "it says nothing about the next one");
        assert_eq!(chosen(&[usage(3), with(Stream::Usage, None)], monotonic()), Some(1));
        assert_eq!(with(Stream::Usage, None).frontier(), Frontier::Unknown);
    }

    #[test]
    fn a_backlog_ends_at_the_end_of_the_partition_or_close_to_now() {
        assert!(!usage(2).is_caught_up());
        let mut recent = usage(1);
        assert!(recent.is_caught_up());
        recent.passed();
        assert_eq!(chosen(&[usage(3), recent], monotonic()), Some(0), "and holds nobody from then on");
        recent.arrived(Some(NOW.plus(-30 * DAY_MS)), NOW, DAY_MS);
        assert_eq!(chosen(&[usage(3), recent], monotonic()), Some(1), "though its old records still come first");
    }

    #[test]
    fn no_thread_reads_beyond_what_the_others_allow() {
        let limits = PerStream::from_fn(|stream| (stream == Stream::Usage).then_some(NOW.plus(-4 * DAY_MS)));
        let turns = [usage(3), with(Stream::Support, Some(2))];
        assert_eq!(next(turns.iter(), &limits, monotonic()), Some(1));
        assert_eq!(next([usage(4)].iter(), &limits, monotonic()), Some(0));
    }
}
