//! The documents that describe what goes in and comes out: the JSON Schemas, `OpenAPI` and `AsyncAPI`.

pub mod commands;

use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::Value;

/// Where the documents are, so that their relative references resolve.
const BASE: &str = "http://churnwatch";

/// A document in the repository, JSON or YAML.
pub fn document(path: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Why a value does not fit the schema at a place in a document, such as `docs/api/openapi.yaml#/components/schemas/Account`; `None` if it
/// fits.
pub fn violation(place: &str, value: &Value) -> Option<String> {
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.enable_format_assertions();
    let in_schemas = ["usage", "billing", "support", "feedback", "accounts", "account-health"];
    let paths = in_schemas.map(|name| format!("config/schemas/{name}.schema.json"));
    for path in paths.iter().map(String::as_str).chain(["docs/api/openapi.yaml", "docs/api/asyncapi.yaml"]) {
        compiler.add_resource(&format!("{BASE}/{path}"), document(path)).unwrap();
    }
    let schema = compiler.compile(&format!("{BASE}/{place}"), &mut schemas).unwrap_or_else(|error| panic!("{place}: {error:#}"));
    schemas.validate(value, schema).err().map(|error| format!("{error:#}"))
}
