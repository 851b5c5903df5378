//! Subscriptions whose snapshots come with and without versions, plan switches, dunning, trials, discounts; invoices; costs.

use rand::Rng as _;
use serde_json::{Value, json};

use super::World;
use crate::oracle::zone::{DAY, HOUR};

impl World {
    /// Subscriptions of an account; one may follow another within the hour.
    pub fn subscriptions(&mut self, account: &str) {
        for number in 0..self.rng.random_range(0..4) {
            let id = format!("s{number}");
            let start = if self.chance(30) { self.t - self.rng.random_range(0..400 * DAY) } else { self.instant() };
            let last = self.subscription(account, &id, start);
            if self.chance(30) {
                let gap = self.pick(&[0, 1, HOUR / 2, HOUR - 1, HOUR, HOUR + 1, -HOUR, DAY]);
                self.snapshot(account, &id, last, Some("canceled"), 90);
                self.subscription(account, &format!("{id}-next"), last + gap);
            }
        }
    }

    /// A series of snapshots; returns the time of the last one.
    fn subscription(&mut self, account: &str, id: &str, start: i64) -> i64 {
        let mut at = start;
        let versioned = self.rng.random_range(0..3);
        for number in 0..self.rng.random_range(1..7) {
            let version = match versioned {
                0 => -1,
                1 => number,
                _ => self.rng.random_range(-1..4),
            };
            self.snapshot(account, id, at, None, version);
            at = if self.chance(20) { self.instant() } else { self.after(at) };
            if at > self.t {
                at = self.t - self.rng.random_range(0..DAY);
            }
        }
        at
    }

    fn snapshot(&mut self, account: &str, id: &str, at: i64, status: Option<&str>, version: i64) {
        let drawn = self.pick(&[
            "active",
            "active",
            "Active",
            "past_due",
            "past_due",
            "trialing",
            "unpaid",
            "paused",
            "canceled",
            "expired",
            "incomplete",
            "Cancelled",
            "ended",
            "incomplete_expired",
            "NON_RENEWING",
        ]);
        let period = self.pick(&[30, 31, 7, 365, 180, 179]) * DAY;
        let began = at - self.rng.random_range(0..period);
        let items: Vec<Value> = (0..self.pick(&[1, 1, 1, 2, 3, 0])).map(|_| self.item()).collect();
        let mut fields = json!({
            "subscription_id": id,
            "status": status.unwrap_or(drawn),
            "items": items,
            "current_period_start": self.written(began),
            "current_period_end": self.written(began + period),
        });
        if self.chance(20) {
            fields["discount"] = self.discount(at);
        }
        if self.chance(15) {
            fields["cancel_at_period_end"] = json!(true);
        }
        if self.chance(10) {
            let end = self.after(at);
            fields["cancel_at"] = self.written(end);
        }
        if self.chance(8) && fields["discount"].is_null() {
            fields["discounts"] = (0..self.pick(&[0, 1, 2, 3])).map(|_| self.discount(at)).collect();
        }
        if self.chance(30) || fields["status"] == "trialing" {
            let end = self.after(at);
            fields["trial_end"] = self.written(end);
        }
        if self.chance(50) {
            let started = at - self.pick(&[0, DAY - 1, DAY, DAY + 1, 40 * DAY]);
            fields["started_at"] = self.written(started);
        }
        if self.chance(10) {
            let end = at + self.pick(&[10, 90, 179, 400]) * DAY;
            fields["term_end"] = self.written(end);
        }
        if self.chance(8) {
            let unset = self.pick(&["started_at", "term_end", "trial_end", "canceled_at", "current_period_start"]);
            fields[unset] = self.old_instant();
        }
        if self.chance(20) {
            fields["reason"] = json!(self.pick(&["price", "Missing feature", "payment_failed", "Payment_failed"]));
        }
        if version >= 0 {
            fields["version"] = self.pick(&[json!(version), json!(version.to_string())]);
        }
        self.record("billing", Some(account), "subscription_changed", at, fields);
    }

    fn currency(&mut self) -> &'static str {
        let reporting = self.settings.currency;
        let named = self.settings.rates[0].1.keys().copied().collect::<Vec<_>>();
        let other = self.pick(&named);
        match self.pick(&[reporting, reporting, other]) {
            "EUR" => self.pick(&["EUR", "eur"]),
            currency => currency,
        }
    }

    fn item(&mut self) -> Value {
        let amount = self.pick(&[0, 1, 333, 4900, 9900, 120_000, 4999, 25]);
        let mut item = json!({"amount_minor": amount, "currency": self.currency()});
        if self.chance(20) {
            item["amount_minor"] = json!(amount.to_string());
        }
        if self.chance(25) {
            item["amount_minor"] = self.pick(&[Value::Null, json!("")]);
            item["amount"] = self.major_units(true);
        } else if self.chance(12) {
            item["amount_minor"] = json!(-amount);
        }
        if self.chance(92) {
            item["interval"] =
                json!(self.pick(&["month", "month", "year", "week", "quarter", "day", "Month", "annual", "Yearly", "weekly"]));
        }
        if self.chance(25) {
            item["interval_count"] = json!(self.pick(&[1, 2, 3, 7]));
        }
        if self.chance(60) {
            item["quantity"] = json!(self.pick(&[1, 2, 7, 0]));
        }
        if self.chance(20) {
            item["usage_type"] = json!(self.pick(&["licensed", "metered"]));
        }
        item
    }

    fn discount(&mut self, at: i64) -> Value {
        let mut discount = json!({});
        if self.chance(60) {
            discount["percent_off"] = self.pick(&[json!(10), json!("33.3"), json!(12.5), json!(100)]);
        }
        if self.chance(50) {
            if self.chance(40) {
                discount["amount_off"] = self.major_units(false);
            } else {
                discount["amount_off_minor"] = json!(self.pick(&[1, 500, 100_000]));
            }
            if self.chance(50) {
                discount["currency"] = json!(self.currency());
            }
            if self.chance(40) {
                discount["interval"] = json!(self.pick(&["month", "year"]));
            }
        }
        if self.chance(60) {
            let end = self.after(at);
            discount["ends_at"] = self.written(end);
        }
        discount
    }

    /// An amount in major units, often with more decimals than its currency has.
    fn major_units(&mut self, may_be_negative: bool) -> Value {
        let texts = ["49.90", "0.005", "0.02675", "12.5", "1e2", "0", "0.000000015", "7", "120000", "333.3335"];
        let text = self.pick(&texts).to_owned();
        let text = if may_be_negative && self.chance(25) { format!("-{text}") } else { text };
        if self.chance(50) { serde_json::from_str(&text).unwrap() } else { json!(text) }
    }

    /// Invoices, paid and failed, some both.
    pub fn invoices(&mut self, account: &str) {
        for _ in 0..self.rng.random_range(0..8) {
            let at = self.instant();
            let kind = self.pick(&["invoice_paid", "invoice_paid", "invoice_payment_failed"]);
            let invoice = self.rng.random_range(0..5);
            let invoice = if self.chance(30) { json!(invoice) } else { json!(invoice.to_string()) };
            let amount = self.rng.random_range(0..100_000);
            let mut fields = json!({"invoice_id": invoice, "amount_minor": amount, "currency": self.currency()});
            if self.chance(30) {
                fields["amount_minor"] = Value::Null;
                fields["amount"] = self.major_units(false);
            }
            self.record("billing", Some(account), kind, at, fields);
        }
    }

    /// The company's own costs.
    pub fn costs(&mut self) {
        for _ in 0..self.rng.random_range(0..5) {
            let at = self.instant();
            let category = self.pick(&["acquisition", "Retention"]);
            let mut fields = json!({"category": category, "amount_minor": self.rng.random_range(0..50_000), "currency": self.currency()});
            if self.chance(30) {
                fields["segment"] = json!(self.pick(&["smb", "Enterprise", "nowhere"]));
            }
            if self.chance(30) {
                fields["amount_minor"] = json!("");
                fields["amount"] = self.major_units(false);
            }
            self.record("billing", None, "cost_recorded", at, fields);
        }
    }
}
