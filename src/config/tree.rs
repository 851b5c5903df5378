//! The untyped document: every value with its location, whether from a file, a variable or an option.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::path::{KeyPath, PathStep};
use super::problem::{Origin, Problem};

/// A value and its location. No `Debug`, because it may be a secret.
#[derive(Clone)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Its location.
    pub(super) origin: Origin,
}

/// A value.
#[derive(Clone)]
pub(super) enum Value {
    /// A table.
    Table(BTreeMap<String, Node>),
    /// An array.
    Array(Vec<Node>),
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float, as written.
    Float(String),
    /// True or false.
    Boolean(bool),
    /// A date or time, as written.
    Datetime(String),
    /// Text of a variable or option; its key determines the type.
    Untyped(String),
}

impl Node {
    /// An empty table.
    pub(super) const fn table(origin: Origin) -> Self {
        Self { value: Value::Table(BTreeMap::new()), origin }
    }

    /// The entries of a table; `None` for anything else.
    pub(super) const fn entries(&self) -> Option<&BTreeMap<String, Self>> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// The node at a path.
    pub(super) fn at(&self, path: &KeyPath) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| node.step(step))
    }

    /// The location of a path; if it is not set, that of the innermost table around it.
    pub(super) fn origin_of(&self, path: &KeyPath) -> &Origin {
        let mut node = self;
        for step in path.steps() {
            match node.step(step) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        &node.origin
    }

    fn step(&self, step: &PathStep) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Table(entries), PathStep::Key(key)) => entries.get(key),
            (Value::Array(items), PathStep::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Turns tables in a table into dotted keys: `security.protocol = "ssl"` is one property.
    pub(super) fn flatten(&mut self) {
        let Value::Table(entries) = &mut self.value else { return };
        for (key, mut node) in std::mem::take(entries) {
            node.flatten();
            match node.value {
                Value::Table(inner) => entries.extend(inner.into_iter().map(|(name, node)| (format!("{key}.{name}"), node))),
                _ => drop(entries.insert(key, node)),
            }
        }
    }
}

/// Parses TOML.
///
/// # Errors
/// All syntax errors. The offending text is not quoted, because it may contain a secret.
pub(super) fn parse(text: &str, file: &Path) -> Result<Node, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(text, file);
    let node = reader.table(table.get_ref(), Origin::File(file.to_owned(), 0));
    if errors.is_empty() && reader.problems.is_empty() {
        return Ok(node);
    }
    let syntax = errors.iter().map(|error| {
        let origin = reader.origin(error.span().map_or(0, |span| span.start));
        // A key is not secret, unlike the rest of the text.
        let key = error.span().and_then(|span| text.get(span)).map_or("", str::trim);
        match error.message() {
            "duplicate key" => Problem::new(origin, "", format!("invalid TOML: `{key}` is set twice: remove one of them")),
            message => Problem::new(origin, "", format!("invalid TOML: {message}")),
        }
    });
    Err(syntax.chain(reader.problems.iter().cloned()).collect())
}

/// Parses one TOML value; `None` if it is invalid.
pub(super) fn parse_value(text: &str, origin: &Origin) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    let mut reader = Reader::new("", Path::new(""));
    let mut node = reader.node(value.get_ref(), origin.clone());
    node.relocate(origin);
    reader.problems.is_empty().then_some(node.value)
}

impl Node {
    /// Gives this node and everything in it another location.
    fn relocate(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.value {
            Value::Table(entries) => entries.values_mut().for_each(|node| node.relocate(origin)),
            Value::Array(items) => items.iter_mut().for_each(|node| node.relocate(origin)),
            _ => {}
        }
    }
}

struct Reader<'a> {
    file: &'a Path,
    /// Where each line ends, bytes.
    line_ends: Vec<usize>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(text: &str, file: &'a Path) -> Self {
        Self { file, line_ends: text.match_indices('\n').map(|(at, _)| at).collect(), problems: Vec::new() }
    }

    fn origin(&self, offset: usize) -> Origin {
        Origin::File(self.file.to_owned(), self.line_ends.partition_point(|end| *end < offset) + 1)
    }

    fn table(&mut self, table: &DeTable<'_>, origin: Origin) -> Node {
        let entries = table.iter().map(|(key, value)| {
            let node = self.node(value.get_ref(), self.origin(key.span().start));
            (key.get_ref().to_string(), node)
        });
        Node { value: Value::Table(entries.collect()), origin }
    }

    fn array(&mut self, items: &DeArray<'_>) -> Value {
        let item = |item: &Spanned<DeValue<'_>>| self.node(item.get_ref(), self.origin(item.span().start));
        Value::Array(items.iter().map(item).collect())
    }

    fn node(&mut self, value: &DeValue<'_>, origin: Origin) -> Node {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(at) => Value::Datetime(at.to_string()),
            DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
                |_| {
                    self.problems.push(Problem::new(origin.clone(), "", "the number does not fit into 64 bits"));
                    Value::Integer(0)
                },
                Value::Integer,
            ),
            DeValue::Array(items) => self.array(items),
            DeValue::Table(table) => return self.table(table, origin),
        };
        Node { value, origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(node: &Node, path: &str) -> usize {
        match node.origin_of(&KeyPath::parse(path).unwrap()) {
            Origin::File(_, line) => *line,
            _ => panic!("not of a file"),
        }
    }

    #[test]
    fn every_key_knows_its_line() {
        let text = "[a]\nx = 1\n\n[[b.c]]\ny = 1\n[[b.c]]\ny = [\n  1,\n  2,\n]\nz.q = 3\n";
        let node = parse(text, Path::new("f.toml")).unwrap_or_else(|problems| panic!("{problems:?}"));
        let lines = ["a", "a.x", "b.c[0]", "b.c[0].y", "b.c[1]", "b.c[1].y", "b.c[1].y[1]", "b.c[1].z.q"].map(|path| line_of(&node, path));
        assert_eq!(lines, [1, 2, 4, 5, 6, 7, 9, 11]);
    }

    #[test]
    fn a_key_that_is_not_set_has_the_location_of_its_table() {
        let node = parse("\n[a]\nx = 1\n", Path::new("f.toml")).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(line_of(&node, "a.other"), 2);
        assert_eq!(line_of(&node, "nowhere.at.all"), 0);
    }

    #[test]
    fn all_syntax_errors_are_reported_at_once_by_line_without_quoting_the_text() {
        let problems = parse("[a\nx = 1\n[b]\npassword = hunter2\n[c]\nz = 1\nz = 2\n", Path::new("f.toml")).err().unwrap();
        let lines: Vec<_> = problems.iter().map(|problem| problem.origin.to_string()).collect();
        assert_eq!(lines, ["f.toml:1", "f.toml:4", "f.toml:7"]);
        assert!(!format!("{problems:?}").contains("hunter2"));
    }
}
