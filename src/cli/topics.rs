//! `churnwatch topics`: shows, creates or resets the topics and offsets that the service needs.

use std::io::Write as _;
use std::process::ExitCode;

use super::Globals;
use super::cluster::Cluster;
use crate::stream::preflight::{reset, rights, survey};
use crate::stream::repartition::reset as stage_reset;
use crate::stream::{Options, Permits};

const EXAMPLES: &str = "\
Examples:
  churnwatch topics --config config/churnwatch.toml             show what exists and what is missing
  churnwatch topics --config config/churnwatch.toml --create    create missing topics
  churnwatch topics --config config/churnwatch.toml --acls      print the minimal rights that the service needs
  churnwatch topics reset --config config/churnwatch.toml       show how to move the group's offsets back to the state";

/// Options of `topics`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Create the missing output and internal topics
    #[arg(long, conflicts_with = "acls")]
    create: bool,
    /// Print the minimal rights the service needs
    #[arg(long)]
    acls: bool,
    #[command(flatten)]
    cluster: Cluster,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with the topics.
#[derive(Clone, Debug, Default, clap::Subcommand)]
pub enum Action {
    /// Show what exists and what is missing
    #[default]
    Show,
    /// Create the missing output and internal topics
    Create,
    /// Print the minimal rights the service needs; Read and Write include Describe
    Acls,
    /// Set the group's offsets to those stored with the state; stop all instances first
    Reset {
        /// Apply the change; without this flag it is only shown
        #[arg(long)]
        yes: bool,
    },
}

impl Args {
    /// What to do, whether given as an option or as a subcommand.
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

/// Runs the action.
///
/// # Errors
/// Problems in the configuration, and a cluster that cannot be reached or refuses.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = args.cluster.within(globals).load()?;
    let options = Options::of(&config, Permits::none(config.kafka.start));
    let mut out = std::io::stdout().lock();
    match args.action() {
        Action::Show => {
            let survey = survey::survey(&options)?;
            write!(out, "{survey}")?;
            eprint!("{}", survey.problem_lines());
            return Ok(if survey.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Action::Create => {
            for name in survey::create_missing(&options)? {
                writeln!(out, "{name} created")?;
            }
        }
        Action::Acls => {
            for right in rights::rights(&options) {
                let operations: Vec<&str> = right.operations.iter().map(|operation| operation.name()).collect();
                writeln!(out, "{:<17} {:<40} {}", right.resource, right.name, operations.join(", "))?;
            }
        }
        Action::Reset { yes } => {
            // Of a group that has lost all its offsets, the stage's must be found first: they decide whether the rest can be moved at all.
            let of_stage = if options.repartitioned().next().is_some() { stage_reset::plan(&options)? } else { Vec::new() };
            let groups = [(options.repartition_group(), of_stage), (options.application.clone(), reset::plan(&options)?)];
            for one in groups.iter().flat_map(|(_, moves)| moves) {
                let from = one.from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
                writeln!(out, "{} [{}]: from {from} to {}", one.topic, one.partition, one.to)?;
            }
            match (groups.iter().all(|(_, moves)| moves.is_empty()), yes) {
                (true, _) => eprintln!("the group's offsets already match the state"),
                (false, true) => groups
                    .iter()
                    .filter(|(_, moves)| !moves.is_empty())
                    .try_for_each(|(group, moves)| reset::apply(&options, group, moves))?,
                (false, false) => eprintln!("nothing was changed; add --yes to apply it"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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
    fn options_and_subcommands_are_equivalent() {
        assert!(matches!(action_of(&[]), Action::Show));
        assert!(matches!(action_of(&["--acls"]), Action::Acls));
        assert!(matches!(action_of(&["acls"]), Action::Acls));
        assert!(matches!(action_of(&["--create"]), Action::Create));
        assert!(matches!(action_of(&["reset", "--yes"]), Action::Reset { yes: true }));
    }
}
