//! Keys set outside the file: `CHURNWATCH_<SECTION>__<KEY>` and `--set section.key=value`.
//!
//! `CHURNWATCH_MODEL_FILE` is the only key outside a section. Other variables with the prefix are refused, except those that Kubernetes
//! sets for services whose names begin with churnwatch.

use super::keys;
use super::path::{KeyPath, PathStep};
use super::problem::{Origin, Problem};
use super::source::Variables;
use super::tree::{self, Node, Value};
use crate::fault;

const PREFIX: &str = "CHURNWATCH_";
const SEPARATOR: &str = "__";
const MODEL_FILE: &str = "MODEL_FILE";

/// Most edits between our prefix and one that is taken for it.
const PREFIX_EDITS_MAX: usize = 2;

/// A key set by an option of the command line.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The option, for messages.
    pub option: &'static str,
    /// `section.key=value`.
    pub text: String,
}

impl Setting {
    /// From the argument of `--set`.
    #[must_use]
    pub fn set(text: &str) -> Self {
        Self { option: "--set", text: text.to_owned() }
    }
}

/// One key set outside the file.
pub(super) struct Override {
    /// The key.
    path: KeyPath,
    /// The value; the key determines its type.
    text: String,
    origin: Origin,
}

/// The overrides among the environment variables, sorted by name, and a problem for each variable that is meant to be one.
pub(super) fn of_variables(variables: &Variables) -> (Vec<Override>, Vec<Problem>) {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    for (name, text) in variables {
        let origin = || Origin::Variable(name.clone());
        match name.strip_prefix(PREFIX) {
            Some(rest) if rest == MODEL_FILE || rest.contains(SEPARATOR) => {
                overrides.push(Override { path: of_name(rest), text: text.clone(), origin: origin() });
            }
            Some(rest) if is_of_kubernetes(rest, text) || fault::is_variable(name) => {}
            Some(rest) => problems.push(unknown(origin(), rest)),
            None => problems.extend(after_near_prefix(name).map(|rest| unknown(origin(), rest))),
        }
    }
    (overrides, problems)
}

/// A variable that is none of ours, with the one that it was meant to be.
fn unknown(origin: Origin, rest: &str) -> Problem {
    let message = "unknown variable: keys are set as CHURNWATCH_<SECTION>__<KEY>, with two underscores";
    let nearest = keys::of_variable(rest).map(|key| format!("{PREFIX}{}", variable_of(key)));
    Problem { nearest, ..Problem::new(origin, "", message) }
}

/// `commit.interval_ms` is `COMMIT__INTERVAL_MS`, and the dots of a property are single underscores.
fn variable_of(key: &str) -> String {
    let name = match key.strip_prefix("kafka.properties.") {
        Some(property) => format!("kafka__properties__{}", property.replace('.', "_")),
        None => key.replace(['.', '['], SEPARATOR).replace(']', ""),
    };
    name.to_uppercase()
}

/// Whether Kubernetes sets this variable, without the prefix, for a service: `PORT`, `SERVICE_HOST`, `PORT_9400_TCP_ADDR`, and the same
/// after the rest of the service's name.
fn is_of_kubernetes(rest: &str, text: &str) -> bool {
    rest.starts_with("PORT")
        || rest.starts_with("SERVICE_")
        || rest.contains("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || rest.contains("_PORT_")
        || rest.ends_with("_PORT") && text.contains("://")
}

/// What follows a prefix that is nearly ours, if it looks like a key: `CHURNWACH_COMMIT__INTERVAL_MS`, `churn_watch_commit_interval_ms`.
fn after_near_prefix(name: &str) -> Option<&str> {
    let own = PREFIX.trim_end_matches('_');
    let splits = name.match_indices('_').take(2).filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    let near = splits.filter(|(head, _)| strsim::damerau_levenshtein(&head.replace('_', "").to_uppercase(), own) <= PREFIX_EDITS_MAX);
    let looks_like_key = |rest: &&str| rest.contains(SEPARATOR) || keys::of_variable(rest).is_some();
    near.map(|(_, rest)| rest.trim_start_matches('_')).find(looks_like_key)
}

/// `KAFKA__PROPERTIES__SASL_PASSWORD` is `kafka.properties."sasl.password"`: property names have dots, which variables cannot have.
fn of_name(name: &str) -> KeyPath {
    let name = name.to_lowercase();
    if let Some(property) = name.strip_prefix("kafka__properties__") {
        return KeyPath::of_keys(["kafka", "properties", &property.replace('_', ".")]);
    }
    KeyPath::parse(&name.replace(SEPARATOR, ".")).unwrap_or_else(|| KeyPath::of_keys(name.split(SEPARATOR)))
}

/// The overrides among the options, in the order given, and a problem for each that is not `section.key=value`.
pub(super) fn of_options(settings: &[Setting]) -> (Vec<Override>, Vec<Problem>) {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    for setting in settings {
        let origin = Origin::Option(setting.option);
        let (key, text) = setting.text.split_once('=').map_or((setting.text.as_str(), None), |(key, text)| (key.trim(), Some(text.trim())));
        match (KeyPath::parse(key), text) {
            (Some(_), Some(_)) if is_end_of_key(key) => {
                let nearest = Some(keys::ending_in(key).join("` or `"));
                problems.push(Problem { nearest, ..Problem::new(origin, key, "unknown key") });
            }
            (Some(path), Some(text)) => overrides.push(Override { path, text: text.to_owned(), origin }),
            (Some(_), None) if keys::is_key(key) => problems.push(Problem::new(origin, key, format!("has no value: write {key}=VALUE"))),
            _ => {
                let meant = keys::meant_by(key);
                let nearest = (!meant.is_empty()).then(|| meant.join("` or `"));
                problems.push(Problem { nearest, ..Problem::new(origin, key, "must be section.key=value") });
            }
        }
    }
    (overrides, problems)
}

/// Whether this is the end of a key without its section: `sasl.password`.
fn is_end_of_key(text: &str) -> bool {
    let section = text.split(['.', '[']).next().unwrap_or_default();
    keys::in_section(section).is_empty() && !keys::is_key(text) && !keys::ending_in(text).is_empty()
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
        of_variables(&[(name.to_owned(), String::new())].into()).0.iter().map(|set| set.path.to_string()).collect()
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
    fn variables_of_kubernetes_and_of_other_programs_are_ignored() {
        let tcp = "tcp://10.0.0.7:9400";
        for (name, text) in [
            ("CHURNWATCH_PORT", tcp),
            ("CHURNWATCH_SERVICE_HOST", "10.0.0.7"),
            ("CHURNWATCH_SERVICE_PORT_HTTP", "9400"),
            ("CHURNWATCH_PORT_9400_TCP_ADDR", "10.0.0.7"),
            ("CHURNWATCH_METRICS_PORT", tcp),
            ("CHURNWATCH_METRICS_SERVICE_HOST", "10.0.0.7"),
            ("OTHER__KEY", "1"),
            ("CHURNBATCH_HOME", "/"),
        ] {
            let (overrides, problems) = of_variables(&[(name.to_owned(), text.to_owned())].into());
            assert!(overrides.is_empty() && problems.is_empty(), "{name}: {problems:?}");
        }
    }

    #[test]
    fn a_variable_that_is_meant_to_be_ours_is_refused_with_the_right_name() {
        let interval = Some("CHURNWATCH_COMMIT__INTERVAL_MS");
        for (name, nearest) in [
            ("CHURNWATCH_COMMIT_INTERVAL_MS", interval),
            ("CHURNWACH_COMMIT__INTERVAL_MS", interval),
            ("CHURN_WATCH_COMMIT__INTERVAL_MS", interval),
            ("churnwatch_commit__interval_ms", interval),
            ("CHURNWATCH_KAFKA_PROPERTIES_SASL_PASSWORD", Some("CHURNWATCH_KAFKA__PROPERTIES__SASL_PASSWORD")),
            ("CHURNWATCH_METRICS_PORT", None),
            ("CHURNWATCH_ANYTHING", None),
        ] {
            let (overrides, problems) = of_variables(&[(name.to_owned(), "9400".to_owned())].into());
            assert!(overrides.is_empty() && problems.len() == 1, "{name}: {problems:?}");
            assert_eq!((problems[0].origin.to_string().as_str(), problems[0].nearest.as_deref()), (name, nearest));
        }
    }

    #[test]
    fn keys_are_set_whether_or_not_the_file_has_them() {
        let options = ["a.b=2", "new.section.key = x=y", "list[0].x=3"].map(Setting::set);
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
        let options = ["a={ b = 1, c = 2 }", "a.c=3"].map(Setting::set);
        let mut root = document();
        for set in &of_options(&options).0 {
            set.apply(&mut root).unwrap();
        }
        assert_eq!(text_at(&root, "a.c"), "3");
        assert!(matches!(root.at(&KeyPath::parse("a.b").unwrap()).unwrap().value, Value::Integer(1)));
    }

    #[test]
    fn a_missing_list_entry_cannot_be_set() {
        let problem = of_options(&[Setting::set("list[1].x=3")]).0[0].apply(&mut document()).unwrap_err();
        assert_eq!(problem.to_string(), "--set: list[1].x: there is no entry 1: the list has 1, counted from 0");
    }

    #[test]
    fn an_option_without_key_and_value_is_a_problem() {
        let (_, problems) = of_options(&["commit.interval_ms", "=3", "a..b=1"].map(Setting::set));
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "--set: commit.interval_ms: has no value: write commit.interval_ms=VALUE");
        assert_eq!(lines.len(), 3);
    }
}
