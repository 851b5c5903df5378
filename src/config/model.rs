//! Decodes and compiles the tables of the model; every problem names its line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::decode::{Decoded, decode};
use super::path::{KeyPath, PathStep};
use super::problem::Problem;
use super::tree::{self, Node, Value};
use super::validate::Report;
use crate::score::model::file::DEFAULT_MODEL;
use crate::score::{Model, ModelFile};

/// Whether a path leads into a table of the model.
pub(super) fn has_table_of(path: &KeyPath) -> bool {
    matches!(path.steps().first(), Some(PathStep::Key(table)) if ModelFile::TABLES.contains(&table.as_str()))
}

/// Compiles the model of a document.
///
/// # Errors
/// Every problem at once.
pub(super) fn compile(root: &Node) -> Result<Model, Vec<Problem>> {
    let tables = root.entries().into_iter().flatten().filter(|(name, _)| ModelFile::TABLES.contains(&name.as_str()));
    let tables: BTreeMap<String, Node> = tables.map(|(name, node)| (name.clone(), node.clone())).collect();
    let root = Node { value: Value::Table(tables), origin: root.origin.clone() };
    let Decoded { value: file, left_out, mut problems } = decode::<ModelFile>(&root, &[]);
    match Model::compile(&file) {
        Ok(model) if problems.is_empty() => return Ok(model),
        Ok(_) => {}
        Err(wrong) => {
            let mut report = Report::new(&root, &left_out);
            for problem in wrong.into_iter().filter(|problem| !follows(&problem.path, &left_out)) {
                report.problem(&problem.path, problem.message);
            }
            problems.extend(report.finish().0);
        }
    }
    Err(problems)
}

/// Whether a problem may only follow from something that could not be decoded: it concerns an incomplete table, or refers to entries of an
/// incomplete list.
fn follows(path: &str, left_out: &BTreeSet<KeyPath>) -> bool {
    let lost = |list: &str| left_out.iter().any(|entry| entry.to_string().strip_prefix(list).is_some_and(|rest| rest.ends_with(']')));
    let refers = path.starts_with("profile") || path.starts_with("risk.coefficients") || path == "health.component";
    let incomplete = KeyPath::parse(path).is_some_and(|table| left_out.iter().any(|lost| lost.is_in(&table)));
    incomplete || refers && lost("health.component[") || path.starts_with("profile") && lost("profile[")
}

/// Copies the default model into the document, so that single keys of it can be overridden.
pub(super) fn write_out_defaults(root: &mut Node) {
    let Ok(default) = tree::parse(DEFAULT_MODEL, Path::new("default model")) else { return };
    let own = root.at(&KeyPath::of_keys(["health", "component"])).is_some();
    let left: &[&str] = if own { &["model", "health", "profile", "rule", "coefficients"] } else { &["model"] };
    fill(root, &default, left);
}

/// Adds the entries that a table lacks from another, recursively, except those with the names in `left`.
fn fill(node: &mut Node, from: &Node, left: &[&str]) {
    let (Value::Table(entries), Value::Table(others)) = (&mut node.value, &from.value) else { return };
    for (name, other) in others.iter().filter(|(name, _)| !left.contains(&name.as_str())) {
        match entries.get_mut(name) {
            // Coefficients belong together and must not be mixed with defaults.
            Some(entry) if name != "coefficients" => fill(entry, other, left),
            Some(_) => {}
            None => {
                let mut copy = Node::table(other.origin.clone());
                fill(&mut copy, other, left);
                let copy = if other.entries().is_some() { copy } else { other.clone() };
                entries.insert(name.clone(), copy);
            }
        }
    }
}
