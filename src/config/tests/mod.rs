//! The configuration as a whole: one file per guarantee.

mod example;
mod kafka;
mod model;
mod precedence;
mod problems;
mod secrets;
mod streams;
mod written;

use std::path::PathBuf;

use super::{Config, Setting};

/// A folder with configuration files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Loads `c.toml`.
    fn load(&self, sets: &[&str], env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let sets: Vec<Setting> = sets.iter().map(|set| Setting::set(set)).collect();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Some(&self.path("c.toml")), &sets, env).map_err(|problems| {
            let folder = format!("{}/", self.0.path().display());
            problems.0.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
        })
    }
}

/// The problems of a file, as lines.
fn problems_of(text: &str) -> Vec<String> {
    Folder::with(&[("c.toml", text)]).load(&[], &[]).err().unwrap_or_default()
}

/// The configuration in a file.
fn config_of(text: &str) -> Config {
    Folder::with(&[("c.toml", text)]).load(&[], &[]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Asserts that a file has exactly one problem.
#[track_caller]
fn assert_problem(text: &str, problem: &str) {
    assert_eq!(problems_of(text), [problem]);
}
