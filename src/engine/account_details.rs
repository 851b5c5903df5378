//! What stands behind the figures of one account: its subscriptions, its tickets, and how each metric has moved.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::Slot;
use crate::account::billing::SubscriptionView;
use crate::account::support::TicketView;
use crate::event::Stream;
use crate::metric::{Metric, View};
use crate::settings::Settings;
use crate::time::{MINUTE_MS, Timestamp};

/// Days of which metrics can be measured again, besides the present one.
const DAYS: i64 = 28;
/// Tickets listed, at most.
const TICKETS_MAX: usize = 50;

/// Instants are RFC 3339 text, absent values `null`. Ids of subscriptions and tickets are kept as hashes, so they cannot be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountDetails {
    /// Those that pay most first.
    pub subscriptions: Vec<SubscriptionLine>,
    /// Open ones first, by priority and age, then the newest: at most 50.
    pub tickets: Vec<TicketLine>,
    /// How many tickets are open.
    pub tickets_open: usize,
    /// How many are known, open or not.
    pub tickets_known: usize,
    /// Every metric that is a number, by name: its value 28 days ago, 27 days ago, .. and now; `None` where it had none, or where today's
    /// state cannot tell it.
    pub metrics: BTreeMap<&'static str, Vec<Option<f64>>>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionLine {
    /// As in [`SubscriptionView`].
    pub state: &'static str,
    /// MRR, minor units of the reporting currency.
    pub mrr_minor: i64,
    /// Licensed units.
    pub seats: u64,
    /// Its start.
    pub since: String,
    /// End of its term or trial.
    pub term_end: Option<String>,
    /// When it ended, or when a scheduled cancellation ends it.
    pub ends_at: Option<String>,
    /// The reason given for that.
    pub reason: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TicketLine {
    /// Neither resolved nor merged.
    pub open: bool,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: &'static str,
    /// Its category.
    pub category: Option<String>,
    /// Its product.
    pub product: Option<String>,
    /// Its channel.
    pub channel: Option<String>,
    /// When it was opened, or else first seen.
    pub opened_at: String,
    /// Minutes until the first public reply of an agent.
    pub first_reply_minutes: Option<f64>,
    /// When it was last resolved.
    pub resolved_at: Option<String>,
    /// Whether it was reopened after its first resolution.
    pub reopened: bool,
    /// `dissatisfied`, `neutral`, `satisfied` or `highly_satisfied`.
    pub rating: Option<&'static str>,
}

impl Slot {
    /// What stands behind the account's figures at `view`.
    #[must_use]
    pub fn details(&self, view: &View, settings: &Settings) -> AccountDetails {
        let support_t = view.stream(Stream::Support).t;
        let mut tickets: Vec<TicketView<'_>> = self.account.support().tickets_at(support_t).map(|(_, ticket)| ticket).collect();
        tickets.sort_by_key(order);
        AccountDetails {
            subscriptions: self.subscriptions(view, settings),
            tickets: tickets.iter().take(TICKETS_MAX).map(ticket_line).collect(),
            tickets_open: tickets.iter().filter(|ticket| ticket.open).count(),
            tickets_known: tickets.len(),
            metrics: self.metric_history(view, settings),
        }
    }

    fn subscriptions(&self, view: &View, settings: &Settings) -> Vec<SubscriptionLine> {
        let ledger = self.account.billing().ledger(&settings.money);
        let line = |subscription: &SubscriptionView<'_>| SubscriptionLine {
            state: subscription.state,
            mrr_minor: subscription.mrr,
            seats: subscription.seats,
            since: subscription.since.to_string(),
            term_end: subscription.term_end.map(|at| at.to_string()),
            ends_at: subscription.ends_at.map(|at| at.to_string()),
            reason: subscription.reason.map(str::to_owned),
        };
        ledger.subscriptions_at(view.stream(Stream::Billing).t).iter().map(line).collect()
    }

    fn metric_history(&self, view: &View, settings: &Settings) -> BTreeMap<&'static str, Vec<Option<f64>>> {
        let before = (1..=DAYS).rev().map(|days| self.account.measure_before(view, days, settings));
        let by_day: Vec<_> = before.chain([self.account.measure(view, settings)]).collect();
        let history = |metric: &Metric| {
            let values: Vec<Option<f64>> = by_day.iter().map(|metrics| metrics.number(*metric)).collect();
            values.iter().any(Option::is_some).then_some((metric.name(), values))
        };
        Metric::ALL.iter().filter_map(history).collect()
    }
}

/// Open ones first, the most urgent and oldest of them at the top; the others from the newest to the oldest.
fn order(ticket: &TicketView<'_>) -> (bool, Reverse<u8>, i64) {
    let opened = opened_at(ticket).millis();
    if ticket.open { (false, Reverse(ticket.priority as u8), opened) } else { (true, Reverse(0), -opened) }
}

fn opened_at(ticket: &TicketView<'_>) -> Timestamp {
    ticket.created.unwrap_or(ticket.first_record)
}

#[expect(clippy::cast_precision_loss, reason = "minutes are unrounded floats")]
fn ticket_line(ticket: &TicketView<'_>) -> TicketLine {
    TicketLine {
        open: ticket.open,
        priority: ticket.priority.name(),
        category: ticket.category.map(str::to_owned),
        product: ticket.product.map(str::to_owned),
        channel: ticket.channel.map(str::to_owned),
        opened_at: opened_at(ticket).to_string(),
        first_reply_minutes: ticket.first_reply_ms().map(|millis| millis as f64 / MINUTE_MS as f64),
        resolved_at: ticket.last_resolved.filter(|_| !ticket.open).map(|at| at.to_string()),
        reopened: ticket.first_resolution.is_some_and(|first| first.reopened),
        rating: ticket.rating.map(|(_, rating)| rating.name()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::Store;
    use super::super::examples::{T, task_of};
    use super::*;
    use crate::time::DAY_MS;

    /// The details at T of account `a` after these records.
    fn details(records: &[(Stream, serde_json::Value)]) -> AccountDetails {
        let settings = Arc::new(Settings::default());
        let task = task_of(&settings, records.iter().cloned());
        task.store().read("a", |slot| slot.details(&View::complete(T), &settings)).unwrap()
    }

    fn ticket(id: u64, priority: &str, days_ago: i64) -> serde_json::Value {
        json!({"id": format!("open-{id}"), "type": "ticket_opened", "ticket_id": id, "priority": priority, "category": "login", "occurred_at": T.minus_days(days_ago).0})
    }

    #[test]
    fn the_most_urgent_open_ticket_comes_first_and_resolved_ones_follow() {
        let resolved = json!({"id": "r", "type": "ticket_resolved", "ticket_id": 1, "occurred_at": T.minus_days(2).0});
        let replied =
            json!({"id": "p", "type": "ticket_replied", "by": "agent", "ticket_id": 2, "occurred_at": T.0 - 9 * DAY_MS + 30 * MINUTE_MS});
        let tickets = [ticket(1, "urgent", 20), ticket(2, "normal", 9), ticket(3, "high", 4), ticket(4, "normal", 11), resolved, replied];
        let details = details(&tickets.map(|record| (Stream::Support, record)));
        let lines: Vec<_> = details.tickets.iter().map(|line| (line.priority, line.open, line.first_reply_minutes)).collect();
        assert_eq!(lines, [("high", true, None), ("normal", true, None), ("normal", true, Some(30.0)), ("urgent", false, None)]);
        assert_eq!(details.tickets[3].resolved_at, Some(T.minus_days(2).to_string()));
        assert_eq!((details.tickets[0].category.as_deref(), details.tickets_open, details.tickets_known), (Some("login"), 3, 4));
    }

    #[test]
    fn a_list_of_tickets_ends_and_still_counts_them_all() {
        let tickets: Vec<_> = (0..70).map(|id| (Stream::Support, ticket(id, "low", 3))).collect();
        let details = details(&tickets);
        assert_eq!((details.tickets.len(), details.tickets_open, details.tickets_known), (50, 70, 70));
    }

    #[test]
    fn a_metric_has_a_value_for_each_of_the_last_28_days() {
        let used = |days_ago: i64| {
            (
                Stream::Usage,
                json!({"id": days_ago.to_string(), "type": "feature_used", "user_id": "u", "feature": "f", "occurred_at": T.minus_days(days_ago).0 + 1}),
            )
        };
        let details = details(&[used(60), used(10), used(5)]);
        let events = &details.metrics["usage.events_28d"];
        assert_eq!(events.len(), 29);
        assert_eq!((events[0], events[20], events[28]), (Some(0.0), Some(1.0), Some(2.0)));
        assert!(!details.metrics.contains_key("revenue.mrr"), "there is no billing");
    }
}
