//! An account as changelog records: which sections changed, and which parts of them the changelog holds.

use super::Account;
use super::bytes::Writer;
use super::digests::Thing;
use super::parts::{PartNumber, SectionPart, numbered};
use super::section::{CodecError, Section, decode, encode};
use crate::event::{Event, Stream};
use crate::score;
use crate::settings::StateVersion;
use crate::time::MaybeTimestamp;

/// The first part of a section, as its section numbers it.
const FIRST: u64 = 0;

/// The sections of an account that are written on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// First seen, what was published, what the bands remember.
    Core,
    /// Usage.
    Usage,
    /// Subscriptions and invoices.
    Billing,
    /// Tickets.
    Support,
    /// Answers, referrals, overrides.
    Feedback,
    /// The profile.
    Profile,
    /// Remembered ids that are too many to travel with the section of their stream: a part for each stream and day.
    Ids,
}

impl SectionKind {
    /// All sections.
    pub const ALL: [Self; 7] = [Self::Core, Self::Usage, Self::Billing, Self::Support, Self::Feedback, Self::Profile, Self::Ids];

    /// The section of its number in changelog keys.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The section that a stream's records change.
    #[must_use]
    pub const fn fed_by(stream: Stream) -> Self {
        match stream {
            Stream::Usage => Self::Usage,
            Stream::Billing => Self::Billing,
            Stream::Support => Self::Support,
            Stream::Feedback => Self::Feedback,
            Stream::Accounts => Self::Profile,
        }
    }

    /// The stream whose records change it.
    fn stream(self) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| Self::fed_by(*stream) == self)
    }

    /// The section that an event changes.
    #[must_use]
    pub const fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Usage(_) => Self::Usage,
            Event::Billing(_) => Self::Billing,
            Event::Support(_) => Self::Support,
            Event::Feedback(_) => Self::Feedback,
            Event::Profile(_) => Self::Profile,
            Event::Cost(_) => Self::Core,
        }
    }
}

/// A set of sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed(u8);

impl Changed {
    pub(super) const fn insert(&mut self, kind: SectionKind) {
        self.0 |= 1 << kind as u8;
    }

    const fn contains(self, kind: SectionKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

/// One changelog record of an account: the section, its part, and the bytes, or `None` to delete it.
pub type Part = (SectionKind, PartNumber, Option<Vec<u8>>);

/// What a core record holds.
#[derive(serde::Serialize)]
struct CoreRef<'a> {
    first_seen: MaybeTimestamp,
    score: &'a score::State,
}

#[derive(serde::Deserialize)]
struct Core {
    first_seen: MaybeTimestamp,
    score: score::State,
}

impl Account {
    /// Marks what was published and what the bands remember as changed.
    pub const fn score_changed(&mut self) {
        self.changed.insert(SectionKind::Core);
    }

    /// How many sections differ from what the changelog holds.
    #[must_use]
    pub const fn changed_sections(&self) -> u32 {
        self.changed.0.count_ones()
    }

    /// The records that bring the changelog up to this state, in the format of a version; afterwards it counts as written.
    pub fn take_changed_parts(&mut self, version: StateVersion, mut take: impl FnMut(Part)) {
        let changed = std::mem::take(&mut self.changed);
        for kind in SectionKind::ALL.into_iter().filter(|kind| changed.contains(*kind)) {
            let mut parts = self.parts_of(kind, version);
            if let Some(stream) = kind.stream() {
                self.take_ids(stream, version, &mut parts, &mut take);
            }
            if kind != SectionKind::Ids {
                let parts = numbered(parts, version);
                self.digests.replace(Thing::Section(kind), Some(PartNumber::FIRST), parts, |part, bytes| take((kind, part, bytes)));
            }
        }
    }

    fn parts_of(&self, kind: SectionKind, version: StateVersion) -> Vec<SectionPart> {
        match kind {
            SectionKind::Core => {
                let core = CoreRef { first_seen: self.first_seen, score: &self.score };
                vec![(FIRST, encode(version, &core))]
            }
            SectionKind::Usage => parts(&self.usage, version),
            SectionKind::Billing => parts(&self.billing, version),
            SectionKind::Support => parts(&self.support, version),
            SectionKind::Feedback => parts(&self.feedback, version),
            SectionKind::Profile => parts(&self.profile, version),
            SectionKind::Ids => Vec::new(),
        }
    }

    /// Few ids of a stream end the first part of its section, followed by their length; many are parts of their own.
    fn take_ids(&mut self, stream: Stream, version: StateVersion, parts: &mut Vec<SectionPart>, take: &mut impl FnMut(Part)) {
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
        self.dedup.take_apart(stream, few, version, &mut self.digests, |part, bytes| take((SectionKind::Ids, part, bytes)));
    }

    /// The parts that have to leave the changelog with the account, if they are there.
    pub fn written_parts(&self) -> impl Iterator<Item = (SectionKind, PartNumber)> + '_ {
        SectionKind::ALL.into_iter().flat_map(|kind| {
            let mut parts: Vec<PartNumber> = if kind == SectionKind::Ids {
                self.dedup.parts(&self.digests).collect()
            } else {
                self.digests.parts(Thing::Section(kind)).collect()
            };
            if parts.is_empty() && kind != SectionKind::Ids {
                parts.push(PartNumber::FIRST);
            }
            parts.into_iter().map(move |part| (kind, part))
        })
    }

    /// Takes back one record of the changelog, in any order of parts.
    ///
    /// # Errors
    /// When the bytes are not a part that this program knows.
    pub fn restore(&mut self, kind: SectionKind, part: PartNumber, bytes: &[u8]) -> Result<(), CodecError> {
        let section = match kind.stream().filter(|_| part == PartNumber::FIRST) {
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
        if kind != SectionKind::Ids && part != PartNumber::FIRST {
            self.digests.add(Thing::Section(kind), PartNumber::FIRST);
            self.digests.add(Thing::Section(kind), part);
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
            SectionKind::Core => {
                let core: Core = decode(bytes)?;
                self.first_seen = core.first_seen;
                self.score = core.score;
                Ok(())
            }
            SectionKind::Usage => self.usage.restore(part, bytes),
            SectionKind::Billing => self.billing.restore(part, bytes),
            SectionKind::Support => self.support.restore(part, bytes),
            SectionKind::Feedback => self.feedback.restore(part, bytes),
            SectionKind::Profile => self.profile.restore(part, bytes),
            SectionKind::Ids => self.dedup.restore(number, bytes, &mut self.digests),
        }
    }
}

/// The parts of a section in a version, or in the earliest later one that holds all of it.
fn parts(section: &impl Section, version: StateVersion) -> Vec<SectionPart> {
    let is_newest = version == StateVersion::NEWEST;
    section.parts(if is_newest { version } else { version.max(section.least_version()) })
}

/// The section and the ids of a first part.
fn split_ids(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, ids_bytes) = bytes.split_last_chunk()?;
    let section_bytes = rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*ids_bytes)).ok()?)?;
    rest.split_at_checked(section_bytes)
}
