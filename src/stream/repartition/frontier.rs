//! How far each partition of a stage has been read, in the time of its records: what keeps the threads of all instances together while they
//! read a backlog.
//!
//! A repetition is recognised within `time.dedup_days` of the newest event of its stream and task. The internal topic joins all partitions
//! of a stream, so one that is read ahead of the others would make their repetitions look too old. Threads of one process tell each other
//! here how far they have committed, since what is not committed may have to be read again; those of other processes note it with the offsets
//! that they commit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::positions::Place;
use crate::event::{PerStream, Stream};
use crate::time::{HOUR_MS, Timestamp};

/// How long a partition that does not move holds back those of other threads. An instance that is killed is replaced before that.
const HOLD_LIMIT: Duration = Duration::from_mins(2);

/// How far ahead of the slowest partition another thread may read: a seventh of the time for which ids are remembered.
pub(super) fn slack_ms(dedup_ms: i64) -> i64 {
    (dedup_ms / 7).max(HOUR_MS)
}

/// What is known of the next record of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frontier {
    /// Nothing yet.
    Unknown,
    /// Its timestamp or, until it has arrived, that of the last one.
    At(Timestamp),
    /// It is not part of a backlog.
    CaughtUp,
}

impl Frontier {
    /// As it is noted with a committed offset; never nothing, which is what an offset has that others have committed.
    pub(super) fn note(self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::At(at) => at.millis().to_string(),
            Self::CaughtUp => "caught up".to_owned(),
        }
    }

    /// What was noted. Offsets without a note, which the stage has not committed, hold nobody back.
    pub(super) fn noted(note: &str) -> Self {
        match note {
            "unknown" => Self::Unknown,
            note => note.parse().map_or(Self::CaughtUp, |millis| Self::At(Timestamp(millis))),
        }
    }
}

/// One partition.
#[derive(Debug)]
struct Known {
    stream: Stream,
    frontier: Frontier,
    /// The next offset, as far as it is known.
    next: Option<i64>,
    /// When it last moved.
    moved: Instant,
    /// The thread of this process that reads it.
    owner: Option<usize>,
}

/// All partitions of the stage, shared by the threads of a process.
#[derive(Debug, Default)]
pub(super) struct Frontiers(Mutex<BTreeMap<Place, Known>>);

impl Frontiers {
    /// Partitions of which nothing is known yet.
    pub(super) fn new(places: impl IntoIterator<Item = (Place, Stream)>, now: Instant) -> Self {
        let unknown = |stream| Known { stream, frontier: Frontier::Unknown, next: None, moved: now, owner: None };
        Self(Mutex::new(places.into_iter().map(|(place, stream)| (place, unknown(stream))).collect()))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Place, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread reads exactly these partitions from now on.
    pub(super) fn own(&self, thread: usize, places: &[(Place, Stream)], now: Instant) {
        let mut known = self.known();
        for known in known.values_mut() {
            known.owner = known.owner.filter(|owner| *owner != thread);
            if known.next.is_none() {
                // Whoever reads it may just be starting as well.
                known.moved = now;
            }
        }
        for (place, stream) in places {
            let new = Known { stream: *stream, frontier: Frontier::Unknown, next: None, moved: now, owner: None };
            known.entry(place.clone()).or_insert(new).owner = Some(thread);
        }
    }

    /// How far the thread that reads a partition has committed.
    pub(super) fn committed(&self, places: impl IntoIterator<Item = (Place, i64, Frontier)>, now: Instant) {
        let mut known = self.known();
        for (place, next, frontier) in places {
            if let Some(known) = known.get_mut(&place) {
                known.moved_to(Some(next), frontier, now);
            }
        }
    }

    /// The partitions that no thread of this process reads.
    pub(super) fn elsewhere(&self) -> Vec<Place> {
        self.known().iter().filter(|(_, known)| known.owner.is_none()).map(|(place, _)| place.clone()).collect()
    }

    /// What is committed of a partition that was read elsewhere.
    pub(super) fn learn(&self, place: &Place, committed: Option<(i64, &str)>, now: Instant) {
        let mut known = self.known();
        let Some(known) = known.get_mut(place).filter(|known| known.owner.is_none()) else { return };
        let frontier = committed.map_or(Frontier::Unknown, |(_, note)| Frontier::noted(note));
        known.moved_to(committed.map(|(next, _)| next), frontier, now);
    }

    /// Up to which time a thread may read each stream, so that it does not leave the others behind; `None`: there is no limit.
    pub(super) fn limits(&self, thread: usize, slack_ms: i64, now: Instant) -> PerStream<Option<Timestamp>> {
        let mut limits = PerStream::default();
        let known = self.known();
        let others = known.values().filter(|known| known.owner != Some(thread));
        for other in others.filter(|known| now.saturating_duration_since(known.moved) < HOLD_LIMIT) {
            let limit = match other.frontier {
                Frontier::Unknown => Timestamp(i64::MIN),
                Frontier::At(at) => at.plus(slack_ms),
                Frontier::CaughtUp => continue,
            };
            let least: &mut Option<Timestamp> = limits.of_mut(other.stream);
            *least = Some(least.map_or(limit, |least| least.min(limit)));
        }
        limits
    }
}

impl Known {
    fn moved_to(&mut self, next: Option<i64>, frontier: Frontier, now: Instant) {
        if (self.next, self.frontier) != (next, frontier) {
            (self.next, self.frontier, self.moved) = (next, frontier, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;
    use crate::time::DAY_MS;

    const DAY: Timestamp = Timestamp(1_700_000_000_000);

    fn place(partition: i32) -> Place {
        ("usage".to_owned(), partition)
    }

    fn frontiers(now: Instant) -> Frontiers {
        let frontiers = Frontiers::new((0..3).map(|partition| (place(partition), Stream::Usage)), now);
        frontiers.own(0, &[(place(0), Stream::Usage)], now);
        frontiers.own(1, &[(place(1), Stream::Usage)], now);
        frontiers
    }

    fn limit(frontiers: &Frontiers, now: Instant) -> Option<Timestamp> {
        *frontiers.limits(0, DAY_MS, now).of(Stream::Usage)
    }

    #[test]
    fn the_slowest_partition_of_the_others_limits_a_thread() {
        let now = monotonic();
        let frontiers = frontiers(now);
        assert_eq!(limit(&frontiers, now), Some(Timestamp(i64::MIN)), "nothing is known yet");
        frontiers.committed([(place(0), 1, Frontier::At(DAY)), (place(1), 5, Frontier::At(DAY.plus(7)))], now);
        frontiers.learn(&place(2), Some((9, &Frontier::At(DAY.plus(3)).note())), now);
        assert_eq!(limit(&frontiers, now), Some(DAY.plus(3 + DAY_MS)));
        assert_eq!(*frontiers.limits(0, DAY_MS, now).of(Stream::Billing), None, "other streams are read on");
        frontiers.learn(&place(2), Some((10, "")), now);
        assert_eq!(limit(&frontiers, now), Some(DAY.plus(7 + DAY_MS)));
        frontiers.committed([(place(1), 6, Frontier::CaughtUp)], now);
        assert_eq!(limit(&frontiers, now), None);
    }

    #[test]
    fn a_partition_that_does_not_move_holds_nobody_back_for_long() {
        let now = monotonic();
        let frontiers = frontiers(now);
        frontiers.committed([(place(1), 5, Frontier::CaughtUp)], now);
        frontiers.learn(&place(2), Some((9, "77")), now);
        frontiers.learn(&place(2), Some((9, "77")), now + HOLD_LIMIT / 2);
        assert_eq!(limit(&frontiers, now + HOLD_LIMIT / 2), Some(Timestamp(77 + DAY_MS)));
        assert_eq!(limit(&frontiers, now + HOLD_LIMIT), None);
        frontiers.learn(&place(2), Some((10, "78")), now + HOLD_LIMIT);
        assert!(limit(&frontiers, now + HOLD_LIMIT).is_some(), "unless it moves again");
    }

    #[test]
    fn a_partition_that_a_thread_gives_up_is_looked_up_in_the_group() {
        let now = monotonic();
        let frontiers = frontiers(now);
        assert_eq!(frontiers.elsewhere(), [place(2)]);
        frontiers.committed([(place(1), 5, Frontier::At(DAY))], now);
        frontiers.own(1, &[], now);
        assert_eq!(frontiers.elsewhere(), [place(1), place(2)]);
        frontiers.learn(&place(0), None, now);
        frontiers.learn(&place(2), Some((0, "")), now);
        assert_eq!(limit(&frontiers, now), Some(DAY.plus(DAY_MS)), "what was known of it holds until then");
    }

    #[test]
    fn notes_are_read_as_they_were_written() {
        for frontier in [Frontier::Unknown, Frontier::At(DAY), Frontier::CaughtUp] {
            assert_eq!(Frontier::noted(&frontier.note()), frontier);
            assert_ne!(frontier.note(), "");
        }
        assert_eq!(Frontier::noted(""), Frontier::CaughtUp);
    }
}
