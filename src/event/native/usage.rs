//! Product use: `feature_used`, `session_ended`; and whose it was: `user_identified`.

use std::borrow::Cow;

use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::value::{MAX_COUNT, Value};
use crate::event::{Event, Rejection, UsageEvent, UsageKind};

pub(super) const TYPES: [EventType; 3] = [
    EventType::new("feature_used", feature_used),
    EventType::new("session_ended", session_ended),
    EventType::new("user_identified", user_identified),
];

fn feature_used<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let (user_id, anonymous_id) = user(fields)?;
    let feature = fields.required(Field::Feature, Value::text)?;
    fields.optional(Field::SessionId, Value::id)?;
    let count = fields.optional(Field::Count, |value| value.whole(1..=MAX_COUNT))?.unwrap_or(1);
    Ok(Event::Usage(UsageEvent { user_id, anonymous_id, kind: UsageKind::Feature { feature, count } }))
}

fn session_ended<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let (user_id, anonymous_id) = user(fields)?;
    fields.required(Field::SessionId, Value::id)?;
    let duration_ns = fields.required(Field::DurationSeconds, Value::seconds)?;
    Ok(Event::Usage(UsageEvent { user_id, anonymous_id, kind: UsageKind::SessionEnded { duration_ns } }))
}

fn user_identified<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let user_id = Some(fields.required(Field::UserId, Value::id)?);
    let anonymous_id = Some(fields.required(Field::AnonymousId, Value::id)?);
    Ok(Event::Usage(UsageEvent { user_id, anonymous_id, kind: UsageKind::Identified }))
}

/// The user, and an id of theirs from before they were known. Blank text means none, as null does.
fn user<'a>(fields: &Fields<'a, '_>) -> Result<(Maybe<'a>, Maybe<'a>), Rejection> {
    let given = |field| Ok(fields.optional(field, Value::id)?.filter(|id| !id.chars().all(char::is_whitespace)));
    let user_id = given(Field::UserId)?;
    let anonymous_id = if user_id.is_some() { given(Field::AnonymousId)? } else { None };
    Ok((user_id, anonymous_id))
}

/// An id that may be missing.
type Maybe<'a> = Option<Cow<'a, str>>;

#[cfg(test)]
mod tests {
    use super::super::testing::{event, json, refusal};
    use super::*;
    use crate::event::{Code, Stream};

    fn count(value: &str) -> u64 {
        match event(Stream::Usage, &json("feature_used", &format!(r#""user_id":"u","feature":"f","count":{value}"#))) {
            Event::Usage(UsageEvent { kind: UsageKind::Feature { count, .. }, .. }) => count,
            other => panic!("{other:?}"),
        }
    }

    fn refused_count(value: &str) -> Code {
        refusal(Stream::Usage, &json("feature_used", &format!(r#""user_id":"u","feature":"f","count":{value}"#))).0
    }

    fn duration(value: &str) -> u64 {
        match event(Stream::Usage, &json("session_ended", &format!(r#""user_id":"u","session_id":"s","duration_seconds":{value}"#))) {
            Event::Usage(UsageEvent { kind: UsageKind::SessionEnded { duration_ns }, .. }) => duration_ns,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_count_is_whole_however_it_is_written_and_1_by_default() {
        for (value, expected) in [("6", 6), ("6.0", 6), ("\"6\"", 6), ("\"6.0\"", 6), ("1e3", 1000), ("null", 1), ("\"\"", 1)] {
            assert_eq!(count(value), expected, "{value}");
        }
        assert_eq!(count("9007199254740993"), 9_007_199_254_740_993);
    }

    #[test]
    fn a_count_below_1_or_beyond_any_counter_is_out_of_range() {
        for value in ["0", "-1", "-0", "\"0\"", "9223372036854775808", "1e400"] {
            assert_eq!(refused_count(value), Code::OutOfRange, "{value}");
        }
    }

    #[test]
    fn a_count_that_is_not_whole_has_the_wrong_type() {
        for value in ["1.5", "-1.5", "\"1.5\"", "\"many\"", "\" 1\"", "true", "[1]", "{}", "\"NaN\""] {
            assert_eq!(refused_count(value), Code::WrongType, "{value}");
        }
    }

    #[test]
    fn a_duration_is_kept_in_nanoseconds() {
        assert_eq!(duration("12.5"), 12_500_000_000);
        assert_eq!(duration("\"0.0000000019\""), 1);
        assert_eq!(duration("0"), 0);
        for value in ["-1", "-0.0000000001", "1e11", "1e400"] {
            let fields = format!(r#""user_id":"u","session_id":"s","duration_seconds":{value}"#);
            assert_eq!(refusal(Stream::Usage, &json("session_ended", &fields)).0, Code::OutOfRange, "{value}");
        }
    }

    #[test]
    fn a_use_may_have_no_user() {
        for user in ["", r#""user_id":null,"#, r#""user_id":"","#, r#""user_id":"  ","#, r#""user_id":"\u0009\u00a0","#] {
            match event(Stream::Usage, &json("feature_used", &format!(r#"{user}"feature":"f""#))) {
                Event::Usage(usage) => assert_eq!(usage.user_id, None, "{user}"),
                other => panic!("{other:?}"),
            }
        }
        match event(Stream::Usage, &json("session_ended", r#""user_id":" u ","session_id":1,"duration_seconds":2"#)) {
            Event::Usage(usage) => assert_eq!(usage.user_id.as_deref(), Some(" u ")),
            other => panic!("{other:?}"),
        }
        let long = format!(r#""user_id":"{}","feature":"f""#, "u".repeat(17));
        assert_eq!(refusal(Stream::Usage, &json("feature_used", &long)).0, Code::OutOfRange);
    }

    #[test]
    fn fields_are_checked_in_the_documented_order() {
        let refused = |fields: &str| refusal(Stream::Usage, &json("feature_used", fields)).1;
        assert_eq!(refused(r#""count":0,"session_id":[],"user_id":[7]"#), "user_id is neither text nor a whole number");
        assert_eq!(refused(r#""count":0,"session_id":[],"user_id":7"#), "feature is missing");
        assert_eq!(refused(r#""count":0,"session_id":[],"user_id":7,"feature":8"#), "feature is not text");
        assert_eq!(refused(r#""count":0,"session_id":[],"user_id":7,"feature":"f""#), "session_id is neither text nor a whole number");
        assert_eq!(refused(r#""count":0,"user_id":7,"feature":"f""#), "count is outside its range");
    }
}
