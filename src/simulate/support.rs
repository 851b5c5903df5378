//! Tickets: the whole life of a ticket is planned when it is opened.

use serde::Serialize;

use super::action::{Action, TicketAct, TicketStep};
use super::agenda::Agenda;
use super::kind::Kind;
use super::random::{Random, millis};
use super::story::Story;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// Tickets per user and day at level 1.
const TICKETS_PER_USER: f64 = 0.004;

const CATEGORIES: [&str; 5] = ["how-to", "bug", "billing", "performance", "integration"];

/// Plans the tickets opened on a UTC day. `tickets` numbers them.
pub fn plan_day(day: Timestamp, users: u32, story: &Story, random: &mut Random, agenda: &mut Agenda, tickets: &mut u32) {
    for _ in 0..random.poisson(f64::from(users) * TICKETS_PER_USER * story.ticket_level(day)) {
        let opened = day.plus(random.between(6 * HOUR_MS, 20 * HOUR_MS));
        Lifecycle::new(*tickets, opened, story, random).plan(users, random, agenda);
        *tickets = tickets.wrapping_add(1);
    }
}

struct Lifecycle {
    act: TicketAct,
    opened: Timestamp,
    angry: bool,
    contentment: f64,
}

impl Lifecycle {
    fn new(ticket: u32, opened: Timestamp, story: &Story, random: &mut Random) -> Self {
        let angry = story.kind == Kind::Angry && story.is_visibly_in_decline(opened);
        let priorities = if angry { ["high", "urgent", "urgent", "normal", "high"] } else { ["low", "normal", "normal", "normal", "high"] };
        let act = TicketAct { ticket, step: TicketStep::Resolved, priority: random.pick(&priorities), category: random.pick(&CATEGORIES) };
        Self { act, opened, angry, contentment: story.contentment(opened) }
    }

    fn plan(&self, users: u32, random: &mut Random, agenda: &mut Agenda) {
        let user = u32::try_from(random.between(0, i64::from(users) - 1)).unwrap_or(0);
        self.step(agenda, self.opened, TicketStep::Opened { user });
        self.step(agenda, self.opened.plus(millis(2.0)), TicketStep::Assigned { team: random.pick(&["first line", "second line"]) });
        if random.chance(0.05) {
            self.step(agenda, self.opened.plus(millis(30.0)), TicketStep::Raised);
        }
        let mut at = self.opened.plus(millis(random.log_normal(if self.angry { 420.0 } else { 50.0 }, 0.9)));
        self.step(agenda, at, TicketStep::Replied { by: "agent" });
        for _ in 0..random.poisson(if self.angry { 2.0 } else { 0.7 }) {
            at = self.plan_exchange(at, random, agenda);
        }
        let resolved = at.plus(millis(random.log_normal(if self.angry { 2_600.0 } else { 420.0 }, 1.0)));
        self.step(agenda, resolved, TicketStep::Resolved);
        self.plan_after(resolved, random, agenda);
    }

    /// The agent waits for an answer from the customer, and gets it.
    fn plan_exchange(&self, from: Timestamp, random: &mut Random, agenda: &mut Agenda) -> Timestamp {
        self.step(agenda, from.plus(1_000), TicketStep::Status("pending"));
        let answered = from.plus(millis(random.log_normal(200.0, 0.8)) + 2_000);
        self.step(agenda, answered, TicketStep::Replied { by: "requester" });
        self.step(agenda, answered.plus(1_000), TicketStep::Status("open"));
        let replied = answered.plus(millis(random.log_normal(90.0, 0.8)) + 2_000);
        self.step(agenda, replied, TicketStep::Replied { by: "agent" });
        replied
    }

    fn plan_after(&self, resolved: Timestamp, random: &mut Random, agenda: &mut Agenda) {
        let mut last = resolved;
        if random.chance(if self.angry { 0.4 } else { 0.06 }) {
            let reopened = resolved.plus(random.between(HOUR_MS, 4 * DAY_MS));
            self.step(agenda, reopened, TicketStep::Reopened);
            last = reopened.plus(millis(random.log_normal(900.0, 0.8)));
            self.step(agenda, last, TicketStep::Resolved);
        }
        if random.chance(0.35) {
            self.step(agenda, last.plus(random.between(60_000, DAY_MS)), TicketStep::Rated(five_points(self.contentment, random)));
        }
        self.step(agenda, last.plus(5 * DAY_MS), TicketStep::Closed);
    }

    fn step(&self, agenda: &mut Agenda, at: Timestamp, step: TicketStep) {
        agenda.add(at, Action::Support(TicketAct { step, ..self.act }));
    }
}

/// An answer on a scale of 1 to 5, given a level of satisfaction, 0..=1.
pub fn five_points(contentment: f64, random: &mut Random) -> u32 {
    1 + (0..4).map(|_| u32::from(random.chance(contentment))).sum::<u32>()
}

/// The type and fields of a support event.
pub fn body(act: TicketAct, account_id: &str) -> (&'static str, Body) {
    let body = Body { ticket_id: format!("{account_id}-t{}", act.ticket), ..Body::default() };
    match act.step {
        TicketStep::Opened { user } => (
            "ticket_opened",
            Body {
                priority: Some(act.priority),
                category: Some(act.category),
                product: Some("app"),
                channel: Some("email"),
                requester_id: Some(format!("{account_id}-user-{user}")),
                ..body
            },
        ),
        TicketStep::Assigned { team } => ("ticket_assigned", Body { team: Some(team), ..body }),
        TicketStep::Replied { by } => ("ticket_replied", Body { by: Some(by), public: Some(true), ..body }),
        TicketStep::Status(status) => ("ticket_status_changed", Body { status: Some(status), ..body }),
        TicketStep::Raised => ("ticket_priority_changed", Body { priority: Some("urgent"), ..body }),
        TicketStep::Resolved => ("ticket_resolved", body),
        TicketStep::Reopened => ("ticket_reopened", body),
        TicketStep::Closed => ("ticket_closed", body),
        TicketStep::Rated(score) => ("ticket_rated", Body { score: Some(score), scale: Some(Scale { min: 1, max: 5 }), ..body }),
    }
}

/// The fields of a support event.
#[derive(Default, Serialize)]
pub struct Body {
    ticket_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<Scale>,
}

/// A rating scale.
#[derive(Clone, Copy, Serialize)]
pub struct Scale {
    /// The worst answer.
    pub min: u32,
    /// The best answer.
    pub max: u32,
}
