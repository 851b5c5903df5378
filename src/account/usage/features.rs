//! The features that an account has used: actors with names, which are matched against entitlements and label the rows of adoption.
//!
//! Names are rarely read, and then all at once, so they share one allocation.

use xxhash_rust::xxh3::xxh3_64;

use super::actors::{self, Actor, Touch};
use crate::account::bytes::{Reader, Writer};
use crate::account::parts::Item;
use crate::time::Date;

/// Features by hash of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    actors: Vec<Actor>,
    /// The names in the same order, each with its length as a varint.
    names: Box<[u8]>,
}

impl Features {
    /// The features without their names, by hash.
    pub(super) fn actors(&self) -> &[Actor] {
        &self.actors
    }

    /// The features with their names, by hash.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Actor, &str)> {
        self.actors.iter().zip(self.names()).map_while(|(actor, name)| Some((actor, std::str::from_utf8(name).ok()?)))
    }

    /// Adds a use. Beyond `limit`, the feature that has been idle longest is removed; returns whether one was.
    pub(super) fn touch(&mut self, name: &str, touch: &Touch, limit: usize) -> bool {
        let touched = actors::touch(&mut self.actors, xxh3_64(name.as_bytes()), touch, limit);
        if let Some(place) = touched.added {
            self.replace_name(place..place, Some(name));
        }
        if let Some(place) = touched.removed {
            self.replace_name(place..place + 1, None);
        }
        touched.removed.is_some()
    }

    /// Advances the newest date; features without a remembered date are removed.
    pub(super) fn advance(&mut self, before: Date, newest: Date) {
        let gone = actors::advance(&mut self.actors, before, newest);
        self.remove_names(&gone);
    }

    /// Replaces each feature or, with `None`, removes it.
    pub(super) fn replace(&mut self, replacement: impl Fn(Actor) -> Option<Actor>) {
        let gone = actors::replace(&mut self.actors, replacement);
        self.remove_names(&gone);
    }

    /// Removes the names at these positions, which ascend.
    fn remove_names(&mut self, gone: &[usize]) {
        if !gone.is_empty() {
            self.names = packed((0..).zip(self.names()).filter(|(place, _)| gone.binary_search(place).is_err()).map(|(_, name)| name));
        }
    }

    /// Replaces the names at these positions.
    fn replace_name(&mut self, places: std::ops::Range<usize>, name: Option<&str>) {
        let (start, end) = (self.name_at(places.start), self.name_at(places.end));
        let mut entry = Writer::default();
        if let Some(name) = name {
            entry.text(name.as_bytes());
        }
        let mut names = std::mem::take(&mut self.names).into_vec();
        names.reserve_exact(entry.0.len());
        names.splice(start..end, entry.0);
        self.names = names.into();
    }

    /// The byte offset of the name at a position.
    fn name_at(&self, place: usize) -> usize {
        let mut names = Reader(&self.names);
        let passed = (0..place).try_for_each(|_| names.text().map(|_| ()));
        debug_assert!(passed.is_some(), "each feature before has a name");
        self.names.len() - names.0.len()
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut names = Reader(&self.names);
        std::iter::from_fn(move || names.text())
    }

    /// Their size in a record.
    pub(super) fn bytes(&self) -> usize {
        self.actors.len() * size_of::<Actor>() + self.names.len()
    }

    /// Merges features of another range of hashes; `None` if the ranges overlap.
    pub(super) fn merge(&mut self, others: &Self) -> Option<()> {
        let place = actors::merge(&mut self.actors, others.actors.clone())?;
        let start = self.name_at(place);
        let mut names = std::mem::take(&mut self.names).into_vec();
        names.splice(start..start, others.names.iter().copied());
        self.names = names.into();
        Some(())
    }

    /// Writes them.
    pub(super) fn write(&self, out: &mut Writer) {
        actors::write(&self.actors, out);
        out.0.extend_from_slice(&self.names);
    }

    /// Reads what [`Features::write`] wrote.
    pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        let actors = actors::read(bytes)?;
        let all = bytes.0;
        actors.iter().try_for_each(|_| std::str::from_utf8(bytes.text()?).ok().map(drop))?;
        let names = all.get(..all.len() - bytes.0.len())?;
        Some(Self { actors, names: names.into() })
    }
}

/// A feature with its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedFeature<'a> {
    pub(super) actor: Actor,
    pub(super) name: &'a str,
}

impl Item for NamedFeature<'_> {
    fn hash(&self) -> u64 {
        self.actor.top_hash()
    }

    fn bytes(&self) -> usize {
        size_of::<Actor>() + MAX_LENGTH_BYTES + self.name.len()
    }
}

/// Size of a length, at most.
const MAX_LENGTH_BYTES: usize = 5;

/// Writes features as [`Features::write`] does.
pub(super) fn write(features: &[NamedFeature<'_>], out: &mut Writer) {
    let actors: Vec<Actor> = features.iter().map(|feature| feature.actor).collect();
    actors::write(&actors, out);
    for feature in features {
        out.text(feature.name.as_bytes());
    }
}

/// Concatenates names, each with its length.
fn packed<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Box<[u8]> {
    let mut packed = Writer::default();
    for name in names {
        packed.text(name);
    }
    packed.0.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::actors::REMEMBERED_DATES;
    use super::*;
    use crate::time::{DAY_MS, Timestamp};

    fn names(features: &Features) -> Vec<String> {
        let mut names: Vec<String> = features.iter().map(|(_, name)| name.to_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn each_feature_keeps_its_own_name() {
        let mut features = Features::default();
        let mut used = |at: i64, name: &str| {
            let one_left = features.touch(name, &Touch { at: Timestamp(at), date: Date(0), newest: Date(0) }, 4);
            (one_left, names(&features).join(","))
        };
        for (at, name) in [(1, "export"), (2, "search"), (3, ""), (4, "a report with a long name")] {
            assert!(!used(at, name).0);
        }
        assert_eq!(used(5, "export"), (false, ",a report with a long name,export,search".to_owned()));
        assert_eq!(used(6, "new"), (true, ",a report with a long name,export,new".to_owned()));
    }

    #[test]
    fn a_name_is_removed_with_its_feature() {
        let mut features = Features::default();
        for (date, name) in [(0, "first"), (3, "second"), (1, "third")] {
            let touch = Touch { at: Timestamp(i64::from(date) * DAY_MS), date: Date(date), newest: Date(3) };
            features.touch(name, &touch, 4);
        }
        features.advance(Date(3), Date(REMEMBERED_DATES + 1));
        assert_eq!(names(&features), ["second"]);
        let mut out = Writer::default();
        features.write(&mut out);
        assert_eq!(Features::read(&mut Reader(&out.0)), Some(features));
    }
}
