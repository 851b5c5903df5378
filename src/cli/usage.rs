//! Wrong usage in at most five lines: the cause, the place, and what to type instead.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Cli;
use crate::metric::Metric;
use crate::portfolio::Kpi;

/// Most edits between a command and the one suggested for it.
const EDITS_MAX: usize = 3;

/// The message for arguments that cannot be parsed.
pub(super) fn message(error: &clap::Error, arguments: &[OsString]) -> String {
    let root = Cli::command();
    let command = named(&root, arguments);
    match error.kind() {
        ErrorKind::InvalidSubcommand => unknown_command(error, command.unwrap_or(&root)),
        ErrorKind::UnknownArgument => unknown_argument(error, command),
        _ => brief(error, command),
    }
}

/// The command that the arguments name first.
fn named<'a>(root: &'a Command, arguments: &[OsString]) -> Option<&'a Command> {
    arguments.iter().skip(1).find_map(|argument| root.find_subcommand(argument))
}

fn unknown_command(error: &clap::Error, parent: &Command) -> String {
    let written = context(error, ContextKind::InvalidSubcommand);
    let names: Vec<&str> = parent.get_subcommands().map(Command::get_name).filter(|name| *name != "help").collect();
    let near = names.iter().map(|name| (strsim::damerau_levenshtein(&written, name), name)).min();
    let hint = near.filter(|(edits, _)| *edits <= EDITS_MAX.min(written.len() / 2));
    let hint = hint.map_or_else(|| metrics_hint(&written), |(_, name)| format!("; did you mean `{name}`?"));
    format!("error: there is no command `{written}`{hint}\ncommands: {}\n", names.join(", "))
}

/// What to type for a metric or a KPI, which is often taken for a command.
pub(super) fn metrics_hint(written: &str) -> String {
    let is_name = Metric::named(written).is_some() || Kpi::ALL.iter().any(|kpi| kpi.name() == written);
    match written {
        _ if is_name => format!("; did you mean `churnwatch help metrics {written}`?"),
        "metrics" | "metric" | "kpis" | "kpi" => "; did you mean `churnwatch help metrics`?".to_owned(),
        _ => String::new(),
    }
}

fn unknown_argument(error: &clap::Error, command: Option<&Command>) -> String {
    let written = context(error, ContextKind::InvalidArg);
    let name = command.map_or("churnwatch", Command::get_name);
    let suggested = context(error, ContextKind::SuggestedArg);
    let hint = match (name, written.split('=').next().unwrap_or_default()) {
        ("demo", "--bootstrap-servers") => "; demo starts a broker of its own: `churnwatch run --bootstrap-servers` reads yours".to_owned(),
        ("replay", file) if !file.starts_with('-') => format!("; say which stream the file holds, as in --usage {file}"),
        ("completions", "--shell") => "; name the shell alone, as in `churnwatch completions bash`".to_owned(),
        ("health", url) if !url.starts_with('-') => format!("; the instance is named with --url http://{}", without_scheme(url)),
        (_, "-c") => "; did you mean `--config`?".to_owned(),
        (_, file) if Path::new(file).extension().is_some_and(|extension| extension == "toml") && command.is_some() => {
            format!("; a configuration is named with --config {file}")
        }
        (_, word) if command.is_some_and(|command| is_option(command, word)) => format!("; did you mean `--{word}`?"),
        _ if !suggested.is_empty() => format!("; did you mean `{suggested}`?"),
        _ => String::new(),
    };
    format!("error: `{name}` does not take `{written}`{hint}\n{}", see_help(command))
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

fn is_option(command: &Command, word: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(word))
}

/// clap's own message without its blank lines and its usage.
fn brief(error: &clap::Error, command: Option<&Command>) -> String {
    // Of an integer, clap says only what the standard library does.
    let text = error.render().to_string().replace("invalid digit found in string", "must be a whole number, without sign and unit");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("For more information") && !line.starts_with("Usage:"));
    let lines = lines.take(4).map(|line| match line.trim() {
        // The other way to say where the events go.
        "--out-dir <DIR>" => format!("{line}, or --bootstrap-servers <HOST:PORT,..>\n"),
        _ => format!("{line}\n"),
    });
    lines.chain([see_help(command)]).collect()
}

fn see_help(command: Option<&Command>) -> String {
    let name = command.map_or_else(String::new, |command| format!(" {}", command.get_name()));
    format!("`churnwatch{name} --help` lists the options and shows examples\n")
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}
