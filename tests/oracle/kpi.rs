//! Portfolio KPIs of a period, for all accounts and by segment, plan and CSM.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::account::Account;
use super::billing::Movement;
use super::input::Record;
use super::metric::mean;
use super::money::convert_one;
use super::usage::Activity;
use super::zone::{DAY, back, days_between};
use super::{Files, Line};

/// A period (from, to] with its dates.
#[derive(Clone, Copy)]
pub struct Period {
    /// Exclusive.
    pub from: i64,
    /// Inclusive; KPIs are evaluated here.
    pub to: i64,
    /// Whether it is a calendar month.
    pub month: bool,
}

impl Period {
    /// As in the output: a month has its first instant and that of the next month.
    pub fn shown(self) -> Value {
        let shift = i64::from(self.month);
        let kind = if self.month { "month" } else { "trailing" };
        json!({ "kind": kind, "from": self.from + shift, "to": self.to + shift })
    }

    /// Whether an instant is in the period.
    pub fn holds(self, at: i64) -> bool {
        self.from < at && at <= self.to
    }
}

/// KPIs by name.
pub type Kpis = BTreeMap<String, Value>;

/// One account with its metrics at the end of the period.
pub struct Member<'a> {
    /// Its id.
    pub id: String,
    /// The account as of `to`.
    pub account: Account<'a>,
    /// Its line as of `to`.
    pub line: Line,
}

/// The accounts of a scope and a period.
pub struct Portfolio<'m, 'a> {
    /// Its accounts.
    pub members: Vec<&'m Member<'a>>,
    /// Costs of the scope up to `to`; `None` if the scope never had any.
    pub costs: Option<Vec<&'a Record>>,
    /// The period.
    pub period: Period,
}

/// The KPIs of every scope.
pub fn kpis(files: &Files, members: &[Member<'_>], costs: &[&Record], period: Period) -> BTreeMap<Vec<(&'static str, String)>, Kpis> {
    let mut scopes = BTreeMap::new();
    let all = Portfolio { members: members.iter().collect(), costs: Some(costs.to_vec()), period };
    scopes.insert(Vec::new(), all.kpis());
    for kind in ["segment", "plan", "csm"] {
        let labels: BTreeSet<String> = members.iter().filter_map(|member| member.account.profile_text(kind)).collect();
        for label in labels {
            let inside = members.iter().filter(|member| member.account.profile_text(kind).as_ref() == Some(&label)).collect();
            let named = costs.iter().copied().filter(|cost| cost.fields().text("segment").unwrap().as_ref() == Some(&label));
            let costs = Some(named.collect::<Vec<_>>()).filter(|named| kind == "segment" && !named.is_empty());
            scopes.insert(vec![(kind, label.clone())], Portfolio { members: inside, costs, period }.kpis());
        }
    }
    for kpis in scopes.values_mut() {
        kpis.retain(|name, _| streams(name).iter().all(|stream| files.contains_key(stream)));
    }
    scopes
}

/// The streams without which a KPI is absent.
fn streams(name: &str) -> &'static [&'static str] {
    match name.split('.').next().unwrap_or(name) {
        "accounts_by_band" | "health_mean" | "csat" | "csat_highly_satisfied" | "csat_dissatisfied" => &[],
        "usage_rate" | "usage_frequency" | "session_seconds" | "feature_adopters" | "dau" | "wau" | "mau" | "dau_mau" | "adoption"
        | "breadth" | "depth" => &["usage"],
        "arpu" => &["billing", "usage"],
        "tickets_opened" | "tickets_open" | "tickets_resolved" | "fcr" | "fcr_simple" | "reopen_rate" => &["support"],
        "nps" | "nps_trend" | "ces" | "feedback_themes" | "survey_response_rate" | "referrals" | "advocacy" => &["feedback"],
        "onboarded" => &["accounts"],
        "referred_accounts" => &["accounts", "billing"],
        "churned_after_support" => &["billing", "support"],
        name if name.starts_with("resolution_") || name.starts_with("first_reply") => &["support"],
        _ => &["billing"],
    }
}

impl Portfolio<'_, '_> {
    fn kpis(&self) -> Kpis {
        let mut out = Kpis::new();
        self.money(&mut out);
        self.usage(&mut out);
        self.health(&mut out);
        self.answers(&mut out);
        self.tickets(&mut out);
        self.journeys(&mut out);
        out
    }

    /// A sum over accounts.
    pub fn sum(&self, of: impl Fn(&Member<'_>) -> i64) -> i64 {
        self.members.iter().map(|member| of(member)).sum()
    }

    fn metric(&self, name: &str) -> Vec<f64> {
        self.members.iter().filter_map(|member| member.line.metrics.number(name)).collect()
    }

    /// First and last date of the period.
    fn dates(&self) -> Option<(Date, Date)> {
        let zone = &self.members.first()?.account.settings.zone;
        let last = zone.date(self.period.to);
        Some((if self.period.month { last.first_of_month() } else { back(last, 27) }, last))
    }

    fn days(&self) -> f64 {
        self.dates().map_or(28.0, |(first, last)| (days_between(first, last) + 1) as f64)
    }

    fn start(&self, member: &Member<'_>) -> i64 {
        member.account.mrr(self.period.from)
    }

    fn end(&self, member: &Member<'_>) -> i64 {
        member.account.mrr(self.period.to)
    }

    fn movements(&self, member: &Member<'_>) -> Vec<Movement> {
        member.account.movements(self.period.from, self.period.to)
    }

    fn moved(&self, kind: &str) -> i64 {
        self.sum(|member| self.movements(member).iter().filter(|movement| movement.kind == kind).map(|movement| movement.sum).sum())
    }

    /// Accounts with a new movement.
    pub fn won(&self) -> Vec<&Member<'_>> {
        let wins = |member: &&Member<'_>| self.movements(member).iter().any(|movement| movement.kind == "new");
        self.members.iter().copied().filter(wins).collect()
    }

    /// Present at the start and not at the end.
    pub fn lost(&self) -> Vec<&Member<'_>> {
        self.members.iter().copied().filter(|member| self.start(member) > 0 && self.end(member) == 0).collect()
    }

    fn money(&self, out: &mut Kpis) {
        let mrr = self.sum(|member| self.end(member));
        let at_start = self.sum(|member| self.start(member));
        set(out, "mrr", mrr as f64);
        set(out, "arr", 12.0 * mrr as f64);
        for (name, kind) in [
            ("opening_mrr", "opening"),
            ("new_mrr", "new"),
            ("expansion_mrr", "expansion"),
            ("contraction_mrr", "contraction"),
            ("churned_mrr", "churn"),
            ("reactivation_mrr", "reactivation"),
            ("fx_mrr", "fx"),
        ] {
            set(out, name, self.moved(kind) as f64);
        }
        let unpaid = self.sum(|member| {
            let churn = self.movements(member).into_iter().filter(|movement| movement.kind == "churn");
            churn.filter(|movement| member.account.lost_unpaid(movement.at)).map(|movement| movement.sum).sum()
        });
        by_loss(out, "churned_mrr", self.moved("churn"), unpaid);
        let expansion = self.moved("expansion");
        ratio(out, "expansion_rate", expansion, at_start);
        ratio(out, "expansion_share", expansion, expansion + self.moved("new"));
        ratio(out, "nrr", self.sum(|member| if self.start(member) > 0 { self.end(member) } else { 0 }), at_start);
        ratio(out, "grr", self.sum(|member| self.start(member).min(self.end(member))), at_start);
        let growth = expansion + self.moved("reactivation") - self.moved("contraction") - self.moved("churn");
        set(out, "portfolio_growth", growth as f64);
        ratio(out, "portfolio_growth_rate", growth, at_start);
        let paying = self.sum(|member| i64::from(self.end(member) > 0));
        ratio(out, "arpa", mrr, paying);
        let mau = self.metric("usage.mau");
        if !mau.is_empty() {
            ratio(out, "arpu", mrr, mau.iter().sum::<f64>() as i64);
        }
        set(out, "new_accounts", self.won().len() as f64);
        set(out, "lost_accounts", self.lost().len() as f64);
        let unpaid = self.lost().iter().filter(|member| member.account.lost_at().is_some_and(|at| member.account.lost_unpaid(at))).count();
        by_loss(out, "lost_accounts", self.lost().len() as i64, unpaid as i64);
        set(out, "accounts_present", paying as f64);
        self.logos(out);
        self.terms(out);
    }

    fn logos(&self, out: &mut Kpis) {
        let present = self.sum(|member| i64::from(self.start(member) > 0));
        let held = self.sum(|member| i64::from(self.start(member) > 0 && self.end(member) > 0));
        let lost = present - held;
        ratio(out, "retention_rate", held, present);
        let monthly = (present > 0).then(|| {
            let c = lost as f64 / present as f64;
            set(out, "logo_churn_yearly", 1.0 - (1.0 - c).powf(365.0 / self.days()));
            if self.period.month { c } else { 1.0 - (1.0 - c).powf(365.0 / 12.0 / self.days()) }
        });
        let lifespan = monthly.filter(|_| lost > 0).map(|monthly| 1.0 / monthly);
        put(out, "logo_churn_monthly", monthly);
        put(out, "mean_lifespan_months", lifespan);
        let paid: Vec<i64> = self
            .members
            .iter()
            .map(|member| member.account.paid_invoices())
            .filter(|paid| !paid.is_empty())
            .map(|paid| paid.values().sum())
            .collect();
        ratio(out, "clv_historic", paid.iter().sum(), paid.len() as i64);
        let cost = |category: &str| -> Option<i64> {
            let costs = self.costs.as_ref()?.iter().filter(|cost| self.period.holds(cost.at));
            let of_category = costs.filter(|cost| cost.fields().text("category").unwrap().unwrap().eq_ignore_ascii_case(category));
            Some(of_category.map(|cost| self.amount(cost)).sum())
        };
        if let Some(acquisition) = cost("acquisition") {
            let won = self.sum(|member| self.movements(member).iter().filter(|movement| movement.kind == "new").count() as i64);
            ratio(out, "cac", acquisition, won);
        }
        if let Some(retention) = cost("retention") {
            ratio(out, "retention_cost", retention, held);
        }
        let number = |out: &Kpis, name: &str| out.get(name).and_then(Value::as_f64);
        let clv = lifespan.and_then(|lifespan| Some(number(out, "arpa")? * lifespan));
        put(out, "clv", clv);
        let net = clv.and_then(|clv| Some(clv - number(out, "cac")? - number(out, "retention_cost")?));
        put(out, "clv_net", net);
        let to_cac = clv.and_then(|clv| Some(clv / number(out, "cac").filter(|cac| *cac != 0.0)?));
        put(out, "clv_to_cac", to_cac);
    }

    fn amount(&self, cost: &Record) -> i64 {
        let Some(settings) = self.members.first().map(|member| member.account.settings) else { return 0 };
        let body = cost.fields();
        let currency = body.text("currency").unwrap().unwrap().to_ascii_uppercase();
        convert_one(settings, &super::check::minor_amount(body), &currency, cost.at)
    }

    fn terms(&self, out: &mut Kpis) {
        let (mut long, mut short, mut trials) = (Vec::new(), Vec::new(), Vec::new());
        for member in &self.members {
            let settings = member.account.settings;
            for subscription in &member.account.subscriptions {
                for (length, renewed) in subscription.ended_terms(self.period.from, self.period.to, settings) {
                    if length >= 180 * DAY { &mut long } else { &mut short }.push(renewed);
                }
                trials.extend(subscription.ended_trials(self.period.from, self.period.to));
            }
        }
        share(out, "renewal_rate", &long);
        share(out, "renewal_rate_short", &short);
        share(out, "trial_conversion", &trials);
    }

    /// The usage of an account on the dates of the period.
    fn dated(&self, member: &Member<'_>) -> Vec<Activity> {
        let Some((first, last)) = self.dates() else { return Vec::new() };
        let activity = member.account.activity().into_iter();
        activity.filter(|event| first <= event.date && event.date <= last).collect()
    }

    fn usage(&self, out: &mut Kpis) {
        for (name, metric) in [("dau", "usage.dau"), ("wau", "usage.wau"), ("mau", "usage.mau")] {
            let values = self.metric(metric);
            if !values.is_empty() {
                set(out, name, values.iter().sum());
            }
        }
        let of = |member: &Member<'_>, metric: &str| member.line.metrics.number(metric);
        let both: Vec<(f64, f64)> =
            self.members.iter().filter_map(|member| Some((of(member, "usage.dau")?, of(member, "usage.mau")?))).collect();
        if !both.is_empty() {
            let (dau, mau): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            ratio(out, "dau_mau", dau.iter().sum::<f64>() as i64, mau.iter().sum::<f64>() as i64);
        }
        put(out, "adoption", mean(&self.metric("depth.adoption")));
        put(out, "breadth", mean(&self.metric("breadth.seat_utilisation")));
        put(out, "depth", mean(&self.metric("depth.features_28d")));
        let (mut events, mut days, mut sessions) = (0.0, 0.0, Vec::new());
        let mut adopters: BTreeMap<String, usize> = BTreeMap::new();
        for member in &self.members {
            let activity = self.dated(member);
            days += activity.iter().map(|event| event.date).collect::<BTreeSet<_>>().len() as f64;
            events += activity.iter().filter_map(|event| Some(event.feature.as_ref()?.1 as f64)).sum::<f64>();
            sessions.extend(activity.iter().filter_map(|event| event.seconds));
            for feature in activity.iter().filter_map(|event| Some(event.feature.as_ref()?.0.clone())).collect::<BTreeSet<_>>() {
                *adopters.entry(feature).or_default() += 1;
            }
        }
        let accounts = self.members.len() as f64;
        if accounts > 0.0 {
            set(out, "usage_rate", events / (accounts * self.days()));
            set(out, "usage_frequency", days / accounts);
        }
        put(out, "session_seconds", mean(&sessions));
        out.insert("feature_adopters".to_owned(), json!(adopters));
    }

    fn health(&self, out: &mut Kpis) {
        let scored = self.members.iter().filter(|member| member.line.score.band != "churned");
        put(out, "health_mean", mean(&scored.filter_map(|member| member.line.score.health).collect::<Vec<_>>()));
        let (mut accounts, mut mrr): (BTreeMap<&str, usize>, BTreeMap<&str, i64>) = Default::default();
        for member in &self.members {
            *accounts.entry(member.line.score.band).or_default() += 1;
            *mrr.entry(member.line.score.band).or_default() += self.end(member);
        }
        out.insert("accounts_by_band".to_owned(), json!(accounts));
        out.insert("mrr_by_band".to_owned(), json!(mrr));
        let here = self.members.iter().filter(|member| member.line.score.band != "churned");
        let at_risk: Vec<f64> = here.filter_map(|member| Some(self.end(member) as f64 * member.line.score.risk?)).collect();
        put(out, "mrr_at_risk", (!at_risk.is_empty()).then(|| at_risk.iter().sum()));
    }
}

/// Splits losses into voluntary and involuntary.
fn by_loss(out: &mut Kpis, name: &str, all: i64, unpaid: i64) {
    out.insert(format!("{name}.by_kind"), json!({ "voluntary": (all - unpaid) as f64, "involuntary": unpaid as f64 }));
}

/// Sets a sum.
pub fn set(out: &mut Kpis, name: &str, value: f64) {
    out.insert(name.to_owned(), json!(value));
}

/// Sets a value if present.
pub fn put(out: &mut Kpis, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        set(out, name, value);
    }
}

/// Sets a ratio, unless its denominator is 0.
pub fn ratio(out: &mut Kpis, name: &str, part: i64, whole: i64) {
    put(out, name, (whole != 0).then(|| part as f64 / whole as f64));
}

/// Sets the share that is true.
pub fn share(out: &mut Kpis, name: &str, of: &[bool]) {
    ratio(out, name, of.iter().filter(|is| **is).count() as i64, of.len() as i64);
}
