//! From lines to records: the order of checks, then duplicates and late records, in file order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::check;
use super::fields::{Code, Fields, required};
use super::settings::Settings;
use super::zone::{DAY, HOUR};
use super::{Files, STREAMS};

const RECORD_BYTES: usize = 1 << 20;
const DEPTH: usize = 128;

/// A record that was applied, or one that was late.
pub struct Record {
    /// Its stream.
    pub stream: &'static str,
    /// Its type.
    pub kind: String,
    /// Its account; `None`: a cost.
    pub account: Option<String>,
    /// Its id; empty if it has none.
    pub id: String,
    /// When it occurred.
    pub at: i64,
    /// Its line, from 1.
    #[allow(dead_code, reason = "of use where lines are offsets of a topic")]
    pub line: u64,
    /// All its fields.
    pub body: Map<String, Value>,
    /// Too old for any window.
    pub late: bool,
}

impl Record {
    /// Its fields.
    pub fn fields(&self) -> Fields<'_> {
        Fields(&self.body)
    }

    /// Whether it deletes its account.
    pub fn deletes(&self) -> bool {
        self.kind == "account_profile" && self.fields().flag("deleted") == Ok(Some(true))
    }
}

/// Outcome counts of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that are not blank.
    pub read: u64,
    /// Records that took effect, or will when their time comes.
    pub applied: u64,
    /// Duplicates.
    pub duplicate: u64,
    /// Too old for any window.
    pub late: u64,
    /// Of an unknown type.
    pub ignored: u64,
    /// Dead letters by code.
    pub dead_letter: BTreeMap<String, u64>,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetter {
    /// The stream of its file.
    pub stream: String,
    /// Its line, from 1.
    pub line: u64,
    /// Its dead-letter code.
    pub code: String,
}

/// Everything in the files.
#[derive(Default)]
pub struct Input {
    /// Applied and late records in file order.
    pub records: Vec<Record>,
    /// Counts by stream.
    pub counts: BTreeMap<&'static str, Counts>,
    /// Dead letters by stream and line.
    pub dead_letters: Vec<DeadLetter>,
    /// The earliest valid record at or before T by stream.
    pub earliest: BTreeMap<&'static str, i64>,
}

/// Processes every line of every file as of `t`.
pub fn read(files: &Files, settings: &Settings, t: i64) -> Input {
    let mut input = Input::default();
    for stream in STREAMS {
        if let Some(lines) = files.get(stream) {
            read_stream(stream, lines, settings, t, &mut input);
        }
    }
    input
}

fn read_stream(stream: &'static str, lines: &[Vec<u8>], settings: &Settings, t: i64, input: &mut Input) {
    let mut counts = Counts::default();
    let mut seen: BTreeSet<(Option<String>, String, String, i64)> = BTreeSet::new();
    let mut newest = i64::MIN;
    for (number, line) in (1..).zip(lines) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        counts.read += 1;
        let mut record = match decode(stream, line, settings, t) {
            Ok(Some(record)) => Record { line: number, ..record },
            Ok(None) => {
                counts.ignored += 1;
                continue;
            }
            Err(code) => {
                *counts.dead_letter.entry(code.to_owned()).or_default() += 1;
                input.dead_letters.push(DeadLetter { stream: stream.to_owned(), line: number, code: code.to_owned() });
                continue;
            }
        };
        if record.at <= t {
            newest = newest.max(record.at);
            let earliest = input.earliest.entry(stream).or_insert(record.at);
            *earliest = (*earliest).min(record.at);
        }
        let key = (record.account.clone(), record.kind.clone(), record.id.clone(), record.at);
        let remembered = record.at > newest.saturating_sub(settings.dedup_days * DAY);
        if !record.id.is_empty() && remembered && seen.contains(&key) {
            counts.duplicate += 1;
            continue;
        }
        let told_before = !record.id.is_empty() && !seen.insert(key);
        record.late = late_days(stream).is_some_and(|days| record.at <= newest.saturating_sub(days * DAY));
        if record.late {
            counts.late += 1;
        } else {
            counts.applied += 1;
        }
        if !(told_before && changes_nothing(&record)) {
            input.records.push(record);
        }
    }
    input.counts.insert(stream, counts);
}

/// Whether a repeated record changes nothing, whatever it contains, after its id has been forgotten.
fn changes_nothing(record: &Record) -> bool {
    record.account.is_some() && ["billing", "support", "accounts"].contains(&record.stream)
}

/// After how many days a record of the stream is late.
fn late_days(stream: &str) -> Option<i64> {
    match stream {
        "usage" => Some(92),
        "feedback" => Some(400),
        _ => None,
    }
}

/// A record, `None` if its type is unknown, or the code of its error.
fn decode(stream: &'static str, line: &[u8], settings: &Settings, t: i64) -> Result<Option<Record>, Code> {
    let Value::Object(body) = object(line)? else { return Err("wrong_type") };
    let fields = Fields(&body);
    let kind = match fields.get("type") {
        None => return Err("missing_field"),
        Some(Value::String(kind)) => kind.clone(),
        Some(_) => return Err("wrong_type"),
    };
    if !check::types(stream).contains(&kind.as_str()) {
        return Ok(None);
    }
    let account = if kind == "cost_recorded" { None } else { Some(required(fields.id("account_id"))?) };
    let at = required(fields.any_instant("occurred_at"))?;
    if at < settings.zone.start(settings.earliest) {
        return Err("out_of_range");
    }
    if at > t + settings.max_future_hours * HOUR {
        return Err("future_time");
    }
    check::check(&kind, fields, settings)?;
    let id = fields.id("id")?.unwrap_or_default();
    Ok(Some(Record { stream, kind, account, id, at, line: 0, body, late: false }))
}

/// The JSON value of a line: size, framing, UTF-8, depth, JSON.
fn object(line: &[u8]) -> Result<Value, Code> {
    if line.len() > RECORD_BYTES {
        return Err("too_large");
    }
    // Framed for a schema registry: a zero byte and a schema id of four bytes come first.
    let line = match line {
        [0, _, _, _, _, rest @ ..] if rest.trim_ascii_start().starts_with(b"{") => rest,
        [0, _, _, _, _, _, ..] => return Err("invalid_json"),
        line => line,
    };
    let text = std::str::from_utf8(line).map_err(|_| "invalid_utf8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if depth(text) > DEPTH {
        return Err("too_deep");
    }
    serde_json::from_str(&shallow(text)?).map_err(|_| "invalid_json")
}

/// For each byte of a text, the nesting depth after it; brackets inside strings do not count.
fn depths(text: &str) -> Vec<usize> {
    let (mut open, mut in_string, mut escaped) = (0_usize, false, false);
    let mut depths = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => open += 1,
            b']' | b'}' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        depths.push(open);
    }
    depths
}

fn depth(text: &str) -> usize {
    depths(text).into_iter().max().unwrap_or(0)
}

/// The text with every value at the deepest level allowed replaced by `null` once it has been found valid: the JSON library stops
/// one level before that.
fn shallow(text: &str) -> Result<String, Code> {
    let depths = depths(text);
    let mut out = Vec::new();
    let mut deepest = Vec::new();
    for (byte, depth) in text.bytes().zip(depths) {
        if depth == DEPTH {
            deepest.push(byte);
        } else if deepest.is_empty() {
            out.push(byte);
        } else {
            deepest.push(byte);
            serde_json::from_slice::<Value>(&deepest).map_err(|_| "invalid_json")?;
            out.extend_from_slice(b"null");
            deepest.clear();
        }
    }
    out.append(&mut deepest);
    String::from_utf8(out).map_err(|_| "invalid_json")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Files;
    use super::{Counts, Input, object, read};
    use crate::oracle::settings::Settings;
    use crate::oracle::zone::DAY;

    const T: i64 = 1_772_357_400_000;

    fn usage(lines: &[String]) -> Input {
        let files: Files = BTreeMap::from([("usage", lines.iter().map(|line| line.clone().into_bytes()).collect())]);
        read(&files, &Settings::default(), T)
    }

    fn used(id: &str, at: i64) -> String {
        format!(r#"{{"id":"{id}","type":"feature_used","account_id":"a","user_id":"u","feature":"f","occurred_at":{at}}}"#)
    }

    #[test]
    fn a_duplicate_is_detected_only_within_seven_days_of_the_newest_record() {
        let old = T - 7 * DAY;
        let input = usage(&[used("1", old), used("1", old), used("2", T), used("1", old), used("2", T), used("3", old + 1)]);
        assert_eq!(input.counts["usage"], Counts { read: 6, applied: 4, duplicate: 2, ..Counts::default() });
    }

    #[test]
    fn a_record_ninety_two_days_before_the_newest_is_late() {
        let input = usage(&[used("1", T - 92 * DAY), used("2", T), used("3", T - 92 * DAY), used("4", T - 92 * DAY + 1)]);
        assert_eq!(input.counts["usage"], Counts { read: 4, applied: 3, late: 1, ..Counts::default() });
    }

    #[test]
    fn depth_128_is_accepted_and_129_is_too_deep() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        assert!(object(&nested(128)).is_ok());
        assert_eq!(object(&nested(129)), Err("too_deep"));
    }

    #[test]
    fn the_first_failed_check_determines_the_code() {
        let lines = [
            "\u{feff}{".to_owned(),
            "[1]".to_owned(),
            r#"{"type":"","account_id":5}"#.to_owned(),
            r#"{"type":"unheard_of"}"#.to_owned(),
            r#"{"type":"feature_used","occurred_at":"x"}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":"2026-03-01"}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":"2027-03-01T00:00:00Z"}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":1000000000,"user_id":7,"feature":null,"count":0}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":1000000000,"user_id":[],"feature":"f","count":0}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":1000000000,"feature":"f","count":0}"#.to_owned(),
            r#"{"type":"feature_used","account_id":"a","occurred_at":1,"feature":null}"#.to_owned(),
        ];
        let input = usage(&lines);
        let codes: Vec<&str> = input.dead_letters.iter().map(|letter| letter.code.as_str()).collect();
        let missing = "missing_field";
        let expected = [
            "invalid_json",
            "wrong_type",
            missing,
            missing,
            "wrong_type",
            "future_time",
            missing,
            "wrong_type",
            "out_of_range",
            "out_of_range",
        ];
        assert_eq!(codes, expected);
        assert_eq!(input.counts["usage"].ignored, 1);
    }
}
