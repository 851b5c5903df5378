//! The kinds of sections, as the changelog distinguishes them.

use crate::event::Stream;

/// A separately written section of an account; the number is used in changelog keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// Usage.
    Usage = 1,
    /// Subscriptions and invoices.
    Billing,
    /// Tickets.
    Support,
    /// Answers, referrals, overrides.
    Feedback,
    /// The profile.
    Profile,
    /// Remembered ids, when there are too many to store inline with the section of their stream: one part per stream and day.
    Ids,
}

impl SectionKind {
    /// All sections.
    pub const ALL: [Self; 6] = [Self::Usage, Self::Billing, Self::Support, Self::Feedback, Self::Profile, Self::Ids];

    /// The section with this number in changelog keys.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The section that records of a stream change.
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
    pub(super) fn stream(self) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| Self::fed_by(*stream) == self)
    }
}

/// A set of sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SectionSet(u8);

impl SectionSet {
    pub(super) const fn insert(&mut self, kind: SectionKind) {
        self.0 |= 1 << kind as u8;
    }

    pub(super) const fn contains(self, kind: SectionKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// The number of sections in the set.
    pub(super) const fn count(self) -> u32 {
        self.0.count_ones()
    }
}
