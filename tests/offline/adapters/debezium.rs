//! Debezium's changes of rows with native column names.

use churnwatch::event::{BillingEvent, Code, DecodeContext, Decoded, Event, Format, Raw, Record, Rejection, Stream, SubscriptionSnapshot};
use churnwatch::money::Fixed;
use churnwatch::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::NOW;

fn format() -> Format {
    Format::Debezium(Box::new(Format::Native))
}

fn row() -> Value {
    json!({"type": "subscription_changed", "account_id": 42, "subscription_id": "s-1", "status": "active",
        "items": "[{\"amount\":\"49.00\",\"currency\":\"USD\",\"interval\":\"month\"}]",
        "current_period_start": 1_772_323_200_000_000_i64, "current_period_end": 1_775_001_600_000_000_i64, "cancel_at_period_end": 0,
        "reason": "__debezium_unavailable_value"})
}

/// What the connector of `PostgreSQL` writes without schemas.
fn change(op: &str, before: Value, after: Value) -> Value {
    json!({"before": before, "after": after, "op": op, "ts_ms": NOW * 1000 + 5, "transaction": null,
        "source": {"version": "2.7.0.Final", "connector": "postgresql", "name": "dbserver1", "ts_ms": (NOW - 60) * 1000, "snapshot": "false",
            "db": "postgres", "sequence": "[\"24023119\",\"24023128\"]", "schema": "public", "table": "subscriptions", "txId": 555,
            "lsn": 24_023_128, "xmin": null}})
}

fn decode<'a>(stream: Stream, key: Option<&'a str>, value: Option<&'a str>) -> Result<Decoded<'a>, Rejection> {
    let context = DecodeContext { rates: None, ..crate::event_fixtures::context(&super::rates()) };
    let raw = Raw {
        key: key.map(str::as_bytes),
        value: value.map(str::as_bytes),
        timestamp: Some(Timestamp(NOW * 1000)),
        ..crate::event_fixtures::line(stream, b"")
    };
    format().decode(&raw, &context)
}

fn record(stream: Stream, key: Option<&str>, value: &Value) -> Record<'static> {
    let text = value.to_string();
    match decode(stream, key, Some(&text)) {
        Ok(Decoded::Record(record)) => record.into_owned(),
        other => panic!("{value} gives {other:?}"),
    }
}

fn refused(value: &Value) -> (Code, String) {
    let rejection = decode(Stream::Billing, None, Some(&value.to_string())).unwrap_err();
    (rejection.code, rejection.reason.into_owned())
}

fn snapshot(record: Record<'static>) -> SubscriptionSnapshot<'static> {
    match record.event {
        Event::Billing(BillingEvent::Subscription(snapshot)) => *snapshot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_written_row_is_a_native_event_at_the_time_of_the_database() {
    for op in ["c", "u", "r"] {
        let record = record(Stream::Billing, None, &change(op, json!(null), row()));
        assert_eq!((record.account.as_deref(), record.type_name), (Some("42"), "subscription_changed"));
        assert_eq!((record.occurred_at, record.payload_time), (Timestamp((NOW - 60) * 1000), true));
        let snapshot = snapshot(record);
        assert_eq!(snapshot.items[0].amount.minor, Fixed::from(4_900));
        assert_eq!(snapshot.current_period_start, Timestamp(1_772_323_200_000));
        assert_eq!((snapshot.cancel_at_period_end, snapshot.reason), (false, None));
    }
}

/// Debezium's own converter leaves operation, source and time to the attributes of the event.
#[test]
fn a_change_in_a_cloud_event_of_debezium_has_the_time_of_the_event() {
    let around = |data: Value| {
        json!({"id": "name:server;lsn:29274832;txId:565", "source": "/debezium/postgresql/server", "specversion": "1.0",
            "type": "io.debezium.connector.postgresql.DataChangeEvent", "time": "2026-01-13T13:55:39.738Z", "iodebeziumop": "c", "data": data})
        .to_string()
    };
    let invoice = json!({"type": "invoice_paid", "account_id": "acme", "invoice_id": "in-1", "amount": "49.00", "currency": "USD"});
    let enclosing = Format::CloudEvents(Box::new(format()));
    let context = DecodeContext { rates: None, ..crate::event_fixtures::context(&super::rates()) };
    let read = |text: &str| {
        let raw = crate::event_fixtures::line(Stream::Billing, text.as_bytes());
        enclosing.decode(&raw, &context).map(|decoded| decoded.map(Record::into_owned))
    };
    match read(&around(json!({"before": null, "after": invoice}))) {
        Ok(Decoded::Record(record)) => {
            let id = record.id.as_deref();
            assert_eq!(
                (record.occurred_at.to_string().as_str(), id),
                ("2026-01-13T13:55:39.738Z", Some("/debezium/postgresql/server#name:server;lsn:29274832;txId:565"))
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(read(&around(json!({"before": invoice, "after": null}))), Ok(Decoded::Ignored)));
    // A row whose columns have these names, among others, is a row.
    let row =
        json!({"type": "invoice_paid", "before": {}, "after": {}, "account_id": "acme", "invoice_id": "i", "amount": 1, "currency": "USD"});
    assert!(matches!(read(&around(row)), Ok(Decoded::Record(_))));
}

#[test]
fn the_id_is_the_position_in_the_log_and_the_key() {
    let id = |key: &str, change: &Value| record(Stream::Billing, Some(key), change).id.unwrap().into_owned();
    let first = change("c", json!(null), row());
    assert!(id(r#"{"id":1}"#, &first).starts_with("24023128:"));
    assert_eq!(id(r#"{"id":1}"#, &first), id(r#"{"id":1}"#, &first), "a redelivery does not count twice");
    assert_ne!(id(r#"{"id":1}"#, &first), id(r#"{"id":2}"#, &first));
    let mut later = first.clone();
    later["source"]["lsn"] = json!(24_023_129);
    assert_ne!(id(r#"{"id":1}"#, &first), id(r#"{"id":1}"#, &later));
}

/// The same with schemas, in which amounts are decimals and instants have types.
fn with_schema(after: Value, columns: Value) -> Value {
    let fields = json!([{"type": "struct", "fields": columns, "optional": true, "name": "dbserver1.Value", "field": "before"},
        {"type": "struct", "fields": columns, "optional": true, "name": "dbserver1.Value", "field": "after"},
        {"type": "struct", "fields": [], "optional": false, "name": "io.debezium.connector.postgresql.Source", "field": "source"}]);
    json!({"schema": {"type": "struct", "fields": fields, "optional": false, "name": "dbserver1.Envelope"}, "payload": change("c", json!(null), after)})
}

fn column(name: &str, kind: &str, parameters: Value) -> Value {
    json!({"type": "bytes", "optional": true, "name": kind, "version": 1, "parameters": parameters, "field": name})
}

fn invoice(amount: Value) -> Value {
    json!({"type": "invoice_paid", "account_id": "acme", "invoice_id": "in-1", "amount": amount, "currency": "USD", "occurred_at": null})
}

fn paid(value: &Value) -> Fixed {
    match record(Stream::Billing, None, value).event {
        Event::Billing(BillingEvent::InvoicePaid(invoice)) => invoice.amount.minor,
        other => panic!("{other:?}"),
    }
}

#[test]
fn decimals_are_read_by_the_scale_of_the_schema() {
    let decimal = |scale: &str| json!([column("amount", "org.apache.kafka.connect.data.Decimal", json!({"scale": scale}))]);
    assert_eq!(paid(&with_schema(invoice(json!("MDk=")), decimal("2"))), Fixed::from(12_345)); // 0x3039 = 12345, so 123.45
    assert_eq!(paid(&with_schema(invoice(json!("BQ==")), decimal("3"))), Fixed::new(5, 1)); // 0.005
    assert_eq!(paid(&with_schema(invoice(json!("AA==")), decimal("0"))), Fixed::from(0));
    let variable = json!([column("amount", "io.debezium.data.VariableScaleDecimal", json!(null))]);
    assert_eq!(paid(&with_schema(invoice(json!({"scale": 1, "value": "MDk="})), variable)), Fixed::from(123_450));
    // The modes `string` and `double`.
    assert_eq!(paid(&with_schema(invoice(json!("123.45")), json!([]))), Fixed::from(12_345));
    assert_eq!(paid(&with_schema(invoice(json!(123.45)), json!([]))), Fixed::from(12_345));
    let wrong = with_schema(invoice(json!("%")), decimal("2"));
    assert_eq!(refused(&wrong), (Code::WrongType, "debezium: after.amount does not fit its schema".to_owned()));
}

#[test]
fn instants_are_read_by_the_type_of_the_schema() {
    let at = |kind: &str, value: Value| {
        let mut paid = invoice(json!(1));
        paid["occurred_at"] = value;
        record(Stream::Billing, None, &with_schema(paid, json!([column("occurred_at", kind, json!(null))]))).occurred_at
    };
    let expected = Timestamp(1_772_323_200_123);
    assert_eq!(at("io.debezium.time.Timestamp", json!(1_772_323_200_123_i64)), expected);
    assert_eq!(at("io.debezium.time.MicroTimestamp", json!(1_772_323_200_123_456_i64)), expected);
    assert_eq!(at("io.debezium.time.NanoTimestamp", json!(1_772_323_200_123_456_789_i64)), expected);
    assert_eq!(at("io.debezium.time.ZonedTimestamp", json!("2026-03-01T00:00:00.123456Z")), expected);
    assert_eq!(at("io.debezium.time.Date", json!(20_513)), Timestamp(1_772_323_200_000));
}

#[test]
fn a_flattened_row_is_read_with_and_without_added_fields() {
    let mut flat = row();
    flat["occurred_at"] = json!(NOW);
    let plain = record(Stream::Billing, None, &flat);
    assert_eq!((plain.occurred_at, plain.id.as_deref()), (Timestamp(NOW * 1000), None));
    let mut added = row();
    let fields = json!({"__op": "u", "__deleted": "false", "__source_ts_ms": (NOW - 7) * 1000, "__source_lsn": 99});
    added.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let record = record(Stream::Billing, Some(r#"{"id":1}"#), &added);
    assert_eq!(record.occurred_at, Timestamp((NOW - 7) * 1000));
    assert!(record.id.unwrap().starts_with("99:"));
    added["__deleted"] = json!("true");
    assert_eq!(decode(Stream::Billing, None, Some(&added.to_string())), Ok(Decoded::Ignored));
}

#[test]
fn deletions_and_tombstones_delete_accounts_and_nothing_else() {
    let deleted = change("d", json!({"account_id": "acme", "name": null}), json!(null));
    assert_eq!(decode(Stream::Billing, None, Some(&deleted.to_string())), Ok(Decoded::Ignored));
    let removes_account = |record: &Record<'_>| match &record.event {
        Event::Profile(profile) => profile.deleted,
        _ => false,
    };
    let by_row = record(Stream::Accounts, Some(r#"{"schema":{},"payload":{"id":7}}"#), &deleted);
    assert_eq!(
        (by_row.account.as_deref(), removes_account(&by_row), by_row.occurred_at),
        (Some("acme"), true, Timestamp((NOW - 60) * 1000))
    );
    let key_alone = change("d", json!({"name": null}), json!(null));
    let by_key = record(Stream::Accounts, Some(r#"{"schema":{},"payload":{"id":7}}"#), &key_alone);
    assert_eq!((by_key.account.as_deref(), removes_account(&by_key)), (Some("7"), true));
    // MongoDB's documents and keys are JSON in text.
    let document = change("d", json!(r#"{"_id": 1, "account_id": {"$numberLong": "42"}}"#), json!(null));
    assert_eq!(record(Stream::Accounts, Some(r#"{"id":"1"}"#), &document).account.as_deref(), Some("42"));
    let of_mongodb = [r#"{"id":"\"acme\""}"#, r#"{"schema":{},"payload":{"id":"{\"$oid\": \"acme\"}"}}"#, r#"{"id":"\u0061cme"}"#];
    for key in [r#"{"account_id":"acme","region":"eu"}"#, r#"{"id":"acme"}"#, "acme"].into_iter().chain(of_mongodb) {
        let Ok(Decoded::Record(record)) = decode(Stream::Accounts, Some(key), None) else { panic!("{key}") };
        assert_eq!((record.account.as_deref(), removes_account(&record)), (Some("acme"), true), "{key}");
    }
    assert_eq!(decode(Stream::Billing, Some("{}"), None), Ok(Decoded::Ignored));
}

#[test]
fn other_operations_are_ignored_and_other_payloads_named() {
    for op in ["t", "m"] {
        assert_eq!(decode(Stream::Billing, None, Some(&change(op, json!(null), json!(null)).to_string())), Ok(Decoded::Ignored));
    }
    let missing = |field: &str| (Code::MissingField, format!("debezium: {field} is missing"));
    let stripe = json!({"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {}}});
    assert_eq!(refused(&stripe), missing("op"));
    assert_eq!(refused(&json!({"type": "track", "messageId": "m", "event": "e"})), missing("op"));
    assert_eq!(refused(&json!({"event_type": "x", "content": {}})), missing("op"));
    assert_eq!(refused(&change("c", json!(null), json!(null))), missing("after"));
    let mut untimed = change("c", json!(null), row());
    untimed["source"]["ts_ms"] = json!(null);
    assert_eq!(refused(&untimed), missing("source.ts_ms"));
    let mut untyped = change("c", json!(null), row());
    untyped["after"]["type"] = json!(null);
    assert_eq!(refused(&untyped), missing("type"));
    assert_eq!(refused(&change("x", json!(null), row())).0, Code::OutOfRange);
}

proptest! {
    #[test]
    fn no_value_in_the_wrong_place_panics(place in any::<prop::sample::Index>(), value in prop_oneof![
        Just("null"), Just("[]"), Just("{}"), Just("\"\""), Just("\"x\""), Just("-1"), Just("1e400"), Just("170141183460469231731687303715884105727"), Just("true"),
    ]) {
        let decimal = json!([column("amount", "org.apache.kafka.connect.data.Decimal", json!({"scale": "2"}))]);
        for payload in [change("c", json!(null), row()), with_schema(invoice(json!("MDk=")), decimal), row()] {
            let text = super::broken(&payload.to_string(), place, value);
            drop(decode(Stream::Billing, Some("{\"id\":1}"), Some(&text)));
            drop(decode(Stream::Accounts, Some("{"), Some(&text)));
        }
    }
}
