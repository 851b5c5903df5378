//! A schema as the registry describes it, and compiled.

use super::avro::AvroSchema;
use super::protobuf::ProtobufSchema;

/// The text of a schema, with the schemas that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Its language.
    pub language: Language,
    /// Its text.
    pub text: String,
    /// What it refers to, directly or not, each before those that refer to it.
    pub references: Vec<Reference>,
}

/// A schema that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The name it is referred to by: a type in Avro, a file in Protobuf.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The language of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Json,
    Avro,
    Protobuf,
}

impl Language {
    /// By the registry's name of it; a registry that names none means Avro.
    pub(super) fn of(name: Option<&str>) -> Option<Self> {
        match name.unwrap_or("AVRO").to_ascii_uppercase().as_str() {
            "AVRO" => Some(Self::Avro),
            "JSON" => Some(Self::Json),
            "PROTOBUF" => Some(Self::Protobuf),
            _ => None,
        }
    }
}

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
