//! The cost of decoding one record: the reference record for throughput figures, and each example event.
//!
//! `cargo bench --bench decode`; items/s are records per second on one core.

#[path = "../tests/event_fixtures/mod.rs"]
mod event_fixtures;

use std::fmt;

use churnwatch::event::{Format, SegmentOptions, Stream, decode};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use event_fixtures::Fixture;

fn main() {
    divan::main();
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

#[divan::bench]
fn segment_track(bencher: Bencher<'_, '_>) {
    let rates = event_fixtures::rates();
    let context = event_fixtures::context(&rates);
    let format = Format::Segment(SegmentOptions::default());
    let line = || event_fixtures::line(Stream::Usage, SEGMENT_TRACK.as_bytes());
    assert!(format.decode(&line(), &context).is_ok());
    bencher.counter(BytesCount::of_str(SEGMENT_TRACK)).bench(|| format.decode(black_box(&line()), &context).is_ok());
}

/// The same bytes, parsed and dropped: the yardstick of adapters.
#[divan::bench]
fn segment_track_ignored(bencher: Bencher<'_, '_>) {
    let parse = || serde_json::from_slice::<serde::de::IgnoredAny>(black_box(SEGMENT_TRACK.as_bytes())).is_ok();
    bencher.counter(BytesCount::of_str(SEGMENT_TRACK)).bench(parse);
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
