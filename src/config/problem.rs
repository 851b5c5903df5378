//! Problems in a configuration: the location, the key, and what is allowed.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a file, counted from 1; 0 stands for the whole file.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A command-line option, such as `--set`.
    Option(&'static str),
    /// It is not set: the default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, 0) => write!(f, "{}", path.display()),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "{name}"),
            Self::Option(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One problem. Never contains a value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The location.
    pub origin: Origin,
    /// The key, from the root: `commit.interval_ms`, `health.component[2].metric`; empty if there is none.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// For an unknown name, the most similar valid one.
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem without a suggested name.
    #[must_use]
    pub fn new(origin: Origin, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin, key: key.into(), message: message.into(), nearest: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// All problems in a configuration, sorted by location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Sorts problems by location: first lines of files, then variables, then options.
    pub(super) fn sorted(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|one, other| (&one.origin, &one.key).cmp(&(&other.origin, &other.key)));
        Self(problems)
    }
}

fn lines(problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem in the configuration".to_owned(),
        count => format!("{count} problems in the configuration"),
    };
    problems.iter().map(|problem| format!("error: {problem}\n")).chain([count]).collect()
}
