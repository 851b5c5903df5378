//! KPIs of what customers said, of their tickets, and of how they came and went.

use std::collections::BTreeMap;

use serde_json::json;

use super::feedback::{nps_classes, nps_score, place};
use super::judge::Record;
use super::kpi::{Kpis, Member, Portfolio, put, ratio, set, share};
use super::metric::{mean, quantile};
use super::ticket::Ticket;
use super::zone::DAY;

impl Portfolio<'_, '_> {
    fn heard<T>(&self, kind: &str, from: i64, to: i64, read: impl Fn(&Record) -> T) -> Vec<T> {
        let heard = self.members.iter().flat_map(|member| member.account.heard(kind));
        heard.filter(|record| from < record.at && record.at <= to).map(read).collect()
    }

    /// See the table of KPIs.
    pub fn answers(&self, out: &mut Kpis) {
        let (from, to) = (self.period.from, self.period.to);
        let nps = |from, to| {
            let scores = self.heard("nps_answered", from, to, nps_score);
            let (promoters, detractors) = nps_classes(&scores);
            (!scores.is_empty()).then(|| 100.0 * (promoters as f64 - detractors as f64) / scores.len() as f64)
        };
        put(out, "nps", nps(from, to));
        let before = if self.period.month { self.month_before() } else { from - 28 * DAY };
        put(out, "nps_trend", nps(from, to).and_then(|nps_now| Some(nps_now - nps(before, from)?)));
        let mut csat = self.heard("csat_answered", from, to, place);
        for member in &self.members {
            let ratings = Ticket::all(&member.account).into_iter().filter_map(|ticket| ticket.rating());
            csat.extend(ratings.filter(|(at, _)| self.period.holds(*at)).map(|(_, p)| p));
        }
        share(out, "csat", &csat.iter().map(|p| *p >= 0.75).collect::<Vec<_>>());
        share(out, "csat_highly_satisfied", &csat.iter().map(|p| *p >= 1.0).collect::<Vec<_>>());
        share(out, "csat_dissatisfied", &csat.iter().map(|p| *p <= 0.25).collect::<Vec<_>>());
        put(out, "ces", mean(&self.heard("ces_answered", from, to, place)));
        let answered = ["nps", "csat", "ces"].map(|kind| self.heard(&format!("{kind}_answered"), from, to, |_| ()).len() as i64);
        ratio(out, "survey_response_rate", answered.iter().sum(), self.heard("survey_sent", from, to, |_| ()).len() as i64);
        set(out, "referrals", self.heard("referral_made", from, to, |_| ()).len() as f64);
        set(out, "advocacy", self.heard("advocacy_made", from, to, |_| ()).len() as f64);
    }

    /// The instant after which the month before begins.
    fn month_before(&self) -> i64 {
        self.members.first().map_or(0, |member| member.account.settings.zone.month(self.period.to, 1).0 - 1)
    }

    /// See the table of KPIs.
    pub fn tickets(&self, out: &mut Kpis) {
        let in_period = |at: Option<i64>| at.is_some_and(|at| self.period.holds(at));
        let (mut opened, mut open, mut resolved, mut replied, mut told) = (0, 0, Vec::new(), Vec::new(), Vec::new());
        for member in &self.members {
            let told_of_replies = !member.account.kind("ticket_replied").is_empty();
            for ticket in Ticket::all(&member.account) {
                opened += i64::from(in_period(ticket.opening()));
                open += i64::from(ticket.is_open());
                if in_period(ticket.first_reply()) {
                    replied.extend(ticket.first_reply_minutes());
                }
                if in_period(ticket.first_resolution()) {
                    if told_of_replies {
                        told.extend(ticket.resolved_at_first_contact());
                    }
                    resolved.push(ticket);
                }
            }
        }
        set(out, "tickets_opened", opened as f64);
        set(out, "tickets_open", open as f64);
        set(out, "tickets_resolved", resolved.len() as f64);
        let hours: Vec<f64> = resolved.iter().filter_map(Ticket::resolution_hours).collect();
        put(out, "resolution_hours_p50", quantile(&hours, 0.5));
        put(out, "resolution_hours_p90", quantile(&hours, 0.9));
        put(out, "resolution_hours_mean", mean(&resolved.iter().filter_map(Ticket::exact_hours).collect::<Vec<_>>()));
        put(out, "resolution_hours_agent_p50", quantile(&resolved.iter().filter_map(Ticket::agent_hours).collect::<Vec<_>>(), 0.5));
        put(out, "first_reply_minutes_p50", quantile(&replied, 0.5));
        let reopened = resolved.iter().filter(|ticket| ticket.was_reopened()).count() as i64;
        ratio(out, "reopen_rate", reopened, resolved.len() as i64);
        share(out, "fcr", &told);
        ratio(out, "fcr_simple", resolved.len() as i64 - reopened, opened);
    }

    /// See the table of KPIs.
    pub fn journeys(&self, out: &mut Kpis) {
        let onboarded = |member: &Member<'_>| member.account.onboarded_at().is_some_and(|at| self.period.holds(at));
        set(out, "onboarded", self.sum(|member| i64::from(onboarded(member))) as f64);
        let referred = self.won().iter().filter(|member| member.account.profile_text("referred_by").is_some()).count();
        set(out, "referred_accounts", referred as f64);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let mut after_support = Vec::new();
        for member in self.lost() {
            let reason = member.account.churn_reason().unwrap_or_else(|| "unspecified".to_owned());
            *reasons.entry(reason).or_default() += 1;
            let loss = member.account.lost_at().unwrap_or(self.period.to);
            let mut openings = Ticket::all(&member.account).into_iter().filter_map(|ticket| ticket.opening());
            after_support.push(openings.any(|at| loss - 28 * DAY < at && at <= loss));
        }
        out.insert("churn_reasons".to_owned(), json!(reasons));
        share(out, "churned_after_support", &after_support);
    }
}
