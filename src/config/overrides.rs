//! Keys set outside the file: `CHURNWATCH_<SECTION>__<KEY>` and `--set section.key=value`.
//!
//! Variables without `__` are ignored, because Kubernetes sets `CHURNWATCH_PORT` and the like for a service of that name. The exception is
//! `CHURNWATCH_MODEL_FILE`, for the only key outside a section.

use super::path::{KeyPath, PathStep};
use super::problem::{Origin, Problem};
use super::source::Variables;
use super::tree::{self, Node, Value};

const PREFIX: &str = "CHURNWATCH_";
const SEPARATOR: &str = "__";
const MODEL_FILE: &str = "MODEL_FILE";

/// One key set outside the file.
pub(super) struct Override {
    /// The key.
    path: KeyPath,
    /// The value; the key determines its type.
    text: String,
    origin: Origin,
}

/// The overrides among the environment variables, sorted by name.
pub(super) fn of_variables(variables: &Variables) -> Vec<Override> {
    let path = |name: &str| {
        let name = name.strip_prefix(PREFIX)?;
        (name == MODEL_FILE || name.contains(SEPARATOR)).then(|| of_name(name))
    };
    let set = variables.iter().filter_map(|(name, text)| Some((path(name)?, name, text)));
    set.map(|(path, name, text)| Override { path, text: text.clone(), origin: Origin::Variable(name.clone()) }).collect()
}

/// `KAFKA__PROPERTIES__SASL_PASSWORD` is `kafka.properties."sasl.password"`: property names have dots, which variables cannot have.
fn of_name(name: &str) -> KeyPath {
    let name = name.to_lowercase();
    if let Some(property) = name.strip_prefix("kafka__properties__") {
        return KeyPath::of_keys(["kafka", "properties", &property.replace('_', ".")]);
    }
    KeyPath::parse(&name.replace(SEPARATOR, ".")).unwrap_or_else(|| KeyPath::of_keys(name.split(SEPARATOR)))
}

/// The overrides of `--set`, in the order given.
///
/// # Errors
/// One problem for each that is not `section.key=value`.
pub(super) fn of_options(options: &[String]) -> (Vec<Override>, Vec<Problem>) {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    for option in options {
        let (key, text) = option.split_once('=').map_or((option.as_str(), None), |(key, text)| (key.trim(), Some(text.trim())));
        match (KeyPath::parse(key), text) {
            (Some(path), Some(text)) => overrides.push(Override { path, text: text.to_owned(), origin: Origin::Option }),
            _ => problems.push(Problem::new(Origin::Option, key, "must be section.key=value")),
        }
    }
    (overrides, problems)
}

impl Override {
    /// The key.
    pub(super) const fn path(&self) -> &KeyPath {
        &self.path
    }

    /// Sets the key in the document.
    ///
    /// # Errors
    /// If the path leads through a list entry that does not exist.
    pub(super) fn apply(&self, root: &mut Node) -> Result<(), Problem> {
        let leaf = Node { value: Value::Untyped(self.text.clone()), origin: self.origin.clone() };
        put(root, self.path.steps(), leaf).map_err(|message| Problem::new(self.origin.clone(), self.path.to_string(), message))
    }
}

fn put(node: &mut Node, steps: &[PathStep], leaf: Node) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *node = leaf;
        return Ok(());
    };
    if let Value::Untyped(text) = &node.value
        && let Some(value) = tree::parse_value(text, &node.origin)
    {
        node.value = value;
    }
    match (step, &mut node.value) {
        (PathStep::Key(key), Value::Table(entries)) => {
            put(entries.entry(key.clone()).or_insert_with(|| Node::table(leaf.origin.clone())), rest, leaf)
        }
        (PathStep::Key(_), Value::Array(_)) => Err("this is a list: name an entry, counted from 0, as in `rule[0].cap_health`".to_owned()),
        (PathStep::Key(_), _) => {
            *node = Node::table(leaf.origin.clone());
            put(node, steps, leaf)
        }
        (PathStep::Index(index), Value::Array(items)) => {
            let length = items.len();
            let item = items.get_mut(*index).ok_or_else(|| format!("there is no entry {index}: the list has {length}, counted from 0"))?;
            put(item, rest, leaf)
        }
        (PathStep::Index(index), _) => Err(format!("this is not a list, so it has no entry {index}")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn document() -> Node {
        tree::parse("[a]\nb = 1\n[[list]]\nx = 1\n", Path::new("f.toml")).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn text_at(root: &Node, path: &str) -> String {
        match &root.at(&KeyPath::parse(path).unwrap()).unwrap().value {
            Value::Untyped(text) => text.clone(),
            _ => panic!("not set from outside"),
        }
    }

    fn variable(name: &str) -> Vec<String> {
        of_variables(&[(name.to_owned(), String::new())].into()).iter().map(|set| set.path.to_string()).collect()
    }

    #[test]
    fn a_variable_is_the_key_in_capitals() {
        assert_eq!(variable("CHURNWATCH_COMMIT__INTERVAL_MS"), ["commit.interval_ms"]);
        assert_eq!(variable("CHURNWATCH_STREAMS__USAGE__TOPICS"), ["streams.usage.topics"]);
        assert_eq!(variable("CHURNWATCH_KAFKA__PROPERTIES__SASL_PASSWORD"), ["kafka.properties.\"sasl.password\""]);
        assert_eq!(variable("CHURNWATCH_HEALTH__COMPONENT__2__WEIGHT"), ["health.component[2].weight"]);
        assert_eq!(variable("CHURNWATCH_MODEL_FILE"), ["model_file"]);
    }

    #[test]
    fn variables_set_by_orchestrators_are_ignored() {
        for name in ["CHURNWATCH_PORT", "CHURNWATCH_SERVICE_HOST", "CHURNWATCH_PORT_9400_TCP_ADDR", "OTHER__KEY", "churnwatch_a__b"] {
            assert_eq!(variable(name), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn keys_are_set_whether_or_not_the_file_has_them() {
        let options = ["a.b=2", "new.section.key = x=y", "list[0].x=3"].map(str::to_owned);
        let (overrides, problems) = of_options(&options);
        assert_eq!(problems, []);
        let mut root = document();
        for set in &overrides {
            set.apply(&mut root).unwrap();
        }
        assert_eq!(["a.b", "new.section.key", "list[0].x"].map(|path| text_at(&root, path)), ["2", "x=y", "3"]);
    }

    #[test]
    fn a_key_can_be_set_inside_a_table_that_was_itself_set() {
        let options = ["a={ b = 1, c = 2 }", "a.c=3"].map(str::to_owned);
        let mut root = document();
        for set in &of_options(&options).0 {
            set.apply(&mut root).unwrap();
        }
        assert_eq!(text_at(&root, "a.c"), "3");
        assert!(matches!(root.at(&KeyPath::parse("a.b").unwrap()).unwrap().value, Value::Integer(1)));
    }

    #[test]
    fn a_missing_list_entry_cannot_be_set() {
        let problem = of_options(&["list[1].x=3".to_owned()]).0[0].apply(&mut document()).unwrap_err();
        assert_eq!(problem.to_string(), "--set: list[1].x: there is no entry 1: the list has 1, counted from 0");
    }

    #[test]
    fn an_option_without_key_and_value_is_a_problem() {
        let (_, problems) = of_options(&["commit.interval_ms".to_owned(), "=3".to_owned(), "a..b=1".to_owned()]);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "--set: commit.interval_ms: must be section.key=value");
        assert_eq!(lines.len(), 3);
    }
}
