//! Calls as Segment and `RudderStack` write them, and what they become.

use super::super::Format;
use super::Options;
use crate::event::native::testing;
use crate::event::{AccountProfile, Code, DecodeContext, Decoded, Event, Headers, Raw, Record, Rejection, Stream, UsageEvent, UsageKind};
use crate::time::Timestamp;

fn decode(json: &str) -> Result<Vec<Record<'_>>, Rejection> {
    let (stream, value) = (Stream::Usage, Some(json.as_bytes()));
    let raw = Raw { stream, key: None, value, headers: Headers::NONE, timestamp: None, future_reference: None };
    let decoded =
        Format::Segment(Options::default()).decode(&raw, &DecodeContext { text_bytes: 256, id_bytes: 256, ..testing::context() })?;
    Ok(match decoded {
        Decoded::Record(record) => vec![record],
        Decoded::Records(records) => records,
        Decoded::Ignored => Vec::new(),
    })
}

fn one(json: &str) -> Record<'_> {
    let mut records = decode(json).unwrap();
    assert_eq!(records.len(), 1, "{json}");
    records.remove(0)
}

#[test]
fn a_track_call_is_use_of_the_feature_that_its_event_names() {
    let record = one(r#"{"type":"track","event":"Report Viewed","messageId":"m","userId":7,"context":{"groupId":"acme"},
        "timestamp":"2026-01-01T00:00:00.123456789Z"}"#);
    assert_eq!((record.account.as_deref(), record.account_system.as_deref()), (Some("acme"), None));
    assert_eq!((record.id.as_deref(), record.occurred_at), (Some("m"), Timestamp(1_767_225_600_123)));
    let kind = UsageKind::Feature { feature: "Report Viewed".into(), count: 1 };
    assert_eq!(record.event, Event::Usage(UsageEvent { user_id: Some("7".into()), anonymous_id: None, kind }));
}

#[test]
fn a_call_without_a_group_is_of_the_account_of_its_user() {
    let record = one(r#"{"type":"page","properties":{"path":"/pricing"},"messageId":"m","userId":"u","receivedAt":1767225600}"#);
    assert_eq!((record.account.as_deref(), record.account_system.as_deref()), (Some("u"), Some("segment-user")));
    let anonymous = decode(r#"{"type":"page","name":"Home","anonymousId":"a","timestamp":1767225600}"#).unwrap_err();
    assert_eq!(anonymous.code, Code::MissingField);
    assert_eq!(anonymous.reason, "segment: context.groupId, properties.groupId, properties.accountId and userId are missing");
}

#[test]
fn payloads_of_other_providers_name_format_and_field() {
    for json in [r#"{"type":"feature_used","account_id":"a"}"#, r#"{"specversion":"1.0","type":"track","id":"1"}"#] {
        let rejection = decode(json).unwrap_err();
        assert_eq!((rejection.code, &*rejection.reason), (Code::MissingField, "segment: messageId is missing"), "{json}");
    }
    assert_eq!(decode("{}").unwrap_err().reason, "segment: type is missing");
    assert_eq!(decode("[1]").unwrap_err().code, Code::WrongType);
}

#[test]
fn groups_and_lifecycle_events_describe_the_account() {
    let group = one(r#"{"type":"group","groupId":7,"messageId":"m","timestamp":1767225600,"traits":{"plan":"pro","employees":9}}"#);
    let expected = AccountProfile { plan: Some("pro".into()), ..AccountProfile::merging() };
    assert_eq!((group.account.as_deref(), group.event), (Some("7"), Event::Profile(Box::new(expected))));
    let track = |event: &str| {
        format!(r#"{{"type":"track","event":"{event}","messageId":"m","userId":"u","timestamp":1767225600,"context":{{"groupId":"a"}}}}"#)
    };
    let created = track("Account Created");
    let signed_up_at = Some(Timestamp(1_767_225_600_000));
    assert_eq!(one(&created).event, Event::Profile(Box::new(AccountProfile { signed_up_at, ..AccountProfile::merging() })));
    for spelled in ["account created", "ACCOUNT CREATED", "signed up", "User Signed Up"] {
        assert_eq!(one(&track(spelled)).event, one(&created).event, "{spelled}");
    }
    assert_eq!(decode(&track("trial ended")), Ok(Vec::new()));
    let deleted = track("Account Deleted");
    assert_eq!(one(&deleted).event, Event::Profile(Box::new(AccountProfile { deleted: true, ..AccountProfile::merging() })));
    for ignored in [track("Trial Started"), r#"{"type":"alias","previousId":"p","userId":"u"}"#.to_owned()] {
        assert_eq!(decode(&ignored), Ok(Vec::new()), "{ignored}");
    }
}

#[test]
fn the_time_of_a_call_is_corrected_by_a_server_where_there_was_one() {
    let at = |fields: &str| one(format!(r#"{{"type":"page","name":"p","userId":"u",{fields}}}"#).leak()).occurred_at;
    let original = r#""originalTimestamp":"2026-01-01T00:00:03Z""#;
    assert_eq!(at(original), Timestamp(1_767_225_603_000));
    assert_eq!(at(&format!(r#"{original},"receivedAt":"2026-01-01T00:00:02Z""#)), Timestamp(1_767_225_602_000));
    let all = format!(r#"{original},"receivedAt":"2026-01-01T00:00:02Z","timestamp":"2026-01-01T00:00:01Z""#);
    assert_eq!(at(&all), Timestamp(1_767_225_601_000));
}

#[test]
fn a_user_identified_with_a_group_is_an_alias_of_the_account() {
    let identify = one(r#"{"type":"identify","userId":"u","messageId":"m","timestamp":1767225600,"context":{"groupId":"a"}}"#);
    let expected = AccountProfile { aliases: vec![("segment-user".into(), "u".into())], ..AccountProfile::merging() };
    assert_eq!(identify.event, Event::Profile(Box::new(expected)));
    assert_eq!(decode(r#"{"type":"identify","userId":"u","messageId":"m"}"#), Ok(Vec::new()));
}

/// User, anonymous id and kind of the uses among the events of a call.
fn users(json: &str) -> Vec<(Option<String>, Option<String>, &'static str)> {
    let owned = |id: &Option<std::borrow::Cow<'_, str>>| id.as_deref().map(str::to_owned);
    let of = |record: &Record<'_>| match &record.event {
        Event::Usage(usage) => Some((owned(&usage.user_id), owned(&usage.anonymous_id), record.type_name)),
        _ => None,
    };
    decode(json).unwrap().iter().filter_map(of).collect()
}

#[test]
fn a_call_with_both_ids_says_that_they_are_one_person() {
    let call = |kind: &str, ids: &str| {
        format!(r#"{{"type":"{kind}","event":"e","messageId":"m","timestamp":1767225600,"groupId":"a","context":{{"groupId":"a"}},{ids}}}"#)
    };
    let both = r#""userId":"u","anonymousId":"b""#;
    let expected = |type_name| vec![(Some("u".to_owned()), Some("b".to_owned()), type_name)];
    assert_eq!(users(&call("track", both)), expected("feature_used"));
    for kind in ["identify", "group"] {
        assert_eq!(users(&call(kind, both)), expected("user_identified"), "{kind}");
        assert_eq!(decode(&call(kind, both)).unwrap().len(), 2, "{kind}: and the account's profile");
        for one in [r#""userId":"u""#, r#""anonymousId":"b""#, r#""userId":"u","anonymousId":"u""#, r#""userId":" ","anonymousId":"b""#] {
            assert_eq!(users(&call(kind, one)), [], "{kind} {one}");
        }
    }
    assert_eq!(users(&call("alias", r#""userId":"u","previousId":"b""#)), expected("user_identified"));
    assert_eq!(users(&call("track", r#""anonymousId":"b""#)), [(Some("b".to_owned()), None, "feature_used")]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_an_adapter_panic(cut in 0..300_usize, byte in proptest::num::u8::ANY, place in 0..300_usize) {
        let call = br#"{"type":"track","event":"e","messageId":"m","userId":[7],"context":{"groupId":"a"},"timestamp":1767225600,
            "properties":{"path":"\u00e9","groupId":1e400},"traits":[{}],"specversion":"1.0","source":"s","id":1,"data":{"a":"b"}}"#;
        let mut bytes = call.to_vec();
        if let Some(changed) = bytes.get_mut(place) {
            *changed = byte;
        }
        bytes.truncate(call.len().saturating_sub(cut));
        let raw = Raw {
            stream: Stream::Usage, key: None, value: Some(&bytes), headers: Headers::NONE, timestamp: None, future_reference: None,
        };
        let segment = Format::Segment(Options::default());
        for format in [segment.clone(), Format::CloudEvents(Box::new(segment)), Format::CloudEvents(Box::default())] {
            let _ = format.decode(&raw, &testing::context());
        }
    }
}
