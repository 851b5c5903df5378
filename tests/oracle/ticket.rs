//! One ticket at one instant: its facts in order.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Account;
use super::check::{OPEN_STATUSES, PRIORITIES, SNAPSHOT_STATUSES};
use super::input::Record;
use super::settings::Settings;
use super::zone::{DAY, HOUR};

const MINUTE: i64 = HOUR / 60;

/// Kinds of facts, in the order that applies at the same instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Opened,
    Reopened,
    Status,
    Priority,
    Assigned,
    Replied,
    Resolved,
    Closed,
    Rated,
    Snapshot,
    Moved,
    Merged,
    Deleted,
}

struct Fact<'a> {
    at: i64,
    what: What,
    id: &'a str,
    status: Option<&'static str>,
    /// A snapshot that gives the time of resolution or closing.
    tells_end: bool,
}

/// The records of a ticket at or before t.
pub struct Ticket<'a> {
    records: Vec<&'a Record>,
    facts: Vec<Fact<'a>>,
    t: i64,
}

impl<'a> Ticket<'a> {
    /// The tickets of an account, except deleted and moved ones.
    pub fn all(account: &Account<'a>) -> Vec<Self> {
        let mut by_id: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
        for record in account.of("support") {
            by_id.entry(record.fields().id("ticket_id").unwrap().unwrap()).or_default().push(record);
        }
        by_id.retain(|_, records| records.iter().all(|record| rank(record) != What::Deleted) && !is_away(records));
        by_id.into_values().map(|records| Self::of(records, account.t)).collect()
    }

    fn of(records: Vec<&'a Record>, t: i64) -> Self {
        let mut facts: Vec<Fact<'a>> = records.iter().copied().flat_map(facts).filter(|fact| fact.at <= t).collect();
        facts.sort_by(|a, b| (a.at, a.what, a.id).cmp(&(b.at, b.what, b.id)));
        let facts_of_snapshots = ends_told_by_snapshots(&facts);
        facts.extend(facts_of_snapshots);
        facts.sort_by(|a, b| (a.at, a.what, a.id).cmp(&(b.at, b.what, b.id)));
        Self { records, facts, t }
    }

    fn instants(&self, what: What) -> impl Iterator<Item = i64> {
        self.facts.iter().filter(move |fact| fact.what == what).map(|fact| fact.at)
    }

    fn snapshots(&self) -> impl Iterator<Item = &'a Record> {
        self.records.iter().copied().filter(|record| record.kind == "ticket_snapshot")
    }

    /// When it was opened, if known: the earlier of the earliest `ticket_opened` and the newest snapshot's `created_at`.
    pub fn opening(&self) -> Option<i64> {
        let telling = self.snapshots().filter(|record| record.fields().get("created_at").is_some());
        let newest = telling.max_by_key(|record| (record.at, rank(record), &record.id));
        let created = newest.and_then(|record| record.fields().instant("created_at").unwrap());
        self.instants(What::Opened).chain(created).min()
    }

    /// When its age starts: the opening, else the first record.
    pub fn open_since(&self) -> i64 {
        self.opening().or_else(|| self.records.iter().map(|record| record.at).min()).unwrap_or(self.t)
    }

    fn is_merged(&self) -> bool {
        self.records.iter().any(|record| rank(record) == What::Merged)
    }

    /// The status at an instant; `new` before the first.
    fn status(&self, at: i64) -> &'static str {
        self.facts.iter().filter(|fact| fact.at <= at).filter_map(|fact| fact.status).next_back().unwrap_or("new")
    }

    /// Whether it is open at t.
    pub fn is_open(&self) -> bool {
        !self.is_merged() && !is_over(self.status(self.t))
    }

    /// All resolutions: by `ticket_resolved`, or by `ticket_closed` if there is no other. A merged ticket has none.
    fn resolutions(&self) -> Vec<i64> {
        if self.is_merged() {
            return Vec::new();
        }
        let resolved: Vec<i64> = self.instants(What::Resolved).collect();
        if resolved.is_empty() { self.instants(What::Closed).collect() } else { resolved }
    }

    /// The first known resolution.
    pub fn first_resolution(&self) -> Option<i64> {
        self.resolutions().into_iter().min()
    }

    /// The last resolution of a ticket that is not open.
    pub fn last_resolution(&self) -> Option<i64> {
        self.resolutions().into_iter().max().filter(|_| !self.is_open())
    }

    /// A reopening strictly before the earliest known resolution: there was an earlier one, at an unknown instant.
    pub fn first_resolution_is_unknown(&self) -> bool {
        let resolved = self.first_resolution();
        self.instants(What::Reopened).any(|at| resolved.is_some_and(|resolved| at < resolved))
    }

    /// Reopened after its first resolution, known or not; not at the instant of the earliest known one.
    pub fn was_reopened(&self) -> bool {
        let resolved = self.first_resolution();
        resolved.is_some_and(|resolved| self.instants(What::Reopened).any(|at| at > resolved)) || self.first_resolution_is_unknown()
    }

    /// Hours from opening to first resolution, if both are known.
    pub fn resolution_hours(&self) -> Option<f64> {
        let (opening, resolved) = (self.opening()?, self.first_resolution()?);
        (!self.first_resolution_is_unknown()).then(|| held(resolved - opening) / HOUR as f64)
    }

    /// The same, not clamped; 0 if the resolution is earlier than the opening.
    pub fn exact_hours(&self) -> Option<f64> {
        let (opening, resolved) = (self.opening()?, self.first_resolution()?);
        (!self.first_resolution_is_unknown()).then(|| (resolved - opening).max(0) as f64 / HOUR as f64)
    }

    /// The clamped hours less time pending or on hold.
    pub fn agent_hours(&self) -> Option<f64> {
        let (opening, resolved) = (self.opening()?, self.first_resolution()?);
        let mut borders: Vec<i64> = self.facts.iter().map(|fact| fact.at.clamp(opening, resolved.max(opening))).collect();
        borders.extend([opening, resolved.max(opening)]);
        borders.sort_unstable();
        let waiting = borders.windows(2).filter(|pair| ["pending", "on_hold"].contains(&self.status(pair[0])));
        let waiting: i64 = waiting.map(|pair| pair[1] - pair[0]).sum();
        (!self.first_resolution_is_unknown()).then(|| held(resolved - opening - waiting) / HOUR as f64)
    }

    /// Hours from opening to last resolution of a ticket that is not open.
    pub fn full_hours(&self) -> Option<f64> {
        Some(held(self.last_resolution()? - self.opening()?) / HOUR as f64)
    }

    /// The first public reply of an agent.
    pub fn first_reply(&self) -> Option<i64> {
        self.instants(What::Replied).min()
    }

    /// Minutes from opening to the first reply.
    pub fn first_reply_minutes(&self) -> Option<f64> {
        Some(held(self.first_reply()? - self.opening()?) / MINUTE as f64)
    }

    /// Business hours from opening to first resolution, if both are known and business hours are configured.
    pub fn business_hours(&self, settings: &Settings) -> Option<f64> {
        let (opening, resolved) = (self.opening()?, self.first_resolution().filter(|_| !self.first_resolution_is_unknown())?);
        Some(held(settings.desk.as_ref()?.open(settings.zone.name(), opening, resolved)) / HOUR as f64)
    }

    /// Business minutes from opening to the first reply.
    pub fn business_reply_minutes(&self, settings: &Settings) -> Option<f64> {
        Some(held(settings.desk.as_ref()?.open(settings.zone.name(), self.opening()?, self.first_reply()?)) / MINUTE as f64)
    }

    /// Whether it was resolved at first contact; `None` if that is not known (yet).
    pub fn resolved_at_first_contact(&self) -> Option<bool> {
        let resolved = self.first_resolution().filter(|at| *at <= self.t - 5 * DAY)?;
        if self.first_resolution_is_unknown() {
            return None;
        }
        let replies = self.records.iter().filter(|record| is_agent_reply(record) && record.at <= resolved);
        let replies = replies.map(|record| (record.at, &record.id)).collect::<BTreeSet<_>>().len();
        let before = self.records.iter().filter(|record| record.at <= resolved);
        let teams: BTreeSet<String> = before.filter_map(|record| record.fields().text("team").unwrap()).collect();
        let reopened = self.instants(What::Reopened).any(|at| resolved < at && at <= resolved + 5 * DAY);
        Some(replies <= 1 && teams.len() <= 1 && !reopened)
    }

    /// The newest value of a field on any record.
    fn newest<T>(&self, read: impl Fn(&Record) -> Option<T>) -> Option<T> {
        let mut records = self.records.clone();
        records.sort_by_key(|record| (record.at, rank(record), &record.id));
        records.into_iter().rev().find_map(read)
    }

    /// Its priority at t.
    pub fn priority(&self) -> &'static str {
        self.newest(|record| record.fields().choice("priority", &PRIORITIES).unwrap()).unwrap_or("normal")
    }

    /// Its newest category, product or channel.
    pub fn label(&self, name: &str) -> Option<String> {
        self.newest(|record| record.fields().text(name).unwrap())
    }

    /// Its newest rating: when, and the place on its scale.
    pub fn rating(&self) -> Option<(i64, f64)> {
        self.newest(|record| {
            let rates = ["ticket_rated", "ticket_snapshot"].contains(&record.kind.as_str());
            Some((record.at, rates.then(|| record.fields().place().unwrap()).flatten()?))
        })
    }
}

/// Whether it moved to another account, with neither an opening nor a snapshot since.
fn is_away(records: &[&Record]) -> bool {
    let newest = |of: &[What]| records.iter().filter(|record| of.contains(&rank(record))).map(|record| record.at).max();
    let moved = newest(&[What::Moved]);
    moved.is_some() && newest(&[What::Opened, What::Snapshot]) <= moved
}

/// Whether a record is a reply by an agent or a requester.
pub fn is_reply_by_people(record: &Record) -> bool {
    record.kind == "ticket_replied" && record.fields().choice("by", &["agent", "requester"]).is_ok()
}

fn is_over(status: &str) -> bool {
    ["resolved", "solved", "closed"].contains(&status)
}

/// Clamps a duration to 1 minute..400 days.
fn held(duration: i64) -> f64 {
    duration.clamp(MINUTE, 400 * DAY) as f64
}

fn is_agent_reply(record: &Record) -> bool {
    let body = record.fields();
    record.kind == "ticket_replied" && body.choice("by", &["agent"]) == Ok(Some("agent")) && body.flag("public") != Ok(Some(false))
}

/// A record's position among those of the same instant. A snapshot with status moved, merged or deleted sorts like that event.
fn rank(record: &Record) -> What {
    let status = record.fields().text("status").ok().flatten().unwrap_or_default().to_lowercase();
    match record.kind.as_str() {
        "ticket_moved" => What::Moved,
        "ticket_merged" => What::Merged,
        "ticket_deleted" => What::Deleted,
        "ticket_snapshot" if status == "moved" => What::Moved,
        "ticket_snapshot" if status == "merged" => What::Merged,
        "ticket_snapshot" if status == "deleted" => What::Deleted,
        "ticket_opened" => What::Opened,
        "ticket_reopened" => What::Reopened,
        "ticket_status_changed" => What::Status,
        "ticket_priority_changed" => What::Priority,
        "ticket_assigned" => What::Assigned,
        "ticket_replied" => What::Replied,
        "ticket_resolved" => What::Resolved,
        "ticket_closed" => What::Closed,
        "ticket_rated" => What::Rated,
        _ => What::Snapshot,
    }
}

/// A snapshot that reports an open ticket as resolved or closed without a time counts as of its own instant.
fn ends_told_by_snapshots<'a>(sorted: &[Fact<'a>]) -> Vec<Fact<'a>> {
    let mut facts_of_snapshots = Vec::new();
    let mut before = "new";
    for fact in sorted {
        let Some(status) = fact.status else { continue };
        if fact.what == What::Snapshot && !fact.tells_end && is_over(status) && !is_over(before) {
            let what = if status == "closed" { What::Closed } else { What::Resolved };
            facts_of_snapshots.push(Fact { what, ..*fact });
        }
        before = status;
    }
    facts_of_snapshots
}

/// The fact in a record about its ticket.
fn facts(record: &Record) -> Vec<Fact<'_>> {
    let body = record.fields();
    let ends: &[&str] =
        if body.text("status") == Ok(Some("closed".to_owned())) { &["closed_at"] } else { &["first_resolved_at", "resolved_at"] };
    let tells_end = ends.iter().any(|name| body.get(name).is_some());
    let fact = |at, what, status| Fact { at, what, id: &record.id, status, tells_end };
    match (record.kind.as_str(), rank(record)) {
        ("ticket_moved" | "ticket_merged" | "ticket_deleted" | "ticket_priority_changed" | "ticket_assigned" | "ticket_rated", _) => {
            Vec::new()
        }
        ("ticket_replied", _) if !is_agent_reply(record) => Vec::new(),
        (_, What::Reopened) => vec![fact(record.at, What::Reopened, Some("open"))],
        (_, What::Status) => vec![fact(record.at, What::Status, body.choice("status", &OPEN_STATUSES).unwrap())],
        (_, What::Resolved) => vec![fact(record.at, What::Resolved, Some("resolved"))],
        (_, What::Closed) => vec![fact(record.at, What::Closed, Some("closed"))],
        ("ticket_snapshot", rank) => {
            let facts_of_snapshots = [
                ("first_reply_at", What::Replied, None),
                ("first_resolved_at", What::Resolved, Some("resolved")),
                ("resolved_at", What::Resolved, Some("resolved")),
                ("reopened_at", What::Reopened, Some("open")),
                ("closed_at", What::Closed, Some("closed")),
            ];
            let status = body.choice("status", &SNAPSHOT_STATUSES).unwrap();
            let mut facts = vec![fact(record.at, rank, status.filter(|_| rank == What::Snapshot))];
            facts.extend(
                facts_of_snapshots.into_iter().filter_map(|(name, what, status)| Some(fact(body.instant(name).unwrap()?, what, status))),
            );
            facts
        }
        (_, what) => vec![fact(record.at, what, None)],
    }
}
