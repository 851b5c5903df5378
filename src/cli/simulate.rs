//! `churnwatch simulate`: seeded synthetic events to NDJSON files or topics, with the true future of each account.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Globals;
use crate::time::Timestamp;

const EXAMPLES: &str = "\
Examples:
  churnwatch simulate --seed 7 --accounts 500 --days 365 --out-dir simulated
  churnwatch simulate --bootstrap-servers 127.0.0.1:9092 --rate 1000/s --events 1000000

The same seed and options give the same bytes.";

/// Options of `simulate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Seed of everything that is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many accounts there are
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub accounts: u32,
    /// How many days are simulated
    #[arg(long, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub days: u32,
    /// The end of the simulated time
    #[arg(long, value_name = "T", default_value = "2026-01-01T00:00:00Z", value_parser = super::instant)]
    pub end: Timestamp,
    /// Stop after this many events
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
    /// Events a second; without it as fast as possible
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub rate: Option<u32>,
    /// Folder for one NDJSON file a stream and labels.ndjson
    #[arg(long, value_name = "DIR", required_unless_present = "bootstrap_servers")]
    pub out_dir: Option<PathBuf>,
    /// Write to the configured topics of this cluster
    #[arg(long, value_name = "HOST:PORT,..", conflicts_with = "out_dir")]
    pub bootstrap_servers: Option<String>,
}

/// Reads `1000/s` or `1000`.
fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().ok().filter(|rate| *rate > 0).ok_or_else(|| "needs events a second, such as 1000/s".to_owned())
}

/// Writes the events.
///
/// # Errors
/// Problems of the configuration, files that cannot be written, and a cluster that cannot be reached.
pub fn run(_args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    globals.load_offline()?;
    anyhow::bail!("simulate is not built into this binary")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_events_a_second() {
        assert_eq!(rate("1000/s"), Ok(1000));
        assert_eq!(rate("50"), Ok(50));
        for text in ["0", "-1/s", "10/m", "", "/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
