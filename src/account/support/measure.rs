//! The support metrics of one account at one instant.

use crate::account::feedback::Ratings;
use crate::event::{Priority, Stream};
use crate::metric::View;
use crate::metric::{Metric, Metrics};
use crate::settings::Settings;
use crate::time::{BusinessHours, HOUR_MS, MINUTE_MS, Timestamp};

use super::lifecycle::Resolution;
use super::view::TicketView;
use super::{Durations, Tickets};

/// Window of the counts of opened and resolved tickets, in days.
const COUNT_DAYS: i64 = 28;
/// Window of all other figures, in days.
const QUALITY_DAYS: i64 = 91;

impl Tickets {
    /// Sets every `support.*` metric that depends on tickets alone.
    pub fn measure(&self, view: &View, settings: &Settings, out: &mut Metrics) {
        let t = view.stream(Stream::Support).t;
        let mut sums = TicketSums { hours: settings.business_hours.as_ref(), ..TicketSums::default() };
        for ticket in self.unsettled_at(t, t.minus_days(QUALITY_DAYS)) {
            sums.ticket(&ticket, t);
        }
        sums.write_counts(settings, out);
        sums.write_durations(out);
        sums.reopened.write(Metric::ReopenRate, out);
        if self.has_replied(t) {
            sums.first_contact.write(Metric::Fcr, out);
        }
        if let Some(satisfied) = sums.ratings.share_satisfied() {
            out.real(Metric::SupportCsat, satisfied, Some(sums.ratings.rated));
        }
    }
}

/// Sums over the tickets of an account.
#[derive(Debug, Default)]
struct TicketSums<'a> {
    hours: Option<&'a BusinessHours>,
    opened: u64,
    resolved: u64,
    /// By index in
    open: [u64; Priority::ALL.len()],
    oldest_open_ms: Option<i64>,
    resolution: Durations,
    agent_resolution: Durations,
    full_resolution: Durations,
    first_reply: Durations,
    business_resolution: Durations,
    business_first_reply: Durations,
    reopened: Ratio,
    first_contact: Ratio,
    ratings: Ratings,
}

/// A number out of a total.
#[derive(Clone, Copy, Debug, Default)]
struct Ratio {
    matching: u64,
    total: u64,
}

impl Ratio {
    fn add(&mut self, one: bool) {
        self.matching += u64::from(one);
        self.total += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of tickets stay far below 2^53")]
    fn write(self, metric: Metric, out: &mut Metrics) {
        if self.total > 0 {
            out.real(metric, self.matching as f64 / self.total as f64, Some(self.total));
        }
    }
}

impl TicketSums<'_> {
    fn ticket(&mut self, ticket: &TicketView<'_>, t: Timestamp) {
        let within = |instant: Timestamp| instant.in_window(t, QUALITY_DAYS);
        self.opened += u64::from(ticket.created.is_some_and(|created| created.in_window(t, COUNT_DAYS)));
        if let Some(age) = ticket.open_ms() {
            self.oldest_open_ms = self.oldest_open_ms.max(Some(age));
            if let Some(open) = self.open.get_mut(ticket.priority as usize) {
                *open += 1;
            }
        }
        if let Some(first) = ticket.first_resolution {
            self.first_resolution(ticket, &first, t);
        }
        if ticket.last_resolved.is_some_and(within) {
            ticket.full_resolution_ms().into_iter().for_each(|millis| self.full_resolution.add(millis));
        }
        if ticket.first_reply.is_some_and(within) {
            ticket.first_reply_ms().into_iter().for_each(|millis| self.first_reply.add(millis));
            let business = self.hours.and_then(|hours| ticket.business_first_reply_ms(hours));
            if let Some(millis) = business {
                self.business_first_reply.add(millis);
            }
        }
        if let Some((_, rating)) = ticket.rating.filter(|(at, _)| within(*at)) {
            self.ratings.add(rating);
        }
    }

    fn first_resolution(&mut self, ticket: &TicketView<'_>, first: &Resolution, t: Timestamp) {
        self.resolved += u64::from(first.at.in_window(t, COUNT_DAYS));
        if !first.at.in_window(t, QUALITY_DAYS) {
            return;
        }
        self.reopened.add(first.reopened);
        ticket.resolution_ms().into_iter().for_each(|millis| self.resolution.add(millis));
        ticket.agent_resolution_ms().into_iter().for_each(|millis| self.agent_resolution.add(millis));
        let business = self.hours.and_then(|hours| ticket.business_resolution_ms(hours));
        if let Some(millis) = business {
            self.business_resolution.add(millis);
        }
        ticket.first_contact().into_iter().for_each(|first_contact| self.first_contact.add(first_contact));
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of tickets and ages stay far below 2^53")]
    fn write_counts(&self, settings: &Settings, out: &mut Metrics) {
        out.whole(Metric::Opened28d, self.opened);
        out.whole(Metric::Resolved28d, self.resolved);
        out.whole(Metric::Open, self.open.iter().sum::<u64>());
        let weighted = self.open.iter().zip(settings.priority_weights).map(|(open, weight)| *open as f64 * weight);
        out.real(Metric::OpenWeighted, weighted.sum(), None);
        let [.., urgent] = self.open;
        out.whole(Metric::UrgentOpen, urgent);
        if let Some(oldest) = self.oldest_open_ms {
            out.real(Metric::OldestOpenHours, oldest as f64 / HOUR_MS as f64, None);
        }
    }

    fn write_durations(&self, out: &mut Metrics) {
        write_quantile(&self.resolution, 50, HOUR_MS, Metric::ResolutionP50, out);
        write_quantile(&self.resolution, 90, HOUR_MS, Metric::ResolutionP90, out);
        write_quantile(&self.agent_resolution, 50, HOUR_MS, Metric::ResolutionAgentP50, out);
        write_quantile(&self.full_resolution, 50, HOUR_MS, Metric::FullResolutionP50, out);
        write_quantile(&self.first_reply, 50, MINUTE_MS, Metric::FirstReplyP50, out);
        write_quantile(&self.business_resolution, 50, HOUR_MS, Metric::ResolutionBusinessP50, out);
        write_quantile(&self.business_first_reply, 50, MINUTE_MS, Metric::FirstReplyBusinessP50, out);
        if let Some(mean) = self.resolution.mean_ms() {
            #[expect(clippy::cast_precision_loss, reason = "an hour has few milliseconds")]
            out.real(Metric::ResolutionMean, mean / HOUR_MS as f64, Some(self.resolution.count()));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "durations stay far below 2^53")]
fn write_quantile(durations: &Durations, percent: u64, unit_ms: i64, metric: Metric, out: &mut Metrics) {
    if let Some(millis) = durations.quantile_ms(percent) {
        out.real(metric, millis as f64 / unit_ms as f64, Some(durations.count()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{AGENT_REPLY, TicketRecord, hour, record, snapshot, state_of};
    use super::*;
    use crate::event::{OpenStatus, SnapshotStatus, TicketKind};
    use crate::time::{OpenHours, Zone};

    const DAY: i64 = 24;
    const OPENED: TicketKind<'static> = TicketKind::Opened;
    const RESOLVED: TicketKind<'static> = TicketKind::Resolved;

    /// The value and n of a metric on day 100.
    fn measured(records: &[TicketRecord], metric: Metric) -> Option<(f64, Option<u64>)> {
        let mut out = Metrics::default();
        state_of(records).measure(&View::complete(hour(100 * DAY)), &Settings::default(), &mut out);
        out.get(metric).and_then(|sample| Some((sample.value.number()?, sample.n)))
    }

    fn value(records: &[TicketRecord], metric: Metric) -> Option<f64> {
        measured(records, metric).map(|(value, _)| value)
    }

    /// Tickets resolved on day 90, each after so many hours.
    fn resolved_after(hours: &[i64]) -> Vec<TicketRecord> {
        let both = |(n, hours): (usize, &i64)| {
            let ticket = n.to_string();
            [record(90 * DAY - hours, &ticket, OPENED), record(90 * DAY, &ticket, RESOLVED)]
        };
        hours.iter().enumerate().flat_map(both).collect()
    }

    #[test]
    fn counts_are_zero_and_the_rest_is_absent_without_tickets() {
        let zero = [Metric::Opened28d, Metric::Resolved28d, Metric::Open, Metric::OpenWeighted, Metric::UrgentOpen];
        let mut out = Metrics::default();
        Tickets::default().measure(&View::complete(hour(0)), &Settings::default(), &mut out);
        assert_eq!(out.iter().map(|(metric, _)| metric).collect::<Vec<_>>(), zero);
        assert!(out.iter().all(|(_, sample)| sample.value.number() == Some(0.0)));
    }

    #[test]
    fn opened_and_resolved_count_28_days_excluding_the_first_instant() {
        let records = [
            record(72 * DAY, "on the border", OPENED),
            record(72 * DAY + 1, "a", OPENED),
            record(100 * DAY, "b", OPENED),
            record(100 * DAY + 1, "later", OPENED),
            record(80 * DAY, "of unknown opening", RESOLVED),
            record(72 * DAY, "on the border", RESOLVED),
            record(99 * DAY, "a", RESOLVED),
        ];
        assert_eq!(value(&records, Metric::Opened28d), Some(2.0));
        assert_eq!(value(&records, Metric::Resolved28d), Some(2.0));
    }

    #[test]
    fn open_tickets_are_weighted_by_priority() {
        let with = |n: i64, priority| record(n, &n.to_string(), OPENED).priority(priority).id("x");
        let mut records: Vec<TicketRecord> = (0..).zip(Priority::ALL).map(|(n, priority)| with(n, priority)).collect();
        records.extend([with(10, Priority::Urgent), record(20, "plain", OPENED), record(30, "done", OPENED), record(40, "done", RESOLVED)]);
        assert_eq!(value(&records, Metric::Open), Some(6.0));
        assert_eq!(value(&records, Metric::OpenWeighted), Some(0.5 + 1.0 + 2.0 + 4.0 + 4.0 + 1.0));
        assert_eq!(value(&records, Metric::UrgentOpen), Some(2.0));
        assert_eq!(value(&records, Metric::OldestOpenHours), Some(2400.0));
    }

    #[test]
    fn resolution_hours_are_nearest_rank_of_first_resolutions_in_91_days() {
        let mut records = resolved_after(&[1, 2, 3, 40]);
        records.extend([record(5 * DAY, "old", OPENED), record(9 * DAY, "old", RESOLVED)]);
        records.extend([record(91 * DAY, "0", TicketKind::Reopened), record(95 * DAY, "0", RESOLVED)]);
        assert_eq!(measured(&records, Metric::ResolutionP50), Some((2.0, Some(4))));
        assert_eq!(measured(&records, Metric::ResolutionP90), Some((40.0, Some(4))));
        assert_eq!(measured(&records, Metric::ResolutionMean), Some((11.5, Some(4))));
    }

    #[test]
    fn quantiles_of_64_or_more_tickets_come_from_a_histogram() {
        let hours: Vec<i64> = (1..=99).collect();
        let p50 = value(&resolved_after(&hours), Metric::ResolutionP50).unwrap();
        assert!((p50 - 50.0).abs() <= 0.5, "{p50}");
        assert_eq!(value(&resolved_after(&hours), Metric::ResolutionMean), Some(50.0));
    }

    #[test]
    fn agent_hours_exclude_waiting() {
        let mut records = resolved_after(&[10]);
        records.push(record(90 * DAY - 7, "0", TicketKind::StatusChanged(OpenStatus::Pending)));
        records.push(record(90 * DAY - 3, "0", TicketKind::StatusChanged(OpenStatus::Open)));
        assert_eq!(measured(&records, Metric::ResolutionAgentP50), Some((6.0, Some(1))));
    }

    #[test]
    fn full_resolution_runs_to_the_last_one_of_tickets_that_are_not_open() {
        let mut records = resolved_after(&[10, 20]);
        records.extend([record(90 * DAY + 1, "0", TicketKind::Reopened), record(90 * DAY + 5, "0", RESOLVED)]);
        records.push(record(90 * DAY + 1, "1", TicketKind::Reopened));
        assert_eq!(measured(&records, Metric::FullResolutionP50), Some((15.0, Some(1))));
    }

    #[test]
    fn first_replies_take_at_least_one_minute() {
        let records = [record(90 * DAY, "a", OPENED), record(90 * DAY, "a", AGENT_REPLY), record(91 * DAY, "b", OPENED)];
        assert_eq!(measured(&records, Metric::FirstReplyP50), Some((1.0, Some(1))));
    }

    #[test]
    fn business_hours_are_measured_only_if_configured() {
        let mut records = resolved_after(&[24, 48, 72]);
        records.push(record(90 * DAY - 12, "0", AGENT_REPLY));
        assert_eq!(value(&records, Metric::ResolutionBusinessP50), None);
        assert_eq!(value(&records, Metric::FirstReplyBusinessP50), None);
        let week = [(); 7].map(|()| vec![OpenHours::parse("00:00-06:00").unwrap()]);
        let settings = Settings { business_hours: Some(BusinessHours::new(&Zone::utc(), week, [])), ..Settings::default() };
        let mut out = Metrics::default();
        state_of(&records).measure(&View::complete(hour(100 * DAY)), &settings, &mut out);
        assert_eq!(out.number(Metric::ResolutionBusinessP50), Some(12.0));
        assert_eq!(out.get(Metric::ResolutionBusinessP50).and_then(|sample| sample.n), Some(3));
        let created = hour(90 * DAY - 24);
        let open_ms = settings.business_hours.unwrap().open_ms(created, hour(90 * DAY - 12));
        assert_eq!(out.number(Metric::FirstReplyBusinessP50), Some(open_ms as f64 / MINUTE_MS as f64));
    }

    #[test]
    fn the_reopen_rate_counts_reopenings_until_now() {
        let mut records = resolved_after(&[1, 2, 3, 4]);
        records.push(record(99 * DAY, "1", TicketKind::Reopened));
        records.push(record(101 * DAY, "2", TicketKind::Reopened));
        assert_eq!(measured(&records, Metric::ReopenRate), Some((0.25, Some(4))));
    }

    #[test]
    fn first_contacts_are_unknown_until_the_account_has_a_reply() {
        let mut records = resolved_after(&[1, 2, 3, 4]);
        records.extend([record(98 * DAY, "recent", OPENED), record(99 * DAY, "recent", RESOLVED)]);
        assert_eq!(measured(&records, Metric::Fcr), None);
        records.extend([record(90 * DAY - 1, "0", AGENT_REPLY).id("1"), record(90 * DAY, "0", AGENT_REPLY).id("2")]);
        assert_eq!(measured(&records, Metric::Fcr), Some((0.75, Some(4))));
    }

    #[test]
    fn a_ticket_counts_with_its_newest_rating_in_91_days() {
        let rated = |hours, ticket, place| record(hours, ticket, TicketKind::Rated(place));
        let records = [
            rated(9 * DAY, "too old", 1.0),
            rated(9 * DAY, "a", 0.0),
            rated(95 * DAY, "a", 0.75),
            rated(50 * DAY, "b", 1.0),
            rated(60 * DAY, "b", 0.5),
            snapshot(70 * DAY, "c", SnapshotStatus::Closed, |s| s.score = Some(1.0)),
        ];
        assert_eq!(measured(&records, Metric::SupportCsat), Some((2.0 / 3.0, Some(3))));
    }

    #[test]
    fn a_stale_stream_is_measured_at_its_own_instant() {
        let mut view = View::complete(hour(100 * DAY));
        view.streams.of_mut(Stream::Support).t = hour(10);
        let mut out = Metrics::default();
        state_of(&[record(0, "a", OPENED), record(20, "a", RESOLVED)]).measure(&view, &Settings::default(), &mut out);
        assert_eq!(out.number(Metric::OldestOpenHours), Some(10.0));
    }
}
