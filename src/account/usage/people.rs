//! One person under several ids: an anonymous id, such as a browser's, and the user that it turned out to be.
//!
//! Uses stay with the id that they came with, and links between ids are facts beside them. Only a measurement combines both, so it does not
//! matter whether a use or a link is read first.

use std::borrow::Cow;

use super::actors::{Actor, HASH_BITS};
use crate::account::bytes::{Reader, Writer, make_room};
use crate::time::{DAY_MS, Date, Timestamp};

/// Dates that a link is remembered for after it was last seen. More than usage may be late, so the set of records decides which are kept.
const LINK_DATES: i32 = 400;
/// Bits of the second at which a link was last seen: until the year 36812.
const SECOND_BITS: i32 = 128 - 2 * HASH_BITS;
/// Links followed from one id. A user who has changed ids more often counts as several people.
const CHAIN_MAX: usize = 16;

/// Says that an id belongs to the user with another one. From the high bits to the low: the hash of the id; the second at which it was last
/// seen; the hash of the user. Links sort by id, and of two for the same id the greater one is newer.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link(u128);

impl Link {
    /// A link between the hashes of two ids.
    fn new(id: u64, at: Timestamp, user: u64) -> Self {
        let second = u128::from(second_of(at));
        Self((u128::from(short(id)) << (SECOND_BITS + HASH_BITS)) | (second << HASH_BITS) | u128::from(short(user)))
    }

    /// The hash of the id, aligned to the most significant bit; the bits not kept are 0.
    pub(super) const fn top_hash(self) -> u64 {
        self.id() << (64 - HASH_BITS)
    }

    const fn id(self) -> u64 {
        (self.0 >> (SECOND_BITS + HASH_BITS)) as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the bits above are not wanted")]
    const fn user(self) -> u64 {
        self.0 as u64 & ((1 << HASH_BITS) - 1)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the bits above are not wanted")]
    const fn second(self) -> u64 {
        (self.0 >> HASH_BITS) as u64 & ((1 << SECOND_BITS) - 1)
    }
}

/// The newest link of each id. Boxed, because most accounts have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::box_collection, reason = "an account without links pays for a pointer")]
pub(super) struct Links(Option<Box<Vec<Link>>>);

impl Links {
    /// The links, by hash of their ids.
    pub(super) fn all(&self) -> &[Link] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Adds a link between the hashes of two ids. The newest link of an id holds; of two in one second, the one to the greater hash. Beyond
    /// `limit`, the link that was seen longest ago is removed; returns whether one was.
    pub(super) fn add(&mut self, id: u64, user: u64, at: Timestamp, newest: Date, limit: usize) -> bool {
        let link = Link::new(id, at, user);
        if link.id() == link.user() || link.second() < horizon(newest) {
            return false;
        }
        let links = self.0.get_or_insert_default();
        let place = links.partition_point(|known| known.id() < link.id());
        if let Some(known) = links.get_mut(place).filter(|known| known.id() == link.id()) {
            *known = link.max(*known);
            return false;
        }
        make_room(links, 1);
        links.insert(place, link);
        if links.len() <= limit {
            return false;
        }
        let oldest = (0..).zip(links.iter()).min_by_key(|(_, link)| (link.second(), link.id())).map(|(place, _)| place);
        oldest.map(|place| links.remove(place)).is_some()
    }

    /// Forgets links that were last seen long before the newest date.
    pub(super) fn prune(&mut self, newest: Date) {
        self.keep_from(horizon(newest));
    }

    /// Forgets links that were last seen at or before an instant, to the second.
    pub(super) fn forget_until(&mut self, instant: Timestamp) {
        self.keep_from(second_of(instant).saturating_add(1));
    }

    fn keep_from(&mut self, second: u64) {
        let Some(links) = &mut self.0 else { return };
        links.retain(|link| link.second() >= second);
        if links.is_empty() {
            self.0 = None;
        }
    }

    /// Each person once, with what they did under all of their ids.
    pub(super) fn people<'u>(&self, users: &'u [Actor]) -> Cow<'u, [Actor]> {
        let links = self.all();
        if links.is_empty() {
            return Cow::Borrowed(users);
        }
        let mut people: Vec<Actor> = users.iter().map(|user| user.renamed(person(links, user.hash()))).collect();
        people.sort_unstable_by_key(|person| person.hash());
        people.dedup_by(|next, person| {
            let is_same = next.hash() == person.hash();
            if is_same {
                *person = person.and(*next);
            }
            is_same
        });
        Cow::Owned(people)
    }

    /// Adds links of another range of hashes; `None` if they are not in order.
    pub(super) fn merge(&mut self, others: Vec<Link>) -> Option<()> {
        if others.is_empty() {
            return Some(());
        }
        let links = self.0.get_or_insert_default();
        let place = links.partition_point(|link| Some(link) < others.first());
        links.splice(place..place, others);
        links.is_sorted_by(|one, next| one.id() < next.id()).then_some(())
    }
}

/// The hash of the id that stands for a person: the last one in the chain of links, or the smallest of a circle.
fn person(links: &[Link], id: u64) -> u64 {
    let next = |id: u64| {
        let place = links.binary_search_by_key(&id, |link| link.id()).ok()?;
        links.get(place).map(|link| link.user())
    };
    let mut person = id;
    for _ in 0..CHAIN_MAX {
        match next(person) {
            Some(user) => person = user,
            None => return person,
        }
    }
    let circle = std::iter::successors(Some(person), |id| next(*id)).take(CHAIN_MAX);
    circle.min().unwrap_or(person)
}

/// The bits of a hash that are kept.
const fn short(hash: u64) -> u64 {
    hash >> (64 - HASH_BITS)
}

fn second_of(at: Timestamp) -> u64 {
    u64::try_from(at.0.div_euclid(1000)).unwrap_or(0).min((1 << SECOND_BITS) - 1)
}

/// The first second of which links are kept.
fn horizon(newest: Date) -> u64 {
    second_of(Timestamp(i64::from(newest.minus(LINK_DATES).0) * DAY_MS))
}

/// Writes links in order.
pub(super) fn write(links: &[Link], out: &mut Writer) {
    out.varint(links.len() as u64);
    for link in links {
        out.0.extend_from_slice(&{ link.0 }.to_le_bytes());
    }
}

/// Reads what [`write()`] wrote.
pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Vec<Link>> {
    let read_one = |bytes: &mut Reader<'_>| Some(Link(u128::from_le_bytes(bytes.take(size_of::<Link>())?.try_into().ok()?)));
    bytes.many(size_of::<Link>(), read_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: Date = Date(20_000);

    fn at(date: i32) -> Timestamp {
        Timestamp(i64::from(date) * DAY_MS)
    }

    /// A hash whose kept bits are `n`.
    const fn hash(n: u64) -> u64 {
        n << (64 - HASH_BITS)
    }

    fn linked(links: &[(u64, u64, i32)]) -> Links {
        let mut all = Links::default();
        for (id, user, date) in links {
            assert!(!all.add(hash(*id), hash(*user), at(*date), NEWEST, 100));
        }
        all
    }

    #[test]
    fn the_newest_link_of_an_id_holds_whatever_the_order() {
        let links = linked(&[(1, 7, 19_990), (1, 8, 19_995), (1, 9, 19_980)]);
        assert_eq!(links, linked(&[(1, 9, 19_980), (1, 7, 19_990), (1, 8, 19_995)]));
        assert_eq!((person(links.all(), 1), person(links.all(), 2)), (8, 2));
    }

    #[test]
    fn chains_are_followed_and_a_circle_is_one_person() {
        let chain = linked(&[(1, 2, 19_990), (2, 3, 19_990)]);
        assert_eq!([1, 2, 3].map(|id| person(chain.all(), id)), [3; 3]);
        let circle = linked(&[(1, 2, 19_990), (2, 3, 19_990), (3, 2, 19_990)]);
        assert_eq!([1, 2, 3].map(|id| person(circle.all(), id)), [2; 3]);
    }

    #[test]
    fn links_are_forgotten_by_their_time_alone_and_the_oldest_beyond_the_limit() {
        assert_eq!(linked(&[(1, 2, NEWEST.0 - LINK_DATES - 1), (3, 3, NEWEST.0)]), Links::default());
        let mut links = linked(&[(1, 2, NEWEST.0 - LINK_DATES), (3, 4, NEWEST.0)]);
        assert!(links.add(hash(5), hash(6), at(NEWEST.0), NEWEST, 2));
        assert_eq!(links, linked(&[(3, 4, NEWEST.0), (5, 6, NEWEST.0)]));
        links.prune(Date(NEWEST.0 + LINK_DATES + 1));
        assert_eq!(links, Links::default());
    }
}
