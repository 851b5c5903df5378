//! No decoder panics, whatever the bytes. Every run executes a small share; the long form is `FUZZ_EXECUTIONS=10000000 cargo test
//! --profile fuzz --test offline decoders_under_fuzz -- --nocapture` (docs/reliability.md).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::fuzz::fuzz;
use churnwatch::config::Config;
use churnwatch::engine::{Input, Outcome, PlainStore, RoundOptions, Task};
use churnwatch::event::{Decoded, Format, Headers, Raw, SegmentOptions, Stream, StripeOptions, decode};
use churnwatch::partitioner::{Candidates, Partitioner, Sample};
use churnwatch::score::{Model, ModelFile};
use churnwatch::settings::Settings;
use churnwatch::simulate::{Disturb, Disturbance, Generator, Options};
use churnwatch::time::{DAY_MS, Timestamp};

const NOW: Timestamp = Timestamp(1_772_357_400_000);
const JSON: [&str; 22] = [
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "occurred_at",
    "account_id",
    "user_id",
    "items",
    "deleted",
    "aliases",
    "2026-03-01T09:30:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "+23:59",
    "EUR",
    "JPY",
    "month",
];
const TOML: [&str; 16] = [
    "[[health.component]]\n",
    "[[rule]]\n",
    "[risk]\n",
    "[bands]\n",
    "[kafka.properties]\n",
    "[[money.rates]]\n",
    "curve = ",
    "when = \"",
    ">= ",
    " and ",
    "\"file:/\"",
    "coefficients = {",
    "nan",
    "inf",
    "'''",
    "2026-01-01",
];

fn task() -> Task<PlainStore> {
    Task::new(Arc::new(Settings::default()), PlainStore::default())
}

fn events() -> Vec<Vec<u8>> {
    crate::event_fixtures::all().into_iter().map(|fixture| fixture.json.into_bytes()).collect()
}

/// The first byte of an input selects the stream, so mutations also move inputs between streams.
fn on_streams(events: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let of = |(place, event): (usize, &Vec<u8>)| [&[u8::try_from(place % 5).unwrap()], &event[..]].concat();
    (0..5).flat_map(|shift| events.iter().enumerate().map(move |(place, event)| of((place + shift, event)))).collect()
}

fn stream_and_value(input: &[u8]) -> (Stream, &[u8]) {
    match input.split_first() {
        Some((first, value)) => (Stream::ALL[usize::from(*first) % 5], value),
        None => (Stream::Usage, input),
    }
}

#[test]
fn the_native_decoder() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    fuzz("decoder", on_streams(&events()), &JSON, |input| {
        let (stream, value) = stream_and_value(input);
        let raw = Raw {
            key: Some(b"acme"),
            headers: Headers::NONE,
            timestamp: Some(NOW),
            future_reference: Some(NOW),
            ..crate::event_fixtures::line(stream, value)
        };
        match decode(&raw, &context) {
            Ok(Decoded::Record(record)) => {
                assert!(record.account.as_deref().is_none_or(|account| (1..=256).contains(&account.len())));
                format!("{} {:?}", record.type_name, record.id.is_some())
            }
            Ok(other) => format!("{} events", other.records().len()),
            Err(rejection) => format!("{} {}", rejection.code.name(), rejection.reason),
        }
    });
}

/// A payload of each format with an adapter in code.
const PAYLOADS: [&str; 7] = [
    r#"{"type":"track","event":"Account Created","messageId":"m","userId":7,"context":{"groupId":"a"},"timestamp":"2026-01-01T00:00:00Z","properties":{"path":"/","accountId":1}}"#,
    r#"{"type":"group","groupId":"a","messageId":"m","userId":"u","receivedAt":1767225600,"traits":{"name":"A","plan":"pro"}}"#,
    r#"{"id":"evt_1","object":"event","created":1767225600,"type":"customer.subscription.updated","data":{"object":{"id":"sub_1","object":"subscription","status":"active","customer":"cus_1","currency":"usd","current_period_start":1767225600,"current_period_end":1769904000,"discounts":[{"id":"di_1","coupon":{"id":"c","duration":"repeating","percent_off":"12.5"},"end":1769904000}],"items":{"data":[{"quantity":"3","price":{"id":"p","type":"recurring","billing_scheme":"tiered","tiers_mode":"graduated","tiers":[{"up_to":2,"unit_amount":"500","flat_amount":null},{"up_to":null,"unit_amount_decimal":"2.5"}],"recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}}}]}}}}"#,
    r#"{"type":"zen:event-type:ticket.comment_added","id":"e","time":"2026-01-01T00:00:00.123Z","account_id":1,"detail":{"id":"7","organization_id":"2","status":"NEW","priority":"HIGH","via":{"channel":"web"}},"event":{"comment":{"author":{"id":"-1","is_staff":true},"is_public":true}}}"#,
    r#"{"id":7,"status":"solved","priority":"high","type":"question","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z","organization_id":2,"via":{"channel":"email"},"satisfaction_rating":{"score":"good"}}"#,
    r#"{"specversion":"1.0","id":"1","source":"/s","type":"com.example.feature_used","time":"2026-01-01T00:00:00Z","subject":"a","datacontenttype":"application/json","data":{"user_id":"u","feature":"f"}}"#,
    r#"{"schema":{"fields":[{"field":"after","fields":[{"field":"amount","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]}]},"payload":{"op":"c","before":null,"after":{"type":"invoice_paid","account_id":1,"invoice_id":"i","amount":"AfQ=","currency":"EUR"},"source":{"ts_ms":1767225600000,"file":"b","pos":1,"row":0}}}"#,
];

/// Every adapter, envelopes around others too.
fn adapters() -> Vec<Format> {
    let segment = Format::Segment(SegmentOptions::default());
    let stripe = Format::Stripe(StripeOptions::default());
    let plain = [segment.clone(), stripe, Format::Zendesk, Format::Debezium(Box::default()), Format::CloudEvents(Box::default())];
    let around = [Format::Debezium(Box::new(segment.clone())), Format::CloudEvents(Box::new(segment))];
    plain.into_iter().chain(around).collect()
}

#[test]
fn the_adapters() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    let formats = adapters();
    let words = [
        "data",
        "object",
        "detail",
        "event",
        "payload",
        "after",
        "before",
        "properties",
        "discounts",
        "1e400",
        "[]",
        "{}",
        "null",
        "\\u0000",
    ];
    let headers: Vec<Vec<(String, Vec<u8>)>> = [
        vec![],
        vec![("content-type", "application/xml")],
        vec![("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "s"), ("ce_type", "t")],
    ]
    .map(|headers| headers.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect())
    .into();
    let payloads: Vec<Vec<u8>> = PAYLOADS.iter().map(|payload| payload.as_bytes().to_vec()).collect();
    fuzz("adapters", on_streams(&payloads), &words, |input| {
        let (stream, value) = stream_and_value(input);
        let mut outcome = String::new();
        for (place, format) in formats.iter().enumerate() {
            let headers = Headers::of(&headers[(value.len() + place) % headers.len()]);
            let raw = Raw { key: Some(br#"{"id":"acme"}"#), headers, timestamp: Some(NOW), ..crate::event_fixtures::line(stream, value) };
            match format.decode(&raw, &context) {
                Ok(decoded) => {
                    for record in decoded.records() {
                        assert!(record.account.as_deref().is_none_or(|account| (1..=256).contains(&account.len())), "{format:?}");
                        outcome.push_str(record.type_name);
                    }
                }
                Err(rejection) => outcome.push_str(rejection.code.name()),
            }
            outcome.push(' ');
        }
        outcome
    });
}

/// Key and value.
type ChangelogRecord = (Vec<u8>, Vec<u8>);

/// A changelog with every section and list, and its stamp.
fn changelog() -> (Vec<ChangelogRecord>, Vec<u8>) {
    let mut task = task();
    let start = Timestamp(NOW.0 - 30 * DAY_MS);
    let options = Options { seed: 7, accounts: 4, days: 29, start, activity: 0.2, ..Options::default() };
    let disturbance = Disturbance { duplicates: 0.02, disorder_ms: 30_000, bad: 0.01 };
    for record in Disturb::new(Generator::new(&options), disturbance, 7) {
        let (at, value) = (Some(record.at), Some(record.json.as_bytes()));
        let input = Input {
            stream: record.stream,
            key: Some(record.account.as_bytes()),
            value,
            headers: Headers::NONE,
            timestamp: at,
            format: &Format::Native,
            broker_timestamp: at,
        };
        task.process(&input, record.at);
    }
    for event in &events() {
        for stream in Stream::ALL {
            task.process(
                &Input {
                    stream,
                    key: Some(b"acme"),
                    value: Some(event),
                    headers: Headers::NONE,
                    timestamp: Some(NOW),
                    format: &Format::Native,
                    broker_timestamp: Some(NOW),
                },
                NOW,
            );
        }
    }
    let waits = format!(r#"{{"type":"feature_used","account_id":"acme","user_id":"u","feature":"f","occurred_at":{}}}"#, NOW.0 + 1000);
    let deletes = format!(r#"{{"type":"account_profile","account_id":"gone","deleted":true,"occurred_at":{}}}"#, NOW.0);
    for (stream, event) in [(Stream::Usage, &waits), (Stream::Accounts, &deletes)] {
        let input = Input {
            stream,
            key: None,
            value: Some(event.as_bytes()),
            headers: Headers::NONE,
            timestamp: Some(NOW),
            format: &Format::Native,
            broker_timestamp: Some(NOW),
        };
        assert_eq!(task.process(&input, NOW), Outcome::Applied);
    }
    task.round(NOW, &RoundOptions { publish: true, catching_up: false, budget: 1_000, bytes: usize::MAX }, &mut Vec::new());
    let mut records = Vec::new();
    task.changelog(|key, value| records.extend(value.map(|value| (key.to_vec(), value.to_vec()))));
    (records, task.stamp())
}

#[test]
fn every_part_of_the_changelog() {
    let (records, stamp) = changelog();
    let kinds: BTreeSet<&[u8]> = records.iter().map(|(key, _)| &key[..2]).collect();
    assert!(kinds.len() >= 8, "{kinds:?}");
    // Length of the key, key, value.
    let one = |(key, value): &ChangelogRecord| [&[u8::try_from(key.len()).unwrap()], &key[..], &value[..]].concat();
    fuzz("changelog", records.iter().map(one).collect(), &[], |input| {
        let (length, rest) = input.split_first().unwrap_or((&0, &[]));
        let (key, value) = rest.split_at(usize::from(*length).min(rest.len()));
        let mut task = task();
        task.restore(key, Some(value));
        match task.finish_restore(Some(&stamp)) {
            // Whatever is accepted as state must be scored and written like any other.
            Ok(()) => {
                let changes = task.round(NOW, &OPTIONS, &mut Vec::new()).changes;
                let mut bytes = 0;
                task.changelog(|_, value| bytes += value.map_or(0, <[u8]>::len));
                format!("{:?} {} {changes} {bytes}", key.get(..2), value.len())
            }
            Err(error) => format!("{:?} {error}", key.get(..2)),
        }
    });
}

#[test]
fn the_stamp_of_the_engine() {
    let (_, stamp) = changelog();
    fuzz("stamp", vec![stamp], &[], |input| {
        let mut task = task();
        match task.finish_restore(Some(input)) {
            Ok(()) => format!("{:?}", task.counts().of(Stream::Usage).read % 64),
            Err(error) => error.to_string(),
        }
    });
}

/// The files shipped with the program.
fn configurations() -> Vec<Vec<u8>> {
    ["config/churnwatch.toml", "config/model.toml"]
        .map(|name| std::fs::read(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap())
        .to_vec()
}

/// The text of a problem, without the values in it.
fn words(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(60).collect()
}

#[test]
fn the_configuration() {
    let sections =
        |text: &[u8]| String::from_utf8_lossy(text).split("\n[").map(|section| format!("[{section}\n").into_bytes()).collect::<Vec<_>>();
    let seeds = configurations().iter().flat_map(|text| sections(text)).chain(configurations()).collect();
    fuzz("configuration", seeds, &TOML, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return "no text".to_owned() };
        match Config::of_text(text, Path::new("config/fuzz.toml")) {
            Ok(config) => format!("valid {}", config.warnings.len()),
            Err(problems) => words(&problems.0.first().map(|problem| format!("{} {}", problem.key, problem.message)).unwrap_or_default()),
        }
    });
}

#[test]
fn the_model() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scoring.md")).unwrap();
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let default = configurations().remove(1);
    fuzz("model", vec![example.as_bytes().to_vec(), default], &TOML, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return "no text".to_owned() };
        match ModelFile::parse(text).map(|file| Model::compile(&file)) {
            Ok(Ok(model)) => format!("valid {} {}", model.components.len(), model.rules.len()),
            Ok(Err(problems)) => words(&problems.first().map(|problem| problem.message.clone()).unwrap_or_default()),
            Err(error) => words(&error.to_string()),
        }
    });
}

#[test]
fn the_partitioners() {
    fuzz("partitioner", vec![b"\x04acme".to_vec(), b"\xff".to_vec(), Vec::new()], &[], |input| {
        let (count, key) = input.split_first().unwrap_or((&1, &[]));
        let count = i32::from(*count) * 997 + 1;
        let mut sample = Sample::default();
        for partitioner in Partitioner::ALL {
            let partition = partitioner.partition(key, count);
            assert!((0..count).contains(&partition), "{partitioner:?} puts {key:?} into {partition} of {count}");
            assert!(Candidates::only(partitioner).place(key, partition, count));
            sample.add(partition, key);
        }
        sample.candidates(count).names()
    });
}

const OPTIONS: RoundOptions = RoundOptions { publish: true, catching_up: false, budget: 1_000, bytes: usize::MAX };

/// A task with what it has written.
struct World {
    task: Task<PlainStore>,
    changelog: BTreeMap<Vec<u8>, Vec<u8>>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self { task: task(), changelog: BTreeMap::new(), now: NOW }
    }

    /// Advances time, scores and writes everything, and checks that it restores unchanged.
    fn round(&mut self) {
        self.now = Timestamp(self.now.0 + DAY_MS / 3);
        self.task.round(self.now, &OPTIONS, &mut Vec::new());
        let changelog = &mut self.changelog;
        self.task.changelog(|key, value| match value {
            Some(value) => {
                assert!(value.len() <= 512 * 1024, "{key:?} has {} bytes", value.len());
                changelog.insert(key.to_vec(), value.to_vec());
            }
            None => drop(changelog.remove(key)),
        });
        let mut restored = task();
        self.changelog.iter().for_each(|(key, value)| restored.restore(key, Some(value)));
        restored.finish_restore(Some(&self.task.stamp())).unwrap();
        assert_eq!(reports(&self.task, self.now), reports(&restored, self.now));
        if self.now.0 > NOW.0 + 400 * DAY_MS {
            *self = Self::new();
        }
    }
}

fn reports(task: &Task<PlainStore>, now: Timestamp) -> Vec<String> {
    let view = task.stream_time().view(now, &Settings::default());
    let mut ids = task.account_ids();
    ids.sort_unstable();
    let report = |id: &String| Some(String::from_utf8(task.report(id, &view)?.0).unwrap());
    ids.iter().filter_map(report).collect()
}

/// Accepted events are applied, measured, scored, written and restored, however strange they are.
#[test]
fn the_engine_on_whatever_the_decoder_accepts() {
    let (mut world, mut applied) = (World::new(), 0);
    fuzz("engine", on_streams(&events()), &JSON, |input| {
        let (stream, value) = stream_and_value(input);
        let at = Some(world.now);
        let input = Input {
            stream,
            key: Some(b"acme"),
            value: Some(value),
            headers: Headers::NONE,
            timestamp: at,
            format: &Format::Native,
            broker_timestamp: at,
        };
        let outcome = world.task.process(&input, world.now);
        applied += u32::from(outcome == Outcome::Applied);
        if applied >= 50 {
            applied = 0;
            world.round();
        }
        match outcome {
            Outcome::DeadLetter(rejection) => format!("{} {}", rejection.code.name(), rejection.reason),
            outcome => format!("{outcome:?} {stream:?}"),
        }
    });
}
