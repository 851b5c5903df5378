//! `churnwatch demo`: the whole pipeline against librdkafka's embedded mock cluster, with simulated customers.

use std::net::SocketAddr;
use std::process::ExitCode;

use super::Globals;

const EXAMPLES: &str = "\
Examples:
  churnwatch demo
  churnwatch demo --accounts 1000 --speed 7200 --listen 127.0.0.1:9500";

/// Options of `demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the page and the metrics are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9400")]
    pub listen: SocketAddr,
    /// How many customers are simulated
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub accounts: u32,
    /// Seconds of simulated time in one second
    #[arg(long, value_name = "FACTOR", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub speed: u32,
    /// Seed of the simulation
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Runs the demonstration until it is told to stop.
///
/// # Errors
/// Problems of the configuration, a port that is taken, and every failure of the pipeline.
pub fn run(_args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    globals.load_offline()?;
    anyhow::bail!("demo is not built into this binary")
}
