//! Tracks which parts the changelog holds, so that obsolete parts are deleted there and unchanged parts are not written again.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::SectionKind;
use super::parts::PartNumber;

/// The parts in the changelog with a digest of each, or `None` if its content is unknown. An owner with a single part, as most have, needs
/// no entry: it is written only when it has changed, and deleting a missing record does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(Option<Box<ByPart>>);

/// The digest of each part, `None` where it is unknown.
type ByPart = BTreeMap<(PartOwner, PartNumber), Option<u64>>;

/// What a part belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PartOwner {
    /// A section of an account.
    Section(SectionKind),
    /// The remembered ids of one stream and day, by their number in keys.
    IdsOfDay(u16),
}

impl Digests {
    /// The known parts of an owner; empty if it has a single part.
    pub(super) fn parts(&self, owner: PartOwner) -> impl Iterator<Item = PartNumber> {
        self.of(owner).map(|(number, _)| number)
    }

    fn of(&self, owner: PartOwner) -> impl Iterator<Item = (PartNumber, Option<u64>)> {
        let range = (owner, PartNumber::Counted(0))..=(owner, PartNumber::Range(u64::MAX));
        self.0.iter().flat_map(move |parts| parts.range(range.clone())).map(|((_, number), digest)| (*number, *digest))
    }

    /// Notes that the changelog holds a part with unknown content.
    pub(super) fn add(&mut self, owner: PartOwner, number: PartNumber) {
        self.0.get_or_insert_default().insert((owner, number), None);
    }

    /// Emits what brings the changelog from the known parts to `parts` (`None` deletes), and marks it as written. `single` is the part that
    /// an owner without an entry may have in the changelog.
    pub(super) fn replace(
        &mut self,
        owner: PartOwner,
        single: Option<PartNumber>,
        parts: impl IntoIterator<Item = (PartNumber, Vec<u8>)>,
        mut take: impl FnMut(PartNumber, Option<Vec<u8>>),
    ) {
        let mut before: BTreeMap<_, _> = self.of(owner).collect();
        if before.is_empty() {
            before.extend(single.map(|number| (number, None)));
        }
        let mut now = Vec::new();
        for (number, bytes) in parts {
            let digest = xxh3_64(&bytes);
            now.push((number, digest));
            if before.remove(&number) != Some(Some(digest)) {
                take(number, Some(bytes));
            }
        }
        for gone in before.keys() {
            take(*gone, None);
        }
        if let Some(all) = &mut self.0 {
            all.retain(|(other, number), _| *other != owner || !before.contains_key(number));
        }
        match (now.as_slice(), &mut self.0) {
            ([(number, _)], Some(all)) => all.retain(|key, _| *key != (owner, *number)),
            ([_, _, ..], all) => {
                all.get_or_insert_default().extend(now.into_iter().map(|(number, digest)| ((owner, number), Some(digest))));
            }
            _ => {}
        }
        if self.0.as_ref().is_some_and(|all| all.is_empty()) {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: PartNumber = PartNumber::FIRST;
    const OWNER: PartOwner = PartOwner::IdsOfDay(7);

    /// The parts that are written (true) or deleted (false) when these replace the old ones.
    fn replaced(digests: &mut Digests, parts: &[(PartNumber, u8)]) -> Vec<(PartNumber, bool)> {
        let mut taken = Vec::new();
        let parts = parts.iter().map(|(number, byte)| (*number, vec![*byte]));
        digests.replace(OWNER, Some(FIRST), parts, |number, bytes| taken.push((number, bytes.is_some())));
        taken
    }

    #[test]
    fn changed_parts_are_written_and_obsolete_ones_deleted() {
        let [left, right] = [2, 3].map(PartNumber::Range);
        let mut digests = Digests::default();
        assert_eq!(replaced(&mut digests, &[(FIRST, 1)]), [(FIRST, true)]);
        assert_eq!(digests, Digests::default(), "one part needs no entry");
        assert_eq!(replaced(&mut digests, &[(FIRST, 1), (left, 2), (right, 3)]), [(FIRST, true), (left, true), (right, true)]);
        assert_eq!(replaced(&mut digests, &[(FIRST, 1), (left, 2), (right, 9)]), [(right, true)]);
        assert_eq!(replaced(&mut digests, &[(FIRST, 1), (right, 9)]), [(left, false)]);
        assert_eq!(replaced(&mut digests, &[(FIRST, 1)]), [(right, false)]);
        assert_eq!(digests, Digests::default());
        assert_eq!(replaced(&mut digests, &[]), [(FIRST, false)]);
    }

    #[test]
    fn restored_parts_are_rewritten_or_deleted() {
        let counted = PartNumber::Counted(1);
        let mut digests = Digests::default();
        digests.add(OWNER, FIRST);
        digests.add(OWNER, counted);
        let range = PartNumber::Range(1);
        assert_eq!(replaced(&mut digests, &[(FIRST, 1), (range, 2)]), [(FIRST, true), (range, true), (counted, false)]);
        assert_eq!(digests.parts(OWNER).collect::<Vec<_>>(), [FIRST, range]);
    }
}
