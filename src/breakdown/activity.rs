//! The events behind the metrics, by day.

use std::collections::BTreeMap;

use super::document::Activity;
use crate::account::Account;
use crate::event::{Event, Record, Stream, UsageKind};
use crate::metric::View;
use crate::settings::Settings;
use crate::time::{Date, Timestamp};

/// Dates that are covered: the longest window of usage.
const DATES: i32 = 91;

/// Counts of one account's events by type and date, gathered from its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByDay(BTreeMap<&'static str, BTreeMap<Date, u64>>);

impl ByDay {
    /// Counts a record; feature uses count as often as they say.
    pub fn add(&mut self, record: &Record<'_>, settings: &Settings) {
        let count = match &record.event {
            Event::Usage(usage) => match &usage.kind {
                UsageKind::Feature { count, .. } => *count,
                UsageKind::SessionEnded { .. } => 1,
                UsageKind::Identified => 0,
            },
            _ => 1,
        };
        let days = self.0.entry(record.type_name).or_default().entry(settings.zone.date_of(record.occurred_at)).or_default();
        *days = days.saturating_add(count);
    }

    /// The counts of the 91 dates up to `t`.
    #[must_use]
    pub fn activity(&self, t: Timestamp, settings: &Settings) -> Vec<Activity> {
        let today = settings.zone.date_of(t);
        let all = self.0.iter().map(|(what, days)| activity(what, today, days.iter().map(|(date, count)| (*date, *count))));
        all.filter(|activity| !activity.days.is_empty()).collect()
    }
}

/// What the state knows: feature uses by date, tickets opened and first resolved, answers to surveys.
pub(super) fn of(account: &Account, view: &View, settings: &Settings) -> Vec<Activity> {
    let date = |stream: Stream| settings.zone.date_of(view.stream(stream).t);
    let mut all = Vec::new();
    if *settings.configured.of(Stream::Usage) {
        let today = date(Stream::Usage);
        all.push(activity("feature uses", today, account.usage().events_by_date(today.minus(DATES), today)));
    }
    if *settings.configured.of(Stream::Support) {
        let (t, today) = (view.stream(Stream::Support).t, date(Stream::Support));
        let (mut opened, mut resolved) = (BTreeMap::new(), BTreeMap::new());
        for (_, ticket) in account.support().tickets_at(t) {
            let count = |days: &mut BTreeMap<Date, u64>, at: Option<Timestamp>| {
                if let Some(at) = at {
                    *days.entry(settings.zone.date_of(at)).or_default() += 1;
                }
            };
            count(&mut opened, ticket.created);
            count(&mut resolved, ticket.first_resolution.map(|resolution| resolution.at));
        }
        all.push(activity("tickets opened", today, opened.into_iter()));
        all.push(activity("tickets first resolved", today, resolved.into_iter()));
    }
    if *settings.configured.of(Stream::Feedback) {
        let (t, today) = (view.stream(Stream::Feedback).t, date(Stream::Feedback));
        let answers = account.feedback().answered_at().filter(|at| *at <= t).fold(BTreeMap::new(), |mut days, at| {
            *days.entry(settings.zone.date_of(at)).or_default() += 1;
            days
        });
        all.push(activity("survey answers", today, answers.into_iter()));
    }
    all
}

fn activity(what: &str, today: Date, days: impl Iterator<Item = (Date, u64)>) -> Activity {
    let first = today.minus(DATES - 1);
    let days = days.filter(|(date, count)| (first..=today).contains(date) && *count > 0);
    Activity {
        what: what.replace('_', " "),
        from: first.to_string(),
        to: today.to_string(),
        days: days.map(|(date, count)| (date.to_string(), count)).collect(),
    }
}
