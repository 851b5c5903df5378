//! KPIs of feedback and tickets, and of accounts won and lost.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::feedback::{nps_classes, nps_score, place};
use super::input::Record;
use super::kpi::{Kpis, Member, Portfolio, put, ratio, set, share};
use super::metric::{mean, quantile};
use super::ticket::{Ticket, is_reply_by_people};
use super::zone::DAY;

impl Portfolio<'_, '_> {
    fn feedback_values<T>(&self, kind: &str, from: i64, to: i64, read: impl Fn(&Record) -> T) -> Vec<T> {
        let records = self.members.iter().flat_map(|member| member.account.feedback_records(kind));
        records.filter(|record| from < record.at && record.at <= to).map(read).collect()
    }

    /// KPIs as defined in docs/metrics.md.
    pub fn answers(&self, out: &mut Kpis) {
        let (from, to) = (self.period.from, self.period.to);
        let nps = |from, to| {
            let scores = self.feedback_values("nps_answered", from, to, nps_score);
            let (promoters, detractors) = nps_classes(&scores);
            (!scores.is_empty()).then(|| 100.0 * (promoters as f64 - detractors as f64) / scores.len() as f64)
        };
        put(out, "nps", nps(from, to));
        let before = if self.period.month { self.month_before() } else { from - 28 * DAY };
        put(out, "nps_trend", nps(from, to).and_then(|nps_now| Some(nps_now - nps(before, from)?)));
        let mut csat = self.feedback_values("csat_answered", from, to, place);
        for member in &self.members {
            let ratings = Ticket::all(&member.account).into_iter().filter_map(|ticket| ticket.rating());
            csat.extend(ratings.filter(|(at, _)| self.period.holds(*at)).map(|(_, p)| p));
        }
        share(out, "csat", &csat.iter().map(|p| *p >= 0.75).collect::<Vec<_>>());
        share(out, "csat_highly_satisfied", &csat.iter().map(|p| *p >= 1.0).collect::<Vec<_>>());
        share(out, "csat_dissatisfied", &csat.iter().map(|p| *p <= 0.25).collect::<Vec<_>>());
        put(out, "ces", mean(&self.feedback_values("ces_answered", from, to, place)));
        set(out, "referrals", self.feedback_values("referral_made", from, to, |_| ()).len() as f64);
        self.surveys(out);
        self.themes(out);
    }

    /// By theme and kind of survey: answers, and how many of them are positive and negative.
    fn themes(&self, out: &mut Kpis) {
        let mut table: BTreeMap<String, BTreeMap<&str, [u64; 3]>> = BTreeMap::new();
        for kind in ["nps", "csat", "ces"] {
            let answers = self.feedback_values(&format!("{kind}_answered"), self.period.from, self.period.to, |record| {
                let p = if kind == "nps" { place_of_nps(nps_score(record)) } else { place(record) };
                (record.fields().text("theme").unwrap(), p)
            });
            for (theme, p) in answers {
                let Some(theme) = theme else { continue };
                let cell = table.entry(theme.chars().take(100).collect()).or_default().entry(kind).or_default();
                let counts = [true, p >= 0.75, p <= 0.25];
                cell.iter_mut().zip(counts).for_each(|(count, counts)| *count += u64::from(counts));
            }
        }
        let shown = |[answers, positive, negative]: [u64; 3]| json!({ "answers": answers, "positive": positive, "negative": negative });
        let row =
            |kinds: BTreeMap<&str, [u64; 3]>| -> Value { kinds.into_iter().map(|(kind, cell)| (kind.to_owned(), shown(cell))).collect() };
        let rows = table.into_iter().map(|(theme, kinds)| (theme, row(kinds)));
        out.insert("feedback_themes".to_owned(), rows.collect());
    }

    fn surveys(&self, out: &mut Kpis) {
        let (from, to) = (self.period.from, self.period.to);
        let kind = |record: &Record| record.fields().text("kind").unwrap().unwrap();
        let (mut answered, mut rates) = (0, BTreeMap::new());
        let sent = self.feedback_values("survey_sent", from, to, kind);
        for survey in ["nps", "csat", "ces"] {
            answered += self.feedback_values(&format!("{survey}_answered"), from, to, |_| ()).len();
        }
        for survey in &sent {
            let answers = self.feedback_values(&format!("{survey}_answered"), from, to, |_| ()).len();
            rates.insert(survey, answers as f64 / sent.iter().filter(|kind| *kind == survey).count() as f64);
        }
        ratio(out, "survey_response_rate", answered as i64, sent.len() as i64);
        out.insert("survey_response_rate.by_kind".to_owned(), json!(rates));
        let mut advocacy: BTreeMap<String, usize> = BTreeMap::new();
        for kind in self.feedback_values("advocacy_made", from, to, kind) {
            *advocacy.entry(kind).or_default() += 1;
        }
        set(out, "advocacy", advocacy.values().sum::<usize>() as f64);
        out.insert("advocacy.by_kind".to_owned(), json!(advocacy));
    }

    /// The exclusive start of the previous month.
    fn month_before(&self) -> i64 {
        self.members.first().map_or(0, |member| member.account.settings.zone.month(self.period.to, 1).0 - 1)
    }

    /// KPIs as defined in docs/metrics.md.
    pub fn tickets(&self, out: &mut Kpis) {
        let in_period = |at: Option<i64>| at.is_some_and(|at| self.period.holds(at));
        let (mut all, mut known) = (Vec::new(), Vec::new());
        for member in &self.members {
            let tickets = Ticket::all(&member.account);
            if member.account.of("support").into_iter().any(is_reply_by_people) {
                let resolved = tickets.iter().filter(|ticket| in_period(ticket.first_resolution()));
                known.extend(resolved.filter_map(Ticket::resolved_at_first_contact));
            }
            all.extend(tickets);
        }
        let those = |keep: &dyn Fn(&&Ticket<'_>) -> bool| all.iter().filter(keep).collect::<Vec<_>>();
        let opened = those(&|ticket| in_period(ticket.opening()));
        let resolved = those(&|ticket| in_period(ticket.first_resolution()));
        split(out, "tickets_opened", &opened, |tickets| Some(tickets.len() as f64));
        split(out, "tickets_open", &those(&|ticket| ticket.is_open()), |tickets| Some(tickets.len() as f64));
        split(out, "tickets_resolved", &resolved, |tickets| Some(tickets.len() as f64));
        split(out, "resolution_hours_p50", &resolved, |tickets| quantile(&told_by(tickets, Ticket::resolution_hours), 0.5));
        split(out, "resolution_hours_p90", &resolved, |tickets| quantile(&told_by(tickets, Ticket::resolution_hours), 0.9));
        split(out, "resolution_hours_mean", &resolved, |tickets| mean(&told_by(tickets, Ticket::exact_hours)));
        split(out, "resolution_hours_agent_p50", &resolved, |tickets| quantile(&told_by(tickets, Ticket::agent_hours), 0.5));
        let replied = those(&|ticket| in_period(ticket.first_reply()));
        put(out, "first_reply_minutes_p50", quantile(&told_by(&replied, Ticket::first_reply_minutes), 0.5));
        if let Some(settings) = self.members.first().map(|member| member.account.settings).filter(|settings| settings.desk.is_some()) {
            let hours = |ticket: &Ticket<'_>| ticket.business_hours(settings);
            split(out, "resolution_business_hours_p50", &resolved, |tickets| quantile(&told_by(tickets, hours), 0.5));
            let minutes = |ticket: &Ticket<'_>| ticket.business_reply_minutes(settings);
            split(out, "first_reply_business_minutes_p50", &replied, |tickets| quantile(&told_by(tickets, minutes), 0.5));
        }
        let reopened = resolved.iter().filter(|ticket| ticket.was_reopened()).count() as i64;
        ratio(out, "reopen_rate", reopened, resolved.len() as i64);
        share(out, "fcr", &known);
        ratio(out, "fcr_simple", resolved.len() as i64 - reopened, opened.len() as i64);
    }

    /// KPIs as defined in docs/metrics.md.
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

/// A promoter is at the top of the scale, a detractor at its bottom.
fn place_of_nps(score: i64) -> f64 {
    match score {
        9.. => 1.0,
        7 | 8 => 0.5,
        _ => 0.0,
    }
}

fn told_by<'r>(tickets: &[&Ticket<'r>], what: impl Fn(&Ticket<'r>) -> Option<f64>) -> Vec<f64> {
    tickets.iter().filter_map(|ticket| what(ticket)).collect()
}

/// A ticket KPI, for all tickets and by priority; except for business hours also by category, and ticket counts also by product.
fn split<'r>(out: &mut Kpis, name: &str, tickets: &[&Ticket<'r>], figure: impl Fn(&[&Ticket<'r>]) -> Option<f64>) {
    put(out, name, figure(tickets));
    let splits: &[&str] = match name {
        name if name.starts_with("tickets_") => &["priority", "product", "category", "channel"],
        name if name.contains("_business_") => &["priority"],
        _ => &["priority", "category"],
    };
    for &by in splits {
        let mut parts: BTreeMap<String, Vec<&Ticket<'r>>> = BTreeMap::new();
        for ticket in tickets {
            let label = if by == "priority" { Some(ticket.priority().to_owned()) } else { ticket.label(by) };
            if let Some(label) = label {
                parts.entry(label).or_default().push(ticket);
            }
        }
        let table: BTreeMap<String, f64> = parts.into_iter().filter_map(|(label, part)| Some((label, figure(&part)?))).collect();
        out.insert(format!("{name}.by_{by}"), json!(table));
    }
}
