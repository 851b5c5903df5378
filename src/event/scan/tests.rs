//! What a scan accepts and hands out, compared with `serde_json`.

use serde_json::value::RawValue;

use super::*;

fn members(text: &str) -> Option<Vec<(String, String)>> {
    let mut scanner = Scanner::new(text);
    let mut members = Vec::new();
    let end = scanner.object(scanner.start(), |scanner, key, at| {
        let (value, end) = scanner.value(at)?;
        members.push((String::from_utf8(key.to_vec()).unwrap(), value.to_owned()));
        Some(end)
    })?;
    scanner.is_end(end).then_some(members)
}

#[test]
fn an_object_hands_out_its_keys_without_escapes_and_its_values_as_written() {
    let text = " {\"a\" : [1.50, {\"b\\u0022\":\"x\\\"]}\"} , null],\"k\\u0065y\":-0e+7 ,\"d\":{ },\"e\":[ ],\"a\":\"\u{e9}\" }\n";
    let members = members(text).unwrap();
    let found: Vec<_> = members.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let list = "[1.50, {\"b\\u0022\":\"x\\\"]}\"} , null]";
    assert_eq!(found, [("a", list), ("key", "-0e+7"), ("d", "{ }"), ("e", "[ ]"), ("a", "\"\u{e9}\"")]);
}

#[test]
fn escapes_are_noted_wherever_they_are() {
    let has_escapes = |text| fill(&mut "", text).unwrap().any;
    assert!(!has_escapes(r#"{"a":["b",1]}"#));
    for text in [r#"{"a\n":1}"#, r#"{"a":["\u00e9"]}"#, r#""\\""#] {
        assert!(has_escapes(text), "{text}");
    }
}

#[test]
fn what_is_not_json_ends_the_scan() {
    let control = "\"\u{1}\"";
    for text in
        ["", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "nul", "\"", "1 2", "{}x", "01", "1.", ".5", "+1", "1e", "-", control]
    {
        assert!(whole::<&str>(text).is_none(), "{text}");
    }
    for text in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, "[}", "{]", "tru", "[\"a\" \"b\"]"] {
        assert!(whole::<&str>(text).is_none(), "{text}");
    }
    assert!(whole::<&str>(&format!("{}{}", "[".repeat(128), "]".repeat(128))).is_some());
    assert!(whole::<&str>(&format!("{}{}", "[".repeat(129), "]".repeat(129))).is_none());
}

proptest::proptest! {
    #[test]
    fn it_accepts_what_serde_json_accepts(text in r#"([\[\]{},:"\\a1. eE+-]|true|null|"[a-z]{0,20}"|\\u00e9|\u{e9}|\u{1}){0,24}"#) {
        let valid = serde_json::from_str::<&RawValue>(&text).is_ok();
        proptest::prop_assert_eq!(whole::<&str>(&text).is_some(), valid);
    }

    #[test]
    fn a_broken_payload_is_found_wherever_it_is_broken(padding in 0..140_usize, place in 0..340_usize, byte in "[\\x00-\\x7f]") {
        let mut text = format!(
            r#"{{"padding":"{}","type":"track","event":"Course \"Clicked\"","properties":{{"n":[1,-2.5e3,1772357400123,null,true]}},"userId":"u"}}"#,
            "x".repeat(padding)
        );
        if place < text.len() {
            text.replace_range(place..=place, &byte);
        }
        let valid = serde_json::from_str::<&RawValue>(&text).is_ok();
        proptest::prop_assert_eq!(whole::<&str>(&text).is_some(), valid, "{}", text);
    }
}
