//! A schema as the registry describes it.

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
