//! Avro: a record without a header, read with the schema that it was written with.
//!
//! Unions become the value itself, instants RFC 3339 in UTC, local date-times the same without offset, decimals exact text, bytes base64.
//! Recursive schemas are refused: a hostile value could nest deeper than the stack.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use apache_avro::schema::{Name, Namespace, Schema};
use apache_avro::types::Value;
use apache_avro::{Decimal, from_avro_datum_schemata};
use jiff::{SignedDuration, Timestamp};
use num_bigint::BigInt;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};

use super::source::Source;

/// Most items of an array and longest text, whatever a value claims: the decoder reserves memory before it reads.
const ITEMS_MAX: usize = 1 << 20;

/// Deepest nesting of types. Formats accept no JSON that is deeper.
const DEPTH_MAX: usize = 128;

pub(super) struct AvroSchema {
    schema: Schema,
    references: Vec<Schema>,
    shape: Arc<Shape>,
}

impl AvroSchema {
    pub(super) fn compile(source: &Source) -> Result<Self, String> {
        apache_avro::util::max_allocation_bytes(ITEMS_MAX);
        let texts = source.references.iter().map(|reference| reference.text.as_str());
        let (schema, references) = Schema::parse_str_with_list(&source.text, texts).map_err(|error| error.to_string())?;
        let mut shapes = Shapes::default();
        for reference in &references {
            shapes.of(reference, &None)?;
        }
        let shape = shapes.of(&schema, &None)?;
        Ok(Self { schema, references, shape })
    }

    pub(super) fn write_json(&self, payload: &[u8], json: &mut Vec<u8>) -> Result<(), String> {
        let schemas = self.references.iter().chain([&self.schema]).collect();
        let mut payload = Payload { left: payload, is_cut_off: false };
        let value = from_avro_datum_schemata(&self.schema, schemas, &mut payload, None).map_err(|error| error.to_string())?;
        if payload.is_cut_off {
            return Err("the value is cut off".to_owned());
        }
        if !payload.left.is_empty() {
            return Err(format!("{} bytes are left after the value", payload.left.len()));
        }
        serde_json::to_writer(json, &Json { shape: &self.shape, value: &value }).map_err(|error| error.to_string())
    }
}

/// Notices an end that comes too early: the decoder makes a null of text, a flag or a union that is cut off.
struct Payload<'a> {
    left: &'a [u8],
    is_cut_off: bool,
}

impl Read for Payload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_cut_off |= self.left.len() < buffer.len();
        self.left.read(buffer)
    }
}

/// What of a schema matters for writing its values as JSON, with all references resolved.
enum Shape {
    /// The value says everything.
    Plain,
    Decimal {
        scale: usize,
    },
    Array(Arc<Self>),
    Map(Arc<Self>),
    Union(Vec<Arc<Self>>),
    Record(Vec<Arc<Self>>),
}

impl Shape {
    /// Whether every value takes at least one byte. An array of others could claim any number of items.
    fn takes_bytes(&self, schema: &Schema) -> bool {
        match (self, schema) {
            (Self::Record(fields), Schema::Record(record)) => {
                fields.iter().zip(&record.fields).any(|(shape, field)| shape.takes_bytes(&field.schema))
            }
            (_, Schema::Fixed(fixed)) => fixed.size > 0,
            (_, Schema::Null) => false,
            _ => true,
        }
    }
}

/// The shapes of named types.
#[derive(Default)]
struct Shapes {
    known: HashMap<Name, Arc<Shape>>,
    /// The records that surround the current type.
    open: Vec<Name>,
    depth: usize,
}

impl Shapes {
    fn of(&mut self, schema: &Schema, namespace: &Namespace) -> Result<Arc<Shape>, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("its types nest deeper than {DEPTH_MAX}"));
        }
        let shape = match schema {
            Schema::Ref { name } => self.referenced(&name.fully_qualified_name(namespace)),
            Schema::Decimal(decimal) => Ok(Arc::new(Shape::Decimal { scale: decimal.scale })),
            Schema::Array(array) => self.item(&array.items, namespace).map(Shape::Array).map(Arc::new),
            Schema::Map(map) => self.of(&map.types, namespace).map(Shape::Map).map(Arc::new),
            Schema::Union(union) => {
                let variants: Result<_, _> = union.variants().iter().map(|variant| self.of(variant, namespace)).collect();
                variants.map(Shape::Union).map(Arc::new)
            }
            Schema::Record(record) => {
                let name = record.name.fully_qualified_name(namespace);
                self.open.push(name.clone());
                let fields: Result<_, _> = record.fields.iter().map(|field| self.of(&field.schema, &name.namespace)).collect();
                self.open.pop();
                let shape = Arc::new(Shape::Record(fields?));
                self.known.insert(name, Arc::clone(&shape));
                Ok(shape)
            }
            Schema::Enum(_) | Schema::Fixed(_) => {
                let name = schema.name().map(|name| name.fully_qualified_name(namespace));
                let shape = Arc::new(Shape::Plain);
                self.known.extend(name.map(|name| (name, Arc::clone(&shape))));
                Ok(shape)
            }
            _ => Ok(Arc::new(Shape::Plain)),
        }?;
        self.depth -= 1;
        Ok(shape)
    }

    fn item(&mut self, items: &Schema, namespace: &Namespace) -> Result<Arc<Shape>, String> {
        let shape = self.of(items, namespace)?;
        if shape.takes_bytes(items) { Ok(shape) } else { Err("the items of an array take no bytes".to_owned()) }
    }

    fn referenced(&self, name: &Name) -> Result<Arc<Shape>, String> {
        if self.open.contains(name) {
            return Err(format!("type `{}` contains itself: recursive schemas are not read", name.fullname(None)));
        }
        self.known.get(name).map(Arc::clone).ok_or_else(|| format!("type `{}` is not defined", name.fullname(None)))
    }
}

/// A value as JSON.
struct Json<'a> {
    shape: &'a Shape,
    value: &'a Value,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.shape, self.value) {
            (Shape::Union(variants), Value::Union(index, value)) => {
                let variant = usize::try_from(*index).ok().and_then(|index| variants.get(index));
                let shape = variant.ok_or_else(|| S::Error::custom("a union has no such variant"))?;
                Json { shape, value }.serialize(to)
            }
            (Shape::Record(shapes), Value::Record(fields)) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for (shape, (name, value)) in shapes.iter().zip(fields) {
                    map.serialize_entry(name, &Json { shape, value })?;
                }
                map.end()
            }
            (Shape::Array(shape), Value::Array(items)) => to.collect_seq(items.iter().map(|value| Json { shape, value })),
            (Shape::Map(shape), Value::Map(entries)) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by_key(|(key, _)| *key);
                to.collect_map(sorted.into_iter().map(|(key, value)| (key, Json { shape, value })))
            }
            (Shape::Decimal { scale }, Value::Decimal(decimal)) => to.serialize_str(&decimal_text(decimal, *scale)),
            (_, value) => plain(value, to),
        }
    }
}

fn plain<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Null => to.serialize_unit(),
        Value::Boolean(value) => to.serialize_bool(*value),
        Value::Int(value) | Value::TimeMillis(value) => to.serialize_i32(*value),
        Value::Long(value) | Value::TimeMicros(value) => to.serialize_i64(*value),
        Value::Float(value) => to.serialize_f32(*value),
        Value::Double(value) => to.serialize_f64(*value),
        Value::String(text) | Value::Enum(_, text) => to.serialize_str(text),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => to.collect_str(&super::base64(bytes)),
        Value::Uuid(id) => to.collect_str(id),
        Value::BigDecimal(decimal) => to.collect_str(decimal),
        Value::Date(days) => instant(i64::from(*days).saturating_mul(86_400_000), 1_000_000, to, |text| text.get(..10)),
        Value::TimestampMillis(at) => instant(*at, 1_000_000, to, |text| Some(text)),
        Value::TimestampMicros(at) => instant(*at, 1_000, to, |text| Some(text)),
        Value::TimestampNanos(at) => instant(*at, 1, to, |text| Some(text)),
        Value::LocalTimestampMillis(at) => instant(*at, 1_000_000, to, |text| text.strip_suffix('Z')),
        Value::LocalTimestampMicros(at) => instant(*at, 1_000, to, |text| text.strip_suffix('Z')),
        Value::LocalTimestampNanos(at) => instant(*at, 1, to, |text| text.strip_suffix('Z')),
        Value::Duration(duration) => to.serialize_str(&duration_text(<[u8; 12]>::from(*duration))),
        Value::Union(..) | Value::Array(_) | Value::Map(_) | Value::Record(_) | Value::Decimal(_) => {
            Err(S::Error::custom("the value does not fit its schema"))
        }
    }
}

/// An instant of this many units since 1970, of so many nanoseconds each, as the part of its RFC 3339 text that `part` selects.
fn instant<S: Serializer>(units: i64, unit_ns: i64, to: S, part: impl Fn(&str) -> Option<&str>) -> Result<S::Ok, S::Error> {
    let nanoseconds = i128::from(units) * i128::from(unit_ns);
    let at = Timestamp::from_duration(SignedDuration::try_from_nanos_i128(nanoseconds).unwrap_or(SignedDuration::MAX));
    let text = at.map_err(|_| S::Error::custom("an instant is outside the years 1 to 9999"))?.to_string();
    to.serialize_str(part(&text).unwrap_or(&text))
}

/// `-1234` with scale 2 is `-12.34`.
fn decimal_text(decimal: &Decimal, scale: usize) -> String {
    let unscaled = BigInt::from(decimal.clone());
    let digits = format!("{:0>1$}", unscaled.magnitude().to_string(), scale + 1);
    let sign = if unscaled.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    match digits.split_at_checked(digits.len().saturating_sub(scale)) {
        Some((whole, fraction)) if scale > 0 => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}"),
    }
}

/// ISO 8601: months, days and milliseconds, each in four bytes, least significant first.
fn duration_text(bytes: [u8; 12]) -> String {
    let number = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
    let (months, days, ms) = (number(0), number(4), number(8));
    format!("P{months}M{days}DT{}.{:03}S", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use apache_avro::to_avro_datum;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::source::{Language, Reference};
    use super::*;

    fn compile(text: &str, references: &[&str]) -> Result<AvroSchema, String> {
        let references = references.iter().map(|text| Reference { name: String::new(), text: (*text).to_owned() }).collect();
        AvroSchema::compile(&Source { language: Language::Avro, text: text.to_owned(), references })
    }

    fn json_of(schema: &AvroSchema, payload: &[u8]) -> Result<serde_json::Value, String> {
        let mut json = Vec::new();
        schema.write_json(payload, &mut json)?;
        Ok(serde_json::from_slice(&json).unwrap())
    }

    /// The JSON of one field of this type with this value.
    fn field(schema: &str, value: Value) -> serde_json::Value {
        let text = format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{schema}}}]}}"#);
        let compiled = compile(&text, &[]).unwrap();
        let payload = to_avro_datum(&compiled.schema, Value::Record(vec![("f".to_owned(), value)])).unwrap();
        json_of(&compiled, &payload).unwrap()["f"].clone()
    }

    #[test]
    fn instants_become_text_and_dates_stay_dates() {
        let long = |logical: &str| format!(r#"{{"type":"long","logicalType":"{logical}"}}"#);
        assert_eq!(field(&long("timestamp-millis"), Value::TimestampMillis(1_772_359_200_500)), json!("2026-03-01T10:00:00.5Z"));
        assert_eq!(field(&long("timestamp-micros"), Value::TimestampMicros(1_772_359_200_000_000)), json!("2026-03-01T10:00:00Z"));
        assert_eq!(field(&long("local-timestamp-millis"), Value::LocalTimestampMillis(0)), json!("1970-01-01T00:00:00"));
        assert_eq!(field(r#"{"type":"int","logicalType":"date"}"#, Value::Date(20_513)), json!("2026-03-01"));
    }

    #[test]
    fn decimals_are_exact() {
        let schema = r#"{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}"#;
        let decimal = |unscaled: i64| Value::Decimal(Decimal::from(BigInt::from(unscaled).to_signed_bytes_be()));
        for (unscaled, text) in [(4_900, "49.00"), (-5, "-0.05"), (0, "0.00"), (100_000_000_000_000_001, "1000000000000000.01")] {
            assert_eq!(field(schema, decimal(unscaled)), json!(text));
        }
    }

    #[test]
    fn a_union_becomes_its_value() {
        let schema = r#"["null","string"]"#;
        assert_eq!(field(schema, Value::Union(0, Box::new(Value::Null))), json!(null));
        assert_eq!(field(schema, Value::Union(1, Box::new(Value::String("x".to_owned())))), json!("x"));
    }

    #[test]
    fn types_of_other_schemas_are_found() {
        let item = r#"{"type":"record","name":"Item","namespace":"shared","fields":[{"name":"amount_minor","type":"long"}]}"#;
        let main = r#"{"type":"record","name":"Event","namespace":"demo","fields":[
            {"name":"items","type":{"type":"array","items":"shared.Item"}},{"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]}},
            {"name":"again","type":"Kind"}]}"#;
        let schema = compile(main, &[item]).unwrap();
        let json = json_of(&schema, &[2, 200, 1, 0, 2, 0]).unwrap();
        assert_eq!(json, json!({"items": [{"amount_minor": 100}], "kind": "B", "again": "A"}));
    }

    #[test]
    fn schemas_that_a_value_could_abuse_are_refused() {
        let recursive = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
        assert!(compile(recursive, &[]).err().unwrap().contains("contains itself"));
        let empty = r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}"#;
        assert!(compile(empty, &[]).err().unwrap().contains("no bytes"));
    }

    #[test]
    fn a_payload_that_is_cut_off_or_too_long_is_refused() {
        let text = r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"},{"name":"n","type":["null","boolean"]}]}"#;
        let schema = compile(text, &[]).unwrap();
        assert_eq!(json_of(&schema, &[4, b'o', b'k', 0]).unwrap(), json!({"s": "ok", "n": null}));
        for wrong in
            [&[][..], &[4, b'o'], &[4, b'o', b'k'], &[4, b'o', b'k', 2], &[4, b'o', b'k', 0, 0], &[1], &[0xff, 0xff, 0xff, 0xff, 0x7f]]
        {
            assert!(json_of(&schema, wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_makes_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let schema = compile(r#"{"type":"record","name":"R","fields":[
                {"name":"a","type":{"type":"array","items":["null","long",{"type":"map","values":"string"}]}},
                {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}},
                {"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},
                {"name":"x","type":{"type":"fixed","name":"F","size":12,"logicalType":"duration"}}]}"#, &[]).unwrap();
            let _ = json_of(&schema, &payload);
        }
    }
}
