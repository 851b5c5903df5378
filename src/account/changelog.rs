//! An account as changelog records: which sections have changed, and which parts of them the changelog holds.

use super::Account;
use super::SectionKind;
use super::bytes::Writer;
use super::digests::PartOwner;
use super::parts::{PartNumber, SectionPart, numbered};
use super::section::{CodecError, Section};
use crate::event::Stream;
use crate::settings::StateVersion;
use crate::time::Timestamp;

/// The number of the first part within its section.
const FIRST: u64 = 0;

/// One changelog record of an account: section, part, and the bytes, or `None` to delete it.
pub type PartChange = (SectionKind, PartNumber, Option<Vec<u8>>);

impl Account {
    /// Whether [`Account::first_seen`] has changed since it was last written; marks it as written.
    pub const fn take_first_seen_changed(&mut self) -> bool {
        std::mem::replace(&mut self.first_seen_changed, false)
    }

    /// Whether [`Account::first_seen`] has changed since it was last written.
    #[must_use]
    pub const fn first_seen_changed(&self) -> bool {
        self.first_seen_changed
    }

    /// Restores the event time of the earliest record.
    pub fn restore_first_seen(&mut self, first_seen: Option<Timestamp>) {
        self.first_seen = first_seen.into();
    }

    /// How many sections have changed since they were last written.
    #[must_use]
    pub const fn changed_sections(&self) -> u32 {
        self.changed.count()
    }

    /// Emits the records that bring the changelog up to date, in the format of `version`, and marks them as written.
    pub fn take_changed_parts(&mut self, version: StateVersion, mut take: impl FnMut(PartChange)) {
        let changed = std::mem::take(&mut self.changed);
        for kind in SectionKind::ALL.into_iter().filter(|kind| changed.contains(*kind)) {
            let mut parts = self.parts_of(kind, version);
            if let Some(stream) = kind.stream() {
                self.take_ids(stream, version, &mut parts, &mut take);
            }
            if kind != SectionKind::Ids {
                let parts = numbered(parts, version);
                self.digests.replace(PartOwner::Section(kind), Some(PartNumber::FIRST), parts, |part, bytes| take((kind, part, bytes)));
            }
        }
    }

    fn parts_of(&self, kind: SectionKind, version: StateVersion) -> Vec<SectionPart> {
        match kind {
            SectionKind::Usage => parts(&self.usage, version),
            SectionKind::Billing => parts(&self.billing, version),
            SectionKind::Support => parts(&self.support, version),
            SectionKind::Feedback => parts(&self.feedback, version),
            SectionKind::Profile => parts(&self.profile, version),
            SectionKind::Ids => Vec::new(),
        }
    }

    /// Appends the ids of a stream to the first part of its section if they are few, followed by their length in bytes; many ids become
    /// parts of their own.
    fn take_ids(&mut self, stream: Stream, version: StateVersion, parts: &mut Vec<SectionPart>, take: &mut impl FnMut(PartChange)) {
        let few = self.dedup.fit_inline(stream);
        if parts.is_empty() && few && self.dedup.has_any(stream) {
            parts.push((FIRST, Vec::new()));
        }
        if let Some((_, bytes)) = parts.first_mut() {
            let section_bytes = bytes.len();
            let mut record = Writer(std::mem::take(bytes));
            if few {
                self.dedup.write_inline(stream, &mut record);
            }
            let ids_bytes = u32::try_from(record.0.len() - section_bytes).unwrap_or_default();
            record.0.extend_from_slice(&ids_bytes.to_le_bytes());
            *bytes = record.0;
        }
        self.dedup.take_day_parts(stream, few, version, &mut self.digests, |part, bytes| take((SectionKind::Ids, part, bytes)));
    }

    /// The parts to delete from the changelog together with the account; some may not exist there.
    pub fn written_parts(&self) -> impl Iterator<Item = (SectionKind, PartNumber)> + '_ {
        SectionKind::ALL.into_iter().flat_map(|kind| {
            let mut parts: Vec<PartNumber> = if kind == SectionKind::Ids {
                self.dedup.parts(&self.digests).collect()
            } else {
                self.digests.parts(PartOwner::Section(kind)).collect()
            };
            if parts.is_empty() && kind != SectionKind::Ids {
                parts.push(PartNumber::FIRST);
            }
            parts.into_iter().map(move |part| (kind, part))
        })
    }

    /// Restores one changelog record; parts may come in any order.
    ///
    /// # Errors
    /// When the bytes are not a valid part.
    pub fn restore(&mut self, kind: SectionKind, part: PartNumber, bytes: &[u8]) -> Result<(), CodecError> {
        let section = match kind.stream().filter(|_| part == PartNumber::FIRST) {
            Some(stream) => {
                let (section, ids) = split_ids(bytes).ok_or(CodecError::Corrupt("length of the remembered ids"))?;
                if !ids.is_empty() {
                    self.dedup.restore_inline(stream, ids)?;
                }
                section
            }
            None => bytes,
        };
        if !section.is_empty() {
            self.restore_section(kind, part, section)?;
        }
        if kind != SectionKind::Ids && part != PartNumber::FIRST {
            self.digests.add(PartOwner::Section(kind), PartNumber::FIRST);
            self.digests.add(PartOwner::Section(kind), part);
        }
        Ok(())
    }

    fn restore_section(&mut self, kind: SectionKind, number: PartNumber, bytes: &[u8]) -> Result<(), CodecError> {
        let part = match number {
            PartNumber::Range(0) => return Err(CodecError::Corrupt("no such part")),
            PartNumber::Counted(count) => u64::from(count),
            PartNumber::Range(path) => path,
        };
        match kind {
            SectionKind::Usage => self.usage.restore(part, bytes),
            SectionKind::Billing => self.billing.restore(part, bytes),
            SectionKind::Support => self.support.restore(part, bytes),
            SectionKind::Feedback => self.feedback.restore(part, bytes),
            SectionKind::Profile => self.profile.restore(part, bytes),
            SectionKind::Ids => self.dedup.restore(number, bytes, &mut self.digests),
        }
    }
}

/// The parts of a section in `version`, or in the earliest later version that can hold all its data.
fn parts(section: &impl Section, version: StateVersion) -> Vec<SectionPart> {
    let is_newest = version == StateVersion::NEWEST;
    section.parts(if is_newest { version } else { version.max(section.least_version()) })
}

/// Splits a first part into the section and its inline ids.
fn split_ids(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, ids_bytes) = bytes.split_last_chunk()?;
    let section_bytes = rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*ids_bytes)).ok()?)?;
    rest.split_at_checked(section_bytes)
}
