//! `churnwatch check --sample`: what would become of each line of a file, without Kafka and without a configuration.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Clock;
use crate::config::Config;
use crate::event::{self, Code, DecodeContext, Decoded, Format, Headers, Place, Raw, Record, Rejection, Shape, Stream};
use crate::file::{self, Existing, Output};
use crate::replay;
use crate::time::Timestamp;

/// A file to try.
pub(super) struct Sample<'a> {
    /// Its path; `-` is standard input.
    pub(super) path: &'a Path,
    /// The stream that it belongs to.
    pub(super) stream: Stream,
    /// The format of its records.
    pub(super) format: &'a Format,
    /// Whether each line is a record with key and timestamp rather than a value alone.
    pub(super) records: bool,
}

/// A record of a topic, as a line.
#[derive(Deserialize)]
struct WholeRecord<'a> {
    key: Option<serde_json::Value>,
    timestamp: Option<serde_json::Value>,
    headers: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// What would become of a line.
#[derive(Default, Serialize)]
struct Verdict {
    line: u64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Sample<'_> {
    /// Writes a verdict per line to standard output, and a summary to standard error; if quiet, only one that is bad. Fails if no line would be applied.
    ///
    /// # Errors
    /// If the file cannot be read or the output cannot be written.
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<ExitCode> {
        let settings = config.settings();
        let (context, now) = (settings.decode_context(), Clock::Wall.now());
        let mut output = Output::create(Path::new("-"), Existing::Refuse)?;
        let (mut read, mut applied) = (0_u64, 0_u64);
        let cannot_read = |error| anyhow::anyhow!("cannot read {}: {}", self.path.display(), file::cannot_read(self.path, &error));
        let mut lines = BufReader::new(self.open().map_err(cannot_read)?);
        let whole = Shape::of_file(lines.fill_buf().map_err(cannot_read)?, self.stream).and_then(|shape| shape.under(self.format));
        for (line, bytes) in (1..).zip(lines.split(b'\n')) {
            let bytes = bytes.map_err(cannot_read)?;
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let verdict = self.verdict(bytes.trim_ascii_end(), &context, now).unwrap_or_else(|rejection| rejected(&rejection, None));
            read += 1;
            applied += u64::from(verdict.events.is_some());
            output.line(&serde_json::to_vec(&Verdict { line, ..verdict })?)?;
        }
        output.finish()?;
        if !quiet || applied == 0 {
            let advice = whole.filter(|_| applied == 0 && !self.records).map(|shape| format!("; {}", shape.advice(Place::File)));
            let (path, stream, advice) = (self.path.display(), self.stream.name(), advice.unwrap_or_default());
            eprintln!("{path}: {applied} of {read} records would be applied to the {stream} stream{advice}");
        }
        Ok(if applied > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn open(&self) -> io::Result<Box<dyn Read>> {
        let is_standard = self.path == Path::new("-");
        let source: Box<dyn Read> = if is_standard { Box::new(io::stdin().lock()) } else { Box::new(File::open(self.path)?) };
        replay::lines(self.path, source, self.stream)
    }

    /// # Errors
    /// If a line should be a whole record and is not.
    fn verdict(&self, line: &[u8], context: &DecodeContext, now: Timestamp) -> Result<Verdict, Rejection> {
        let plain = |value| Raw {
            stream: self.stream,
            key: None,
            value: Some(value),
            headers: Headers::NONE,
            timestamp: None,
            future_reference: Some(now),
        };
        if !self.records {
            return Ok(self.verdict_on(&plain(line), context));
        }
        let broken =
            |what: &str| Rejection::new(Code::InvalidJson, format!("the line is not a record with key, timestamp and value: {what}"));
        let record: WholeRecord<'_> = serde_json::from_slice(line).map_err(|error| broken(&error.to_string()))?;
        if record.key.is_none() && record.timestamp.is_none() && record.headers.is_none() && record.value.is_none() {
            return Err(broken("it has none of them; if it is an event, leave out --records"));
        }
        let key = record.key.map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
        let timestamp = record.timestamp.as_ref().map(|at| instant(at).ok_or_else(|| broken("the timestamp is not in milliseconds")));
        let timestamp = timestamp.transpose()?;
        let value = record.value.map(|value| bytes_of(value.get()));
        let future_reference = Some(timestamp.unwrap_or(now));
        let headers: Vec<(String, Vec<u8>)> = record.headers.into_iter().flatten().filter_map(header).collect();
        let headers = Headers::of(&headers);
        let raw =
            Raw { headers, key: key.as_deref().map(str::as_bytes), value: value.as_deref(), timestamp, future_reference, ..plain(&[]) };
        Ok(self.verdict_on(&raw, context))
    }

    fn verdict_on(&self, raw: &Raw<'_>, context: &DecodeContext) -> Verdict {
        let shape = || raw.value.and_then(|value| Shape::of_value(value, raw.stream)).and_then(|shape| shape.under(self.format));
        match self.format.decode(raw, context) {
            Ok(Decoded::Ignored) if *self.format != Format::Native => {
                let reason = format!("{}: known, and not needed", self.format.name());
                Verdict { outcome: "ignored", reason: Some(reason), ..Verdict::default() }
            }
            Ok(Decoded::Ignored) => {
                let reason = shape().unwrap_or(Shape::UnknownType).advice(Place::File);
                Verdict { outcome: "ignored", reason: Some(reason), ..Verdict::default() }
            }
            Ok(decoded) => {
                let as_native = |record: &Record<'_>| if *self.format == Format::Native { native(raw, record) } else { encoded(record) };
                let events = decoded.records().iter().map(as_native).collect();
                Verdict { outcome: "applied", events: Some(events), ..Verdict::default() }
            }
            Err(rejection) => rejected(&rejection, shape()),
        }
    }
}

/// An event of another format as a native one that needs neither key nor record timestamp. The system in which its account is an alias
/// stands beside it: a native event has no such field, since it names the account itself.
fn encoded(record: &Record<'_>) -> Box<RawValue> {
    let mut json = Vec::new();
    event::encode(&Record { payload_time: true, ..record.clone() }, &mut json);
    if let Some(system) = record.account_system.as_deref().and_then(|system| to_raw_value(system).ok()) {
        json.pop();
        json.extend_from_slice(format!(",\"account_system\":{system}}}").as_bytes());
    }
    serde_json::from_slice(&json).unwrap_or_default()
}

/// The bytes of a value: those of a text, or the JSON itself.
fn bytes_of(json: &str) -> Vec<u8> {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned()).into_bytes()
}

/// A header with its value as bytes; `None` if it is null.
fn header((name, value): (String, serde_json::Value)) -> Option<(String, Vec<u8>)> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some((name, text.into_bytes())),
        value => Some((name, value.to_string().into_bytes())),
    }
}

fn instant(value: &serde_json::Value) -> Option<Timestamp> {
    value.as_i64().map(Timestamp).or_else(|| Timestamp::parse_rfc3339(value.as_str()?))
}

fn rejected(rejection: &Rejection, shape: Option<Shape>) -> Verdict {
    let advice = shape.map_or_else(|| rejection.remedy().to_owned(), |shape| shape.advice(Place::File));
    let (code, reason) = (rejection.code.name(), rejection.reason.to_string());
    Verdict { outcome: "dead_letter", code: Some(code), reason: Some(reason), advice: Some(advice), ..Verdict::default() }
}

/// The event as one JSON object that needs neither key nor record timestamp. Values stay as they are written.
fn native(raw: &Raw<'_>, record: &Record<'_>) -> Box<RawValue> {
    let mut fields: BTreeMap<String, Box<RawValue>> = raw.value.and_then(object).unwrap_or_default();
    let mut complete = |name: &str, value: Option<&str>| {
        let is_given = fields.get(name).is_some_and(|value| !matches!(value.get(), "null" | "\"\""));
        if let Some(value) = value.filter(|_| !is_given).and_then(|value| to_raw_value(value).ok()) {
            fields.insert(name.to_owned(), value);
        }
    };
    complete("type", Some(record.type_name));
    complete("account_id", record.account.as_deref());
    complete("occurred_at", Some(&record.occurred_at.to_string()));
    if let (None, Ok(deleted)) = (raw.value, to_raw_value(&true)) {
        fields.insert("deleted".to_owned(), deleted);
    }
    to_raw_value(&fields).unwrap_or_default()
}

/// The fields of a value that has been decoded, behind framing and byte-order mark.
fn object(value: &[u8]) -> Option<BTreeMap<String, Box<RawValue>>> {
    let payload = event::framed(value).map_or(value, |(_, payload)| payload);
    let text = std::str::from_utf8(payload).ok()?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn verdict_on(stream: Stream, records: bool, line: &str) -> serde_json::Value {
        let sample = Sample { path: Path::new("-"), stream, format: &Format::Native, records };
        let verdict = sample.verdict(line.as_bytes(), &Settings::default().decode_context(), Timestamp(1_800_000_000_000));
        serde_json::to_value(verdict.unwrap_or_else(|rejection| rejected(&rejection, None))).unwrap()
    }

    #[test]
    fn a_good_line_is_applied_as_it_is() {
        let line = r#"{"type":"feature_used","account_id":"a","occurred_at":"2026-01-01T00:00:00Z","feature":"f","count":6.0}"#;
        let verdict = verdict_on(Stream::Usage, false, line);
        assert_eq!((&verdict["outcome"], &verdict["events"][0]), (&"applied".into(), &serde_json::from_str(line).unwrap()));
    }

    #[test]
    fn a_bad_line_has_code_reason_and_advice() {
        let verdict = verdict_on(Stream::Usage, false, "acme,report");
        assert_eq!((&verdict["outcome"], &verdict["code"]), (&"dead_letter".into(), &"invalid_json".into()));
        assert!(verdict["reason"].as_str().unwrap().contains("not valid JSON") && verdict["advice"].as_str().unwrap().contains("CSV"));
        let unknown = verdict_on(Stream::Usage, false, r#"{"type":"ticket_opened"}"#);
        assert_eq!(unknown["outcome"], "ignored");
        assert!(unknown["reason"].as_str().unwrap().contains("support stream"), "{unknown}");
    }

    #[test]
    fn a_record_gives_the_event_its_account_and_time() {
        let event = r#"{"type":"feature_used","feature":"f","account_id":""}"#;
        for value in [event.to_owned(), serde_json::to_string(event).unwrap()] {
            let line = format!(r#"{{"key":"acme","timestamp":1767225600000,"headers":{{}},"value":{value}}}"#);
            let verdict = verdict_on(Stream::Usage, true, &line);
            let event = &verdict["events"][0];
            assert_eq!((&event["account_id"], &event["occurred_at"]), (&"acme".into(), &"2026-01-01T00:00:00Z".into()), "{verdict}");
        }
    }

    #[test]
    fn a_record_with_a_null_value_deletes_its_account() {
        let verdict = verdict_on(Stream::Accounts, true, r#"{"key":"acme","timestamp":1767225600000,"value":null}"#);
        let event = &verdict["events"][0];
        assert_eq!((&event["type"], &event["deleted"], &event["account_id"]), (&"account_profile".into(), &true.into(), &"acme".into()));
    }

    #[test]
    fn a_line_that_is_not_a_record_says_so() {
        for line in ["{", "[]", r#"{"key":"a","timestamp":"yesterday","value":{}}"#] {
            let verdict = verdict_on(Stream::Usage, true, line);
            assert!(verdict["reason"].as_str().unwrap().starts_with("the line is not a record"), "{verdict}");
        }
    }
}
