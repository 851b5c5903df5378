//! An account as changelog records: which sections changed, and which parts of them the changelog holds.

use super::Account;
use super::SectionKind;
use super::bytes::Writer;
use super::section::{CodecError, Section};
use super::written::digests_of;
use crate::event::Stream;
use crate::settings::StateVersion;
use crate::time::Timestamp;

/// The first part of a section.
const FIRST: u16 = 0;

/// One changelog record of an account: the section, its part, and the bytes, or `None` where the part is no more.
pub type Part = (SectionKind, u16, Option<Vec<u8>>);

impl Account {
    /// Whether [`Account::first_seen`] differs from what the changelog holds; afterwards it counts as written.
    pub const fn take_first_seen_changed(&mut self) -> bool {
        std::mem::replace(&mut self.first_seen_changed, false)
    }

    /// Whether [`Account::first_seen`] differs from what the changelog holds.
    #[must_use]
    pub const fn first_seen_changed(&self) -> bool {
        self.first_seen_changed
    }

    /// Takes back the event time of the earliest record.
    pub fn restore_first_seen(&mut self, first_seen: Option<Timestamp>) {
        self.first_seen = first_seen.into();
    }

    /// How many sections differ from what the changelog holds.
    #[must_use]
    pub const fn changed_sections(&self) -> u32 {
        self.changed.count()
    }

    /// The records that bring the changelog up to this state, in the format of a version; afterwards it counts as written.
    pub fn take_changed_parts(&mut self, version: StateVersion, mut take: impl FnMut(Part)) {
        let changed = std::mem::take(&mut self.changed);
        for kind in SectionKind::ALL.into_iter().filter(|kind| changed.contains(*kind)) {
            let mut parts = self.parts_of(kind, version);
            if let Some(stream) = kind.stream() {
                self.take_ids(stream, version, &mut parts, &mut take);
            }
            self.take_parts(kind, parts, &mut take);
        }
    }

    fn parts_of(&self, kind: SectionKind, version: StateVersion) -> Vec<(u16, Vec<u8>)> {
        match kind {
            SectionKind::Usage => parts(&self.usage, version),
            SectionKind::Billing => parts(&self.billing, version),
            SectionKind::Support => parts(&self.support, version),
            SectionKind::Feedback => parts(&self.feedback, version),
            SectionKind::Profile => parts(&self.profile, version),
            SectionKind::Ids => Vec::new(),
        }
    }

    /// Few ids of a stream end the first part of its section, followed by their length; many are parts of their own.
    fn take_ids(&mut self, stream: Stream, version: StateVersion, parts: &mut Vec<(u16, Vec<u8>)>, take: &mut impl FnMut(Part)) {
        let few = self.dedup.are_few(stream);
        if parts.is_empty() && few && self.dedup.knows_any(stream) {
            parts.push((FIRST, Vec::new()));
        }
        if let Some((_, bytes)) = parts.first_mut() {
            let section_bytes = bytes.len();
            let mut record = Writer(std::mem::take(bytes));
            if few {
                self.dedup.write_together(stream, &mut record);
            }
            let ids_bytes = u32::try_from(record.0.len() - section_bytes).unwrap_or_default();
            record.0.extend_from_slice(&ids_bytes.to_le_bytes());
            *bytes = record.0;
        }
        self.dedup.take_apart(stream, few, version, |part, bytes| take((SectionKind::Ids, part, bytes)));
    }

    /// Of a section in several parts only those are handed over that differ from what was handed over before.
    fn take_parts(&mut self, kind: SectionKind, parts: Vec<(u16, Vec<u8>)>, take: &mut impl FnMut(Part)) {
        let kept = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        (kept..self.written.parts(kind)).for_each(|gone| take((kind, gone, None)));
        let before = self.written.replace(kind, digests_of(&parts));
        let now = self.written.of(kind);
        for (part, bytes) in parts {
            let digest = now.get(usize::from(part));
            if digest.is_none() || digest != before.get(usize::from(part)) {
                take((kind, part, Some(bytes)));
            }
        }
    }

    /// The parts that have to leave the changelog with the account, if they are there.
    pub fn written_parts(&self) -> impl Iterator<Item = (SectionKind, u16)> + '_ {
        let parts = |kind| (FIRST..self.written.parts(kind)).map(move |part| (kind, part));
        let sections = SectionKind::ALL.into_iter().filter(|kind| *kind != SectionKind::Ids).flat_map(parts);
        sections.chain(self.dedup.part_numbers().map(|part| (SectionKind::Ids, part)))
    }

    /// Takes back one record of the changelog, in any order of parts.
    ///
    /// # Errors
    /// When the bytes are not a part that this program knows.
    pub fn restore(&mut self, kind: SectionKind, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let section = match kind.stream().filter(|_| part == FIRST) {
            Some(stream) => {
                let (section, ids) = split_ids(bytes).ok_or(CodecError::Corrupt("length of the ids"))?;
                if !ids.is_empty() {
                    self.dedup.restore_together(stream, ids)?;
                }
                section
            }
            None => bytes,
        };
        if !section.is_empty() {
            self.restore_section(kind, part, section)?;
        }
        if kind != SectionKind::Ids {
            self.written.add(kind, part);
        }
        Ok(())
    }

    fn restore_section(&mut self, kind: SectionKind, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        match kind {
            SectionKind::Usage => self.usage.restore(part, bytes),
            SectionKind::Billing => self.billing.restore(part, bytes),
            SectionKind::Support => self.support.restore(part, bytes),
            SectionKind::Feedback => self.feedback.restore(part, bytes),
            SectionKind::Profile => self.profile.restore(part, bytes),
            SectionKind::Ids => self.dedup.restore(bytes),
        }
    }
}

/// The parts of a section in a version, or in the earliest later one that holds all of it.
fn parts(section: &impl Section, version: StateVersion) -> Vec<(u16, Vec<u8>)> {
    let is_newest = version == StateVersion::NEWEST;
    section.parts(if is_newest { version } else { version.max(section.least_version()) })
}

/// The section and the ids of a first part.
fn split_ids(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, ids_bytes) = bytes.split_last_chunk()?;
    let section_bytes = rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*ids_bytes)).ok()?)?;
    rest.split_at_checked(section_bytes)
}
