//! The path to a key from the root: `commit.interval_ms`, `health.component[2].metric`, `kafka.properties."sasl.password"`.

use std::fmt;

/// One step of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PathStep {
    /// Into a table.
    Key(String),
    /// Into an array, from 0.
    Index(usize),
}

/// The path to a key from the root of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<PathStep>);

/// Below these keys, the rest is a single key: librdkafka's names contain dots.
const DOTTED: [&str; 2] = ["kafka", "properties"];

impl KeyPath {
    /// Reads `a.b`, `a."b.c"`, `a[2].b` or `a.2.b`; `None` if a key is empty or a quote or bracket is not closed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut path = Self::default();
        let mut rest = text;
        loop {
            let (key, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None if path.is_dotted() => (rest, ""),
                None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
            };
            path.0.push(step(key)?);
            rest = path.indexes(after)?;
            match rest.strip_prefix('.') {
                Some(next) => rest = next,
                None => return rest.is_empty().then_some(path),
            }
        }
    }

    /// Consumes the indexes after a key, such as `[2][0]`; returns the rest.
    fn indexes<'a>(&mut self, mut rest: &'a str) -> Option<&'a str> {
        while let Some(open) = rest.strip_prefix('[') {
            let (index, after) = open.split_once(']')?;
            self.0.push(PathStep::Index(index.parse().ok()?));
            rest = after;
        }
        Some(rest)
    }

    fn is_dotted(&self) -> bool {
        self.0.iter().eq(DOTTED.map(|key| PathStep::Key(key.to_owned())).iter())
    }

    /// A path of keys only.
    pub(super) fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| PathStep::Key(key.to_owned())).collect())
    }

    /// This path extended by a key.
    pub(super) fn key(&self, key: &str) -> Self {
        self.and(PathStep::Key(key.to_owned()))
    }

    /// This path extended by an index.
    pub(super) fn index(&self, index: usize) -> Self {
        self.and(PathStep::Index(index))
    }

    fn and(&self, step: PathStep) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Whether this is the path of an entry of the table or list at another path.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        self.0.split_last().is_some_and(|(_, parent)| parent == other.0)
    }

    /// The steps from the root.
    pub(super) fn steps(&self) -> &[PathStep] {
        &self.0
    }
}

/// A key, or an index in dotted notation.
fn step(key: &str) -> Option<PathStep> {
    match key.parse() {
        Ok(index) => Some(PathStep::Index(index)),
        Err(_) => (!key.is_empty()).then(|| PathStep::Key(key.to_owned())),
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Key(key) => {
                    let dot = if place == 0 { "" } else { "." };
                    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                    if bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_path_parses_to_itself() {
        for text in ["commit", "commit.interval_ms", "health.component[2].curve[0][1]", "kafka.properties.\"sasl.password\"", "a.\"b c\".d"]
        {
            assert_eq!(KeyPath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn properties_need_no_quotes_and_indexes_no_brackets() {
        assert_eq!(KeyPath::parse("kafka.properties.sasl.password").unwrap().to_string(), "kafka.properties.\"sasl.password\"");
        assert_eq!(KeyPath::parse("health.component.2.weight").unwrap().to_string(), "health.component[2].weight");
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[1", "\"a", "a[1]b"] {
            assert_eq!(KeyPath::parse(text), None, "{text}");
        }
    }
}
