//! `churnwatch man`: manual pages in roff.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Cli, UsageError};

const EXAMPLES: &str = "\
Examples:
  churnwatch man | man -l -
  churnwatch man replay > churnwatch-replay.1";

/// Options of `man`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The page of this command; by default that of the program
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// Writes a page to standard output.
///
/// # Errors
/// An unknown command, or standard output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut root = Cli::command();
    root.build();
    let command = match &args.command {
        Some(name) => root.find_subcommand(name).ok_or_else(|| UsageError::unknown_command(name))?.clone(),
        None => root,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    super::print(&page)?;
    Ok(ExitCode::SUCCESS)
}
