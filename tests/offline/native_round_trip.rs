//! A record written in the native format decodes to the same record: every fact is kept, money and times exactly.

use churnwatch::event::{DecodeContext, Decoded, Raw, Record, decode, encode};
use churnwatch::time::Timestamp;
use proptest::prelude::*;

use crate::event_fixtures::Fixture;

/// Decodes `value`, writes what comes out, and decodes that again. Returns whether there was a record to write.
fn assert_round_trip(raw: &Raw<'_>, context: &DecodeContext) -> bool {
    let Ok(Decoded::Record(record)) = decode(raw, context) else { return false };
    let mut written = Vec::new();
    encode(&record, &mut written);
    let again = decode(&Raw { key: None, value: Some(&written), ..*raw }, context);
    let expected = Record { cut_text: false, ..record };
    assert_eq!(again, Ok(Decoded::Record(expected)), "{}", String::from_utf8_lossy(&written));
    true
}

/// With a record timestamp, which is the event time where the payload has none.
fn raw<'a>(fixture: &Fixture, value: &'a [u8]) -> Raw<'a> {
    Raw { timestamp: Some(Timestamp(1_772_357_400_123)), key: Some(b"key"), ..crate::event_fixtures::line(fixture.stream, value) }
}

#[test]
fn every_valid_example_survives() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    for example in crate::event_fixtures::all() {
        assert!(assert_round_trip(&raw(&example, example.json.as_bytes()), &context), "{}", example.path.display());
    }
}

#[test]
fn a_deletion_by_null_value_becomes_a_profile_that_deletes() {
    let context = crate::event_fixtures::context(&crate::event_fixtures::rates());
    let raw = Raw { value: None, key: Some(b"acme"), timestamp: Some(Timestamp(1_772_357_400_000)), ..line_of_accounts() };
    assert!(assert_round_trip(&raw, &context));
}

#[test]
fn the_id_of_a_session_is_replaced_and_nothing_else_is_invented() {
    let context = crate::event_fixtures::context(&crate::event_fixtures::rates());
    let value = br#"{"duration_seconds":"12.50","session_id":77,"type":"Session_Ended","x":1,"account_id":5,"occurred_at":"1965-01-01T00:00:00.5Z"}"#;
    let early = DecodeContext { earliest: Timestamp::MIN, ..context };
    let Ok(Decoded::Record(record)) = decode(&crate::event_fixtures::line(churnwatch::event::Stream::Usage, value), &early) else {
        panic!("a valid record")
    };
    let mut written = Vec::new();
    encode(&record, &mut written);
    let expected =
        r#"{"type":"session_ended","account_id":"5","occurred_at":"1965-01-01T00:00:00.500Z","session_id":"-","duration_seconds":12.5}"#;
    assert_eq!(String::from_utf8(written).unwrap(), expected);
}

fn line_of_accounts() -> Raw<'static> {
    crate::event_fixtures::line(churnwatch::event::Stream::Accounts, b"")
}

/// Numbers, instants and text at the edges of what is accepted.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u64..=9_999_999_999, 0_u32..24).prop_map(|(digits, scale)| format!("{:?}", decimal(digits, scale))),
        any::<u64>().prop_map(|digits| format!("{:?}", decimal(digits, 3))),
        (0.0..1.0_f64).prop_map(|place| format!("{place:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        (-70_000_000_000_000_i64..260_000_000_000_000).prop_map(|millis| format!("\"{}\"", Timestamp(millis))),
        (0_i64..200_000_000_000).prop_map(|number| number.to_string()),
        "[\\PC\"\\\\\u{0}-\u{1f}]{1,30}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        proptest::sample::select(vec!["true", "\"week\"", "\"non_renewing\"", "\"JPY\"", "\"good\"", "[]", "null"]).prop_map(str::to_owned),
    ]
}

fn decimal(digits: u64, scale: u32) -> String {
    let width = usize::try_from(scale).unwrap() + 1;
    let digits = format!("{digits:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len() + 1 - width);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Replaces the values of the members of an object, nested ones too, where `replacement` has one for their turn.
fn replace(value: &mut serde_json::Value, replacement: &mut impl FnMut() -> Option<String>) {
    let members: Vec<&mut serde_json::Value> = match value {
        serde_json::Value::Object(object) => object.iter_mut().filter(|(key, _)| *key != "type").map(|(_, value)| value).collect(),
        serde_json::Value::Array(array) => array.iter_mut().collect(),
        _ => Vec::new(),
    };
    for member in members {
        match replacement().map(|text| serde_json::from_str(&text).unwrap()) {
            Some(new) => *member = new,
            None => replace(member, replacement),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn whatever_is_accepted_survives(
        fixture in proptest::sample::select(crate::event_fixtures::all()),
        values in proptest::collection::vec((0_usize..12, value()), 1..4),
        short in any::<bool>(),
    ) {
        let context = DecodeContext { earliest: Timestamp::MIN, ..crate::event_fixtures::context(&crate::event_fixtures::rates()) };
        let context = if short { DecodeContext { text_bytes: 12, ..context } } else { context };
        let json = fixture.json.trim_start_matches('\u{feff}').replace("1e400", "1");
        let Ok(mut object) = serde_json::from_str(&json) else { return Ok(()) };
        let mut turn = 0;
        replace(&mut object, &mut || {
            turn += 1;
            values.iter().find(|(at, _)| *at + 1 == turn).map(|(_, value)| value.clone())
        });
        assert_round_trip(&raw(&fixture, object.to_string().as_bytes()), &context);
    }
}
