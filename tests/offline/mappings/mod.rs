//! Mappings: the shipped ones against payloads of their providers, and the language against home-made JSON.

mod documents;
mod language;
mod robustness;
mod shipped;

use std::path::Path;

use churnwatch::config::mapping;
use churnwatch::event::mapping::Mapping;
use churnwatch::event::{Headers, Raw, Record, Rejection, Stream};
use churnwatch::time::Timestamp;

/// A mapping that must be right.
fn compiled(text: &str) -> Mapping {
    mapping::of_text(text, "own", Path::new("own.toml")).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The events of a payload without key, headers and timestamp.
fn read(mapping: &Mapping, stream: Stream, payload: &str) -> Result<Vec<Record<'static>>, Rejection> {
    let rates = crate::event_fixtures::rates();
    mapping.read(payload, &crate::event_fixtures::line(stream, payload.as_bytes()), &crate::event_fixtures::context(&rates))
}

/// The same with a record around it.
fn read_record(
    mapping: &Mapping,
    payload: &str,
    key: Option<&str>,
    headers: &Vec<(String, Vec<u8>)>,
    timestamp: Option<i64>,
) -> Result<Vec<Record<'static>>, Rejection> {
    let rates = crate::event_fixtures::rates();
    let raw = Raw {
        key: key.map(str::as_bytes),
        headers: Headers::of(headers),
        timestamp: timestamp.map(Timestamp),
        ..crate::event_fixtures::line(Stream::Usage, payload.as_bytes())
    };
    mapping.read(payload, &raw, &crate::event_fixtures::context(&rates))
}
