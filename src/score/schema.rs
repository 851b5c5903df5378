//! Checks JSON against the keywords of JSON Schema that `config/schemas/account-health.schema.json` uses, and fails on any other.

use serde_json::Value;

/// Schema violations in a value, each with its path, including object keys that the schema does not describe.
pub(super) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "$", &mut found);
    found
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for (keyword, expected) in schema.as_object().unwrap() {
        let number = || value.as_f64();
        let holds = match keyword.as_str() {
            "type" => types(expected).iter().any(|name| is_type(name, value)),
            "enum" => expected.as_array().unwrap().contains(value),
            "minimum" => number().is_none_or(|number| number >= expected.as_f64().unwrap()),
            "maximum" => number().is_none_or(|number| number <= expected.as_f64().unwrap()),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= expected.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= expected.as_u64().unwrap()),
            "format" => value.as_str().is_none_or(|text| crate::time::Timestamp::parse_rfc3339(text).is_some()),
            "required" => expected.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(expected, item, &format!("{path}[{place}]"), found);
                }
                true
            }
            "properties" => {
                for (key, member) in value.as_object().into_iter().flatten() {
                    match expected.get(key) {
                        Some(schema) => check(schema, member, &format!("{path}.{key}"), found),
                        None => found.push(format!("{path}.{key}: not described")),
                    }
                }
                true
            }
            "$schema" | "$id" | "title" | "description" => true,
            other => panic!("keyword {other} is not checked here"),
        };
        if !holds {
            found.push(format!("{path}: {value} breaks {keyword} {expected}"));
        }
    }
}

fn types(expected: &Value) -> Vec<&str> {
    match expected {
        Value::String(name) => vec![name],
        other => other.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
