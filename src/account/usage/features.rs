//! The features that an account used: actors with names, which tell what is entitled and head a row of the adoption of features.
//!
//! Names are rarely read, and then all of them: they lie one after the other in one allocation.

use xxhash_rust::xxh3::xxh3_64;

use super::actors::{self, Actor, touch};
use crate::account::bytes::{Reader, Writer};
use crate::time::{Date, Timestamp};

/// Features by hash of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    actors: Vec<Actor>,
    /// For each, in order: the length of its name as a varint, and the name.
    names: Vec<u8>,
}

impl Features {
    /// The features without their names, by hash.
    pub(super) fn actors(&self) -> &[Actor] {
        &self.actors
    }

    /// The features with their names, by hash.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Actor, &str)> {
        let mut names = Reader(&self.names);
        self.actors.iter().map_while(move |actor| Some((actor, std::str::from_utf8(names.text()?).ok()?)))
    }

    /// Adds a use. Beyond `limit` the longest idle feature leaves; says whether one had to.
    pub(super) fn touch(&mut self, name: &str, at: Timestamp, date: Date, limit: usize) -> bool {
        let touched = touch(&mut self.actors, xxh3_64(name.as_bytes()), at, date, limit);
        if let Some(place) = touched.added {
            let start = self.name_at(place).start;
            let mut entry = Writer::default();
            entry.text(name.as_bytes());
            self.names.reserve_exact(entry.0.len());
            self.names.splice(start..start, entry.0);
        }
        if let Some(place) = touched.removed {
            self.names.drain(self.name_at(place));
        }
        touched.removed.is_some()
    }

    /// Drops the features not used since a date.
    pub(super) fn prune_before(&mut self, date: Date) {
        while let Some(place) = self.actors.iter().position(|actor| actor.activity.last_date() < date) {
            self.names.drain(self.name_at(place));
            self.actors.remove(place);
        }
    }

    /// Where the entry of the name at a place lies; nothing at the end, where there is none.
    fn name_at(&self, place: usize) -> std::ops::Range<usize> {
        let mut names = Reader(&self.names);
        let before = (0..place).try_for_each(|_| names.text().map(drop));
        debug_assert!(before.is_some(), "each feature before has a name");
        let start = self.names.len() - names.0.len();
        let _ = names.text();
        start..self.names.len() - names.0.len()
    }

    /// Writes them; their hashes are those of the names.
    pub(super) fn write(&self, base: Timestamp, out: &mut Writer) {
        out.varint(self.actors.len() as u64);
        self.actors.iter().for_each(|actor| actor.write(base, out));
        out.0.extend_from_slice(&self.names);
    }

    /// Reads what [`Features::write`] wrote.
    pub(super) fn read(base: Timestamp, bytes: &mut Reader<'_>) -> Option<Self> {
        let actors = bytes.many(actors::LEAST_BYTES, |bytes| Actor::read(base, bytes))?;
        let all = bytes.0;
        actors.iter().try_for_each(|_| std::str::from_utf8(bytes.text()?).ok().map(drop))?;
        let names = all.get(..all.len() - bytes.0.len())?;
        Some(Self { actors, names: names.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY_MS;

    fn names(features: &Features) -> Vec<&str> {
        let mut names: Vec<&str> = features.iter().map(|(_, name)| name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn each_feature_keeps_its_own_name() {
        let mut features = Features::default();
        for (at, name) in [(1, "export"), (2, "search"), (3, ""), (4, "a report with a long name"), (5, "export")] {
            assert!(!features.touch(name, Timestamp(at), Date(0), 4));
        }
        assert_eq!(names(&features), ["", "a report with a long name", "export", "search"]);
        assert!(features.iter().all(|(actor, name)| actor.hash == xxh3_64(name.as_bytes())));
        assert!(features.touch("new", Timestamp(3 * DAY_MS), Date(3), 4));
        assert_eq!(names(&features), ["", "a report with a long name", "export", "new"]);
        features.prune_before(Date(1));
        assert_eq!(names(&features), ["new"]);
    }
}
