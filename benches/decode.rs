//! The cost of decoding one record: the reference record for throughput figures, and each example event.
//!
//! `cargo bench --bench decode`; items/s are records per second on one core.

#[path = "../tests/event_fixtures/mod.rs"]
mod event_fixtures;

use std::fmt;

use churnwatch::event::{Stream, decode};
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
    let raw = event_fixtures::line(stream, json.as_bytes());
    let bencher = bencher.counter(ItemsCount::new(1_usize)).counter(BytesCount::of_str(json));
    bencher.bench(|| decode(black_box(&raw), &context).is_ok());
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
