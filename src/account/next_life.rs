//! What is left of an account after its deletion: the facts of its next life, if any were read before the deletion.
//!
//! Facts are assigned to a life by their exact time; counts by the hour of the deletion or, once the hours are no longer kept, by its date.

use super::{Account, Digests, SectionKind};
use crate::event::Stream;
use crate::settings::Settings;
use crate::time::Timestamp;

impl Account {
    /// The account without everything up to its deletion, as one that the changelog does not hold yet; `None` if nothing is left.
    #[must_use]
    pub fn next_life(mut self, deleted_at: Timestamp, settings: &Settings) -> Option<Self> {
        self.usage.forget_until(deleted_at, settings);
        self.billing.forget_until(deleted_at);
        self.support.forget_until(deleted_at);
        self.feedback.forget_until(deleted_at);
        self.profile.forget_until(deleted_at);
        if self.first_seen().is_some_and(|first| first <= deleted_at) {
            self.first_seen = self.earliest_fact(settings).map(|earliest| earliest.max(deleted_at.plus(1))).into();
        }
        self.first_seen()?;
        self.dedup.forget_until(deleted_at);
        self.digests = Digests::default();
        self.first_seen_changed = true;
        for stream in Stream::ALL {
            self.changed.insert(SectionKind::fed_by(stream));
        }
        Some(self)
    }

    fn earliest_fact(&self, settings: &Settings) -> Option<Timestamp> {
        let sections = [
            self.usage.earliest(settings),
            self.billing.first_record_at(),
            self.support.first_record_at(),
            self.feedback.first_record_at(),
            self.profile.at(),
        ];
        sections.into_iter().flatten().min()
    }
}
