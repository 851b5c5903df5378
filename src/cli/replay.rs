//! `churnwatch replay`: the engine on NDJSON files in event time, without Kafka.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Globals;
use crate::time::Timestamp;

const EXAMPLES: &str = "\
Examples:
  churnwatch replay --usage usage.ndjson --billing billing.ndjson.gz --as-of 2026-03-01T00:00:00Z --out-accounts -
  zstdcat usage.ndjson.zst | churnwatch replay --usage - --out-changes changes.ndjson --score-every 7
  churnwatch replay --usage usage.ndjson --out-accounts now.ndjson --compare other-model.toml

Input is one JSON record a line, in any order; .gz and .zst are unpacked; - is standard input or output.";

/// Options of `replay`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Usage records; a stream without file counts as not configured
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub usage: Option<PathBuf>,
    /// Billing records
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub billing: Option<PathBuf>,
    /// Support records
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub support: Option<PathBuf>,
    /// Feedback records
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub feedback: Option<PathBuf>,
    /// Account profiles
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub accounts: Option<PathBuf>,
    /// The instant of scoring; without it the time of the newest record
    #[arg(long, value_name = "T", value_parser = super::instant)]
    pub as_of: Option<Timestamp>,
    /// Score at the midnights that are multiples of this many days, from each account's first record on
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub score_every: Option<u32>,
    /// Every published change, one a line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_changes: Option<PathBuf>,
    /// Metrics and score of every account, one a line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_accounts: Option<PathBuf>,
    /// Portfolio KPIs of the trailing 28 days
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_kpis: Option<PathBuf>,
    /// KPIs of every complete calendar month too
    #[arg(long, requires = "out_kpis", help_heading = "Output")]
    pub kpi_months: bool,
    /// Records that were refused, with code and reason
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_dead_letters: Option<PathBuf>,
    /// How every record ended, counted by stream
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_counts: Option<PathBuf>,
    /// Another configuration or model: report which accounts would change band under it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub compare: Option<PathBuf>,
}

/// Replays the files.
///
/// # Errors
/// Wrong usage, problems of the configuration, files that cannot be read or written, and a bad run of records.
pub fn run(_args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    globals.load_offline()?;
    anyhow::bail!("replay is not built into this binary")
}
