use super::super::testing::{json, record, refusal};
use crate::event::{Code, Event, Stream};

/// The account, read from a value of `account_id`.
fn id(json_value: &str) -> String {
    let text = json("account_profile", &format!(r#""account_id":{json_value}"#));
    record(Stream::Accounts, &text).account.unwrap().into_owned()
}

fn refused_id(json_value: &str) -> Code {
    refusal(Stream::Accounts, &json("account_profile", &format!(r#""account_id":{json_value}"#))).0
}

fn instant(json_value: &str) -> i64 {
    let text = format!(r#"{{"type":"account_profile","occurred_at":{json_value}}}"#);
    record(Stream::Accounts, &text).occurred_at.0
}

fn refused_instant(json_value: &str) -> Code {
    refusal(Stream::Accounts, &format!(r#"{{"type":"account_profile","occurred_at":{json_value}}}"#)).0
}

#[test]
fn an_id_that_is_a_number_is_read_as_its_digits() {
    for (value, expected) in [
        ("360001", "360001"),
        ("-7", "-7"),
        ("-0", "0"),
        ("7.0", "7"),
        ("7e2", "700"),
        ("1234567890123456", "1234567890123456"),
        (r#""007""#, "007"),
        (r#""7.0""#, "7.0"),
    ] {
        assert_eq!(id(value), expected, "{value}");
    }
    assert_eq!(refused_id("7.5"), Code::WrongType);
    assert_eq!(refused_id("12345678901234567"), Code::OutOfRange);
    assert_eq!(refused_id("1e400"), Code::OutOfRange);
    for value in ["true", "[]", "{}"] {
        assert_eq!(refused_id(value), Code::WrongType, "{value}");
    }
}

#[test]
fn escapes_are_resolved_before_the_length_is_checked() {
    assert_eq!(id(r#""\u0061\n\"\\\ud83d\ude00""#), "a\n\"\\\u{1f600}");
    assert_eq!(id(r#""\u0061\u0061\u0061\u0061""#), "aaaa");
    assert_eq!(id(r#""1234567890123456""#).len(), 16);
    assert_eq!(refused_id(r#""12345678901234567""#), Code::OutOfRange);
    assert_eq!(refused_id("\"\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}x\""), Code::OutOfRange);
}

#[test]
fn numbers_below_10_to_the_11_are_seconds_and_from_there_milliseconds() {
    for (value, expected) in [
        ("0", 0),
        ("1700000000", 1_700_000_000_000),
        ("\"1700000000\"", 1_700_000_000_000),
        ("1700000000.1239999", 1_700_000_000_123),
        ("99999999999", 99_999_999_999_000),
        ("99999999999.9999", 99_999_999_999_999),
        ("100000000000", 100_000_000_000),
        ("1e11", 100_000_000_000),
        ("\"1700000000123\"", 1_700_000_000_123),
        ("1700000000123.9", 1_700_000_000_123),
        ("1700000000.0e0", 1_700_000_000_000),
        ("99999999999999", 99_999_999_999_999),
        ("99999999999999.9", 99_999_999_999_999),
    ] {
        assert_eq!(instant(value), expected, "{value}");
    }
}

#[test]
fn microseconds_and_nanoseconds_are_rejected_by_name() {
    for (value, unit) in [
        ("100000000000000", "microseconds"),
        ("\"1700000000000000\"", "microseconds"),
        ("1700000000000000.5", "microseconds"),
        ("99999999999999999", "microseconds"),
        ("100000000000000000", "nanoseconds"),
        ("1700000000000000000", "nanoseconds"),
        ("1e400", "nanoseconds"),
    ] {
        let (code, reason) = refusal(Stream::Accounts, &format!(r#"{{"type":"account_profile","occurred_at":{value}}}"#));
        assert!(code == Code::OutOfRange && reason.contains(unit), "{value}: {reason}");
        let (code, reason) = refusal(Stream::Accounts, &json("account_profile", &format!(r#""signed_up_at":{value}"#)));
        assert!(code == Code::OutOfRange && reason.starts_with("signed_up_at looks like") && reason.contains(unit), "{value}: {reason}");
    }
}

#[test]
fn an_event_before_time_earliest_is_out_of_range() {
    let values = ["-1", "-0.0001", "-62135596801", "\"-1e400\"", "\"0001-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00+14:00\""];
    for value in values {
        let refused = refusal(Stream::Accounts, &format!(r#"{{"type":"account_profile","occurred_at":{value}}}"#));
        assert_eq!(refused, (Code::OutOfRange, "occurred_at is before time.earliest".to_owned()), "{value}");
    }
}

#[test]
fn text_other_than_ids_is_truncated_at_a_character() {
    let name = |json_value: &str| {
        let text = json("account_profile", &format!(r#""name":{json_value}"#));
        let record = record(Stream::Accounts, &text);
        match record.event {
            Event::Profile(profile) => (profile.name.unwrap().into_owned(), record.cut_text),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(name(r#""1234567890123456""#), ("1234567890123456".to_owned(), false));
    assert_eq!(name(r#""12345678901234567""#), ("1234567890123456".to_owned(), true));
    assert_eq!(name("\"123456789012345\u{e9}\""), ("123456789012345".to_owned(), true));
    assert_eq!(name(r#""\u0031234567890123456\u00e9""#), ("1234567890123456".to_owned(), true));
}

#[test]
fn text_is_rfc_3339_with_an_offset() {
    assert_eq!(instant("\"1970-01-01T00:00:01.0019999Z\""), 1001);
    assert_eq!(instant("\"1970-01-01T01:00:00+01:00\""), 0);
    for value in ["\"1970-01-01\"", "\"1970-01-01T00:00:00\"", "\"soon\"", "\"NaN\"", "\"0000-01-01T00:00:00Z\"", "true", "{}", "[1]"] {
        assert_eq!(refused_instant(value), Code::WrongType, "{value}");
    }
}
