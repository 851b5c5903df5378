//! From the bytes of a record to its event. The first failing check decides the code.

use std::borrow::Cow;

use super::context::{DecodeContext, Raw};
use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::reading::Reading;
use super::value::{Unit, Value, looks_like_seconds, unit_too_fine};
use super::{billing, document, feedback, profile, support, usage};
use crate::event::{AccountProfile, Code, Decoded, Event, Record, Rejection, Stream};
use crate::time::Timestamp;

/// Decodes one record.
///
/// The order of checks is part of the contract: size, UTF-8, depth, JSON, object, type, account, time, future, then the fields in the
/// documented order.
///
/// # Errors
/// The code of the first failing check, with a reason that names fields but no values.
pub fn decode<'a>(raw: &Raw<'a>, context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
    decode_with_type(raw, context, None)
}

/// Decodes one record whose envelope may name the type of an event without `type`.
pub(in crate::event) fn decode_with_type<'a>(
    raw: &Raw<'a>,
    context: &DecodeContext,
    envelope_type: Option<&str>,
) -> Result<Decoded<'a>, Rejection> {
    let Some(value) = raw.value else { return deletion(raw, context).map(Decoded::Record) };
    let text = document::text_of_any_depth(value, context.record_bytes)?;
    let reading = Reading::new(context);
    let mut fields = Fields::of_record(&reading);
    fields.read_record(text)?;
    event(&fields, raw, context, envelope_type)
}

/// Decodes an object of which the members are known already: names, with values as JSON and how they count time if they are instants. `None`
/// if one of them is `None`.
pub(in crate::event) fn decode_members<'a>(
    members: impl Iterator<Item = Option<(&'a [u8], (&'a str, Unit))>>,
    has_escapes: bool,
    raw: &Raw<'a>,
    context: &DecodeContext,
    envelope_type: Option<&str>,
) -> Option<Result<Decoded<'a>, Rejection>> {
    let reading = Reading::new(context);
    let mut fields = Fields::of_record(&reading);
    fields.set_members(members, has_escapes)?;
    Some(event(&fields, raw, context, envelope_type))
}

/// The event of a record from its fields.
fn event<'a>(
    fields: &Fields<'a, '_>,
    raw: &Raw<'a>,
    context: &DecodeContext,
    envelope_type: Option<&str>,
) -> Result<Decoded<'a>, Rejection> {
    let Some(event_type) = event_type(fields, raw.stream, envelope_type)? else { return Ok(Decoded::Ignored) };
    let account = if event_type.of_account { Some(account(fields, raw, context)?) } else { None };
    let payload_time = fields.optional(Field::OccurredAt, Value::instant)?;
    let occurred_at = payload_time.map_or_else(|| record_time(raw), Ok)?;
    check_time(occurred_at, payload_time.map(|_| "occurred_at"), raw, context)?;
    let id = fields.optional(Field::Id, Value::id)?;
    let event = (event_type.read)(fields)?;
    Ok(Decoded::Record(Record {
        account,
        account_system: None,
        id,
        type_name: event_type.name,
        occurred_at,
        payload_time: payload_time.is_some(),
        cut_text: fields.has_cut_text(),
        unexpanded_discount: false,
        event,
    }))
}

/// A null value on the accounts stream deletes the account named by the key, at the record's time.
fn deletion<'a>(raw: &Raw<'a>, context: &DecodeContext) -> Result<Record<'a>, Rejection> {
    if raw.stream != Stream::Accounts {
        return Err(Rejection::new(Code::MissingField, "the value is null"));
    }
    let account = account_of_key(raw, context)?;
    let occurred_at = record_time(raw)?;
    check_time(occurred_at, None, raw, context)?;
    Ok(Record {
        account: Some(account),
        account_system: None,
        id: None,
        type_name: profile::TYPE_NAME,
        occurred_at,
        payload_time: false,
        cut_text: false,
        unexpanded_discount: false,
        event: Event::Profile(Box::new(AccountProfile { deleted: true, ..AccountProfile::default() })),
    })
}

fn event_type(fields: &Fields<'_, '_>, stream: Stream, envelope_type: Option<&str>) -> Result<Option<&'static EventType>, Rejection> {
    let name = match (fields.optional(Field::Type, Value::any_text)?, envelope_type) {
        (Some(name), _) => name,
        (None, Some(name)) => Cow::Borrowed(name),
        (None, None) => return Err(fields.missing(Field::Type)),
    };
    Ok(types_of(stream).iter().find(|known| known.name.eq_ignore_ascii_case(&name)))
}

/// The stream whose events have this type, and the name of the type in the contract.
pub(in crate::event) fn known_type(name: &str) -> Option<(Stream, &'static str)> {
    Stream::ALL.into_iter().find_map(|stream| {
        let known = types_of(stream).iter().find(|known| known.name.eq_ignore_ascii_case(name))?;
        Some((stream, known.name))
    })
}

const fn types_of(stream: Stream) -> &'static [EventType] {
    match stream {
        Stream::Usage => &usage::TYPES,
        Stream::Billing => &billing::TYPES,
        Stream::Support => &support::TYPES,
        Stream::Feedback => &feedback::TYPES,
        Stream::Accounts => &profile::TYPES,
    }
}

fn account<'a>(fields: &Fields<'a, '_>, raw: &Raw<'a>, context: &DecodeContext) -> Result<Cow<'a, str>, Rejection> {
    fields.optional(Field::AccountId, Value::id)?.map_or_else(|| account_of_key(raw, context), Ok)
}

fn account_of_key<'a>(raw: &Raw<'a>, context: &DecodeContext) -> Result<Cow<'a, str>, Rejection> {
    match raw.key {
        None | Some([]) => Err(Rejection::new(Code::MissingField, "account_id is missing and the record has no key")),
        Some(key) if key.len() > context.id_bytes => {
            Err(Rejection::new(Code::OutOfRange, "the record key, used as account_id, is longer than limits.text_bytes"))
        }
        Some(key) => std::str::from_utf8(key)
            .map(Cow::Borrowed)
            .map_err(|_| Rejection::new(Code::InvalidUtf8, "the record key, used as account_id, is not UTF-8")),
    }
}

pub(in crate::event) fn record_time(raw: &Raw<'_>) -> Result<Timestamp, Rejection> {
    match raw.timestamp {
        None => Err(Rejection::new(Code::MissingField, "occurred_at is missing and the record has no create timestamp")),
        Some(Timestamp(millis)) => match unit_too_fine(millis.into()) {
            None => Ok(Timestamp(millis)),
            Some(unit) => Err(Rejection::new(Code::OutOfRange, format!("the record timestamp looks like {unit}, not milliseconds"))),
        },
    }
}

/// Rejects impossible event times. Devices without a clock send 1970, and some libraries the year 1; a single such record would make an
/// account look decades old for good. `field`: where it is in the payload, unless it is the record's timestamp.
pub(in crate::event) fn check_time(
    occurred_at: Timestamp,
    field: Option<&str>,
    raw: &Raw<'_>,
    context: &DecodeContext,
) -> Result<(), Rejection> {
    let refused = |code, of_record: Option<&'static str>, wrong: &str| {
        let reason = of_record.map_or_else(|| format!("{} {wrong}", field.unwrap_or("occurred_at")).into(), Into::into);
        Err(Rejection { code, reason })
    };
    if occurred_at < context.earliest {
        let of_record = if field.is_some() { None } else { fault_of_record_time(occurred_at, context) };
        return refused(Code::OutOfRange, of_record, Rejection::TOO_EARLY);
    }
    match raw.future_reference {
        Some(reference) if occurred_at.since(reference) > context.max_future_ms => {
            refused(Code::FutureTime, fault_of_record_time(reference, context), "is further in the future than time.max_future_hours")
        }
        _ => Ok(()),
    }
}

/// What is wrong with a record timestamp that cannot be the time of the record. Such a timestamp, not the payload, is the reason why the
/// event time seems impossible.
fn fault_of_record_time(at: Timestamp, context: &DecodeContext) -> Option<&'static str> {
    match at {
        _ if at >= context.earliest => None,
        _ if looks_like_seconds(at.0) => Some("the record timestamp looks like seconds, not milliseconds"),
        _ => Some("the record timestamp is before time.earliest"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{context, decode_bytes, decode_raw, json, record, refusal};
    use super::*;
    use crate::event::Headers;

    const USAGE: &str = r#""user_id":"u","feature":"f""#;

    fn usage(fields: &str) -> String {
        json("feature_used", &format!("{USAGE}{fields}"))
    }

    fn raw(stream: Stream, value: Option<&[u8]>) -> Raw<'_> {
        Raw { stream, key: Some(b"key"), value, headers: Headers::NONE, timestamp: Some(Timestamp(5)), future_reference: None }
    }

    #[test]
    fn text_that_is_not_json_is_invalid_json_whatever_else_is_wrong() {
        for text in ["", " ", "{", "{}{}", "{} x", r#"{"type":1"#, r#"{"type":1,}"#, r#"{"a":NaN}"#, r#"{"a":Infinity}"#, r#"{"a":01}"#] {
            assert_eq!(refusal(Stream::Usage, text).0, Code::InvalidJson, "{text}");
        }
        for text in ["{'a':1}", "{\"a\":\"\n\"}", "[1", "nul", "{\"a\":1.}", "\0", r#"{"a":"\x"}"#, r#"{"a":"\u00g0"}"#, "\u{b}{}"] {
            assert_eq!(refusal(Stream::Usage, text).0, Code::InvalidJson, "{text}");
        }
    }

    #[test]
    fn json_that_is_not_an_object_has_the_wrong_type() {
        for text in ["[]", "null", "\"text\"", "1", "1e400", " true\r\n", r#"[{"type":"feature_used"}]"#] {
            assert_eq!(refusal(Stream::Usage, text).0, Code::WrongType, "{text}");
        }
    }

    #[test]
    fn a_type_must_be_text_and_an_unknown_one_is_ignored() {
        for text in ["{}", r#"{"type":null}"#, r#"{"type":""}"#] {
            assert_eq!(refusal(Stream::Usage, text), (Code::MissingField, "type is missing".to_owned()), "{text}");
        }
        for text in [r#"{"type":7}"#, r#"{"type":["feature_used"]}"#] {
            assert_eq!(refusal(Stream::Usage, text).0, Code::WrongType, "{text}");
        }
        for text in [r#"{"type":"else","account_id":[],"occurred_at":"?"}"#, r#"{"type":"invoice_paid"}"#, r#"{"type":"feature_used "}"#] {
            assert_eq!(decode_bytes(Stream::Usage, text.as_bytes()), Ok(Decoded::Ignored), "{text}");
        }
    }

    #[test]
    fn types_are_case_insensitive_and_reported_in_lower_case() {
        assert_eq!(record(Stream::Usage, &json("Feature_USED", USAGE)).type_name, "feature_used");
        assert_eq!(record(Stream::Usage, &json(r"feature\u005fused", USAGE)).type_name, "feature_used");
    }

    #[test]
    fn checks_run_in_the_documented_order() {
        let refused = |text: &str, key: Option<&[u8]>| {
            let raw = Raw {
                stream: Stream::Usage,
                key,
                value: Some(text.as_bytes()),
                headers: Headers::NONE,
                timestamp: None,
                future_reference: Some(Timestamp(0)),
            };
            decode_raw(&raw).unwrap_err().reason.into_owned()
        };
        let bad = r#""count":0,"id":[]"#;
        assert_eq!(refused(&format!(r#"{{"type":7,"account_id":[],"occurred_at":"?",{bad}}}"#), None), "type is not text");
        let account = format!(r#"{{"type":"feature_used","account_id":[],"occurred_at":"?",{bad}}}"#);
        assert_eq!(refused(&account, Some(b"key")), "account_id is neither text nor a whole number");
        let no_account = format!(r#"{{"type":"feature_used","occurred_at":"?",{bad}}}"#);
        assert_eq!(refused(&no_account, None), "account_id is missing and the record has no key");
        assert_eq!(refused(&no_account, Some(b"key")), "occurred_at is not an instant with offset");
        let future = format!(r#"{{"type":"feature_used","occurred_at":2,{bad}}}"#);
        assert_eq!(refused(&future, Some(b"key")), "occurred_at is further in the future than time.max_future_hours");
        let fields = format!(r#"{{"type":"feature_used","occurred_at":1,{bad}}}"#);
        assert_eq!(refused(&fields, Some(b"key")), "id is neither text nor a whole number");
        let early = format!(r#"{{"type":"feature_used","occurred_at":-1,{bad}}}"#);
        assert_eq!(refused(&early, Some(b"key")), "occurred_at is before time.earliest");
        let no_feature = r#"{"type":"feature_used","occurred_at":1,"count":0}"#;
        assert_eq!(refused(no_feature, Some(b"key")), "feature is missing");
    }

    #[test]
    fn the_record_key_is_the_account_if_the_payload_names_none() {
        for (fields, account) in
            [("", "key"), (r#","account_id":null"#, "key"), (r#","account_id":"""#, "key"), (r#","account_id":5"#, "5")]
        {
            assert_eq!(record(Stream::Usage, &usage(fields)).account.as_deref(), Some(account), "{fields}");
        }
        let text = usage("");
        for (key, code) in [(&b""[..], Code::MissingField), (b"\xff", Code::InvalidUtf8), (b"a key beyond the limit", Code::OutOfRange)] {
            let refused = decode_raw(&Raw { key: Some(key), ..raw(Stream::Usage, Some(text.as_bytes())) });
            assert_eq!(refused.unwrap_err().code, code);
        }
    }

    #[test]
    fn the_record_timestamp_is_the_event_time_if_the_payload_has_none() {
        for text in [r#"{"type":"account_profile"}"#, r#"{"type":"account_profile","occurred_at":null}"#] {
            let Ok(Decoded::Record(record)) = decode_raw(&raw(Stream::Accounts, Some(text.as_bytes()))) else { panic!("a record") };
            assert_eq!((record.occurred_at, record.payload_time), (Timestamp(5), false));
            assert_eq!(refusal(Stream::Accounts, text).0, Code::MissingField);
        }
        assert!(record(Stream::Usage, &usage("")).payload_time);
        let beyond = Raw { timestamp: Some(Timestamp(i64::MAX)), ..raw(Stream::Accounts, Some(br#"{"type":"account_profile"}"#)) };
        assert_eq!(decode_raw(&beyond).unwrap_err().code, Code::OutOfRange);
    }

    #[test]
    fn a_record_may_be_ahead_of_its_reference_by_at_most_the_limit() {
        let text = usage("");
        let at = |reference| decode_raw(&Raw { future_reference: Some(Timestamp(reference)), ..raw(Stream::Usage, Some(text.as_bytes())) });
        assert!(at(0).is_ok());
        assert_eq!(at(-1).unwrap_err().code, Code::FutureTime);
    }

    #[test]
    fn the_reason_names_a_record_timestamp_that_cannot_be_right() {
        let context = DecodeContext { earliest: Timestamp(946_684_800_000), ..context() };
        let (with_time, without) = (r#","occurred_at":"2026-11-23T09:30:00Z""#, "");
        for (fields, millis, code, reason) in [
            (with_time, 1_795_426_200, Code::FutureTime, "the record timestamp looks like seconds, not milliseconds"),
            (with_time, 0, Code::FutureTime, "the record timestamp is before time.earliest"),
            (with_time, 1_700_000_000_000, Code::FutureTime, "occurred_at is further in the future than time.max_future_hours"),
            (without, 1_795_426_200, Code::OutOfRange, "the record timestamp looks like seconds, not milliseconds"),
            (without, 0, Code::OutOfRange, "the record timestamp is before time.earliest"),
        ] {
            let text = format!(r#"{{"type":"feature_used",{USAGE}{fields}}}"#);
            let (value, at) = (Some(text.as_bytes()), Some(Timestamp(millis)));
            let refused = decode(&Raw { timestamp: at, future_reference: at, ..raw(Stream::Usage, value) }, &context).unwrap_err();
            assert_eq!((refused.code, &*refused.reason), (code, reason), "{fields} {millis}");
        }
    }

    #[test]
    fn a_null_value_deletes_the_account_named_by_the_key() {
        let Ok(Decoded::Record(record)) = decode_raw(&raw(Stream::Accounts, None)) else { panic!("a record") };
        assert_eq!((record.account.as_deref(), record.occurred_at, record.payload_time), (Some("key"), Timestamp(5), false));
        assert!(matches!(record.event, Event::Profile(profile) if profile.deleted));
        assert_eq!(decode_raw(&Raw { key: None, ..raw(Stream::Accounts, None) }).unwrap_err().code, Code::MissingField);
        assert_eq!(decode_raw(&Raw { timestamp: None, ..raw(Stream::Accounts, None) }).unwrap_err().code, Code::MissingField);
    }

    #[test]
    fn a_null_value_on_any_other_stream_is_missing_its_fields() {
        for stream in [Stream::Usage, Stream::Billing, Stream::Support, Stream::Feedback] {
            assert_eq!(decode_raw(&raw(stream, None)).unwrap_err().code, Code::MissingField);
        }
    }

    #[test]
    fn the_limits_of_occurred_at_apply_to_record_timestamps_too() {
        let without_time = format!(r#"{{"type":"feature_used",{USAGE}}}"#);
        let refused = |millis: i64| {
            let value = Some(without_time.as_bytes());
            decode_raw(&Raw { timestamp: Some(Timestamp(millis)), ..raw(Stream::Usage, value) }).unwrap_err().reason.into_owned()
        };
        assert_eq!(refused(1_745_000_000_000_000), "the record timestamp looks like microseconds, not milliseconds");
        assert_eq!(refused(i64::MAX), "the record timestamp looks like nanoseconds, not milliseconds");
        assert_eq!(refused(-1), "the record timestamp is before time.earliest");
    }

    #[test]
    fn the_last_of_repeated_keys_wins() {
        assert_eq!(record(Stream::Usage, &usage(r#","account_id":[],"account_id":"a","id":1,"id":2"#)).id.as_deref(), Some("2"));
    }

    #[test]
    fn unknown_fields_are_ignored_whatever_they_contain() {
        let fields = r#","x":{"type":[1e400,null]},"score":"?","items":7,"":0,"account_id ":1"#;
        assert_eq!(record(Stream::Usage, &usage(fields)), record(Stream::Usage, &usage("")));
    }

    #[test]
    fn text_without_escapes_is_borrowed_from_the_record() {
        let text = usage(r#","id":"e1","account_id":"a1""#);
        let record = record(Stream::Usage, &text);
        let Event::Usage(event) = &record.event else { panic!("usage") };
        for text in [record.account.as_ref().unwrap(), record.id.as_ref().unwrap(), event.user_id.as_ref().unwrap()] {
            assert!(matches!(text, Cow::Borrowed(_)));
        }
    }
}
