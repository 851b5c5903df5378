//! The configuration: TOML, environment and `--set`, checked as a whole before anything starts.
//!
//! Text -> tree of values with their locations (`tree`, `overrides`, `document`) -> typed sections (`decode`, `section`, `model`) -> checks
//! across keys, and secrets (`validate`, `source`) -> [`Config`], or all problems at once.
//! Each section has its defaults in its `Default`; `config/churnwatch.toml` shows them all.

mod decode;
mod document;
mod field;
mod keys;
pub mod mapping;
mod model;
mod nearest;
mod overrides;
mod path;
mod problem;
mod secret;
pub mod section;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod written;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use overrides::Setting;
pub use problem::{Origin, Problem, Problems};
pub use secret::Secret;

use crate::score::{Model, ModelFile};
use crate::settings::Limits;
use decode::Decoded;
use document::Document;
use section::{
    Account, Application, CalendarDays, Commit, Http, Kafka, Metrics, Money, Output, SchemaRegistry, StateFormat, Streams, Support, Time,
    Usage,
};
use source::Variables;
use validate::Report;
use written::Written;

/// The complete, checked configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[application]`.
    pub application: Application,
    /// `[kafka]`.
    pub kafka: Kafka,
    /// `[streams]`.
    pub streams: Streams,
    /// `[usage]`.
    pub usage: Usage,
    /// `[support]`.
    pub support: Support,
    /// `[account]`.
    pub account: Account,
    /// `[output]`.
    pub output: Output,
    /// `[commit]`.
    pub commit: Commit,
    /// `[time]`.
    pub time: Time,
    /// `[calendar]`.
    pub calendar: CalendarDays,
    /// `[money]`.
    pub money: Money,
    /// `[limits]`.
    pub limits: Limits,
    /// `[http]`.
    pub http: Http,
    /// `[metrics]`.
    pub metrics: Metrics,
    /// `[schema_registry]`.
    pub schema_registry: SchemaRegistry,
    /// `[state]`.
    pub state: StateFormat,
    /// Path of the file with the model's tables, as written; empty if this file has them.
    model_file: PathBuf,
    /// The same from the working directory; `None` if there is none.
    #[serde(skip)]
    pub model_path: Option<PathBuf>,
    /// The compiled scoring model.
    #[serde(skip)]
    pub model: Model,
    /// Problems that do not prevent a start.
    #[serde(skip)]
    pub warnings: Vec<Problem>,
    /// The written keys, except those of the model.
    #[serde(skip)]
    written: Written,
}

/// Whether to read secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    Read,
    Leave,
}

impl Config {
    /// Reads a file (without one, defaults apply), the environment and options, later ones winning, and the secrets that they refer to.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load(path: Option<&Path>, sets: &[Setting], env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        read(path, sets, &env.into_iter().collect(), Secrets::Read)
    }

    /// [`Config::load`] without reading secrets, for commands that contact no broker.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load_offline(path: Option<&Path>, sets: &[Setting], env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        read(path, sets, &env.into_iter().collect(), Secrets::Leave)
    }

    /// The same from the text of a file; the path of a model file is relative to `path`.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn of_text(text: &str, path: &Path) -> Result<Self, Problems> {
        checked(Document::of_text(text, path).map_err(Problems::sorted)?, &Variables::default(), Secrets::Leave)
    }

    /// The keys whose values differ in another configuration, except those of the model; sorted.
    #[must_use]
    pub fn differences_besides_model(&self, other: &Self) -> Vec<String> {
        self.written.differences(&other.written)
    }

    /// Whether the configuration contains only a model.
    #[must_use]
    pub fn is_model_alone(&self) -> bool {
        self.written.is_empty()
    }

    /// Checks across keys, and checks of single keys that decoding cannot do.
    fn validate(&self, report: &mut Report<'_>) {
        self.application.validate(report);
        self.kafka.validate(report);
        self.kafka.properties.validate(report);
        self.commit.validate(report);
        self.support.validate(report);
        self.calendar.validate(report);
        self.money.validate(report);
        section::validate_limits(&self.limits, report);
        self.http.validate(report);
        self.schema_registry.validate(report);
        let outputs = [
            ("application.id", self.application.changelog_topic()),
            ("application.id", self.application.repartition_topic()),
            ("application.id", self.application.aliases_topic()),
            ("output.changes_topic", self.output.changes_topic.clone()),
            ("output.dead_letters_topic", self.output.dead_letters_topic.clone()),
        ];
        self.streams.validate(outputs, report);
    }

    fn read_secrets(&mut self, variables: &Variables, report: &mut Report<'_>) {
        self.kafka.properties.read_secrets(variables, report);
        self.http.read_secrets(report);
        self.schema_registry.read_secrets(variables, report);
    }
}

fn read(path: Option<&Path>, sets: &[Setting], variables: &Variables, secrets: Secrets) -> Result<Config, Problems> {
    checked(Document::read(path, sets, variables).map_err(Problems::sorted)?, variables, secrets)
}

/// Decodes and checks a document.
fn checked(document: Document, variables: &Variables, secrets: Secrets) -> Result<Config, Problems> {
    let Document { root, mut problems, is_model_file, model_path } = document;
    let Decoded { value: mut config, left_out, problems: wrong } = decode::decode::<Config>(&root, &ModelFile::TABLES);
    problems.extend(wrong);
    let mut report = Report::new(&root, &left_out);
    config.streams.compile_mappings(&mut report);
    config.validate(&mut report);
    if secrets == Secrets::Read {
        config.read_secrets(variables, &mut report);
    }
    let (wrong, warnings) = report.finish();
    problems.extend(wrong);
    match model::compile(&root) {
        Ok(model) => config.model = model,
        Err(wrong) => problems.extend(wrong),
    }
    (config.model_path, config.warnings) = (model_path, warnings);
    if is_model_file {
        let message = "this file holds only a model, so every other key has its default: name it with model_file in a configuration";
        config.warnings.push(Problem::new(root.origin.clone(), "", message));
    }
    config.written = Written::of(&root);
    if problems.is_empty() { Ok(config) } else { Err(Problems::sorted(problems)) }
}

/// The environment variables that are valid UTF-8.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
