//! Which parts of which sections the changelog holds, in few bytes: so that parts that are no more are deleted there, and parts that have
//! not changed are not written again.

use smallvec::SmallVec;

use super::bytes::{Reader, Writer};

/// Set in the number of the section where a digest follows.
const HAS_DIGEST: u8 = 0x80;

/// The parts of the sections, ascending: section number, part number (little endian), and the digest of what was written last, where it
/// is known (little endian).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written(Box<[u8]>);

/// One part that the changelog holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub part: u16,
    /// Known of sections in several parts: one that is a single part is only written when it has changed.
    pub digest: Option<u64>,
}

/// The parts of one section, ascending.
pub(super) type Parts = SmallVec<[Held; 4]>;

impl Written {
    /// The parts that it holds of a section.
    pub(super) fn of(&self, section: u8) -> Parts {
        self.iter().filter(|(other, _)| *other == section).map(|(_, held)| held).collect()
    }

    /// Every section number and part.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, Held)> + '_ {
        let mut bytes = Reader(&self.0);
        std::iter::from_fn(move || {
            let section = bytes.byte()?;
            let part = u16::from_le_bytes([bytes.byte()?, bytes.byte()?]);
            let digest = if section & HAS_DIGEST == 0 { None } else { Some(bytes.long()?) };
            Some((section & !HAS_DIGEST, Held { part, digest }))
        })
    }

    /// From now on it holds these parts of a section.
    pub(super) fn replace(&mut self, section: u8, parts: &[Held]) {
        let mut out = Writer(Vec::with_capacity(self.0.len() + parts.len() * 11));
        let lower = self.iter().filter(|(other, _)| *other < section);
        let upper = self.iter().filter(|(other, _)| *other > section);
        for (section, held) in lower.chain(parts.iter().map(|held| (section, *held))).chain(upper) {
            out.held(section, held);
        }
        self.0 = out.0.into_boxed_slice();
    }

    /// It holds this part too, of unknown content.
    pub(super) fn add(&mut self, section: u8, part: u16) {
        let mut parts = self.of(section);
        if let Err(place) = parts.binary_search_by_key(&part, |held| held.part) {
            parts.insert(place, Held { part, digest: None });
            self.replace(section, &parts);
        }
    }
}

impl Writer {
    fn held(&mut self, section: u8, held: Held) {
        self.0.push(section | if held.digest.is_some() { HAS_DIGEST } else { 0 });
        self.0.extend_from_slice(&held.part.to_le_bytes());
        if let Some(digest) = held.digest {
            self.long(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_by_section_in_ascending_order() {
        let mut written = Written::default();
        for (section, part) in [(3, 700), (1, 0), (3, 0), (2, 1), (3, 700)] {
            written.add(section, part);
        }
        let digested = [Held { part: 0, digest: Some(7) }, Held { part: 1, digest: None }];
        written.replace(2, &digested);
        assert_eq!(written.of(2).as_slice(), digested);
        let parts: Vec<_> = written.iter().map(|(section, held)| (section, held.part)).collect();
        assert_eq!(parts, [(1, 0), (2, 0), (2, 1), (3, 0), (3, 700)]);
        written.replace(3, &[]);
        assert_eq!(written.iter().count(), 3);
    }
}
