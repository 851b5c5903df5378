//! Usage after the deletion of an account: what belongs to its next life.

use super::{Usage, date_of_hour, hour_index, hour_start};
use crate::settings::Settings;
use crate::time::{Date, Timestamp};

impl Usage {
    /// Forgets everything up to a deletion. Uses are split at its hour or, once the hours of that date are no longer kept, at its date.
    /// Sessions are split at its date.
    pub fn forget_until(&mut self, deleted_at: Timestamp, settings: &Settings) {
        let last_activity = self.last_activity.get().filter(|last| *last > deleted_at);
        let first = deleted_at.plus(1);
        let date = settings.zone.date_of(first);
        self.hours.prune_before(hour_index(first, date, settings));
        self.sessions = self.sessions.iter().filter(|day| day.date >= date).cloned().collect();
        self.earlier = self.earlier.since(date);
        self.days.prune_before(date.0);
        self.links.forget_until(deleted_at);
        self.recount(date, settings);
        if last_activity.is_none() || self.days.is_empty() {
            *self = Self { last_activity: last_activity.into(), links: std::mem::take(&mut self.links), ..Self::default() };
            return;
        }
        let newest = self.newest_date;
        let is_used = self.days.iter().next().is_some_and(|(first, _)| first == date.0);
        let date = if is_used { date } else { Date(date.0.saturating_add(1)) };
        super::actors::replace(&mut self.users, |user| user.after(deleted_at, date, newest));
        self.features.replace(|feature| feature.after(deleted_at, date, newest));
        self.anonymous.set(self.anonymous.get().and_then(|anonymous| anonymous.after(deleted_at, date, newest)));
    }

    /// Counts the uses of the first date again, from its hours, if all of them are kept.
    fn recount(&mut self, date: Date, settings: &Settings) {
        let (start, end) = (settings.zone.start_of(date), settings.zone.start_of(Date(date.0.saturating_add(1))).plus(-1));
        if hour_index(start, date, settings) < self.horizon(settings).hours {
            return;
        }
        let uses = self.hours.sum(i32::MIN, hour_index(end, date, settings));
        let has_sessions = self.sessions.first().is_some_and(|day| day.date == date);
        self.days.replace(date.0, Some(uses).filter(|uses| *uses > 0 || has_sessions));
    }

    /// The earliest instant of use, to the hour or the date.
    pub fn earliest(&self, settings: &Settings) -> Option<Timestamp> {
        let last = self.last_activity.get()?;
        let oldest = self.days.iter().next().map(|(date, _)| Date(date));
        let Some(date) = self.earlier.first().or(oldest) else { return Some(last) };
        let start = settings.zone.start_of(date);
        let earliest = match self.hours.iter().next() {
            Some((index, _)) if date_of_hour(index, settings) == date => hour_start(index).max(start),
            _ => start,
        };
        Some(earliest.min(last))
    }
}
