//! Debezium's changes of rows, with and without schema, envelope and flattening (`ExtractNewRecordState`).
//!
//! The row is the payload of another format: of native events whose fields are its columns, unless a mapping says otherwise. `row` turns
//! what Debezium writes in its own ways (decimals, instants, JSON in text) into plain JSON first, by the schema where there is one.

mod envelope;
mod row;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use self::envelope::{Envelope, Key, Schema};
use self::row::Columns;
use super::inner;
use super::object::{Json, Listed};
use super::payload::{Payload, missing};
use crate::event::native::{self, Raw, Value};
use crate::event::scan;
use crate::event::{AccountProfile, Code, DecodeContext, Decoded, Event, Record, Rejection, Stream, extended_json};
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
struct RowChange<'e, 'a> {
    operation: Operation,
    /// The row after the change, or the deleted one.
    row: Json<'a>,
    /// Its columns, if they have been listed.
    listed: Option<&'e Listed<'a>>,
    /// When the database changed it.
    changed_at: Option<Timestamp>,
    /// Where its log says so.
    position: Option<String>,
    columns: Columns<'a>,
}

/// The format of rows.
pub(super) struct Content<'f> {
    /// Whether a row is a native event whose fields are its columns.
    pub(super) is_native: bool,
    /// Decodes a row.
    pub(super) decode: &'f dyn for<'r> Fn(&Raw<'r>) -> Result<Decoded<'r>, Rejection>,
}

/// A null value: rows of the accounts topic delete their account, tombstones of other topics only concern compaction.
pub(super) fn tombstone<'a>(raw: &Raw<'a>, context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
    if raw.stream != Stream::Accounts {
        return Ok(Decoded::Ignored);
    }
    match account_key(raw.key) {
        Some(Cow::Owned(key)) => Ok(native::decode(&Raw { key: Some(&key), ..*raw }, context)?.map(Record::into_owned)),
        Some(Cow::Borrowed(key)) => native::decode(&Raw { key: Some(key), ..*raw }, context),
        None => native::decode(&Raw { key: None, ..*raw }, context),
    }
}

/// Reads the change of a row.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, content: &Content<'_>) -> Result<Decoded<'a>, Rejection> {
    let mut value = Envelope::default();
    payload.parse(&mut value)?;
    let change = change(payload, &value)?;
    match change.operation {
        Operation::Deleted if payload.raw.stream == Stream::Accounts => deletion(payload, change),
        Operation::Other | Operation::Deleted => Ok(Decoded::Ignored),
        Operation::Written => written(payload, change, content),
    }
}

/// The change of a row that a payload describes.
fn change<'e, 'a>(payload: &Payload<'a, '_>, value: &'e Envelope<'a>) -> Result<RowChange<'e, 'a>, Rejection> {
    // Without schemas, the envelope is the whole value.
    match value.payload.envelope.object("payload")? {
        Some(envelope) => change_in(payload, envelope, value.payload.text, &value.schema),
        None => change_in(payload, value, payload.text, &Schema::default()),
    }
}

/// The change in an envelope, or flattened row, whose text this is.
fn change_in<'e, 'a>(
    payload: &Payload<'a, '_>,
    envelope: &'e Envelope<'a>,
    text: &'a str,
    schema: &Schema<'a>,
) -> Result<RowChange<'e, 'a>, Rejection> {
    let has_image = envelope.before.given().is_some() || envelope.after.json.given().is_some();
    if let Some(operation) = payload.optional(envelope.op, "op", |value| value.choice(&OPERATIONS))? {
        if !has_image && operation != Operation::Other {
            return Err(without_image(envelope, operation));
        }
        return enveloped(payload, envelope, operation, schema);
    }
    if has_image && envelope.source.get().is_some() {
        return Err(missing("op"));
    }
    if has_image && holds_images_alone(text) {
        let operation = if envelope.after.json.given().is_some() { Operation::Written } else { Operation::Deleted };
        return enveloped(payload, envelope, operation, schema);
    }
    flattened(payload, envelope, text, schema)
}

/// Whether an object is nothing but the row before and after the change, as Debezium's converter to `CloudEvents` writes it: operation,
/// source and time are then attributes of the event around it.
fn holds_images_alone(text: &str) -> bool {
    let members = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(text);
    members.is_ok_and(|members| members.keys().all(|name| matches!(name.as_ref(), "before" | "after")))
}

/// The rejection of a change without the row. `MongoDB`'s connector leaves it out of updates unless `capture.mode` asks for it, and where the
/// document has been deleted since.
#[cold]
fn without_image(envelope: &Envelope<'_>, operation: Operation) -> Rejection {
    let is_update = envelope.update.given().is_some() || envelope.patch.given().is_some();
    match operation {
        Operation::Deleted => missing("before"),
        _ if is_update => Rejection::new(
            Code::MissingField,
            "after is missing: the update holds the changed fields only; set the connector's capture.mode to change_streams_update_full",
        ),
        _ => missing("after"),
    }
}

/// The schema, if it is one.
fn checked<'s, 'a>(schema: &'s Schema<'a>) -> Result<&'s Schema<'a>, Rejection> {
    match schema.json.given() {
        Some(json) if !inner::is_object(json) => Err(Rejection::new(Code::WrongType, "schema is not an object")),
        _ => Ok(schema),
    }
}

/// A change in Debezium's envelope.
fn enveloped<'e, 'a>(
    payload: &Payload<'a, '_>,
    envelope: &'e Envelope<'a>,
    operation: Operation,
    schema: &Schema<'a>,
) -> Result<RowChange<'e, 'a>, Rejection> {
    let (row, listed, name) = match operation {
        Operation::Deleted => (envelope.before, None, "before"),
        Operation::Written | Operation::Other => (envelope.after.json, Some(&envelope.after), "after"),
    };
    let source = envelope.source.get();
    let changed_at = source.map(|source| payload.optional(source.ts_ms, "source.ts_ms", Value::instant)).transpose()?.flatten();
    if operation == Operation::Written && changed_at.is_none() && envelope.op.given().is_some() {
        return Err(missing("source.ts_ms"));
    }
    let columns = Columns::of(&checked(schema)?.fields_in(name));
    Ok(RowChange { operation, row, listed, changed_at, position: source.and_then(envelope::Source::position), columns })
}

/// A row without envelope, with whatever of it was added as fields.
fn flattened<'e, 'a>(
    payload: &Payload<'a, '_>,
    row: &Envelope<'a>,
    text: &'a str,
    schema: &Schema<'a>,
) -> Result<RowChange<'e, 'a>, Rejection> {
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
    if !has_sign && !is_native && schema.json.given().is_none() && !is_flat(row) {
        return Err(missing("op"));
    }
    let operation = if deleted { Operation::Deleted } else { operation.unwrap_or(Operation::Written) };
    let columns = Columns::of(&checked(schema)?.fields);
    Ok(RowChange { operation, row: Json::of(Some(text)), listed: None, changed_at, position: row.flat_position(), columns })
}

/// Whether a payload may be a plain row: one of another provider has a type, or one of the usual envelopes.
fn is_flat(row: &Envelope<'_>) -> bool {
    row.kind.given().is_none() && row.data.given().is_none() && row.content.given().is_none() && row.detail.given().is_none()
}

/// The event that a written row is.
fn written<'a>(payload: &Payload<'a, '_>, change: RowChange<'_, 'a>, content: &Content<'_>) -> Result<Decoded<'a>, Rejection> {
    let outside = payload.raw;
    let raw = |key| Raw { key, timestamp: change.changed_at.or(outside.timestamp), ..*outside };
    let mut decoded = match account_key(outside.key) {
        None => row(payload, &change, raw(None), content)?,
        Some(Cow::Borrowed(key)) => row(payload, &change, raw(Some(key)), content)?,
        Some(Cow::Owned(key)) => row(payload, &change, Raw { key: Some(&key), ..raw(None) }, content)?.map(Record::into_owned),
    };
    let has_time = change.changed_at.is_some();
    decoded.identify(change.into_id(outside.key).map(Cow::Owned), has_time);
    Ok(decoded)
}

/// The events of a row that is the value of a record like this.
fn row<'r>(
    payload: &Payload<'r, '_>,
    change: &RowChange<'_, 'r>,
    outside: Raw<'r>,
    content: &Content<'_>,
) -> Result<Decoded<'r>, Rejection> {
    let row = change.row.given().ok_or_else(|| missing("after"))?;
    let raw = Raw { value: Some(row.as_bytes()), ..outside };
    match if content.is_native { in_place(payload, change, row, &raw) } else { None } {
        Some(decoded) => decoded,
        None => match change.columns.plain(row)? {
            Cow::Borrowed(row) => (content.decode)(&Raw { value: Some(row.as_bytes()), ..raw }),
            Cow::Owned(row) => Ok((content.decode)(&Raw { value: Some(row.as_bytes()), ..raw })?.map(Record::into_owned)),
        },
    }
}

/// The native event that a row is, unless the row must be rewritten to be read.
fn in_place<'a>(
    payload: &Payload<'a, '_>,
    change: &RowChange<'_, 'a>,
    row: &'a str,
    raw: &Raw<'a>,
) -> Option<Result<Decoded<'a>, Rejection>> {
    let flat;
    let listed = if let Some(listed) = change.listed {
        listed
    } else {
        flat = scan::whole::<Listed<'a>>(row)?;
        &flat
    };
    let field = |(name, json): &(&'a [u8], &'a str)| Some((*name, change.columns.in_place(name, json)?));
    let fields = listed.members()?.iter().map(field);
    native::decode_members(fields, listed.has_escapes, raw, payload.context, None)
}

/// A deleted row of the accounts topic deletes the account; of the row, only its key may be left.
fn deletion<'a>(payload: &Payload<'a, '_>, change: RowChange<'_, 'a>) -> Result<Decoded<'a>, Rejection> {
    let row = change.row.given().unwrap_or_default();
    let row = if inner::is_object(row) { Cow::Borrowed(row) } else { Cow::Owned(row::document(row).unwrap_or_default()) };
    let account = scan::member(&row, "account_id");
    let account = payload.optional(Json::of(account), "before.account_id", Value::id)?.map(Cow::into_owned);
    let timestamp = change.changed_at.or(payload.raw.timestamp);
    let key = account.map(|account| Cow::Owned(account.into_bytes())).or_else(|| account_key(payload.raw.key));
    let raw = Raw { key: key.as_deref(), value: None, timestamp, ..*payload.raw };
    let decoded = native::decode(&raw, payload.context)?.map(Record::into_owned);
    let has_time = change.changed_at.is_some();
    let id = change.into_id(payload.raw.key);
    Ok(decoded.with(|record| {
        record.payload_time = has_time;
        record.id = id.clone().map(Cow::Owned);
        record.event = Event::Profile(Box::new(AccountProfile { deleted: true, ..AccountProfile::default() }));
    }))
}

impl RowChange<'_, '_> {
    /// The id of the event: the position in the log, and the row by its key, as a snapshot reads many rows at one position.
    fn into_id(self, key: Option<&[u8]>) -> Option<String> {
        let mut id = self.position?;
        let key = key.unwrap_or_else(|| self.row.given().unwrap_or_default().as_bytes());
        id.push(':');
        let hash = xxhash_rust::xxh3::xxh3_64(key);
        id.extend((0..16).rev().filter_map(|digit| char::from_digit((hash >> (4 * digit) & 0xf) as u32, 16)));
        Some(id)
    }
}

/// The account in a record key: Debezium's keys are objects of the key's columns. One of them is the account where it says so, or where it
/// is the only one.
fn account_key(key: Option<&[u8]>) -> Option<Cow<'_, [u8]>> {
    let key = key?;
    let text = std::str::from_utf8(key).ok()?;
    if !text.trim_ascii_start().starts_with('{') {
        return Some(Cow::Borrowed(key));
    }
    let columns = scan::member(text, "payload").unwrap_or(text);
    let value = scan::member(columns, "account_id").or_else(|| scan::whole::<Key<'_>>(columns)?.only)?;
    match scan::content(value) {
        Some(content) if memchr::memchr(b'\\', content.as_bytes()).is_some() => {
            unescaped_key(value).map(|key| Cow::Owned(key.into_bytes()))
        }
        Some(content) => Some(Cow::Borrowed(content.as_bytes())),
        None => Some(Cow::Borrowed(value.as_bytes())),
    }
}

/// The content of text in a key. `MongoDB`'s connector writes the id of a document as JSON in it: `"\"acme\""`, `"{\"$oid\":\"64b7f0c2\"}"`.
fn unescaped_key(json: &str) -> Option<String> {
    let text = row::unquoted(json)?;
    let id = extended_json::unwrapped(text.trim()).map_or_else(|| text.clone(), Cow::into_owned);
    Some(row::unquoted(&id).unwrap_or(id))
}
