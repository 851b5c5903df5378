//! The cost of decoding one record: the reference record for throughput figures, each example event, and a payload of each format with an
//! adapter beside the bare parse of the same bytes; and the cost of the repartition stage's router.
//!
//! `cargo bench --bench decode`; items/s are records per second on one core.

#[path = "../tests/event_fixtures/mod.rs"]
mod event_fixtures;

use std::fmt;
use std::time::Instant;

use churnwatch::alias::Aliases;
use churnwatch::event::{AccountProfile, DecodeContext, Decoded, Format, Headers, Raw, SegmentOptions, Stream, StripeOptions, decode};
use churnwatch::partitioner::Partitioner;
use churnwatch::stream::repartition::router::{Routed, Router};
use churnwatch::time::Timestamp;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use event_fixtures::Fixture;

fn main() {
    divan::main();
    // With arguments, somebody is looking at a single benchmark.
    if std::env::args().all(|argument| argument == "--bench" || !argument.starts_with('-')) && std::env::args().count() <= 2 {
        print_speeds();
    }
}

/// The table that the targets of adapters and of the repartition stage refer to.
#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn print_speeds() {
    println!(
        "\nspeed of each adapter, in times that of the bare parse (serde_json::IgnoredAny) of the same bytes; target: {RATIO_TARGET:.2}"
    );
    let rates = event_fixtures::rates();
    let context = event_fixtures::context(&rates);
    for name in ADAPTERS {
        let (format, stream, json) = payload(name);
        let headers = headers(name);
        let json = json.as_str();
        let value = if headers.is_empty() { json } else { CLOUD_EVENT_DATA };
        let adapter = || format.decode(black_box(&record(stream, value, &headers)), &context).is_ok();
        let [bare, adapter] = fastest([&|| is_json(json), &adapter]);
        let (bytes, ratio) = (json.len(), bare / adapter);
        let verdict = if ratio < RATIO_TARGET { "below target" } else { "met" };
        println!("  {name:<22} {bytes:>5} bytes   bare {bare:>6.0} ns   adapter {adapter:>6.0} ns   {ratio:.2}   {verdict}");
    }
    println!("\nrecords per CPU-second through the router of the repartition stage; target: 300,000 with records of 250 bytes");
    for name in ["segment", "native"] {
        let (format, json) = routed(name);
        let (router, aliases) = (router_of(&context), aliases());
        let output = std::cell::RefCell::new(Routed::default());
        let line = || event_fixtures::line(Stream::Usage, json.as_bytes());
        let route = || router.route(black_box(&line()), &format, 0, Some(&aliases), &mut output.borrow_mut()).is_ok();
        let [nanoseconds] = fastest([&route]);
        println!("  {name:<12} {:>5} bytes   {:>9.0}", json.len(), 1e9 / nanoseconds);
    }
}

/// How fast an adapter is to be, in times the speed of the bare parse.
const RATIO_TARGET: f64 = 0.6;

fn is_json(json: &str) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(black_box(json.as_bytes())).is_ok()
}

/// The time that each takes, in nanoseconds: that of the fastest of many samples, taken in turns, since other work on the machine can only
/// slow a sample down.
fn fastest<const N: usize>(candidates: [&dyn Fn() -> bool; N]) -> [f64; N] {
    const SAMPLES: u32 = 2_000;
    const CALLS: u32 = 200;
    let mut fastest = [f64::INFINITY; N];
    for _ in 0..SAMPLES {
        for (best, candidate) in fastest.iter_mut().zip(candidates) {
            let began = Instant::now();
            for _ in 0..CALLS {
                assert!(candidate());
            }
            *best = best.min(began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
        }
    }
    fastest
}

/// 244 bytes, with every field that usage events commonly have and one that is ignored.
const FEATURE_USED: &str = concat!(
    r#"{"id":"01HV6Z3E8Q4N6S0T2W4Y6A8C0E","type":"feature_used","account_id":"account-0042137","#,
    r#""occurred_at":"2026-03-01T09:30:00.123Z","user_id":"user-0000091734","feature":"report.export.spreadsheet","#,
    r#""session_id":"5f1c9e2a","count":1,"source":"web"}"#
);

#[divan::bench]
fn feature_used(bencher: Bencher<'_, '_>) {
    measure(bencher, Stream::Usage, FEATURE_USED);
}

#[divan::bench(args = examples())]
fn example(bencher: Bencher<'_, '_>, example: &Example) {
    measure(bencher, example.0.stream, &example.0.json);
}

fn measure(bencher: Bencher<'_, '_>, stream: Stream, json: &str) {
    let rates = event_fixtures::rates();
    let context = event_fixtures::context(&rates);
    let bencher = bencher.counter(ItemsCount::new(1_usize)).counter(BytesCount::of_str(json));
    bencher.bench(|| decode(black_box(&event_fixtures::line(stream, json.as_bytes())), &context).is_ok());
}

/// A call as Segment's browser library sends it, with its usual context.
const SEGMENT_TRACK: &str = concat!(
    r#"{"anonymousId":"23adfd82-aa0f-45a7-a756-24f2a7a4c895","context":{"groupId":"acme","library":{"name":"analytics.js","version":"2.11.1"},"#,
    r#""page":{"path":"/academy/","referrer":"","search":"","title":"Analytics Academy","url":"https://app.example/academy/"},"#,
    r#""userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_5) AppleWebKit/537.36","ip":"108.0.78.21"},"event":"Course Clicked","#,
    r#""integrations":{},"messageId":"ajs-f8ca1e4de5024d9430b3928bd8ac6b96","properties":{"title":"Intro to Analytics"},"#,
    r#""receivedAt":"2026-03-01T09:30:01.266Z","sentAt":"2026-03-01T09:30:00.900Z","timestamp":"2026-03-01T09:30:00.123Z","#,
    r#""type":"track","userId":"AiUGstSDIg","originalTimestamp":"2026-03-01T09:29:59.863Z"}"#
);

/// An update of a subscription with one item, in the form of the API since 2025-03-31.
const STRIPE_SUBSCRIPTION: &str = concat!(
    r#"{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","object":"event","api_version":"2025-03-31.basil","created":1772357400,"data":{"object":{"#,
    r#""id":"sub_1MowQVLkdIwHu7ixeRlqHVzs","object":"subscription","application":null,"automatic_tax":{"enabled":false,"liability":null},"#,
    r#""billing_cycle_anchor":1772323200,"cancel_at":null,"cancel_at_period_end":false,"canceled_at":null,"cancellation_details":{"comment":"#,
    r#"null,"feedback":null,"reason":null},"collection_method":"charge_automatically","created":1772323200,"currency":"usd","customer":"#,
    r#""cus_Na6dX7aXxi11N4","days_until_due":null,"default_payment_method":null,"description":null,"discounts":[],"ended_at":null,"items":{"#,
    r#""object":"list","data":[{"id":"si_NcLYdDxLHxlFo7","object":"subscription_item","created":1772323200,"current_period_end":1775001600,"#,
    r#""current_period_start":1772323200,"discounts":[],"metadata":{},"price":{"id":"price_1MoBy5LkdIwHu7ixZhnattbh","object":"price","active":"#,
    r#"true,"billing_scheme":"per_unit","created":1772323200,"currency":"usd","custom_unit_amount":null,"livemode":false,"lookup_key":null,"#,
    r#""metadata":{},"nickname":null,"product":"prod_NZKdYqrwEYx6iK","recurring":{"interval":"month","interval_count":1,"usage_type":"#,
    r#""licensed"},"tax_behavior":"unspecified","tiers_mode":null,"transform_quantity":null,"type":"recurring","unit_amount":1000,"#,
    r#""unit_amount_decimal":"1000"},"quantity":5,"subscription":"sub_1MowQVLkdIwHu7ixeRlqHVzs","tax_rates":[]}],"has_more":false,"#,
    r#""total_count":1,"url":"/v1/subscription_items"},"latest_invoice":"in_1MowQWLkdIwHu7ixuzkSPfKd","livemode":false,"metadata":{},"#,
    r#""pause_collection":null,"start_date":1772323200,"status":"active","trial_end":null,"trial_start":null}},"livemode":false,"#,
    r#""pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"customer.subscription.updated"}"#
);

/// A comment of an agent, as Zendesk's event webhooks send it.
const ZENDESK_COMMENT: &str = concat!(
    r#"{"account_id":22129848,"detail":{"actor_id":"8447388090494","assignee_id":"8447388090494","brand_id":"8447346621310","created_at":"#,
    r#""2026-03-01T09:00:00Z","custom_status":"8447320466430","description":"ticket for comment add","external_id":null,"form_id":"#,
    r#""8646151517822","group_id":"8447320466430","id":"5158","is_public":true,"organization_id":"8447346622462","priority":"NORMAL","#,
    r#""requester_id":"8447388090494","status":"OPEN","subject":"ticket for comment add","submitter_id":"8447388090494","tags":["tag"],"type":"#,
    r#""TASK","updated_at":"2026-03-01T09:30:00Z","via":{"channel":"web_service"}},"event":{"comment":{"author":{"id":"8659716080254","is_staff":"#,
    r#"true,"name":"C"},"body":"comment added","id":"8659721980286","is_public":true}},"id":"2b24ef10-19b8-48ad-8c1b-f9d9ef1ea2a5","subject":"#,
    r#""zen:ticket:5158","time":"2026-03-01T09:30:00.468517421Z","type":"zen:event-type:ticket.comment_added","zendesk_event_version":"#,
    r#""2022-11-06"}"#
);

/// An insert into an outbox of native events, without schemas.
const DEBEZIUM_INSERT: &str = concat!(
    r#"{"before":null,"after":{"id":"0192f4a6","type":"feature_used","account_id":"account-0042137","user_id":"user-0000091734","feature":"#,
    r#""report.export.spreadsheet","count":1,"occurred_at":1772357400123456},"source":{"version":"3.0.0.Final","connector":"postgresql","name":"#,
    r#""app","ts_ms":1772357400123,"snapshot":"false","db":"app","sequence":"[\"24023119\",\"24023128\"]","ts_us":1772357400123456,"ts_ns":"#,
    r#"1772357400123456000,"schema":"public","table":"outbox","txId":555,"lsn":24023128,"xmin":null},"transaction":null,"op":"c","ts_ms":"#,
    r#"1772357400321,"ts_us":1772357400321000,"ts_ns":1772357400321000000}"#
);

/// A native event in an envelope, in structured mode.
const CLOUD_EVENT: &str = concat!(
    r#"{"specversion":"1.0","id":"0192f4a6-7d1e-7c3a","source":"/shop/web","type":"com.example.feature_used","time":"2026-03-01T09:30:00.123Z","#,
    r#""subject":"account-0042137","datacontenttype":"application/json","data":{"user_id":"user-0000091734","feature":"#,
    r#""report.export.spreadsheet","session_id":"5f1c9e2a","count":1}}"#
);

/// The value of the same event in binary mode, whose attributes are headers.
const CLOUD_EVENT_DATA: &str = r#"{"user_id":"user-0000091734","feature":"report.export.spreadsheet","session_id":"5f1c9e2a","count":1}"#;

/// The formats with an adapter in code; `CloudEvents` around three of them, and in both modes.
const ADAPTERS: [&str; 8] =
    ["segment", "stripe", "zendesk", "debezium", "cloudevents", "cloudevents binary", "cloudevents of segment", "cloudevents of stripe"];

/// A payload of a format, and its stream. The one of an event in binary mode is what it would be in structured mode: the same attributes and
/// data in JSON.
fn payload(name: &str) -> (Format, Stream, String) {
    match name {
        "segment" => (Format::Segment(SegmentOptions::default()), Stream::Usage, SEGMENT_TRACK.to_owned()),
        "stripe" => (Format::Stripe(StripeOptions::default()), Stream::Billing, STRIPE_SUBSCRIPTION.to_owned()),
        "zendesk" => (Format::Zendesk, Stream::Support, ZENDESK_COMMENT.to_owned()),
        "debezium" => (Format::Debezium(Box::default()), Stream::Usage, DEBEZIUM_INSERT.to_owned()),
        "cloudevents" | "cloudevents binary" => (Format::CloudEvents(Box::default()), Stream::Usage, CLOUD_EVENT.to_owned()),
        around => {
            let (format, stream, data) = payload(around.trim_start_matches("cloudevents of "));
            (Format::CloudEvents(Box::new(format)), stream, CLOUD_EVENT.replace(CLOUD_EVENT_DATA, &data))
        }
    }
}

/// The headers of a record.
fn headers(name: &str) -> Vec<(String, Vec<u8>)> {
    let attributes: &[(&str, &str)] = match name {
        "cloudevents binary" => &[
            ("content-type", "application/json"),
            ("ce_specversion", "1.0"),
            ("ce_id", "0192f4a6-7d1e-7c3a"),
            ("ce_source", "/shop/web"),
            ("ce_type", "com.example.feature_used"),
            ("ce_time", "2026-03-01T09:30:00.123Z"),
            ("ce_subject", "account-0042137"),
        ],
        _ => &[],
    };
    attributes.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn record<'a>(stream: Stream, value: &'a str, headers: &'a Vec<(String, Vec<u8>)>) -> Raw<'a> {
    Raw { headers: Headers::of(headers), ..event_fixtures::line(stream, value.as_bytes()) }
}

#[divan::bench(args = ADAPTERS)]
fn adapter(bencher: Bencher<'_, '_>, name: &str) {
    let (format, stream, json) = payload(name);
    let headers = headers(name);
    let value = if headers.is_empty() { json.as_str() } else { CLOUD_EVENT_DATA };
    let rates = event_fixtures::rates();
    let context = event_fixtures::context(&rates);
    let record = || record(stream, value, &headers);
    let decoded = format.decode(&record(), &context);
    assert!(!decoded.as_ref().is_ok_and(|decoded| *decoded == Decoded::Ignored) && decoded.is_ok(), "{decoded:?}");
    bencher.counter(BytesCount::of_str(value)).bench(|| format.decode(black_box(&record()), &context).is_ok());
}

/// The same bytes, parsed and dropped: the yardstick of adapters.
#[divan::bench(args = ADAPTERS)]
fn ignored(bencher: Bencher<'_, '_>, name: &str) {
    let (_, _, json) = payload(name);
    bencher.counter(BytesCount::of_str(&json)).bench(|| is_json(&json));
}

/// 250 bytes: a call that knows its account only by an alias.
const SHORT_TRACK: &str = concat!(
    r#"{"type":"track","event":"Report Exported","messageId":"ajs-f8ca1e4de5024d9430b3928bd8ac6b96","userId":"user-0000091734","#,
    r#""timestamp":"2026-03-01T09:30:00.123Z","context":{"library":{"name":"analytics.js","version":"2.11.1"}},"properties":{"rows":71204}}"#
);

/// What the repartition stage does with a record besides Kafka: decode, look up the account, write a native event, choose its partition.
#[divan::bench(args = ["segment", "native"])]
fn router(bencher: Bencher<'_, '_>, name: &str) {
    let (format, json) = routed(name);
    let rates = event_fixtures::rates();
    let (router, aliases) = (router_of(&event_fixtures::context(&rates)), aliases());
    let mut output = Routed::default();
    let line = || event_fixtures::line(Stream::Usage, json.as_bytes());
    assert!(router.route(&line(), &format, 0, Some(&aliases), &mut output).is_ok() && !output.is_empty());
    bencher
        .counter(ItemsCount::new(1_usize))
        .counter(BytesCount::of_str(json))
        .bench_local(|| router.route(black_box(&line()), &format, 0, Some(&aliases), &mut output).is_ok() && !output.is_empty());
}

/// A format, and a record in it.
fn routed(name: &str) -> (Format, &'static str) {
    match name {
        "segment" => (Format::Segment(SegmentOptions::default()), SHORT_TRACK),
        _ => (Format::Native, FEATURE_USED),
    }
}

fn router_of(context: &DecodeContext) -> Router {
    Router { context: context.clone(), partitioner: Partitioner::Murmur2, partitions: 12, value_bytes_max: 1_000_000 }
}

/// 100,000 accounts with one alias each.
fn aliases() -> Aliases {
    let mut aliases = Aliases::new(1_000_000);
    for user in 0..100_000 {
        let alias = ("segment-user".into(), format!("user-{user:010}").into());
        let profile = AccountProfile { aliases: vec![alias], ..AccountProfile::default() };
        aliases.note(&format!("account-{user:07}"), Timestamp(0), None, &profile);
    }
    aliases
}

/// An example event under the name of its file.
struct Example(Fixture);

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.path.file_stem().unwrap_or_default().to_string_lossy())
    }
}

fn examples() -> Vec<Example> {
    event_fixtures::all().into_iter().map(Example).collect()
}
