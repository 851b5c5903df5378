//! `churnwatch redrive`: applies dead letters that can be understood by now.

use std::process::ExitCode;

use super::cluster::Cluster;
use super::signals::stop_on_signals;
use super::{Globals, UsageError};
use crate::event::Code;
use crate::stream::{Options, Permits, redrive};

const EXAMPLES: &str = "\
Examples:
  churnwatch redrive --config config/churnwatch.toml --code unknown_account --dry-run    count them, change nothing
  churnwatch redrive --config config/churnwatch.toml --code unknown_account

Declare the missing aliases on the accounts topic first. Each letter is applied once, however often this runs, also if it is
killed: run it again. Instances of the service may be running.";

/// Options of `redrive`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which dead letters
    #[arg(long, value_enum, value_name = "CODE")]
    pub code: RedrivenCode,
    /// Only count what would become of them
    #[arg(long)]
    pub dry_run: bool,
    /// The cluster.
    #[command(flatten)]
    pub cluster: Cluster,
}

/// The codes of letters that can be redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RedrivenCode {
    /// Their alias was not declared, or there was no room for the aliases that they declare
    #[value(name = "unknown_account")]
    UnknownAccount,
}

impl RedrivenCode {
    /// Records for whose aliases there was no room are among them: others wait for what they declare.
    const fn codes(self) -> &'static [Code] {
        match self {
            Self::UnknownAccount => &[Code::UnknownAccount, Code::TooManyAliases],
        }
    }
}

/// Redrives the letters and reports what became of them.
///
/// # Errors
/// Problems in the configuration, a configuration without aliases, and every failure of the redrive.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let config = args.cluster.within(globals).load()?;
    let options = Options::of(&config, Permits::none(config.kafka.start));
    if options.repartitioned().next().is_none() {
        return Err(refused("no topic has repartition = true"));
    }
    if !options.resolves_aliases() {
        return Err(refused("there is no [streams.accounts]"));
    }
    let stop = stop_on_signals()?;
    let tally =
        redrive(&options, args.code.codes(), args.dry_run, &stop).map_err(|failure| anyhow::anyhow!("{}: {failure}", failure.code()))?;
    eprint!("{tally}");
    if stop.is_requested() {
        eprintln!("stopped before the end; run it again for the rest");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(why: &str) -> anyhow::Error {
    let code = Code::UnknownAccount.name();
    let why = format!("{why}, so no account is looked up by its aliases, and there are no dead letters `{code}` to redrive");
    UsageError(why).into()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn a_code_that_cannot_be_redriven_is_refused_with_those_that_can() {
        let error = Cli::try_parse_from(["churnwatch", "redrive", "--code", "invalid_json"]).unwrap_err().to_string();
        assert!(error.contains("unknown_account"), "{error}");
        assert!(Cli::try_parse_from(["churnwatch", "redrive", "--code", "unknown_account", "--dry-run"]).is_ok());
    }
}
