//! Subscriptions: the whole state at the time of the event.

use super::discount::{Discounts, Found};
use super::line::Line;
use super::payload::{Items, Price, Subject};
use super::price::Prices;
use super::{Options, payload::SubscriptionItem};
use crate::event::adapter::inner::{self, at};
use crate::event::adapter::object::{Json, Nested};
use crate::event::adapter::payload::{Payload, missing};
use crate::event::native::{MAX_VALUES, Value};
use crate::event::{Code, Item, Rejection, SubscriptionSnapshot, SubscriptionStatus};
use crate::time::Timestamp;

/// Reads `status`.
const STATUSES: [(&str, SubscriptionStatus); 8] = [
    ("active", SubscriptionStatus::Active),
    ("past_due", SubscriptionStatus::PastDue),
    ("trialing", SubscriptionStatus::Trialing),
    ("unpaid", SubscriptionStatus::Unpaid),
    ("canceled", SubscriptionStatus::Canceled),
    ("incomplete", SubscriptionStatus::Incomplete),
    ("incomplete_expired", SubscriptionStatus::IncompleteExpired),
    ("paused", SubscriptionStatus::Paused),
];

/// Where items are.
const ITEMS: &str = "data.object.items.data";

/// Reads the subscription of one event.
pub(super) struct Reader<'r, 'a, 'c> {
    pub(super) payload: &'r Payload<'a, 'c>,
    pub(super) subject: &'r Subject<'a>,
    pub(super) options: &'r Options,
    /// The time of the event.
    pub(super) occurred_at: Timestamp,
}

/// A billing period.
struct Period {
    start: Timestamp,
    end: Timestamp,
}

impl<'a, 'c> Reader<'_, 'a, 'c> {
    /// The native snapshot.
    pub(super) fn snapshot(&self) -> Result<SubscriptionSnapshot<'a>, Rejection> {
        let subject = self.subject;
        let subscription_id = self.payload.required(subject.id, "data.object.id", Value::id)?;
        let status = self.status()?;
        let currency = self.payload.optional(subject.currency, "data.object.currency", Value::currency)?;
        let has_ended = has_ended(status);
        let prices = Prices { payload: self.payload, options: self.options, currency, has_ended };
        let lines = self.lines(&prices)?;
        let period = self.period()?;
        let discounts =
            Discounts { payload: self.payload, unexpanded: self.options.unexpanded_discounts, currency, period_end: period.end };
        // An ended subscription costs nothing, with or without them.
        let Found { discounts, unexpanded } = if has_ended { Found::default() } else { discounts.read(subject, &lines)? };
        if unexpanded {
            self.payload.note_unexpanded_discount();
        }
        let (cancel_at_period_end, cancel_at) = self.cancellation(period.end)?;
        let canceled_at = self.instant(subject.canceled_at, "data.object.canceled_at")?;
        let started_at = self.instant(subject.start_date, "data.object.start_date")?;
        Ok(SubscriptionSnapshot {
            subscription_id,
            status,
            items: lines.iter().flat_map(Line::items).collect::<Vec<Item>>(),
            discounts,
            trial_end: self.instant(subject.trial_end, "data.object.trial_end")?,
            current_period_start: period.start,
            current_period_end: period.end,
            cancel_at_period_end,
            cancel_at,
            canceled_at: canceled_at.map_or_else(|| self.instant(subject.ended_at, "data.object.ended_at"), |at| Ok(Some(at)))?,
            started_at: started_at.map_or_else(|| self.instant(subject.created, "data.object.created"), |at| Ok(Some(at)))?,
            term_end: None,
            reason: self.reason()?,
            version: Some(version(self.occurred_at, status)),
        })
    }

    /// A subscription whose collection is paused stays `active` in Stripe.
    fn status(&self) -> Result<SubscriptionStatus, Rejection> {
        let status = self.payload.required(self.subject.status, "data.object.status", |value| value.choice(&STATUSES))?;
        let is_paused = self.subject.pause_collection.given().is_some_and(inner::is_object);
        Ok(if is_paused && !has_ended(status) { SubscriptionStatus::Paused } else { status })
    }

    /// What the items cost.
    fn lines(&self, prices: &Prices<'_, 'a, 'c>) -> Result<Vec<Line<'a>>, Rejection> {
        let Some(items) = self.subject.items.object("data.object.items")? else {
            return self.line_of_plan(prices).map(|line| vec![line]);
        };
        let has_more = self.payload.optional(items.has_more, "data.object.items.has_more", Value::flag)?;
        if has_more == Some(true) && !prices.has_ended {
            let reason = "data.object.items.has_more is true: the event holds only some of the items, so its MRR would be too small";
            return Err(Rejection::new(Code::OutOfRange, reason));
        }
        let line = |(index, item): (usize, &Nested<SubscriptionItem<'a>>)| {
            let item = item.get().ok_or_else(|| Rejection::new(Code::WrongType, format!("{ITEMS}[] is not an object")));
            item.and_then(|item| prices.line(item)).map_err(|rejection| at(index, &rejection))
        };
        let data = data(items)?;
        // Stripe has no subscription without items, so an empty list would be a wrong MRR of 0.
        if data.is_empty() && !prices.has_ended {
            return Err(missing("data.object.items.data[0]"));
        }
        data.iter().enumerate().map(line).collect()
    }

    /// The only item of a subscription that is older than items: one plan.
    fn line_of_plan(&self, prices: &Prices<'_, 'a, 'c>) -> Result<Line<'a>, Rejection> {
        let plan: Option<Price<'a>> = inner::object(self.payload, self.subject.plan, "data.object.plan")?;
        let plan = plan.ok_or_else(|| missing("data.object.items"))?;
        prices.priced(&plan, self.subject.quantity, Json::default())
    }

    /// The period: on the subscription, and since 2025-03-31 on its items, of which the one that ends last decides.
    fn period(&self) -> Result<Period, Rejection> {
        let own = self.ends(
            (self.subject.current_period_start, "data.object.current_period_start"),
            (self.subject.current_period_end, "data.object.current_period_end"),
        )?;
        if let Some(period) = own {
            return Ok(period);
        }
        let mut latest: Option<Period> = None;
        let items = self.subject.items.get().map(data).transpose()?.unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let Some(item) = item.get() else { continue };
            let period = self.ends(
                (item.current_period_start, "data.object.items.data[].current_period_start"),
                (item.current_period_end, "data.object.items.data[].current_period_end"),
            );
            let period = period.map_err(|rejection| at(index, &rejection))?;
            latest = latest.into_iter().chain(period).max_by_key(|period| period.end);
        }
        latest.ok_or_else(|| missing("data.object.items.data[0].current_period_end"))
    }

    /// A period from its two fields; `None` unless its end is given.
    fn ends(&self, start: (Json<'a>, &'c str), end: (Json<'a>, &'c str)) -> Result<Option<Period>, Rejection> {
        let (start_at, end_at) = (self.instant(start.0, start.1)?, self.instant(end.0, end.1)?);
        let Some(end) = end_at else { return Ok(None) };
        start_at.map(|start| Some(Period { start, end })).ok_or_else(|| missing(start.1))
    }

    /// The scheduled cancellation: with the period, or at another instant.
    fn cancellation(&self, period_end: Timestamp) -> Result<(bool, Option<Timestamp>), Rejection> {
        let with_period = self.payload.optional(self.subject.cancel_at_period_end, "data.object.cancel_at_period_end", Value::flag)?;
        let cancel_at = self.instant(self.subject.cancel_at, "data.object.cancel_at")?;
        let is_end = cancel_at == Some(period_end);
        Ok((with_period.unwrap_or(false) || is_end, cancel_at.filter(|_| !is_end)))
    }

    fn reason(&self) -> Result<Option<std::borrow::Cow<'a, str>>, Rejection> {
        let Some(details) = self.subject.cancellation_details.object("data.object.cancellation_details")? else { return Ok(None) };
        self.payload.optional(details.reason, "data.object.cancellation_details.reason", Value::text)
    }

    /// An optional instant. One before 1900 counts as missing, as in native events.
    fn instant(&self, json: Json<'a>, path: &'c str) -> Result<Option<Timestamp>, Rejection> {
        Ok(self.payload.optional(json, path, Value::instant)?.filter(|at| *at >= Timestamp::Y1900))
    }
}

/// The items of a list.
fn data<'s, 'a>(items: &'s Items<'a>) -> Result<&'s [Nested<SubscriptionItem<'a>>], Rejection> {
    match &items.data.0 {
        Nested::Given(data) if data.len() > MAX_VALUES => {
            Err(Rejection::new(Code::OutOfRange, format!("{ITEMS} has more than {MAX_VALUES} values")))
        }
        Nested::Given(data) => Ok(data),
        Nested::Wrong => Err(Rejection::new(Code::WrongType, format!("{ITEMS} is not a list"))),
        Nested::Missing => Err(missing(ITEMS)),
    }
}

/// Nothing comes after these.
const fn has_ended(status: SubscriptionStatus) -> bool {
    matches!(status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
}

/// The order of snapshots. Stripe delivers events in any order and times them in whole seconds, so of two in one second the status decides:
/// the later one in the life of a subscription wins. Among equals the id does, as everywhere.
const fn version(occurred_at: Timestamp, status: SubscriptionStatus) -> i64 {
    const STATUSES: i64 = 16;
    let rank = match status {
        SubscriptionStatus::Incomplete => 0,
        SubscriptionStatus::Trialing => 1,
        SubscriptionStatus::Active => 2,
        SubscriptionStatus::PastDue => 3,
        SubscriptionStatus::Unpaid => 4,
        SubscriptionStatus::Paused => 5,
        SubscriptionStatus::IncompleteExpired => 6,
        SubscriptionStatus::Expired => 7,
        SubscriptionStatus::Canceled => 8,
    };
    occurred_at.0.div_euclid(1000).saturating_mul(STATUSES).saturating_add(rank)
}
