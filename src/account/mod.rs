//! The state of one account, in sections that are updated, measured and persisted independently.

pub mod billing;
mod bytes;
mod changelog;
pub mod dedup;
mod digests;
mod event_id;
pub mod feedback;
mod hash_search;
pub mod key;
pub mod limits;
mod measure;
mod nearest;
mod next_life;
mod parts;
pub mod profile;
pub mod section;
mod section_kind;
pub mod support;
pub mod usage;

pub use changelog::PartChange;
pub use digests::Digests;
pub use key::AccountKey;
pub use limits::{Limit, LimitMeter};
pub use nearest::Nearest;
pub use parts::PartNumber;
pub use profile::Profile;
pub use section::{CodecError, MAX_PART_BYTES, Section};
pub use section_kind::SectionKind;

use crate::event::{Event, Record, Stream};
use crate::settings::Settings;
use crate::stream_time::{Lateness, Observation};
use crate::time::{MaybeTimestamp, Timestamp};

/// The inputs of applying an event, besides the event itself, and the meter of limits.
#[derive(Debug)]
pub struct ApplyContext<'a> {
    /// Event time.
    pub at: Timestamp,
    /// The producer's id of the event.
    pub id: Option<&'a str>,
    /// The settings.
    pub settings: &'a Settings,
    /// Counts the limits reached.
    pub limits: &'a mut LimitMeter,
}

/// Rolling state of one account. The fields that a usage record needs come first, so that it touches few cache lines.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Account {
    id: Box<str>,
    dedup: dedup::Dedup,
    /// Event time of the earliest applied record; `None` while all records are still waiting for their event time.
    first_seen: MaybeTimestamp,
    /// Whether `first_seen` has changed since it was last written to the changelog.
    first_seen_changed: bool,
    /// The sections changed since they were last written to the changelog.
    changed: section_kind::SectionSet,
    usage: usage::Usage,
    billing: billing::Billing,
    support: support::Tickets,
    feedback: feedback::Feedback,
    profile: profile::NewestProfile,
    /// Which parts the changelog holds, for sections that are split into several.
    digests: Digests,
}

impl Account {
    /// An account without records.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The account's id.
    #[must_use]
    pub const fn id(&self) -> &str {
        &self.id
    }

    /// Event time of the earliest record that was applied.
    #[must_use]
    pub const fn first_seen(&self) -> Option<Timestamp> {
        self.first_seen.get()
    }

    /// The newest profile.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.get()
    }

    /// Usage.
    #[must_use]
    pub const fn usage(&self) -> &usage::Usage {
        &self.usage
    }

    /// Subscriptions, MRR and invoices.
    #[must_use]
    pub const fn billing(&self) -> &billing::Billing {
        &self.billing
    }

    /// Tickets.
    #[must_use]
    pub const fn support(&self) -> &support::Tickets {
        &self.support
    }

    /// Answers, referrals, overrides.
    #[must_use]
    pub const fn feedback(&self) -> &feedback::Feedback {
        &self.feedback
    }

    /// Touches the memory that applying a usage record will need, so that the cache misses overlap instead of following one another.
    /// Changes nothing.
    pub fn prefetch(&self, record: &Record<'_>) {
        if let Event::Usage(event) = &record.event {
            std::hint::black_box(self.dedup.last_byte());
            self.usage.prefetch(event);
        }
    }

    /// Remembers the identity of a record; returns true if it is a duplicate.
    pub fn remember(
        &mut self,
        stream: Stream,
        at: Timestamp,
        observation: Observation,
        settings: &Settings,
        limits: &mut LimitMeter,
    ) -> bool {
        let Some(identity) = observation.identity else { return false };
        let repeated = self.dedup.remember(stream, at, identity, observation.newest, settings, limits);
        if !repeated {
            self.changed.insert(SectionKind::fed_by(stream));
        }
        repeated
    }

    /// Applies a record of this account whose event time has been reached.
    pub fn apply(&mut self, record: &Record<'_>, lateness: Lateness, settings: &Settings, limits: &mut LimitMeter) {
        let at = record.occurred_at;
        if self.first_seen().is_none_or(|first| at < first) {
            self.first_seen = Some(at).into();
            self.first_seen_changed = true;
        }
        let id = record.id.as_deref().map(event_id::shortened);
        let mut ctx = ApplyContext { at, id: id.as_deref(), settings, limits };
        let section = match &record.event {
            Event::Usage(event) => {
                match lateness {
                    Lateness::InTime => self.usage.apply(event, &mut ctx),
                    Lateness::Late => self.usage.apply_late(event, &ctx),
                }
                SectionKind::Usage
            }
            Event::Billing(event) => {
                self.billing.apply(event, &mut ctx);
                SectionKind::Billing
            }
            Event::Support(event) => {
                self.support.apply(event, &mut ctx);
                SectionKind::Support
            }
            Event::Feedback(event) if lateness == Lateness::InTime => {
                self.feedback.apply(event, &mut ctx);
                SectionKind::Feedback
            }
            Event::Profile(event) => {
                self.profile.apply(event, at, id.as_deref());
                SectionKind::Profile
            }
            Event::Feedback(_) | Event::Cost(_) => return,
        };
        self.changed.insert(section);
    }
}
