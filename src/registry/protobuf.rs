//! Protobuf: message indexes, then the message.
//!
//! Fields keep the names of the `.proto` file. A field without presence (proto3 without `optional`) that holds `""` or an enum's first
//! value counts as absent, since Protobuf cannot tell the two apart; zeros and `false` are values.

use std::path::Path;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::source::Source;

/// The name under which the schema itself is compiled.
const MAIN: &str = "churnwatch/main.proto";

/// Most message indexes in a payload: deeper nesting of types is a sign of other bytes.
const INDEXES_MAX: usize = 64;

pub(super) struct ProtobufSchema {
    pool: DescriptorPool,
}

impl ProtobufSchema {
    pub(super) fn compile(source: &Source) -> Result<Self, String> {
        let mut files = ChainFileResolver::new();
        files.add(Files::of(source));
        files.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(files);
        compiler.open_file(MAIN).map_err(|error| error.to_string())?;
        Ok(Self { pool: compiler.descriptor_pool() })
    }

    pub(super) fn write_json(&self, payload: &[u8], json: &mut Vec<u8>) -> Result<(), String> {
        let (indexes, bytes) = indexes(payload).ok_or("its message indexes are cut off")?;
        let descriptor = self.message(&indexes).ok_or("its message indexes name no message of the schema")?;
        let message = DynamicMessage::decode(descriptor, bytes).map_err(|error| error.to_string())?;
        serde_json::to_writer(json, &Message(&message)).map_err(|error| error.to_string())
    }

    fn message(&self, indexes: &[usize]) -> Option<MessageDescriptor> {
        let (first, rest) = indexes.split_first()?;
        let file = self.pool.get_file_by_name(MAIN)?;
        let outermost = file.messages().nth(*first)?;
        rest.iter().try_fold(outermost, |message, index| message.child_messages().nth(*index))
    }
}

/// The schema and what it imports.
struct Files(Vec<(String, String)>);

impl Files {
    fn of(source: &Source) -> Self {
        let references = source.references.iter().map(|reference| (reference.name.clone(), reference.text.clone()));
        Self(references.chain([(MAIN.to_owned(), source.text.clone())]).collect())
    }
}

impl FileResolver for Files {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        path.to_str().filter(|name| self.0.iter().any(|(known, _)| known == name)).map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((name, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The path to the message within the schema, and the bytes of the message. A lone zero stands for the first message.
fn indexes(payload: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let (count, mut rest) = varint(payload)?;
    if count == 0 {
        return Some((vec![0], rest));
    }
    if count > INDEXES_MAX {
        return None;
    }
    let mut indexes = Vec::with_capacity(count);
    for _ in 0..count {
        let (index, after) = varint(rest)?;
        indexes.push(index);
        rest = after;
    }
    Some((indexes, rest))
}

/// A zigzag varint that is not negative.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (position, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            let is_negative = value & 1 == 1;
            let value = usize::try_from(value >> 1).ok().filter(|_| !is_negative)?;
            return Some((value, bytes.get(position + 1..)?));
        }
    }
    None
}

/// A message as a JSON object.
struct Message<'a>(&'a DynamicMessage);

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let descriptor = self.0.descriptor();
        if descriptor.full_name().starts_with("google.protobuf.") {
            return self.0.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for field in descriptor.fields() {
            let value = self.0.get_field(&field);
            if field.supports_presence() && !self.0.has_field(&field) || !field.supports_presence() && is_unset(&field, &value) {
                continue;
            }
            map.serialize_entry(field.name(), &FieldValue { field: &field, value: &value })?;
        }
        map.end()
    }
}

/// Whether a field without presence has a value that looks like an absent one.
fn is_unset(field: &FieldDescriptor, value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::EnumNumber(0) => matches!(field.kind(), Kind::Enum(_)),
        _ => false,
    }
}

/// The value of a field as JSON.
struct FieldValue<'a> {
    field: &'a FieldDescriptor,
    value: &'a Value,
}

impl FieldValue<'_> {
    fn of<'a>(&'a self, value: &'a Value) -> FieldValue<'a> {
        FieldValue { field: self.field, value }
    }

    fn enum_name(&self, number: i32) -> Option<String> {
        let kind = match self.field.kind() {
            Kind::Message(entry) if self.field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        let Kind::Enum(descriptor) = kind else { return None };
        descriptor.get_value(number).map(|value| value.name().to_owned())
    }
}

impl Serialize for FieldValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::U64(value) => serializer.serialize_u64(*value),
            Value::F32(value) => serializer.serialize_f32(*value),
            Value::F64(value) => serializer.serialize_f64(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.collect_str(&super::base64(bytes)),
            Value::EnumNumber(number) => match self.enum_name(*number) {
                Some(name) => serializer.serialize_str(&name),
                None => serializer.serialize_i32(*number),
            },
            Value::Message(message) => Message(message).serialize(serializer),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&self.of(item)))?;
                list.end()
            }
            Value::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().map(|(key, value)| (key_text(key), value)).collect();
                sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
                let mut map = serializer.serialize_map(Some(sorted.len()))?;
                sorted.iter().try_for_each(|(key, value)| map.serialize_entry(key, &self.of(value)))?;
                map.end()
            }
        }
        .map_err(S::Error::custom)
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost::Message as _;

    use super::super::source::{Language, Reference};
    use super::*;

    const FILE: &str = r#"
        syntax = "proto3";
        package demo;
        import "shared.proto";
        import "google/protobuf/timestamp.proto";
        message Unused {}
        message Event {
          enum Kind { KIND_UNSPECIFIED = 0; USED = 1; }
          message Inner { string note = 1; }
          string type = 1;
          string account_id = 2;
          int64 count = 3;
          optional int64 score = 4;
          Kind kind = 5;
          repeated shared.Item items = 6;
          google.protobuf.Timestamp occurred_at = 7;
          map<string, string> aliases = 8;
          string missing = 9;
        }
    "#;
    const SHARED: &str = "syntax = \"proto3\"; package shared; message Item { int64 amount_minor = 1; string currency = 2; }";

    fn schema() -> ProtobufSchema {
        let references = vec![Reference { name: "shared.proto".to_owned(), text: SHARED.to_owned() }];
        ProtobufSchema::compile(&Source { language: Language::Protobuf, text: FILE.to_owned(), references }).unwrap()
    }

    fn json_of(schema: &ProtobufSchema, payload: &[u8]) -> Result<serde_json::Value, String> {
        let mut json = Vec::new();
        schema.write_json(payload, &mut json)?;
        Ok(serde_json::from_slice(&json).unwrap())
    }

    /// The payload of an `Event` that is this JSON in Protobuf's own mapping.
    fn payload(schema: &ProtobufSchema, json: &str) -> Vec<u8> {
        let descriptor = schema.message(&[1]).unwrap();
        let message = DynamicMessage::deserialize(descriptor, &mut serde_json::Deserializer::from_str(json)).unwrap();
        [&[2, 2], message.encode_to_vec().as_slice()].concat()
    }

    #[test]
    fn a_message_becomes_json_with_the_names_of_its_file() {
        let schema = schema();
        let text = r#"{"type":"feature_used","accountId":"acme","count":"9007199254740993","score":"0","kind":"USED",
            "items":[{"amountMinor":"4900","currency":"EUR"}],"occurredAt":"2026-03-01T10:00:00Z","aliases":{"stripe":"cus_1"}}"#;
        let expected = serde_json::json!({
            "type": "feature_used", "account_id": "acme", "count": 9_007_199_254_740_993_i64, "score": 0, "kind": "USED",
            "items": [{"amount_minor": 4900, "currency": "EUR"}], "occurred_at": "2026-03-01T10:00:00Z", "aliases": {"stripe": "cus_1"},
        });
        assert_eq!(json_of(&schema, &payload(&schema, text)).unwrap(), expected);
    }

    #[test]
    fn a_zero_is_a_value_and_an_empty_text_is_none() {
        let schema = schema();
        let json = json_of(&schema, &payload(&schema, "{}")).unwrap();
        assert_eq!(json, serde_json::json!({"count": 0}));
    }

    #[test]
    fn a_lone_zero_names_the_first_message_and_a_path_leads_to_inner_ones() {
        let schema = schema();
        assert_eq!(json_of(&schema, &[0]).unwrap(), serde_json::json!({}));
        assert_eq!(json_of(&schema, &[4, 2, 0, 0x0a, 2, b'h', b'i']).unwrap(), serde_json::json!({"note": "hi"}));
    }

    #[test]
    fn other_bytes_are_refused() {
        let schema = schema();
        for wrong in [&[][..], &[0x80], &[2], &[1], &[2, 40], &[0, 0xff], &[0x7e, 0], &[2, 2, 0x0a, 9, b'x']] {
            assert!(json_of(&schema, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_schema_that_lacks_an_import_is_refused() {
        let source = Source { language: Language::Protobuf, text: FILE.to_owned(), references: Vec::new() };
        assert!(ProtobufSchema::compile(&source).err().unwrap().contains("shared.proto"));
    }
}
