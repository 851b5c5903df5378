//! Users and features, with their last activity and the dates on which they were active.
//!
//! Dates are counted back from the newest active date of the account, which all its actors share. An actor therefore takes only 16 bytes,
//! and a search among many touches little memory.

use crate::account::bytes::{Reader, Writer, make_room};
use crate::account::hash_search;
use crate::time::{DAY_MS, Date, HOUR_MS, Timestamp};

/// Dates remembered: the newest active date of the account and those before it.
pub(super) const REMEMBERED_DATES: i32 = 56;
/// Bits of the time of a last activity within its date.
const TIME_BITS: i32 = 28;
/// Bits of the hash. Among n actors of one account, the probability that any two collide is n^2 / 2^45.
pub(super) const HASH_BITS: i32 = 128 - TIME_BITS - REMEMBERED_DATES;
/// How long before UTC midnight a local date may start: no time zone has ever been further east.
const EASTMOST_MS: i64 = 16 * HOUR_MS;

/// A user or a feature, identified by the hash of its id or name. From the high bits to the low: the hash; the milliseconds from
/// [`EASTMOST_MS`] before its last date to its last activity; its dates, where bit k is k dates before the newest date of the account.
/// Actors sort by hash, and each has at least one date. Packed, because allocators are slower with an alignment of more than a word.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Actor(u128);

/// An actor that few accounts have, in the memory of a pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MaybeActor(Option<Box<Actor>>);

impl MaybeActor {
    /// The actor.
    pub(super) fn get(&self) -> Option<Actor> {
        self.0.as_deref().copied()
    }

    /// Replaces the actor.
    pub(super) fn set(&mut self, actor: Option<Actor>) {
        match (&mut self.0, actor) {
            (Some(known), Some(actor)) => **known = actor,
            (known, actor) => *known = actor.map(Box::new),
        }
    }
}

/// When an actor was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    dates: u64,
    time: u32,
    newest: Date,
}

impl Actor {
    fn new(hash: u64, activity: Activity) -> Self {
        Self(
            (u128::from(hash) << (TIME_BITS + REMEMBERED_DATES))
                | (u128::from(activity.time) << REMEMBERED_DATES)
                | u128::from(activity.dates),
        )
    }

    /// The hash; the bits not kept are gone.
    pub(super) const fn hash(self) -> u64 {
        (self.0 >> (TIME_BITS + REMEMBERED_DATES)) as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the bits above are not wanted")]
    const fn dates(self) -> u64 {
        self.0 as u64 & below(REMEMBERED_DATES)
    }

    /// The actor after the newest date has advanced by `by` dates; `None` if none of its dates is remembered any longer.
    pub(super) const fn advanced_by(self, by: i32) -> Option<Self> {
        if by >= REMEMBERED_DATES {
            return None;
        }
        let dates = self.dates() & below(REMEMBERED_DATES - by);
        let rest = self.0 >> REMEMBERED_DATES << REMEMBERED_DATES;
        if dates == 0 { None } else { Some(Self(rest | (dates << by) as u128)) }
    }

    /// The actor without its dates before `first`; `None` if it was not active after `instant`, which is before or on that date. `newest`
    /// is the account's newest date.
    pub(super) fn after(self, instant: Timestamp, first: Date, newest: Date) -> Option<Self> {
        let activity = self.activity(newest);
        let kept = newest.0.saturating_sub(first.0).saturating_add(1).clamp(0, REMEMBERED_DATES);
        let dates = activity.dates & below(kept);
        (activity.last() > instant && dates != 0).then(|| Self::new(self.hash(), Activity { dates, ..activity }))
    }

    /// The same activity under another hash, of which as many bits are given as are kept.
    pub(super) fn renamed(self, hash: u64) -> Self {
        Self::new(hash, self.activity(Date(0)))
    }

    /// The activity of both, of the same account.
    pub(super) fn and(self, other: Self) -> Self {
        Self::new(self.hash(), self.activity(Date(0)).and(other.activity(Date(0))))
    }

    /// The actor that stands for all anonymous use, after one more activity.
    pub(super) fn anonymous(known: Option<Self>, touch: &Touch) -> Self {
        let activity = Activity::at(touch.at, touch.date, touch.newest);
        Self::new(0, known.map_or(activity, |known| known.activity(touch.newest).and(activity)))
    }

    /// The hash, aligned to the most significant bit; the bits not kept are 0.
    pub(super) const fn top_hash(self) -> u64 {
        self.hash() << (64 - HASH_BITS)
    }

    /// When it was active; `newest` is the account's newest date.
    #[expect(clippy::cast_possible_truncation, reason = "the bits above are not wanted")]
    pub(super) const fn activity(self, newest: Date) -> Activity {
        let time = (self.0 >> REMEMBERED_DATES) as u32 & ((1 << TIME_BITS) - 1);
        Activity { dates: self.dates(), time, newest }
    }
}

impl Activity {
    /// One activity, on a remembered date.
    fn at(at: Timestamp, date: Date, newest: Date) -> Self {
        let time = u32::try_from(at.0 - i64::from(date.0) * DAY_MS + EASTMOST_MS).unwrap_or_default();
        Self { dates: 1, time, newest: date }.advanced_to(newest)
    }

    /// Combines two activities of the same actor.
    fn and(self, other: Self) -> Self {
        let last = if self.last() < other.last() { other } else { self };
        Self { dates: self.dates | other.dates, ..last }
    }

    /// The activity relative to a later newest date; without dates if none is remembered any longer.
    fn advanced_to(self, newest: Date) -> Self {
        let by = newest.0.saturating_sub(self.newest.0);
        let dates = if by < REMEMBERED_DATES { self.dates << by & below(REMEMBERED_DATES) } else { 0 };
        Self { dates, newest, ..self }
    }

    /// The last activity.
    pub(super) fn last(self) -> Timestamp {
        let last_date = self.newest.minus(self.dates.trailing_zeros().cast_signed());
        Timestamp(i64::from(last_date.0) * DAY_MS - EASTMOST_MS + i64::from(self.time))
    }

    /// The number of active dates in `(end - days, end]`; exact while `end - days` is at most [`REMEMBERED_DATES`] before the newest date
    /// of the account.
    pub(super) fn dates_within(self, end: Date, days: i32) -> u32 {
        let ahead = self.newest.0.saturating_sub(end.0);
        let (newest, past_oldest) = (ahead.clamp(0, REMEMBERED_DATES), ahead.saturating_add(days).clamp(0, REMEMBERED_DATES));
        (self.dates & below(past_oldest) & !below(newest)).count_ones()
    }
}

/// A mask of the bits below `bit`.
const fn below(bit: i32) -> u64 {
    (1 << bit) - 1
}

/// Writes actors in order of hash.
pub(super) fn write(actors: &[Actor], out: &mut Writer) {
    out.varint(actors.len() as u64);
    for actor in actors {
        write_one(*actor, out);
    }
}

/// Writes an actor.
pub(super) fn write_one(actor: Actor, out: &mut Writer) {
    out.0.extend_from_slice(&{ actor.0 }.to_le_bytes());
}

/// Reads an actor.
pub(super) fn read_one(bytes: &mut Reader<'_>) -> Option<Actor> {
    let actor = Actor(u128::from_le_bytes(bytes.take(size_of::<Actor>())?.try_into().ok()?));
    (actor.activity(Date(0)).dates != 0).then_some(actor)
}

/// Reads what [`write()`] wrote.
pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Vec<Actor>> {
    let actors = bytes.many(size_of::<Actor>(), read_one)?;
    actors.is_sorted_by(|one, next| one.hash() < next.hash()).then_some(actors)
}

/// Merges actors of another range of hashes and returns their position; `None` if the ranges overlap.
pub(super) fn merge(actors: &mut Vec<Actor>, others: Vec<Actor>) -> Option<usize> {
    let (Some(first), Some(last)) = (others.first().copied(), others.last().copied()) else { return Some(0) };
    let place = actors.partition_point(|actor| actor.hash() < first.hash());
    let is_between = actors.get(place).is_none_or(|next| last.hash() < next.hash());
    is_between.then(|| {
        actors.splice(place..place, others);
        place
    })
}

/// An activity of an actor on a remembered date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) at: Timestamp,
    pub(super) date: Date,
    /// The newest date of the account.
    pub(super) newest: Date,
}

/// The changes made by [`touch`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// The position of a new actor.
    pub(super) added: Option<usize>,
    /// The position of the removed actor, after the insertion.
    pub(super) removed: Option<usize>,
}

/// Adds an activity to the actor with a hash, creating it if needed. Beyond `limit`, the actor that has been idle longest is removed (of
/// equals, the one with the greatest hash).
pub(super) fn touch(actors: &mut Vec<Actor>, hash: u64, touch: &Touch, limit: usize) -> Touched {
    let short = hash >> (64 - HASH_BITS);
    let activity = Activity::at(touch.at, touch.date, touch.newest);
    let place = match hash_search::search(actors, hash, |actor| actor.hash().cmp(&short)) {
        Ok(place) => {
            if let Some(actor) = actors.get_mut(place) {
                *actor = Actor::new(short, actor.activity(touch.newest).and(activity));
            }
            return Touched::default();
        }
        Err(place) => place,
    };
    make_room(actors, 1);
    actors.insert(place, Actor::new(short, activity));
    let idle_since = |actor: &Actor| (actor.activity(touch.newest).last(), std::cmp::Reverse(actor.hash()));
    let idlest = || (0..).zip(actors.iter()).min_by_key(|(_, actor)| idle_since(actor));
    let removed = if actors.len() > limit { idlest().map(|(place, _)| place) } else { None };
    if let Some(place) = removed {
        actors.remove(place);
    }
    Touched { added: Some(place), removed }
}

/// The actor at the expected position of a hash.
pub(super) fn expected(actors: &[Actor], hash: u64) -> Option<Actor> {
    actors.get(hash_search::place(hash, actors.len())).copied()
}

/// Advances the newest date. Actors without a remembered date are removed; returns their former positions.
pub(super) fn advance(actors: &mut Vec<Actor>, before: Date, newest: Date) -> Vec<usize> {
    let by = newest.0.saturating_sub(before.0);
    replace(actors, |actor| actor.advanced_by(by))
}

/// Replaces each actor or, with `None`, removes it; returns the former positions of those removed.
pub(super) fn replace(actors: &mut Vec<Actor>, replacement: impl Fn(Actor) -> Option<Actor>) -> Vec<usize> {
    let (mut place, mut gone) = (0, Vec::new());
    actors.retain_mut(|actor| {
        let replaced = replacement(*actor);
        match replaced {
            Some(replaced) => *actor = replaced,
            None => gone.push(place),
        }
        place += 1;
        replaced.is_some()
    });
    gone
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// An instant of a date in the zone that is `hours` ahead of UTC.
    fn instant(date: i32, hours: i64, ms: i64) -> Timestamp {
        Timestamp(i64::from(date) * DAY_MS - hours * HOUR_MS + ms)
    }

    proptest! {
        #[test]
        fn an_actor_is_what_it_did_whatever_the_order(
            mut uses in prop::collection::vec((0..140_i32, 0..90_000_000_i64), 1..40),
            hours in -12..=15_i64,
            ahead in 0..60_i32,
            days in 1..=56_i32,
        ) {
            let mut state: Option<(Activity, Date)> = None;
            for (date, ms) in &uses {
                let newest = state.map_or(Date(*date), |(_, newest)| newest.max(Date(*date)));
                if date + REMEMBERED_DATES <= newest.0 {
                    continue;
                }
                let new = Activity::at(instant(*date, hours, *ms), Date(*date), newest);
                let known = state.map(|(known, _)| known.advanced_to(newest)).filter(|known| known.dates != 0);
                state = Some((known.map_or(new, |known| Actor::new(7, known).activity(newest).and(new)), newest));
            }
            let (activity, newest) = state.unwrap();
            uses.sort_unstable();
            let last = uses.last().unwrap();
            prop_assert_eq!(activity.last(), instant(last.0, hours, last.1));
            let end = newest.0 + ahead;
            let dates: BTreeSet<i32> = uses.iter().map(|(date, _)| *date).collect();
            let expected = dates.range(end - days + 1..=end).count();
            prop_assert_eq!(activity.dates_within(Date(end), days) as usize, expected);
        }
    }

    #[test]
    fn beyond_the_limit_the_longest_idle_actor_is_removed() {
        let mut users = Vec::new();
        let removed = [(7, 30), (3, 10), (9, 20)].map(|(hash, at)| {
            let new = Touch { at: Timestamp(at), date: Date(0), newest: Date(0) };
            touch(&mut users, hash << 32, &new, 2).removed
        });
        assert_eq!(removed, [None, None, Some(0)]);
        assert_eq!(users.iter().map(|user| user.hash() >> 12).collect::<Vec<_>>(), [7, 9]);
    }

    #[test]
    fn actors_without_a_remembered_date_are_removed() {
        let mut users = Vec::new();
        for (hash, day) in [(1, 0), (2, 5), (3, 1)] {
            let new = Touch { at: instant(day, 0, 0), date: Date(day), newest: Date(5) };
            touch(&mut users, hash << 32, &new, 9);
        }
        assert_eq!(advance(&mut users, Date(5), Date(REMEMBERED_DATES)), [0]);
        assert_eq!(advance(&mut users, Date(REMEMBERED_DATES), Date(REMEMBERED_DATES + 4)), [1]);
        assert_eq!(users[0].activity(Date(REMEMBERED_DATES + 4)).last(), instant(5, 0, 0));
        assert_eq!(advance(&mut users, Date(REMEMBERED_DATES + 4), Date(1_000_000)), [0]);
    }

    #[test]
    fn actors_are_read_as_they_were_written() {
        let mut users = Vec::new();
        for hash in 1..=3_u64 {
            touch(&mut users, hash << 40, &Touch { at: Timestamp(9), date: Date(0), newest: Date(0) }, 9);
        }
        let mut out = Writer::default();
        write(&users, &mut out);
        assert_eq!(read(&mut Reader(&out.0)), Some(users.clone()));
        users.swap(0, 1);
        let mut out = Writer::default();
        write(&users, &mut out);
        assert_eq!(read(&mut Reader(&out.0)), None);
    }
}
