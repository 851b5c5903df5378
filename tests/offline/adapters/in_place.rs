//! Rows and events inside an envelope are read where they stand. Those that cannot be are taken out first, and read as records of their own:
//! a member whose key has an escape makes them so. Both ways must give the same.

use churnwatch::event::{DecodeContext, Decoded, Format, Headers, Raw, Rejection, Stream};
use churnwatch::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::NOW;
use crate::event_fixtures;

const NAMES: [&str; 24] = [
    "type",
    "account_id",
    "occurred_at",
    "id",
    "user_id",
    "feature",
    "count",
    "session_id",
    "duration_seconds",
    "subscription_id",
    "status",
    "items",
    "discounts",
    "currency",
    "current_period_start",
    "current_period_end",
    "trial_end",
    "cancel_at_period_end",
    "started_at",
    "until",
    "reason",
    "version",
    "note",
    "updated_at",
];

const VALUES: [&str; 34] = [
    "null",
    "true",
    "0",
    "1",
    "-1",
    "7.0",
    "1.5",
    "\"\"",
    "\"acme\"",
    "\"active\"",
    "\"USD\"",
    "\"feature_used\"",
    "\"subscription_changed\"",
    "\"2026-03-01T09:30:00Z\"",
    "\"2026-03-01 09:30:00\"",
    "1772357400",
    "1772357400123",
    "1772357400123456",
    "1772357400123456789",
    "-1772357400123456",
    "99999999999999999999",
    "100000000000000",
    "17723574001234567890123",
    "1e15",
    "20000",
    "\"say \\\"hi\\\"\"",
    "\"\\u00e9t\\u00e9\"",
    "\"__debezium_unavailable_value\"",
    "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"",
    "\"a_name_with_many_underscores_and_an_X_in_it\"",
    "\"[{\\\"amount\\\":\\\"49.00\\\",\\\"currency\\\":\\\"USD\\\",\\\"interval\\\":\\\"month\\\"}]\"",
    "[{\"amount_minor\":4900,\"currency\":\"USD\",\"interval\":\"month\"}]",
    "{\"a\":[1,{\"b\":null}]}",
    "\"AfQ=\"",
];

const TYPES: [&str; 8] = [
    "org.apache.kafka.connect.data.Decimal",
    "io.debezium.data.VariableScaleDecimal",
    "io.debezium.time.Date",
    "io.debezium.time.Timestamp",
    "io.debezium.time.MicroTimestamp",
    "io.debezium.time.NanoTimestamp",
    "io.debezium.data.Json",
    "io.debezium.data.Uuid",
];

/// The members of an object, some of them repeated.
fn members() -> impl Strategy<Value = String> {
    let complete = r#""type":"feature_used","account_id":"acme","feature":"f","occurred_at":1772357400"#;
    let begin = select(vec![complete, r#""type":"subscription_changed","account_id":7"#, r#""type":"feature_used""#]);
    (begin, vec((select(&NAMES[..]), select(&VALUES[..])), 0..8))
        .prop_map(|(begin, members)| members.iter().fold(begin.to_owned(), |object, (name, value)| format!("{object},\"{name}\":{value}")))
}

/// The columns of a schema.
fn columns() -> impl Strategy<Value = String> {
    let column = (select(&NAMES[..]), select(&TYPES[..]))
        .prop_map(|(name, kind)| format!(r#"{{"type":"int64","name":"{kind}","parameters":{{"scale":"2"}},"field":"{name}"}}"#));
    vec(column, 0..5).prop_map(|columns| columns.join(","))
}

fn decode<'a>(format: &Format, stream: Stream, text: &'a str) -> Result<Decoded<'a>, Rejection> {
    let context = DecodeContext { text_bytes: 16, ..event_fixtures::context(&super::rates()) };
    let (key, value, timestamp) = (Some(&b"key"[..]), Some(text.as_bytes()), Some(Timestamp(NOW * 1000)));
    format.decode(&Raw { stream, key, value, headers: Headers::NONE, timestamp, future_reference: timestamp }, &context)
}

/// What the payload gives read in place, and taken out first.
fn assert_same(format: &Format, stream: Stream, payload: impl Fn(&str) -> String, members: &str) {
    let (in_place, taken_out) = (payload(members), payload(&format!("{members},\"not\\u0065d\":1")));
    assert_eq!(decode(format, stream, &in_place), decode(format, stream, &taken_out), "{in_place}");
}

fn streams() -> impl Strategy<Value = Stream> {
    select(vec![Stream::Usage, Stream::Billing])
}

proptest! {
    #[test]
    fn a_row_is_the_same_event_read_in_place(members in members(), columns in columns(), stream in streams(), has_schema: bool) {
        let format = Format::Debezium(Box::new(Format::Native));
        let payload = |members: &str| {
            let change = format!(r#"{{"before":null,"after":{{{members}}},"source":{{"ts_ms":1772357400123,"lsn":5}},"op":"c"}}"#);
            if !has_schema {
                return change;
            }
            format!(r#"{{"schema":{{"type":"struct","fields":[{{"type":"struct","fields":[{columns}],"field":"after"}}]}},"payload":{change}}}"#)
        };
        assert_same(&format, stream, payload, &members);
    }

    #[test]
    fn a_flattened_row_is_the_same_event_read_in_place(members in members(), columns in columns(), stream in streams(), has_schema: bool) {
        let format = Format::Debezium(Box::new(Format::Native));
        let payload = |members: &str| {
            if has_schema { format!(r#"{{"schema":{{"fields":[{columns}]}},"payload":{{{members},"__op":"u"}}}}"#) } else { format!("{{{members},\"__op\":\"u\"}}") }
        };
        assert_same(&format, stream, payload, &members);
    }

    #[test]
    fn an_event_in_an_envelope_is_the_same_read_in_place(members in members(), stream in streams(), kind in "(com.example.)?(feature_used|other)") {
        let format = Format::CloudEvents(Box::new(Format::Native));
        let payload = |members: &str| {
            format!(r#"{{"specversion":"1.0","id":"7","source":"/s","type":"{kind}","time":"2026-03-01T09:30:00Z","data":{{{members}}}}}"#)
        };
        assert_same(&format, stream, payload, &members);
    }
}
