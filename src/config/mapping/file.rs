//! A whole mapping file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::case::{cases, envelope, refusals};
use super::condition::{conditions, place};
use super::constant;
use super::field::{Compiler, fields};
use super::report::{At, Report, Uses};
use crate::config::path::KeyPath;
use crate::config::problem::Problem;
use crate::config::tree;
use crate::event::mapping::{EventRule, EventTarget, Field, Mapping, Rules, TARGETS, Table};

/// The keys of a file.
const KEYS: [&str; 5] = ["envelope", "each", "common", "tables", "event"];

/// The keys of an event besides its fields.
const EVENT_KEYS: [&str; 5] = ["type", "when", "each", "refuse", "list_price"];

/// Compiles a file.
///
/// # Errors
/// Every problem, in no particular order.
pub(super) fn compile(text: &str, name: &str, path: &Path) -> Result<Mapping, Vec<Problem>> {
    let root = tree::parse(text, path)?;
    let root = At { node: &root, path: KeyPath::default() };
    let mut compiler = Compiler { report: Report::default(), tables: Uses::new() };
    // A name in quotes could be a constant, but looking for headers that are not used costs little.
    let reads_headers = text.contains("@header/");
    compiler.report.keys(&root, &KEYS);
    compiler.tables = tables(&root, &mut compiler.report);
    let envelope = envelope(&root, &mut compiler.report);
    let each = root.entry("each").map_or_else(Vec::new, |at| at.elements());
    let each = each.iter().filter_map(|at| place(at, 0, &mut compiler.report)).collect();
    let events = events(&root, &mut compiler);
    let common = common(&root, &events, &mut compiler);
    for (at, event) in &events {
        check_required(at, event, &common, &mut compiler.report);
    }
    report_unused(&root, &mut compiler);
    if !compiler.report.problems.is_empty() {
        return Err(compiler.report.problems);
    }
    let events = events.into_iter().map(|(_, event)| event).collect();
    Ok(Mapping::new(Rules { name: name.to_owned(), text: text.to_owned(), reads_headers, envelope, each, common, events }))
}

fn tables(root: &At<'_>, report: &mut Report) -> Uses<Arc<Table>> {
    let Some(tables) = root.entry("tables") else { return Uses::new() };
    report.table(&tables);
    let table = |(name, at): (&str, At<'_>)| Some((name.to_owned(), (constant::table(name, &at, report)?, 0)));
    tables.entries().filter_map(table).collect()
}

fn events<'n>(root: &At<'n>, compiler: &mut Compiler) -> Vec<(At<'n>, EventRule)> {
    let Some(events) = root.entry("event") else {
        compiler.report.problem(root, "has no [[event]]: add one for each native event that a payload becomes");
        return Vec::new();
    };
    events.elements().into_iter().filter_map(|at| Some((at.clone(), event(&at, compiler)?))).collect()
}

fn event(at: &At<'_>, compiler: &mut Compiler) -> Option<EventRule> {
    if !compiler.report.table(at) {
        return None;
    }
    let target = target(at, &mut compiler.report)?;
    let each = at.entry("each").and_then(|each| place(&each, 0, &mut compiler.report));
    let depth = usize::from(at.entry("each").is_some());
    let when = conditions(at, depth, &mut compiler.report);
    let refusals = refusals(at, depth, &mut compiler.report);
    let list_price = cases(at, "list_price", depth, &mut compiler.report);
    if let Some(at) = at.entry("list_price").filter(|_| !target.has("discounts")) {
        compiler.report.problem(&at, format!("is only for events with discounts: {} has none", target.name));
    }
    let names: Vec<&str> = target.fields().collect();
    let fields = fields(at, &EVENT_KEYS, &names, &format!("a field of {}", target.name), depth, compiler);
    Some(EventRule { target, when, each, refusals, list_price, fields })
}

fn target(event: &At<'_>, report: &mut Report) -> Option<&'static EventTarget> {
    let Some(at) = event.entry("type") else {
        report.problem(event, "has no type: name the native event, such as feature_used");
        return None;
    };
    let name = report.text(&at)?;
    let target = EventTarget::named(name);
    if target.is_none() {
        let names = TARGETS.iter().map(|target| target.name);
        report.unknown(&at, name, names, format!("`{name}` is not a native event type"));
    }
    target
}

/// The common fields; each must be one of some event's.
fn common(root: &At<'_>, events: &[(At<'_>, EventRule)], compiler: &mut Compiler) -> Vec<Field> {
    let Some(at) = root.entry("common") else { return Vec::new() };
    if !compiler.report.table(&at) {
        return Vec::new();
    }
    let names: BTreeSet<&str> = events.iter().flat_map(|(_, event)| event.target.fields()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    // Without any event there is a problem already, and every name would be another.
    if names.is_empty() {
        return Vec::new();
    }
    fields(&at, &[], &names, "a field of any event here", 0, compiler)
}

fn check_required(at: &At<'_>, event: &EventRule, common: &[Field], report: &mut Report) {
    let has = |name: &str| event.fields.iter().chain(common).any(|field| field.name == name);
    // What is written but could not be compiled is a problem already.
    let is_written = |name: &str| at.entry(name).is_some();
    let lacks = |name: &str| !has(name) && !is_written(name);
    let missing = event.target.required.iter().copied().filter(|name| lacks(name));
    let amount = event.target.has("amount").then_some("amount").filter(|_| lacks("amount") && lacks("amount_minor"));
    let missing: Vec<&str> = missing.chain(amount).collect();
    if !missing.is_empty() {
        report.problem(at, format!("{} needs {}", event.target.name, missing.join(", ")));
    }
}

fn report_unused(root: &At<'_>, compiler: &mut Compiler) {
    let unused: Vec<&str> = compiler.tables.iter().filter(|(_, (_, uses))| *uses == 0).map(|(name, _)| name.as_str()).collect();
    for name in unused {
        if let Some(at) = root.entry("tables").and_then(|tables| tables.entry(name)) {
            compiler.report.problem(&at, "is not used by any field: remove it, or name it with table");
        }
    }
}
