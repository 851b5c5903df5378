//! `churnwatch run`: the service.

use std::process::ExitCode;

use super::Globals;

const EXAMPLES: &str = "\
Examples:
  churnwatch run --config config/churnwatch.toml
  churnwatch run --config config/churnwatch.toml --set kafka.bootstrap_servers=kafka:9092 --log-format json
  churnwatch run --config config/churnwatch.toml --resume-from stamp";

/// Options of `run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where group offsets and state disagree, go on from the offsets that the state was made of
    #[arg(long, value_enum, value_name = "WHERE")]
    pub resume_from: Option<ResumeFrom>,
    /// Go on although records between the committed offset and the start of the log are gone
    #[arg(long)]
    pub accept_loss: bool,
}

/// What decides where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ResumeFrom {
    /// The offsets in the stamp of the state.
    Stamp,
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// Problems of the configuration, and every failure that ends the service.
pub fn run(_args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    globals.load()?;
    anyhow::bail!("run is not built into this binary")
}
