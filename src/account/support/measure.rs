//! The support metrics of one account at one instant.

use crate::account::feedback::Ratings;
use crate::event::{Priority, Stream};
use crate::metric::{Metric, Metrics};
use crate::settings::{Settings, View};
use crate::time::{HOUR_MS, MINUTE_MS, Timestamp};

use super::view::{Resolution, TicketView};
use super::{Durations, State};

/// Days of the counts of opened and resolved tickets.
const COUNT_DAYS: i64 = 28;
/// Days of everything else that looks back.
const QUALITY_DAYS: i64 = 91;

impl State {
    /// Sets every `support.*` metric that needs tickets alone.
    pub fn measure(&self, view: &View, settings: &Settings, out: &mut Metrics) {
        let t = view.stream(Stream::Support).t;
        let mut sums = Sums::default();
        self.tickets_at(t).for_each(|(_, ticket)| sums.ticket(&ticket, t));
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
struct Sums {
    opened: u64,
    resolved: u64,
    /// By place in [`Priority::ALL`].
    open: [u64; Priority::ALL.len()],
    oldest_open_ms: Option<i64>,
    resolution: Durations,
    agent_resolution: Durations,
    full_resolution: Durations,
    first_reply: Durations,
    reopened: Share,
    first_contact: Share,
    ratings: Ratings,
}

/// Some of all.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    some: u64,
    all: u64,
}

impl Share {
    fn add(&mut self, one: bool) {
        self.some += u64::from(one);
        self.all += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of tickets stay far below 2^53")]
    fn write(self, metric: Metric, out: &mut Metrics) {
        if self.all > 0 {
            out.real(metric, self.some as f64 / self.all as f64, Some(self.all));
        }
    }
}

impl Sums {
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
        self.reopened.add(ticket.reopened);
        ticket.resolution_ms().into_iter().for_each(|millis| self.resolution.add(millis));
        ticket.agent_resolution_ms().into_iter().for_each(|millis| self.agent_resolution.add(millis));
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
