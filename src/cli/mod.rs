//! The command line: the global options here, one file per command beside it.
//!
//! Data goes to standard output, messages to standard error. Exit codes: 0 success, 1 failure at run time, 2 wrong usage or an invalid
//! configuration.

pub mod backtest;
pub mod check;
mod cluster;
mod compare;
pub mod completions;
pub mod demo;
#[cfg(test)]
mod documents;
pub mod explain;
pub mod health;
pub mod help;
pub mod input;
pub mod instance;
mod log;
pub mod man;
mod outcomes;
mod pace;
mod paths;
mod progress;
pub mod redrive;
mod reload;
pub mod replay;
pub mod run;
mod sample;
mod sample_topic;
mod service;
mod signals;
pub mod simulate;
pub mod top;
pub mod topics;
mod usage;
pub mod version;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};

pub use log::LogFormat;

use crate::config::section::{FormatName, NO_ENVELOPE};
use crate::config::{self, Config, Origin, Problems, Setting};
use crate::event::{Format, Stream};
use crate::file::{Existing, Output, WriteError};
use crate::http::client::RequestError;
use crate::time::Timestamp;

/// Exit code for wrong usage and for an invalid configuration.
const EXIT_USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  churnwatch demo                                     try it: embedded broker, simulated customers, live page
  churnwatch check --config config/churnwatch.toml    find problems in the configuration and the topics
  churnwatch run --config config/churnwatch.toml      the service
  churnwatch replay --usage usage.ndjson --as-of 2026-03-01T00:00:00Z --out-accounts -
  churnwatch backtest --usage usage.ndjson --billing billing.ndjson --html report.html
  churnwatch explain acme                             why an account of the running service has its score

Set any configuration key with --set section.key=value or CHURNWATCH_<SECTION>__<KEY>; --set wins.
Exit codes: 0 success, 1 failure at run time, 2 wrong usage or an invalid configuration.";

/// Live customer health and churn risk from product-usage, billing and support topics on Kafka.
#[derive(Debug, Parser)]
#[command(name = "churnwatch", version, about, after_help = EXAMPLES, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Configuration file; without it, defaults apply
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a configuration key, overriding file and environment; repeatable
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Log format on standard error
    #[arg(long, global = true, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Only warnings and errors on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Keys set by options of a command
    #[arg(skip)]
    pub own: Vec<Setting>,
}

impl Globals {
    /// The same, with a key that an option of a command sets, if it is given.
    #[must_use]
    pub fn with(mut self, option: &'static str, key: &str, value: Option<&str>) -> Self {
        self.own.extend(value.map(|value| Setting { option, text: format!("{key}={value}") }));
        self
    }

    /// The keys set on the command line.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.set.iter().map(|text| Setting::set(text)).chain(self.own.iter().cloned()).collect()
    }

    /// Loads the configuration from `--config`, the environment and `--set`, and reads its secrets.
    ///
    /// # Errors
    /// Every problem of the configuration; [`main`] makes them exit code 2.
    pub fn load(&self) -> Result<Config, Problems> {
        Config::load(self.config.as_deref(), &self.settings(), config::environment())
    }

    /// The same for commands that contact no broker: secrets are not read, so a configuration can be tried where they are not available.
    ///
    /// # Errors
    /// As [`Globals::load`].
    pub fn load_offline(&self) -> Result<Config, Problems> {
        Config::load_offline(self.config.as_deref(), &self.settings(), config::environment())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it: embedded broker, simulated customers, live page and metrics
    Demo(demo::Args),
    /// Run the service: read topics, score accounts, publish changes
    Run(run::Args),
    /// Run the same engine on NDJSON files, without Kafka, deterministic to the byte
    Replay(Box<replay::Args>),
    /// Prove the score on a history: how well it would have foretold who left
    Backtest(Box<backtest::Args>),
    /// Take the score of one account apart: the arithmetic, why now, and what would make it green
    Explain(Box<explain::Args>),
    /// Generate seeded synthetic events, to NDJSON files or topics
    Simulate(simulate::Args),
    /// Check the configuration, the topics and the rights the service needs
    Check(check::Args),
    /// Show, create or reset what the service needs in Kafka
    Topics(topics::Args),
    /// Apply dead letters whose account has been declared since
    Redrive(redrive::Args),
    /// Watch the accounts that need attention, in the terminal
    Top(top::Args),
    /// Ask a running instance whether it is ready
    Health(health::Args),
    /// Show what this binary was built from
    Version(version::Args),
    /// Show the help of a command, or define a metric
    Help(help::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print a manual page
    Man(man::Args),
}

/// A contradiction between options that the parser cannot detect: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl UsageError {
    fn unknown_command(name: &str) -> Self {
        let root = Cli::command();
        let names: Vec<&str> = root.get_subcommands().map(clap::Command::get_name).collect();
        let hint = usage::metrics_hint(name);
        Self(format!("there is no command `{name}`{hint}; commands: {}", names.join(", ")))
    }
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    main_of(std::env::args_os())
}

fn main_of(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            log::init(cli.globals.log_format, cli.globals.quiet);
            dispatch(&cli).unwrap_or_else(|error| report(&error, cli.globals.log_format))
        }
        Err(error) if is_help(&error) => match error.print() {
            Err(failure) if !error.use_stderr() && failure.kind() != ErrorKind::BrokenPipe => {
                report(&WriteError::of(Path::new("-"), &failure).into(), LogFormat::Text)
            }
            // If even a message on standard error cannot be written, there is nothing left to do.
            _ => ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 }),
        },
        Err(error) => {
            eprint!("{}", usage::message(&error, &arguments));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Whether this is the help or the version: requested, or shown because there are no arguments.
fn is_help(error: &clap::Error) -> bool {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion)
}

fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let globals = &cli.globals;
    match &cli.command {
        Command::Demo(args) => demo::run(args, globals),
        Command::Run(args) => run::run(args, globals),
        Command::Replay(args) => replay::run(args, globals),
        Command::Backtest(args) => backtest::run(args, globals),
        Command::Explain(args) => explain::run(args, globals),
        Command::Simulate(args) => simulate::run(args, globals),
        Command::Check(args) => check::run(args, globals),
        Command::Topics(args) => topics::run(args, globals),
        Command::Redrive(args) => redrive::run(args, globals),
        Command::Top(args) => top::run(args, globals),
        Command::Health(args) => health::run(args, globals),
        Command::Version(args) => version::run(args),
        Command::Help(args) => help::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// Prints what went wrong, in the log format. The exit code tells wrong usage and configuration from failures at run time.
fn report(error: &anyhow::Error, format: LogFormat) -> ExitCode {
    match (error.downcast_ref::<Problems>(), format) {
        (Some(problems), LogFormat::Text) => eprintln!("{problems}"),
        (Some(problems), LogFormat::Json) => problems.0.iter().for_each(|problem| tracing::error!(%problem, "configuration")),
        (None, LogFormat::Text) => eprintln!("error: {error:#}"),
        (None, LogFormat::Json) => tracing::error!(error = format!("{error:#}"), "failed"),
    }
    let refused = matches!(error.downcast_ref(), Some(WriteError::Exists(_)));
    let unusable = matches!(error.downcast_ref(), Some(RequestError::Url { .. }));
    if refused || unusable || error.is::<Problems>() || error.is::<UsageError>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
}

/// Writes a text to standard output. A reader that exits early, as `head` does, is no failure.
fn print(text: &[u8]) -> Result<(), WriteError> {
    Output::write(Some(Path::new("-")), Existing::Refuse, |output| output.text(text))
}

/// Parses the name of a format.
fn inner_format(name: &str) -> Result<FormatName, String> {
    match format(name)? {
        FormatName::CloudEvents => Err("a cloudevents envelope does not hold another one: name the format of what is inside".to_owned()),
        inner => Ok(inner),
    }
}

fn format(name: &str) -> Result<FormatName, String> {
    FormatName::named(name).ok_or_else(|| FormatName::unknown(name, "--mapping"))
}

/// The format that a mapping given on the command line describes, within what `format` and `inner` put around it.
///
/// # Errors
/// If there is no such mapping, it has problems or is for another stream, or the format holds no rows or events of another one.
fn mapping(
    written: &str,
    option: &'static str,
    stream: Stream,
    (format, inner): (Option<FormatName>, Option<FormatName>),
) -> anyhow::Result<Arc<Format>> {
    let mapping = config::mapping::named(written, &Origin::Option(option), "")?;
    if let Some(unsuited) = config::mapping::unsuited(&mapping, stream) {
        return Err(UsageError(format!("{option}: {written} {unsuited}")).into());
    }
    let mut described = Format::Mapping(mapping);
    for around in [inner, format].into_iter().flatten() {
        described = match around {
            FormatName::Native => described,
            FormatName::CloudEvents => Format::CloudEvents(Box::new(described)),
            FormatName::Debezium => Format::Debezium(Box::new(described)),
            FormatName::Segment | FormatName::Stripe | FormatName::Zendesk => {
                let message = format!("{option}: the format is {} already; give either a format or a mapping", around.name());
                return Err(UsageError(message).into());
            }
        };
    }
    Ok(Arc::new(described))
}

/// Checks that something is around what an option for the inner format names.
///
/// # Errors
/// If the format is no envelope.
fn check_inner(format: &Format, inner: Option<FormatName>, option: &str) -> Result<(), UsageError> {
    match inner {
        None | Some(FormatName::Native) => Ok(()),
        Some(_) if matches!(format, Format::CloudEvents(_) | Format::Choice(_)) => Ok(()),
        Some(_) => Err(UsageError(format!("{option} {NO_ENVELOPE}"))),
    }
}

/// Parses an instant given on the command line.
fn instant(text: &str) -> Result<Timestamp, String> {
    let midnight = format!("{text}T00:00:00Z");
    let hint = if Timestamp::parse_rfc3339(&midnight).is_some() { format!("; for midnight, write {midnight}") } else { String::new() };
    let wrong = format!("must be a timestamp with offset, such as 2026-03-01T00:00:00Z{hint}");
    Timestamp::parse_rfc3339(text).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(arguments: &[&str]) -> String {
        let arguments = std::iter::once(&"churnwatch").chain(arguments).map(OsString::from);
        format!("{:?}", main_of(arguments))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples_in_its_help() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  churnwatch "), "{} has no examples", command.get_name());
        }
    }

    #[test]
    fn an_unknown_format_suggests_the_nearest_and_a_mapping_its_option() {
        let unknown = format("segmnt").unwrap_err();
        assert!(unknown.starts_with("`segmnt` is not a format: must be one of native, segment"), "{unknown}");
        assert!(unknown.ends_with("did you mean `segment`?"), "{unknown}");
        assert_eq!(format("recurly").unwrap_err(), "`recurly` is a mapping, not a format: give it with --mapping");
    }

    #[test]
    fn global_options_may_come_before_or_after_the_command() {
        for arguments in [["churnwatch", "--config", "c.toml", "check"], ["churnwatch", "check", "--config", "c.toml"]] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            assert_eq!(cli.globals.config, Some(PathBuf::from("c.toml")));
        }
        let cli = Cli::try_parse_from(["churnwatch", "check", "--set", "a.b=1", "--set", "a.c=x=y"]).unwrap();
        assert_eq!(cli.globals.set, ["a.b=1", "a.c=x=y"]);
    }

    #[test]
    fn help_exits_with_0_and_wrong_usage_with_2() {
        assert_eq!(code_of(&["--help"]), format!("{:?}", ExitCode::SUCCESS));
        for arguments in [&["--nonsense"][..], &["replay", "--as-of", "yesterday"], &["explain"], &[]] {
            assert_eq!(code_of(arguments), format!("{:?}", ExitCode::from(2)), "{arguments:?}");
        }
    }

    #[test]
    fn usage_errors_and_configuration_problems_exit_with_2_and_other_failures_with_1() {
        let usage = anyhow::Error::new(UsageError("two outputs on standard output".to_owned()));
        assert_eq!(format!("{:?}", report(&usage, LogFormat::Text)), format!("{:?}", ExitCode::from(2)));
        let problems = Config::load(None, &[Setting::set("nonsense")], std::iter::empty()).unwrap_err();
        assert_eq!(format!("{:?}", report(&problems.into(), LogFormat::Json)), format!("{:?}", ExitCode::from(2)));
        assert_eq!(format!("{:?}", report(&anyhow::anyhow!("broker is gone"), LogFormat::Text)), format!("{:?}", ExitCode::FAILURE));
    }
}
