//! Tickets whose facts arrive in any order, including snapshots.

use rand::Rng as _;
use serde_json::{Value, json};

use super::World;
use crate::oracle::zone::DAY;

const KINDS: [&str; 11] = [
    "ticket_replied",
    "ticket_replied",
    "ticket_status_changed",
    "ticket_priority_changed",
    "ticket_assigned",
    "ticket_resolved",
    "ticket_resolved",
    "ticket_reopened",
    "ticket_closed",
    "ticket_rated",
    "ticket_snapshot",
];

impl World {
    /// Tickets of an account.
    pub fn tickets(&mut self, account: &str) {
        for number in 0..self.rng.random_range(0..9) {
            self.ticket(account, &format!("t{number}"));
        }
        // Quantiles from a histogram are approximate, and so would be a score computed from them.
        if self.chance(4) && self.settings.model.is_none() {
            self.busy_desk(account);
        }
    }

    /// More tickets than are kept individually.
    fn busy_desk(&mut self, account: &str) {
        for number in 0..self.rng.random_range(60..140) {
            let (id, opened) = (format!("b{number}"), self.t - self.rng.random_range(0..100 * DAY));
            let resolved = self.after(opened);
            self.fact(account, &id, "ticket_opened", opened);
            self.fact(account, &id, "ticket_replied", opened + (resolved - opened) / 3);
            self.fact(account, &id, "ticket_resolved", resolved);
        }
    }

    fn ticket(&mut self, account: &str, id: &str) {
        let opened = self.instant();
        if self.chance(85) {
            self.fact(account, id, "ticket_opened", opened);
        }
        let mut at = self.after(opened);
        for _ in 0..self.rng.random_range(0..9) {
            let kind = self.pick(&KINDS);
            self.fact(account, id, kind, at);
            at = if self.chance(15) { self.instant() } else { self.after(at) };
        }
        if self.chance(15) {
            self.moves(account, id, at);
        }
        if self.chance(5) {
            self.fact(account, id, "ticket_merged", at);
        }
        if self.chance(5) {
            self.fact(account, id, "ticket_deleted", at);
        }
    }

    /// Moves a ticket away and, often, back: at the same time, at another time, or with events in between.
    fn moves(&mut self, account: &str, id: &str, at: i64) {
        self.fact(account, id, "ticket_moved", at);
        let later = self.after(at);
        for _ in 0..self.rng.random_range(0..4) {
            let kind = self.pick(&["ticket_opened", "ticket_snapshot", "ticket_moved", "ticket_resolved", "ticket_reopened"]);
            let at = self.pick(&[at, later, self.t]);
            self.fact(account, id, kind, at);
        }
    }

    fn fact(&mut self, account: &str, id: &str, kind: &str, at: i64) {
        let mut fields = match kind {
            "ticket_replied" => json!({"by": self.pick(&["agent", "agent", "Requester", "Bot"])}),
            "ticket_status_changed" => json!({"status": self.pick(&["open", "pending", "On_Hold", "pending"])}),
            "ticket_priority_changed" => json!({"priority": self.pick(&["low", "NORMAL", "high", "urgent"])}),
            "ticket_assigned" => json!({"team": self.pick(&["one", "two"])}),
            "ticket_rated" => self.answer(),
            "ticket_merged" => json!({"into": "t0"}),
            "ticket_moved" => json!({"to": self.pick(&[None, Some("elsewhere")])}),
            "ticket_snapshot" => self.ticket_snapshot(at),
            _ => json!({}),
        };
        if kind == "ticket_replied" && self.chance(30) {
            fields["public"] = json!(self.rng.random::<bool>());
        }
        if kind == "ticket_opened" {
            fields["priority"] = self.pick(&[Value::Null, json!("urgent"), json!("Low"), json!("normal")]);
            fields["category"] = json!(self.pick(&[Some("billing"), Some("bug"), None]));
            fields["product"] = json!(self.pick(&[Some("web"), None]));
            fields["channel"] = json!(self.pick(&[Some("mail"), Some("chat"), None]));
            fields["requester_id"] = json!(7);
        }
        if self.chance(5) {
            fields["team"] = json!(self.pick(&["one", "two"]));
        }
        fields["ticket_id"] = json!(id);
        self.record("support", Some(account), kind, at, fields);
    }

    fn ticket_snapshot(&mut self, at: i64) -> Value {
        let status = match self.rng.random_range(0..12) {
            0 => self.pick(&["moved", "Moved", "merged", "deleted"]),
            _ => self.pick(&["new", "Open", "pending", "on_hold", "resolved", "solved", "closed"]),
        };
        let mut fields = json!({"status": status});
        for name in ["created_at", "first_reply_at", "first_resolved_at", "resolved_at", "reopened_at", "closed_at"] {
            if self.chance(35) {
                let span = self.pick(&[1, 3_600_000, 86_400_000, 2_000_000_000]);
                let reported = at - self.rng.random_range(0..span);
                fields[name] = self.written(reported);
            }
        }
        if self.chance(20) {
            fields["score"] = json!(self.rng.random_range(1..=5));
        }
        if self.chance(30) {
            fields["priority"] = json!(self.pick(&["low", "urgent"]));
        }
        fields
    }
}
