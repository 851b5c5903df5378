//! One valid event of each type, from `tests/fixtures/events/<stream>/`.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test that asks for it")]

use std::fs;
use std::path::{Path, PathBuf};

use churnwatch::event::{DecodeContext, Headers, Raw, Stream};
use churnwatch::money::{Currency, RateTable, Rates};
use churnwatch::time::Timestamp;
use rust_decimal::Decimal;

/// An event as in its file.
#[derive(Clone, Debug)]
pub struct Fixture {
    pub stream: Stream,
    /// Its name is the event type, optionally followed by a dot and what is special about this example.
    pub path: PathBuf,
    pub json: String,
}

/// Every event, ordered by stream and name.
pub fn all() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/events");
    let mut fixtures: Vec<_> = Stream::ALL.into_iter().flat_map(|stream| of_stream(stream, &root.join(stream.name()))).collect();
    fixtures.sort_by(|a, b| (a.stream, &a.path).cmp(&(b.stream, &b.path)));
    fixtures
}

fn of_stream(stream: Stream, folder: &Path) -> Vec<Fixture> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inputs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let fixture = |path: PathBuf| {
        let json = fs::read_to_string(&path).unwrap().trim_end().to_owned();
        Fixture { stream, path, json }
    };
    inputs.map(fixture).collect()
}

/// Rates of every currency that the events use; USD is the reporting currency.
pub fn rates() -> Rates {
    let rate = |code: &str| (Currency::parse(code).unwrap(), Decimal::ONE);
    Rates::new(Currency::USD, vec![RateTable { valid_from: Timestamp(0), rates: vec![rate("EUR"), rate("JPY"), rate("KWD")] }])
}

/// The default limits.
pub fn context(rates: &Rates) -> DecodeContext {
    DecodeContext {
        record_bytes: 1_048_576,
        text_bytes: 256,
        id_bytes: 256,
        earliest: Timestamp(0),
        max_future_ms: 86_400_000,
        rates: Some(rates.clone()),
    }
}

/// A record without key and timestamp, like a line of a file.
pub fn line(stream: Stream, value: &[u8]) -> Raw<'_> {
    Raw { stream, key: None, value: Some(value), headers: Headers::NONE, timestamp: None, future_reference: None }
}
