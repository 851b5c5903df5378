//! `churnwatch completions`: completions of commands and options for a shell.

use std::process::ExitCode;

use clap::CommandFactory;

use super::Cli;

const EXAMPLES: &str = "\
Examples:
  churnwatch completions bash > ~/.local/share/bash-completion/completions/churnwatch
  churnwatch completions zsh > ~/.zfunc/_churnwatch
  churnwatch completions fish > ~/.config/fish/completions/churnwatch.fish";

/// Options of `completions`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Writes the script to standard output.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "churnwatch", &mut script);
    super::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
