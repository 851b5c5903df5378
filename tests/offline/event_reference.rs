//! docs/events.md is written from the schemas, which other tests hold equal to the decoder, and from the examples.
//!
//! After a change of either, `WRITE_EVENT_REFERENCE=1 ./dev test fast event_reference` writes it again.

use std::fmt::Write as _;
use std::path::Path;

use churnwatch::event::Stream;
use serde_json::{Map, Value};

use crate::contract::document;
use crate::schemas::{example, path, types};

const REFERENCE: &str = "docs/events.md";

const HEAD: &str = "# Native events

One JSON object per record, keyed by account id. This page is written from the [schemas](../config/schemas), which also serve other programs;
tests check that the decoder agrees. Topics in other forms need no conversion: see [sources](sources/README.md).

Numbers may be written as text, enumerated values in any case, and `null` stands for anything optional. Unknown fields are ignored, unknown
types counted as ignored. What is wrong becomes a dead letter with a code and a reason. Send a first event, and see what becomes of it:

    echo 'acme:{\"type\":\"feature_used\",\"id\":\"1\",\"user_id\":\"u-1\",\"feature\":\"report_created\"}' | kcat -P -b 127.0.0.1:9092 -t product-usage -K :
    churnwatch check --sample-topic product-usage --stream usage --bootstrap-servers 127.0.0.1:9092

Every event may have:

| field | what | notes |
|---|---|---|
| `type` | the type of the event | required |
| `id` | id | Used to drop duplicates: an event without one counts again when it is repeated. |
| `account_id` | id | Default: the record's key. |
| `occurred_at` | instant | Default: the record's timestamp, if it is the CreateTime. |

An *id* is text or a whole number of at most `limits.text_bytes` bytes, 256 by default. *Text* is cut after as many bytes. An *instant* is RFC
3339 with an offset, or seconds or milliseconds since 1970.
";

/// Fields that every event has, which the head explains.
const COMMON: [&str; 4] = ["type", "id", "account_id", "occurred_at"];

fn reference() -> String {
    let mut page = HEAD.to_owned();
    for stream in Stream::ALL {
        let schema = document(&path(stream));
        writeln!(page, "\n## {}\n", schema["title"].as_str().unwrap()).unwrap();
        writeln!(page, "Stream `{}`, [schema](../{}).", stream.name(), path(stream)).unwrap();
        for (_, name, event) in types().into_iter().filter(|(of, _, _)| *of == stream) {
            writeln!(page, "\n### {name}\n").unwrap();
            if let Some(description) = event["description"].as_str() {
                writeln!(page, "{description}\n").unwrap();
            }
            fields(&mut page, &schema["$defs"], &event);
            writeln!(page, "    {}", example(&name)).unwrap();
        }
    }
    page
}

/// The table of an event's own fields; nothing for an event that has none.
fn fields(page: &mut String, definitions: &Value, event: &Value) {
    let properties: Vec<_> = event["properties"].as_object().unwrap().iter().filter(|(name, _)| !COMMON.contains(&name.as_str())).collect();
    if properties.is_empty() {
        return;
    }
    page.push_str("| field | what | notes |\n|---|---|---|\n");
    for (name, property) in properties {
        let is_required = event["required"].as_array().unwrap().iter().any(|required| required == name);
        let resolved = resolved(definitions, property);
        let mut notes: Vec<String> = Vec::new();
        notes.extend(is_required.then(|| "required".to_owned()));
        notes.extend(resolved.get("default").map(|default| format!("default {default}")));
        notes.extend(
            property["description"]
                .as_str()
                .or(resolved.get("description").and_then(Value::as_str))
                .filter(|_| !is_plain(property))
                .map(str::to_owned),
        );
        writeln!(page, "| `{name}` | {} | {} |", kind(definitions, property), notes.join("; ")).unwrap();
    }
    page.push('\n');
}

/// Ids, texts and instants, which the head explains.
fn is_plain(property: &Value) -> bool {
    property["description"].is_null() && matches!(reference_of(property), Some("id" | "text" | "instant"))
}

fn reference_of(property: &Value) -> Option<&str> {
    property["$ref"].as_str()?.rsplit('/').next()
}

/// A property with the definition that it refers to filled in.
fn resolved(definitions: &Value, property: &Value) -> Map<String, Value> {
    let mut whole = reference_of(property).map(|name| definitions[name].as_object().unwrap().clone()).unwrap_or_default();
    whole.extend(property.as_object().unwrap().clone());
    whole
}

/// What a value is, in a word or two.
fn kind(definitions: &Value, property: &Value) -> String {
    if let Some(name @ ("id" | "text" | "instant")) = reference_of(property) {
        return name.to_owned();
    }
    let whole = resolved(definitions, property);
    let words = |values: &Vec<Value>| {
        values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
    };
    if let Some(values) = whole.get("enum").and_then(Value::as_array) {
        return words(values);
    }
    if let Some(value) = whole.get("const") {
        return format!("`{value}`");
    }
    let bound = |name: &str| whole.get(name).map(ToString::to_string);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!(" {low} to {high}"),
        (Some(low), None) => format!(" from {low}"),
        _ => String::new(),
    };
    match whole.get("type").and_then(Value::as_str) {
        Some("integer") => format!("whole number{range}"),
        Some("number") => format!("number{range}"),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => format!("list of {}", whole.get("items").map_or_else(String::new, |items| kind(definitions, items))),
        Some("object") => match whole.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let parts = properties.iter().map(|(name, part)| format!("`{name}` ({})", kind(definitions, part)));
                format!("object: {}", parts.collect::<Vec<_>>().join(", "))
            }
            None => format!("object of {}", whole.get("additionalProperties").map_or_else(String::new, |part| kind(definitions, part))),
        },
        _ => match whole.get("anyOf").or_else(|| whole.get("oneOf")).and_then(Value::as_array) {
            Some(choices) => {
                let mut kinds: Vec<String> = choices.iter().map(|choice| kind(definitions, choice)).collect();
                kinds.dedup();
                kinds.join(" or ")
            }
            None => "anything".to_owned(),
        },
    }
}

#[test]
fn the_reference_of_events_is_what_the_schemas_and_examples_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
    if std::env::var_os("WRITE_EVENT_REFERENCE").is_some() {
        std::fs::write(&file, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == reference(), "{REFERENCE} is out of date: WRITE_EVENT_REFERENCE=1 ./dev test fast event_reference writes it");
}
