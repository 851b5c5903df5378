//! Merges the file, its model file, variables and options into one document.

use std::path::Path;

use super::model;
use super::nearest;
use super::overrides::{self, Override};
use super::path::KeyPath;
use super::problem::{Origin, Problem};
use super::source::{self, Variables};
use super::tree::{self, Node, Value};
use crate::score::ModelFile;

/// The document, and the problems found so far.
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) problems: Vec<Problem>,
}

impl Document {
    /// Reads the file, if there is one, then applies variables, then options.
    ///
    /// # Errors
    /// An unreadable file, or all syntax errors; nothing else can be checked in that case.
    pub(super) fn read(path: Option<&Path>, sets: &[String], variables: &Variables) -> Result<Self, Vec<Problem>> {
        let root = match path {
            Some(path) => parse_file(path, Origin::Default, "")?,
            None => Node::table(Origin::Default),
        };
        Self::of(root, sets, variables)
    }

    /// The same from the text of a file.
    pub(super) fn of_text(text: &str, path: &Path) -> Result<Self, Vec<Problem>> {
        Self::of(tree::parse(text, path)?, &[], &Variables::default())
    }

    fn of(mut root: Node, sets: &[String], variables: &Variables) -> Result<Self, Vec<Problem>> {
        flatten_properties(&mut root);
        let (options, problems) = overrides::of_options(sets);
        let mut document = Self { root, problems };
        let (of_model, others): (Vec<_>, Vec<_>) =
            overrides::of_variables(variables).into_iter().chain(options).partition(|set| model::has_table_of(set.path()));
        document.apply(&others);
        document.graft_model_file()?;
        if of_model.iter().any(|set| set.path().steps().len() > 1) {
            model::write_out_defaults(&mut document.root);
        }
        document.apply(&of_model);
        Ok(document)
    }

    fn apply(&mut self, overrides: &[Override]) {
        for set in overrides {
            self.problems.extend(set.apply(&mut self.root).err());
        }
    }

    /// Adds the tables of `model_file`.
    fn graft_model_file(&mut self) -> Result<(), Vec<Problem>> {
        let Some((path, origin)) = self.model_file() else { return Ok(()) };
        let file = parse_file(&source::resolve(path.as_ref(), &origin), origin, "model_file")?;
        let (Value::Table(tables), Value::Table(entries)) = (file.value, &mut self.root.value) else { return Ok(()) };
        for (name, node) in tables {
            if !ModelFile::TABLES.contains(&name.as_str()) {
                let nearest = nearest::of(&name, ModelFile::TABLES).map(str::to_owned);
                self.problems.push(Problem { nearest, ..Problem::new(node.origin, name, "is not a table of a model") });
            } else if let Some(other) = entries.get(&name) {
                let message = format!("is also set in the model file, {}: remove one of them", node.origin);
                self.problems.push(Problem::new(other.origin.clone(), name, message));
            } else {
                entries.insert(name, node);
            }
        }
        Ok(())
    }

    /// `model_file`, if it is a string; decoding reports a wrong type.
    fn model_file(&self) -> Option<(String, Origin)> {
        let node = self.root.at(&KeyPath::of_keys(["model_file"]))?;
        match &node.value {
            Value::Text(path) | Value::Untyped(path) if !path.is_empty() => Some((path.clone(), node.origin.clone())),
            _ => None,
        }
    }
}

/// Reads a file; `origin` and `key` say where it is referred to.
fn parse_file(path: &Path, origin: Origin, key: &str) -> Result<Node, Vec<Problem>> {
    let origin = if origin == Origin::Default { Origin::File(path.to_owned(), 0) } else { origin };
    let text = source::read(path).map_err(|message| vec![Problem::new(origin, key, message)])?;
    tree::parse(&text, path)
}

/// `[kafka.properties]` may be written with or without quotes around names with dots.
fn flatten_properties(root: &mut Node) {
    if let Value::Table(entries) = &mut root.value
        && let Some(Node { value: Value::Table(kafka), .. }) = entries.get_mut("kafka")
        && let Some(properties) = kafka.get_mut("properties")
    {
        properties.flatten();
    }
}
