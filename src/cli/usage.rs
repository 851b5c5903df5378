//! Wrong usage in at most five lines: the cause, the place, and what to type instead.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Cli;

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
    let hint = hint.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
    format!("error: there is no command `{written}`{hint}\ncommands: {}\n", names.join(", "))
}

fn unknown_argument(error: &clap::Error, command: Option<&Command>) -> String {
    let written = context(error, ContextKind::InvalidArg);
    let name = command.map_or("churnwatch", Command::get_name);
    let suggested = context(error, ContextKind::SuggestedArg);
    let hint = match (name, written.split('=').next().unwrap_or_default()) {
        ("demo", "--bootstrap-servers") => "; demo starts a broker of its own: `churnwatch run --bootstrap-servers` reads yours".to_owned(),
        ("replay", file) if !file.starts_with('-') => format!("; say which stream the file holds, as in --usage {file}"),
        (_, file) if !file.starts_with('-') && command.is_some() => format!("; a configuration is named with --config {file}"),
        _ if !suggested.is_empty() => format!("; did you mean `{suggested}`?"),
        _ => String::new(),
    };
    format!("error: `{name}` does not take `{written}`{hint}\n{}", see_help(command))
}

/// clap's own message without its blank lines and its usage.
fn brief(error: &clap::Error, command: Option<&Command>) -> String {
    let text = error.render().to_string();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("For more information") && !line.starts_with("Usage:"));
    lines.take(4).map(|line| format!("{line}\n")).chain([see_help(command)]).collect()
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
