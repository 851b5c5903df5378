//! Constants and look-up tables.

use std::collections::HashMap;
use std::sync::Arc;

use super::report::{At, Report};
use crate::config::tree::Value;
use crate::event::mapping::Table;

/// The entry of a table for all values that have none.
const OTHERWISE: &str = "*";

/// A constant as JSON.
pub(super) fn json(at: &At<'_>, report: &mut Report) -> Option<String> {
    match &at.node.value {
        Value::Text(text) | Value::Untyped(text) | Value::Datetime(text) => Some(serde_json::Value::from(text.as_str()).to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Float(number) => {
            let plain = number.replace('_', "");
            let plain = plain.strip_prefix('+').unwrap_or(&plain);
            let is_json = serde_json::from_str::<serde_json::Number>(plain).is_ok();
            if !is_json {
                report.problem(at, "must be a finite number");
            }
            is_json.then(|| plain.to_owned())
        }
        Value::Array(_) => {
            let elements = at.elements().iter().map(|element| json(element, report)).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", elements.join(",")))
        }
        Value::Table(_) => {
            let member = |(key, value): (&str, At<'_>)| Some(format!("{}:{}", serde_json::Value::from(key), json(&value, report)?));
            let members = at.entries().map(member).collect::<Option<Vec<_>>>()?;
            Some(format!("{{{}}}", members.join(",")))
        }
    }
}

/// A look-up table.
pub(super) fn table(name: &str, at: &At<'_>, report: &mut Report) -> Option<Arc<Table>> {
    if !report.table(at) {
        return None;
    }
    let mut table = Table { name: name.to_owned(), entries: HashMap::new(), otherwise: None };
    for (key, value) in at.entries() {
        if value.is_table() || matches!(value.node.value, Value::Array(_)) {
            report.problem(&value, "must be text, a number, true or false; empty text stands for a missing value");
            continue;
        }
        let Some(json) = json(&value, report) else { continue };
        if key == OTHERWISE {
            table.otherwise = Some(json);
        } else if table.entries.insert(key.to_lowercase(), json).is_some() {
            report.problem(&value, "differs from another entry only in upper and lower case, which tables do not distinguish");
        }
    }
    Some(Arc::new(table))
}
