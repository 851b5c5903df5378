//! A compiled schema.

use super::avro::AvroSchema;
use super::protobuf::ProtobufSchema;
use super::source::{Language, Source};

/// A compiled schema.
pub(super) enum Schema {
    Json,
    Avro(AvroSchema),
    Protobuf(ProtobufSchema),
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// What is wrong with it, without its text.
    pub(super) fn compile(source: &Source) -> Result<Self, String> {
        match source.language {
            Language::Json => Ok(Self::Json),
            Language::Avro => AvroSchema::compile(source).map(Self::Avro),
            Language::Protobuf => ProtobufSchema::compile(source).map(Self::Protobuf),
        }
    }

    /// Appends the payload to `json`, as JSON.
    ///
    /// # Errors
    /// Why the payload does not fit the schema, without any of its values.
    pub(super) fn write_json(&self, payload: &[u8], json: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Json => {
                json.extend_from_slice(payload);
                Ok(())
            }
            Self::Avro(schema) => schema.write_json(payload, json),
            Self::Protobuf(schema) => schema.write_json(payload, json),
        }
    }
}
