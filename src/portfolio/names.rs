//! Names by number, so that what many accounts share is held once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::OTHER;

/// A name; 0 stands for every name that found no place.
pub(super) type NameId = u32;

/// Names in use, held to a number. A name that nobody uses any more gives its place back.
#[derive(Debug)]
pub(super) struct Names {
    places: Vec<Place>,
    by_name: BTreeMap<Arc<str>, NameId>,
    free: Vec<NameId>,
    max: usize,
}

#[derive(Debug)]
struct Place {
    name: Arc<str>,
    uses: u64,
}

impl Names {
    /// No name yet, and room for `max`.
    pub fn new(max: usize) -> Self {
        let other = Place { name: OTHER.into(), uses: 0 };
        Self { places: vec![other], by_name: BTreeMap::new(), free: Vec::new(), max }
    }

    /// The number of a name, used once more.
    pub fn take(&mut self, name: &str) -> NameId {
        let id = self.by_name.get(name).copied().or_else(|| self.insert(name)).unwrap_or_default();
        if let Some(place) = self.place(id) {
            place.uses += 1;
        }
        id
    }

    /// The name is used once less.
    pub fn give_back(&mut self, id: NameId) {
        let Some(place) = self.place(id) else { return };
        place.uses = place.uses.saturating_sub(1);
        if id > 0 && place.uses == 0 {
            let name = Arc::clone(&place.name);
            self.by_name.remove(&name);
            self.free.push(id);
        }
    }

    /// The name of a number.
    pub fn get(&self, id: NameId) -> &str {
        usize::try_from(id).ok().and_then(|id| self.places.get(id)).map_or(OTHER, |place| &place.name)
    }

    fn place(&mut self, id: NameId) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(id).ok()?)
    }

    fn insert(&mut self, name: &str) -> Option<NameId> {
        if self.by_name.len() >= self.max {
            return None;
        }
        let name: Arc<str> = name.into();
        let place = Place { name: Arc::clone(&name), uses: 0 };
        let id = if let Some(id) = self.free.pop() {
            *self.place(id)? = place;
            id
        } else {
            self.places.push(place);
            NameId::try_from(self.places.len() - 1).ok()?
        };
        self.by_name.insert(name, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_while_it_is_used_and_gives_it_back_then() {
        let mut names = Names::new(2);
        let (a, b) = (names.take("a"), names.take("b"));
        assert_eq!((names.take("a"), names.get(a), names.get(b)), (a, "a", "b"));
        assert_eq!(names.take("c"), 0, "no place is left");
        names.give_back(b);
        names.give_back(0);
        assert_eq!(names.take("c"), b);
        assert_eq!(names.get(b), "c");
        names.give_back(a);
        assert_eq!((names.take("a"), names.get(a)), (a, "a"));
    }
}
