//! Sections in several parts as the changelog holds them: so that parts that are no more are deleted there, and parts that have not
//! changed are not written again.

use xxhash_rust::xxh3::xxh3_64;

use super::SectionKind;

/// The digests of the parts of a section, by their numbers; `None` where the content is not known. A section in one part has none: it
/// is only written when it has changed.
pub(super) type Digests = Vec<Option<u64>>;

/// The digests of the sections that are in several parts, which those of few accounts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written(Option<Box<[Digests; SectionKind::ALL.len()]>>);

/// The digests of these parts.
pub(super) fn digests_of(parts: &[(u16, Vec<u8>)]) -> Digests {
    if parts.len() > 1 { parts.iter().map(|(_, bytes)| Some(xxh3_64(bytes))).collect() } else { Vec::new() }
}

impl Written {
    /// What it holds of a section that is in several parts.
    pub(super) fn of(&self, kind: SectionKind) -> &[Option<u64>] {
        self.0.as_ref().and_then(|sections| sections.get(kind.place())).map_or(&[], Vec::as_slice)
    }

    /// How many parts of a section it may hold: of one that is not in several parts nobody knows whether it was ever written, and to
    /// delete what is not there does no harm.
    pub(super) fn parts(&self, kind: SectionKind) -> u16 {
        u16::try_from(self.of(kind).len().max(1)).unwrap_or(u16::MAX)
    }

    /// From now on it holds these parts of a section; gives what it held.
    pub(super) fn replace(&mut self, kind: SectionKind, digests: Digests) -> Digests {
        if self.0.is_none() && digests.is_empty() {
            return digests;
        }
        let Some(section) = self.0.get_or_insert_default().get_mut(kind.place()) else { return Vec::new() };
        std::mem::replace(section, digests)
    }

    /// It holds this part too, of unknown content.
    pub(super) fn add(&mut self, kind: SectionKind, part: u16) {
        let mut digests = self.replace(kind, Vec::new());
        let parts = usize::from(part) + 1;
        if parts > 1.max(digests.len()) {
            digests.resize(parts, None);
        }
        self.replace(kind, digests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_of_sections_that_are_in_several() {
        let mut written = Written::default();
        written.add(SectionKind::Usage, 0);
        assert_eq!(written, Written::default());
        for part in [2, 0, 1] {
            written.add(SectionKind::Support, part);
        }
        assert_eq!(written.of(SectionKind::Support), [None; 3]);
        assert_eq!(written.of(SectionKind::Usage), []);
        let digests = digests_of(&[(0, vec![1]), (1, vec![2])]);
        assert_eq!(written.replace(SectionKind::Support, digests.clone()), vec![None; 3]);
        assert_eq!(written.of(SectionKind::Support), digests);
        assert!(digests[0].is_some() && digests[0] != digests[1]);
    }
}
