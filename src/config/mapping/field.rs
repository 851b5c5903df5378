//! What native fields are made of.

use std::sync::Arc;

use super::condition::{conditions, place};
use super::constant;
use super::report::{At, Report, Uses};
use crate::config::tree::Value;
use crate::event::mapping::{
    Content, Convert, Field, FieldValue, Kind, Object, Origin, Place, Source, Table, TimeUnit, check_format, kind,
};
use crate::time::Zone;

/// The keys of a source.
const SOURCE_KEYS: [&str; 12] =
    ["from", "value", "join", "each", "when", "table", "unit", "zone", "format", "default", "required", "system"];

/// What compiling needs throughout.
pub(super) struct Compiler {
    pub(super) report: Report,
    /// The tables of the file.
    pub(super) tables: Uses<Arc<Table>>,
}

/// The fields in a table, besides the keys that it has for itself. `what` names them in messages.
pub(super) fn fields(at: &At<'_>, own: &[&str], names: &[&str], what: &str, depth: usize, compiler: &mut Compiler) -> Vec<Field> {
    let mut fields = Vec::new();
    for (name, at) in at.entries().filter(|(key, _)| !own.contains(key)) {
        // Without names, keys are data.
        if !names.is_empty() && !names.contains(&name) {
            compiler.report.unknown(&at, name, names.iter().chain(own).copied(), format!("is not {what}"));
        } else if let Some(value) = field(name, &at, depth, compiler) {
            fields.push(Field { name: name.to_owned(), value });
        }
    }
    fields
}

fn field(name: &str, at: &At<'_>, depth: usize, compiler: &mut Compiler) -> Option<FieldValue> {
    let is_source = !at.is_table() || SOURCE_KEYS[..3].iter().any(|key| at.entry(key).is_some());
    match kind(name) {
        Kind::Objects(names) => {
            let objects = at.elements().into_iter().filter_map(|at| object(name, &at, names, depth, compiler));
            Some(FieldValue::List(objects.collect()))
        }
        Kind::Object(names) if !is_source => object(name, at, names, depth, compiler).map(FieldValue::Object),
        Kind::Map if !is_source => {
            let when = conditions(at, depth, &mut compiler.report);
            let fields = fields(at, &["when"], &[], "", depth, compiler);
            Some(FieldValue::Object(Object { when, each: None, content: Content::Fields(fields), needs: &[] }))
        }
        Kind::Texts if at.entry("each").is_some() => texts(at, depth, compiler).map(|object| FieldValue::List(vec![object])),
        kind => {
            let sources = at.elements().into_iter().map(|at| source(name, kind, &at, depth, compiler));
            sources.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>().map(FieldValue::First)
        }
    }
}

/// An object of `items`, `discounts` and the like.
fn object(name: &str, at: &At<'_>, names: &[&str], depth: usize, compiler: &mut Compiler) -> Option<Object> {
    if !at.is_table() {
        let example = format!("{name} = {{ each = \"/list\", {} = \"/of/an/element\" }}", names.first().unwrap_or(&"x"));
        compiler.report.problem(at, format!("must be a table with the fields of an object: {example}"));
        return None;
    }
    let each = at.entry("each").and_then(|each| place(&each, depth, &mut compiler.report));
    let depth = depth + usize::from(at.entry("each").is_some());
    let when = conditions(at, depth, &mut compiler.report);
    let fields = fields(at, &["each", "when"], names, &format!("a field of {name}"), depth, compiler);
    if name == "items" {
        let lacks = |name: &str| at.entry(name).is_none();
        if lacks("amount") && lacks("amount_minor") || lacks("currency") {
            compiler.report.problem(at, "an item needs currency, and amount_minor or amount");
        }
    }
    let needs: &[&str] = if matches!(name, "discount" | "discounts") { &WORTH } else { &[] };
    if !needs.is_empty() && needs.iter().all(|name| at.entry(name).is_none()) {
        compiler.report.problem(at, format!("a discount needs one of {}", needs.join(", ")));
    }
    Some(Object { when, each, content: Content::Fields(fields), needs })
}

/// What a discount is worth.
const WORTH: [&str; 3] = ["percent_off", "amount_off", "amount_off_minor"];

/// A list of text with an element for each one of another list.
fn texts(at: &At<'_>, depth: usize, compiler: &mut Compiler) -> Option<Object> {
    let each = place(&at.entry("each")?, depth, &mut compiler.report)?;
    compiler.report.keys(at, &["each", "from", "when", "table"]);
    let when = conditions(at, depth + 1, &mut compiler.report);
    let origin = match at.entry("from") {
        Some(from) => place(&from, depth + 1, &mut compiler.report)?,
        None => Place::element(),
    };
    let table = table("entitled_features", at, compiler);
    let source = Source {
        when: Vec::new(),
        each: None,
        origin: Origin::Place(origin),
        table,
        convert: Convert::None,
        default: None,
        required: false,
        system: None,
    };
    Some(Object { when, each: Some(each), content: Content::Scalar(Box::new(source)), needs: &[] })
}

/// One way to find a value.
fn source(name: &str, kind: Kind, at: &At<'_>, depth: usize, compiler: &mut Compiler) -> Option<Source> {
    let plain = |origin| Source {
        when: Vec::new(),
        each: None,
        origin,
        table: None,
        convert: default_convert(kind),
        default: None,
        required: false,
        system: None,
    };
    match &at.node.value {
        Value::Text(_) => place(at, depth, &mut compiler.report).map(|place| plain(Origin::Place(place))),
        Value::Table(_) => {
            compiler.report.keys(at, &SOURCE_KEYS);
            let each = at.entry("each").and_then(|each| place(&each, depth, &mut compiler.report));
            let depth = depth + usize::from(at.entry("each").is_some());
            let origin = origin(at, depth, compiler);
            let source = Source {
                when: conditions(at, depth, &mut compiler.report),
                each,
                table: table(name, at, compiler),
                convert: convert(name, kind, at, &mut compiler.report).unwrap_or(Convert::None),
                default: at.entry("default").and_then(|at| constant::json(&at, &mut compiler.report)),
                required: at.entry("required").and_then(|at| compiler.report.flag(&at)).unwrap_or(false),
                system: system(name, kind, at, &mut compiler.report),
                origin: origin?,
            };
            Some(source)
        }
        Value::Array(_) => {
            compiler.report.problem(at, "must be a place, a table or a constant; for a constant list write { value = [...] }");
            None
        }
        _ => constant::json(at, &mut compiler.report).map(|json| plain(Origin::Constant(json))),
    }
}

fn origin(at: &At<'_>, depth: usize, compiler: &mut Compiler) -> Option<Origin> {
    match (at.entry("from"), at.entry("value"), at.entry("join")) {
        (Some(from), None, None) => place(&from, depth, &mut compiler.report).map(Origin::Place),
        (None, Some(value), None) => constant::json(&value, &mut compiler.report).map(Origin::Constant),
        (None, None, Some(join)) => {
            let places = join.elements().into_iter().map(|at| place(&at, depth, &mut compiler.report)).collect::<Vec<_>>();
            places.into_iter().collect::<Option<Vec<_>>>().map(Origin::Join)
        }
        _ => {
            compiler.report.problem(at, "needs exactly one of from (a place), value (a constant) and join (several places)");
            None
        }
    }
}

/// The table under `table`: the name of one of the file's, or one written in place.
fn table(field: &str, at: &At<'_>, compiler: &mut Compiler) -> Option<Arc<Table>> {
    let at = at.entry("table")?;
    let Some(name) = at.text() else { return constant::table(&format!("of {field}"), &at, &mut compiler.report) };
    if let Some((table, uses)) = compiler.tables.get_mut(name) {
        *uses += 1;
        return Some(Arc::clone(table));
    }
    compiler.report.unknown(&at, name, compiler.tables.keys().map(String::as_str), format!("there is no [tables.{name}]"));
    None
}

fn system(name: &str, kind: Kind, at: &At<'_>, report: &mut Report) -> Option<String> {
    let at = at.entry("system")?;
    if kind != Kind::Account {
        report.problem(&at, format!("is only for account_id: {name} is not an account"));
        return None;
    }
    let system = report.text(&at)?;
    if system.is_empty() {
        report.problem(&at, "must not be empty: name the system as aliases on the accounts topic do");
    }
    Some(system.to_owned())
}

/// How a field is written if the mapping does not say: as native, but for instants in any notation with an offset.
const fn default_convert(kind: Kind) -> Convert {
    match kind {
        Kind::Instant => Convert::Instant { unit: None, zone: None, format: None },
        Kind::Text => Convert::Text,
        _ => Convert::None,
    }
}

fn convert(name: &str, kind: Kind, at: &At<'_>, report: &mut Report) -> Option<Convert> {
    let unit = at.entry("unit");
    let zone = at.entry("zone").and_then(|at| zone(&at, report));
    let format = at.entry("format").and_then(|at| {
        let format = report.text(&at)?;
        check_format(format).map_err(|message| report.problem(&at, message)).ok()?;
        Some(format.to_owned())
    });
    if kind == Kind::Instant {
        let unit = unit.and_then(|at| choice(&at, &INSTANT_UNITS, report));
        return Some(Convert::Instant { unit, zone, format });
    }
    for key in ["zone", "format"] {
        if let Some(at) = at.entry(key) {
            report.problem(&at, format!("is only for instants: {name} is none"));
        }
    }
    let Some(unit) = unit else { return Some(default_convert(kind)) };
    match kind {
        Kind::Seconds if unit.text() == Some("iso_duration") => Some(Convert::IsoDuration),
        Kind::Seconds => choice(&unit, &DURATION_UNITS, report)?.map(Convert::Duration),
        Kind::Amount => choice(&unit, &AMOUNT_UNITS, report).map(Convert::PowerOfTen),
        Kind::Interval => choice(&unit, &[("iso_duration", ())], report).map(|()| Convert::IsoInterval),
        Kind::IntervalCount => choice(&unit, &[("iso_duration", ())], report).map(|()| Convert::IsoIntervalCount),
        _ => {
            let message = match name.strip_suffix("_minor") {
                Some(major) => format!("{name} is in the smallest units of its currency; map {major} for another unit"),
                None => format!("{name} has no unit"),
            };
            report.problem(&unit, message);
            None
        }
    }
}

const INSTANT_UNITS: [(&str, TimeUnit); 5] = [
    ("seconds", TimeUnit::Seconds),
    ("milliseconds", TimeUnit::Milliseconds),
    ("microseconds", TimeUnit::Microseconds),
    ("nanoseconds", TimeUnit::Nanoseconds),
    ("days", TimeUnit::Days),
];

/// `None` is listed for the message only.
const DURATION_UNITS: [(&str, Option<TimeUnit>); 8] = [
    ("seconds", Some(TimeUnit::Seconds)),
    ("milliseconds", Some(TimeUnit::Milliseconds)),
    ("microseconds", Some(TimeUnit::Microseconds)),
    ("nanoseconds", Some(TimeUnit::Nanoseconds)),
    ("minutes", Some(TimeUnit::Minutes)),
    ("hours", Some(TimeUnit::Hours)),
    ("days", Some(TimeUnit::Days)),
    ("iso_duration", None),
];

/// Fractions of the major unit, as powers of ten.
const AMOUNT_UNITS: [(&str, i64); 3] = [("cents", -2), ("mills", -3), ("micros", -6)];

fn choice<T: Copy>(at: &At<'_>, choices: &[(&str, T)], report: &mut Report) -> Option<T> {
    let written = report.text(at)?;
    let found = choices.iter().find(|(name, _)| *name == written).map(|(_, choice)| *choice);
    if found.is_none() {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("`{written}` is not allowed: must be one of {}", names.join(", "));
        report.unknown(at, written, names, message);
    }
    found
}

fn zone(at: &At<'_>, report: &mut Report) -> Option<Zone> {
    let name = report.text(at)?;
    Zone::named(name).map_err(|message| report.problem(at, message)).ok()
}
