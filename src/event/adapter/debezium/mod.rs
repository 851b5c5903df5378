//! Debezium's changes of rows, with and without schema, envelope and flattening (`ExtractNewRecordState`).
//!
//! The row is the payload of another format: of native events whose fields are its columns, unless a mapping says otherwise. `row` turns
//! what Debezium writes in its own ways (decimals, instants, JSON in text) into plain JSON first, by the schema where there is one.

mod envelope;
mod row;

use std::borrow::Cow;

use self::envelope::{Envelope, Key, Outer, Schema};
use super::events::Events;
use super::inner;
use super::lookup;
use super::object::{Json, Nested};
use super::payload::{Payload, missing};
use crate::event::native::{self, Raw, Value};
use crate::event::scan;
use crate::event::{AccountProfile, Code, DecodeContext, Decoded, Event, Record, Rejection, Stream};
use crate::time::Timestamp;

/// What happened to a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Created, updated, or read by a snapshot.
    Written,
    Deleted,
    /// Of the whole table, or no row at all.
    Other,
}

/// Reads `op`.
const OPERATIONS: [(&str, Operation); 6] = [
    ("c", Operation::Written),
    ("u", Operation::Written),
    ("r", Operation::Written),
    ("d", Operation::Deleted),
    ("t", Operation::Other),
    ("m", Operation::Other),
];

/// A change of one row.
struct RowChange<'a> {
    operation: Operation,
    /// The row after the change, or the deleted one.
    row: Json<'a>,
    /// When the database changed it.
    changed_at: Option<Timestamp>,
    /// Where its log says so.
    position: Option<String>,
    schema: Json<'a>,
}

/// Decodes a row in the format of its content.
pub(super) type Content<'f> = dyn for<'r> Fn(&Raw<'r>) -> Result<Decoded<'r>, Rejection> + 'f;

/// A null value: rows of the accounts topic delete their account, tombstones of other topics only concern compaction.
pub(super) fn tombstone<'a>(raw: &Raw<'a>, context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
    if raw.stream != Stream::Accounts {
        return Ok(Decoded::Ignored);
    }
    native::decode(&Raw { key: account_key(raw.key), ..*raw }, context)
}

/// Reads the change of a row.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, content: &Content<'_>, events: &mut Events<'a>) -> Result<(), Rejection> {
    let mut outer = Outer::default();
    payload.parse(&mut outer)?;
    let change = change(payload, outer)?;
    match change.operation {
        Operation::Deleted if payload.raw.stream == Stream::Accounts => deletion(payload, &change, events),
        Operation::Other | Operation::Deleted => Ok(()),
        Operation::Written => written(payload, &change, content, events),
    }
}

/// The change of a row that a payload describes.
fn change<'a>(payload: &Payload<'a, '_>, outer: Outer<'a>) -> Result<RowChange<'a>, Rejection> {
    // Without schemas, the envelope is the whole value.
    let (text, schema) = match &outer.payload {
        Nested::Given(_) => (lookup::member(payload.text, "payload"), outer.schema),
        Nested::Wrong => return Err(Rejection::new(Code::WrongType, "payload is not an object")),
        Nested::Missing => (Some(payload.text), Json::default()),
    };
    let envelope = &outer.into_envelope();
    let has_image = envelope.before.given().is_some() || envelope.after.given().is_some();
    if let Some(operation) = payload.optional(envelope.op, "op", |value| value.choice(&OPERATIONS))? {
        if !has_image && operation != Operation::Other {
            return Err(missing(if operation == Operation::Deleted { "before" } else { "after" }));
        }
        return enveloped(payload, envelope, operation, schema);
    }
    if has_image && envelope.source.get().is_some() {
        return Err(missing("op"));
    }
    flattened(payload, envelope, text, schema)
}

/// A change in Debezium's envelope.
fn enveloped<'a>(
    payload: &Payload<'a, '_>,
    envelope: &Envelope<'a>,
    operation: Operation,
    schema: Json<'a>,
) -> Result<RowChange<'a>, Rejection> {
    let (row, name) = if operation == Operation::Deleted { (envelope.before, "before") } else { (envelope.after, "after") };
    let source = envelope.source.get();
    let changed_at = source.map(|source| payload.optional(source.ts_ms, "source.ts_ms", Value::instant)).transpose()?.flatten();
    if operation == Operation::Written && changed_at.is_none() {
        return Err(missing("source.ts_ms"));
    }
    let schema = inner::object::<Schema<'a>>(payload, schema, "schema")?.map(|schema| schema.columns(name)).unwrap_or_default();
    Ok(RowChange { operation, row, changed_at, position: source.and_then(envelope::Source::position), schema })
}

/// A row without envelope, with whatever of it was added as fields.
fn flattened<'a>(
    payload: &Payload<'a, '_>,
    row: &Envelope<'a>,
    text: Option<&'a str>,
    schema: Json<'a>,
) -> Result<RowChange<'a>, Rejection> {
    let operation = payload.optional(row.flat_op, "__op", |value| value.choice(&OPERATIONS))?;
    let deleted = payload.optional(row.flat_deleted, "__deleted", |value| value.word(&[("true", true), ("false", false)]));
    let deleted = match deleted {
        Ok(deleted) => deleted.flatten().unwrap_or(row.flat_deleted.given() == Some("true")),
        Err(rejection) => return Err(rejection),
    };
    let changed_at = payload.optional(row.flat_source_ts, "__source_ts_ms", Value::instant)?;
    let has_sign = operation.is_some() || row.flat_deleted.given().is_some() || changed_at.is_some();
    let kind = payload.optional(row.kind, "type", Value::any_text).ok().flatten();
    let is_native = kind.is_some_and(|kind| native::known_type(&kind).is_some());
    if !has_sign && !is_native && schema.given().is_none() && !is_flat(row) {
        return Err(missing("op"));
    }
    let operation = if deleted { Operation::Deleted } else { operation.unwrap_or(Operation::Written) };
    let schema = inner::object::<Schema<'a>>(payload, schema, "schema")?.map(|schema| schema.fields).unwrap_or_default();
    Ok(RowChange { operation, row: Json::of(text), changed_at, position: row.flat_position(), schema })
}

/// Whether a payload may be a plain row: one of another provider has a type, or one of the usual envelopes.
fn is_flat(row: &Envelope<'_>) -> bool {
    row.kind.given().is_none() && row.data.given().is_none() && row.content.given().is_none() && row.detail.given().is_none()
}

/// The event that a written row is.
fn written<'a>(payload: &Payload<'a, '_>, change: &RowChange<'a>, content: &Content<'_>, events: &mut Events<'a>) -> Result<(), Rejection> {
    let row = row::plain(change.row, change.schema)?;
    let raw = payload.raw;
    let timestamp = change.changed_at.or(raw.timestamp);
    let decoded = match row {
        Cow::Borrowed(row) => content(&Raw { value: Some(row.as_bytes()), key: account_key(raw.key), timestamp, ..*raw })?,
        Cow::Owned(row) => {
            let raw = Raw { value: Some(row.as_bytes()), key: account_key(raw.key), timestamp, ..*raw };
            content(&raw)?.map(Record::into_owned)
        }
    };
    let records = match decoded {
        Decoded::Record(record) => vec![record],
        Decoded::Records(records) => records,
        Decoded::Ignored => Vec::new(),
    };
    let id = change.id(raw.key);
    for record in records {
        let payload_time = record.payload_time || change.changed_at.is_some();
        events.push(Record { id: id.clone().map(Cow::Owned).or(record.id), payload_time, ..record });
    }
    Ok(())
}

/// A deleted row of the accounts topic deletes the account; of the row, only its key may be left.
fn deletion<'a>(payload: &Payload<'a, '_>, change: &RowChange<'a>, events: &mut Events<'a>) -> Result<(), Rejection> {
    let row = change.row.given().filter(|row| inner::is_object(row));
    let account = row.and_then(|row| lookup::member(row, "account_id"));
    let account = payload.optional(Json::of(account), "before.account_id", Value::id)?;
    let timestamp = change.changed_at.or(payload.raw.timestamp);
    let raw = Raw { key: account_key(payload.raw.key), value: None, timestamp, ..*payload.raw };
    let Decoded::Record(mut record) = (match &account {
        Some(id) => native::decode(&Raw { key: Some(id.as_bytes()), ..raw }, payload.context)?.map(Record::into_owned),
        None => native::decode(&raw, payload.context)?.map(Record::into_owned),
    }) else {
        return Ok(());
    };
    record.payload_time = change.changed_at.is_some();
    record.id = change.id(payload.raw.key).map(Cow::Owned);
    record.event = Event::Profile(Box::new(AccountProfile { deleted: true, ..AccountProfile::default() }));
    events.push(record);
    Ok(())
}

impl RowChange<'_> {
    /// The id of the event: the position in the log, and the row by its key, as a snapshot reads many rows at one position.
    fn id(&self, key: Option<&[u8]>) -> Option<String> {
        let position = self.position.as_deref()?;
        let key = key.unwrap_or_else(|| self.row.given().unwrap_or_default().as_bytes());
        Some(format!("{position}:{:016x}", xxhash_rust::xxh3::xxh3_64(key)))
    }
}

/// The account in a record key: Debezium's keys are objects of the key's columns. One of them is the account where it says so, or where it
/// is the only one.
fn account_key(key: Option<&[u8]>) -> Option<&[u8]> {
    let text = std::str::from_utf8(key?).ok()?;
    if !text.trim_ascii_start().starts_with('{') {
        return key;
    }
    let columns = lookup::member(text, "payload").unwrap_or(text);
    let value = lookup::member(columns, "account_id").or_else(|| scan::whole::<Key<'_>>(columns)?.only)?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value).as_bytes())
}
