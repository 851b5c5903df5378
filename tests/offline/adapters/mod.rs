//! Payloads as their providers publish them, with the figures worked out by hand beside each.

mod databases;
mod debezium;
mod in_place;
mod published;
mod stripe;
mod zendesk;

use std::sync::Arc;

use churnwatch::engine::{Input, Outcome, PlainStore, Store, Task};
use churnwatch::event::{Code, Decoded, Format, Headers, Raw, Record, Rejection, Stream};
use churnwatch::metric::{Metric, View};
use churnwatch::money::{Currency, RateTable, Rates};
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp};
use proptest::prelude::prop;
use serde_json::value::RawValue;

use crate::event_fixtures;

/// 2026-04-01, in seconds.
const NOW: i64 = 1_775_001_600;

/// A task that reads one format.
struct Topic {
    stream: Stream,
    format: Format,
    settings: Arc<Settings>,
    task: Task<PlainStore>,
}

impl Topic {
    fn new(stream: Stream, format: Format) -> Self {
        let settings = Arc::new(Settings { money: money(), ..Settings::default() });
        Self { stream, format, task: Task::new(Arc::clone(&settings), PlainStore::default()), settings }
    }

    fn feed(&mut self, payload: &serde_json::Value) -> Outcome {
        let bytes = payload.to_string().into_bytes();
        let now = Timestamp(NOW * 1000);
        let input = Input {
            stream: self.stream,
            key: None,
            value: Some(&bytes),
            headers: Headers::NONE,
            timestamp: Some(now),
            format: &self.format,
            broker_timestamp: Some(now),
        };
        self.task.process(&input, now)
    }

    /// A whole number among the metrics of an account, so many days after [`NOW`].
    fn metric(&self, account: &str, metric: Metric, days: i64) -> Option<i64> {
        let view = View::complete(Timestamp(NOW * 1000 + days * DAY_MS));
        self.task.store().read(account, |slot| slot.account.measure(&view, &self.settings)).unwrap().whole_number(metric)
    }

    fn mrr(&self, account: &str, days: i64) -> i64 {
        self.metric(account, Metric::Mrr, days).unwrap()
    }
}

fn money() -> churnwatch::money::Policy {
    churnwatch::money::Policy { rates: rates(), ..Settings::default().money }
}

/// USD is the reporting currency; the others are worth as much.
fn rates() -> Rates {
    let rate = |code: &str| (Currency::parse(code).unwrap(), rust_decimal::Decimal::ONE);
    let rates = ["EUR", "JPY", "KWD", "ISK", "UGX", "MGA"].map(rate).into();
    Rates::new(Currency::USD, vec![RateTable { valid_from: Timestamp(0), rates }])
}

/// What a payload becomes.
fn decode<'a>(format: &Format, stream: Stream, json: &'a str) -> Result<Decoded<'a>, Rejection> {
    let raw = Raw { timestamp: Some(Timestamp(NOW * 1000)), ..event_fixtures::line(stream, json.as_bytes()) };
    format.decode(&raw, &event_fixtures::context(&rates()))
}

fn records<'a>(format: &Format, stream: Stream, json: &'a str) -> Vec<Record<'a>> {
    match decode(format, stream, json) {
        Ok(decoded) => decoded.records().to_vec(),
        Err(rejection) => panic!("{rejection}"),
    }
}

fn refusal(format: &Format, stream: Stream, json: &str) -> (Code, String) {
    match decode(format, stream, json) {
        Err(rejection) => (rejection.code, rejection.reason.into_owned()),
        other => panic!("{json} gives {other:?}"),
    }
}

/// JSON in which one value is replaced by another.
fn broken(text: &str, place: prop::sample::Index, value: &str) -> String {
    let is_key = |at: &usize| !text[..*at].ends_with('\\');
    let values: Vec<usize> = text.match_indices("\":").map(|(at, _)| at).filter(is_key).map(|at| at + 2).collect();
    let start = values[place.index(values.len())];
    let old = serde_json::Deserializer::from_str(&text[start..]).into_iter::<&RawValue>().next().unwrap().unwrap();
    format!("{}{value}{}", &text[..start], &text[start + old.get().len()..])
}
