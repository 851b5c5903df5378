//! `churnwatch topics`: shows, creates or resets what the service needs in Kafka.

use std::process::ExitCode;

use super::Globals;

const EXAMPLES: &str = "\
Examples:
  churnwatch topics --config config/churnwatch.toml             what there is, and what is missing
  churnwatch topics --config config/churnwatch.toml --create    create what is missing
  churnwatch topics --config config/churnwatch.toml --acls      the least rights that it needs
  churnwatch topics reset --config config/churnwatch.toml       set the group's offsets to those of the state";

/// Options of `topics`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Create the missing output and internal topics
    #[arg(long, conflicts_with = "acls")]
    create: bool,
    /// Print the least rights that the service needs
    #[arg(long)]
    acls: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with the topics.
#[derive(Clone, Debug, Default, clap::Subcommand)]
pub enum Action {
    /// Show what there is, and what is missing
    #[default]
    Show,
    /// Create the missing output and internal topics
    Create,
    /// Print the least rights that the service needs
    Acls,
    /// Set the group's offsets to those that the state was made of; every instance must be stopped
    Reset {
        /// Do it; without this it is only shown
        #[arg(long)]
        yes: bool,
    },
}

impl Args {
    /// What to do, however it was asked for.
    #[must_use]
    pub fn action(&self) -> Action {
        match &self.action {
            Some(action) => action.clone(),
            None if self.create => Action::Create,
            None if self.acls => Action::Acls,
            None => Action::Show,
        }
    }
}

/// Shows, creates or resets.
///
/// # Errors
/// Problems of the configuration, and a cluster that cannot be reached or refuses.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    globals.load()?;
    anyhow::bail!("topics ({:?}) is not built into this binary", args.action())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn action_of(arguments: &[&str]) -> Action {
        let cli = Cli::try_parse_from(["churnwatch", "topics"].iter().chain(arguments)).unwrap();
        let Command::Topics(args) = cli.command else { panic!("another command") };
        args.action()
    }

    #[test]
    fn options_and_subcommands_ask_for_the_same() {
        assert!(matches!(action_of(&[]), Action::Show));
        assert!(matches!(action_of(&["--acls"]), Action::Acls));
        assert!(matches!(action_of(&["acls"]), Action::Acls));
        assert!(matches!(action_of(&["--create"]), Action::Create));
        assert!(matches!(action_of(&["reset", "--yes"]), Action::Reset { yes: true }));
    }
}
