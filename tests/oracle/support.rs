//! An account's tickets.

use super::account::Account;
use super::metric::{Metrics, mean, quantile};
use super::ticket::{Ticket, is_reply_by_people};
use super::zone::{DAY, HOUR};

impl Account<'_> {
    /// All support metrics.
    pub fn support(&self, out: &mut Metrics) {
        let tickets = Ticket::all(self);
        let opened = tickets.iter().filter(|ticket| ticket.opening().is_some_and(|at| self.within(at, 28))).count();
        out.count("support.opened_28d", opened);
        let resolved = tickets.iter().filter(|ticket| ticket.first_resolution().is_some_and(|at| self.within(at, 28))).count();
        out.count("support.resolved_28d", resolved);
        let weighted = self.support_open(&tickets, out);
        if let Some(mau) = out.number("usage.mau") {
            let tens = mau.max(10.0) / 10.0;
            out.float("support.opened_28d_per_10_users", Some(opened as f64 / tens));
            out.float("support.open_weighted_per_10_users", Some(weighted / tens));
        }
        self.support_durations(&tickets, out);
        self.support_quality(&tickets, out);
    }

    /// Whether an instant is in the exact window of this many days.
    pub fn within(&self, at: i64, days: i64) -> bool {
        self.t - days * DAY < at && at <= self.t
    }

    fn support_open(&self, tickets: &[Ticket<'_>], out: &mut Metrics) -> f64 {
        let open: Vec<&Ticket<'_>> = tickets.iter().filter(|ticket| ticket.is_open()).collect();
        let weighted: f64 = open.iter().map(|ticket| self.settings.weights[ticket.priority()]).sum();
        out.count("support.open", open.len());
        out.float("support.open_weighted", Some(weighted));
        out.count("support.urgent_open", open.iter().filter(|ticket| ticket.priority() == "urgent").count());
        let oldest = open.iter().map(|ticket| ticket.open_since()).min();
        out.float("support.oldest_open_hours", oldest.map(|at| (self.t - at) as f64 / HOUR as f64));
        weighted
    }

    /// The tickets first resolved in the 91 days.
    pub fn resolved_91d<'t, 'r>(&self, tickets: &'t [Ticket<'r>]) -> Vec<&'t Ticket<'r>> {
        tickets.iter().filter(|ticket| ticket.first_resolution().is_some_and(|at| self.within(at, 91))).collect()
    }

    fn support_durations(&self, tickets: &[Ticket<'_>], out: &mut Metrics) {
        let resolved = self.resolved_91d(tickets);
        let hours: Vec<f64> = resolved.iter().filter_map(|ticket| ticket.resolution_hours()).collect();
        out.float("support.resolution_hours_p50_91d", quantile(&hours, 0.5));
        out.float("support.resolution_hours_p90_91d", quantile(&hours, 0.9));
        let exact: Vec<f64> = resolved.iter().filter_map(|ticket| ticket.exact_hours()).collect();
        out.float("support.resolution_hours_mean_91d", mean(&exact));
        let agent: Vec<f64> = resolved.iter().filter_map(|ticket| ticket.agent_hours()).collect();
        out.float("support.resolution_hours_agent_p50_91d", quantile(&agent, 0.5));
        let full = tickets.iter().filter(|ticket| ticket.last_resolution().is_some_and(|at| self.within(at, 91)));
        let full: Vec<f64> = full.filter_map(Ticket::full_hours).collect();
        out.float("support.full_resolution_hours_p50_91d", quantile(&full, 0.5));
        let replied = tickets.iter().filter(|ticket| ticket.first_reply().is_some_and(|at| self.within(at, 91)));
        let minutes: Vec<f64> = replied.filter_map(Ticket::first_reply_minutes).collect();
        out.float("support.first_reply_minutes_p50_91d", quantile(&minutes, 0.5));
        let replied = tickets.iter().filter(|ticket| ticket.first_reply().is_some_and(|at| self.within(at, 91)));
        let business_minutes: Vec<f64> = replied.filter_map(|ticket| ticket.business_reply_minutes(self.settings)).collect();
        out.float("support.first_reply_business_minutes_p50_91d", quantile(&business_minutes, 0.5));
        let business_hours: Vec<f64> = resolved.iter().filter_map(|ticket| ticket.business_hours(self.settings)).collect();
        out.float("support.resolution_business_hours_p50_91d", quantile(&business_hours, 0.5));
        for (name, sample) in [
            ("support.first_reply_business_minutes_p50_91d", &business_minutes),
            ("support.resolution_business_hours_p50_91d", &business_hours),
            ("support.resolution_hours_p50_91d", &hours),
            ("support.resolution_hours_p90_91d", &hours),
            ("support.resolution_hours_agent_p50_91d", &agent),
            ("support.full_resolution_hours_p50_91d", &full),
            ("support.first_reply_minutes_p50_91d", &minutes),
        ] {
            out.size(name, sample.len());
        }
    }

    fn support_quality(&self, tickets: &[Ticket<'_>], out: &mut Metrics) {
        let resolved = self.resolved_91d(tickets);
        let reopened = resolved.iter().filter(|ticket| ticket.was_reopened()).count();
        out.ratio("support.reopen_rate_91d", reopened as f64, resolved.len() as f64);
        out.size("support.reopen_rate_91d", resolved.len());
        if self.of("support").into_iter().any(is_reply_by_people) {
            let known: Vec<bool> = resolved.iter().filter_map(|ticket| ticket.resolved_at_first_contact()).collect();
            out.ratio("support.fcr_91d", known.iter().filter(|first| **first).count() as f64, known.len() as f64);
            out.size("support.fcr_91d", known.len());
        }
        let ratings: Vec<f64> = tickets.iter().filter_map(Ticket::rating).filter(|(at, _)| self.within(*at, 91)).map(|(_, p)| p).collect();
        out.ratio("support.csat_91d", ratings.iter().filter(|p| **p >= 0.75).count() as f64, ratings.len() as f64);
        out.size("support.csat_91d", ratings.len());
    }
}
