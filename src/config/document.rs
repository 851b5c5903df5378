//! Merges the file, its model file, variables and options into one document.

use std::path::{Path, PathBuf};

use super::keys;
use super::model;
use super::nearest;
use super::overrides::{self, Override, Setting};
use super::path::KeyPath;
use super::problem::{Origin, Problem};
use super::source::{self, Variables};
use super::tree::{self, Node, Value};
use crate::score::ModelFile;

/// The document, and the problems found so far.
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) problems: Vec<Problem>,
    /// Whether the file holds nothing but tables of a model.
    pub(super) is_model_file: bool,
    /// The file that `model_file` names.
    pub(super) model_path: Option<PathBuf>,
}

impl Document {
    /// Reads the file, if there is one, then applies variables, then options.
    ///
    /// # Errors
    /// An unreadable file, or all syntax errors; nothing else can be checked in that case.
    pub(super) fn read(path: Option<&Path>, sets: &[Setting], variables: &Variables) -> Result<Self, Vec<Problem>> {
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

    fn of(mut root: Node, sets: &[Setting], variables: &Variables) -> Result<Self, Vec<Problem>> {
        flatten_properties(&mut root);
        let (of_variables, mut problems) = overrides::of_variables(variables);
        let (of_options, wrong) = overrides::of_options(sets);
        problems.extend(wrong);
        let is_model_file = root.entries().is_some_and(|tables| !tables.is_empty() && tables.keys().all(|name| is_table_of_model(name)));
        let mut document = Self { root, problems, is_model_file, model_path: None };
        let (of_model, others): (Vec<_>, Vec<_>) =
            of_variables.into_iter().chain(of_options).partition(|set| model::has_table_of(set.path()));
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
        let path = source::resolve(path.as_ref(), &origin);
        let file = parse_file(&path, origin, "model_file")?;
        self.model_path = Some(path);
        let (Value::Table(tables), Value::Table(entries)) = (file.value, &mut self.root.value) else { return Ok(()) };
        for (name, node) in tables {
            if !is_table_of_model(&name) && !keys::in_section(&name).is_empty() {
                let message = "is a section of the configuration, but model_file names a file that holds only a model: move it, or name \
                               another file";
                self.problems.push(Problem::new(node.origin, name, message));
            } else if !is_table_of_model(&name) {
                let nearest = nearest::within_reach(&name, ModelFile::TABLES).map(str::to_owned);
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

fn is_table_of_model(name: &str) -> bool {
    ModelFile::TABLES.contains(&name)
}

/// Reads a file; `origin` and `key` say where it is referred to, unless it is the configuration itself.
fn parse_file(path: &Path, origin: Origin, key: &str) -> Result<Node, Vec<Problem>> {
    let text = source::read(path).map_err(|reason| {
        vec![match origin {
            Origin::Default => Problem::new(Origin::File(path.to_owned(), 0), key, format!("cannot be read: {reason}")),
            origin => Problem::new(origin, key, format!("cannot read {}: {reason}", path.display())),
        }]
    })?;
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
