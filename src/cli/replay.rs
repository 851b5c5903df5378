//! `churnwatch replay`: the engine on NDJSON files in event time, without Kafka.

use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::input::{Input, InputArgs};
use super::outcomes::{Outcomes, Totals};
use super::progress::{Progress, Unit};
use super::{Globals, compare, paths};
use crate::config::section::OnBadRun;
use crate::engine::OutputRecord;
use crate::file::{self, Existing, Output};
use crate::replay::{self, Comparisons, Division, History, InputFile, Reading, Request};
use crate::score::Model;
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

const EXAMPLES: &str = "\
Examples:
  churnwatch replay --usage usage.ndjson --billing billing.ndjson.gz --as-of 2026-03-01T00:00:00Z --out-accounts -
  zstdcat usage.ndjson.zst | churnwatch replay --usage - --out-changes changes.ndjson --score-every 7
  churnwatch replay --usage usage.ndjson --billing billing.ndjson --compare other.toml > changed.ndjson

Input is one JSON record per line, in any order; .gz and .zst are decompressed; - is standard input or output.";

/// Options of `replay`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The files.
    #[command(flatten, next_help_heading = "Input")]
    pub input: InputArgs,
    /// Time of scoring; default: the time of the newest record, if the records span at most 100 years
    #[arg(long, allow_negative_numbers = true, value_name = "T", value_parser = super::instant)]
    pub as_of: Option<Timestamp>,
    /// Score each account at midnight every this many days, from its first record on
    #[arg(long, allow_negative_numbers = true, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub score_every: Option<u32>,
    /// Every published change, one per line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_changes: Option<PathBuf>,
    /// Metrics and score of every account, one per line
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_accounts: Option<PathBuf>,
    /// Portfolio KPIs of the trailing 28 days
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_kpis: Option<PathBuf>,
    /// Add the KPIs of every complete calendar month
    #[arg(long, requires = "out_kpis", help_heading = "Output")]
    pub kpi_months: bool,
    /// Accounts by the month in which they first paid, and what is left of them month by month
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_cohorts: Option<PathBuf>,
    /// Rejected records, with code and reason
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_dead_letters: Option<PathBuf>,
    /// Outcome counts by stream
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out_counts: Option<PathBuf>,
    /// Replace output files that exist
    #[arg(long, help_heading = "Output")]
    pub overwrite: bool,
    /// Another configuration, or a model on its own: show which accounts it moves to a different band
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub compare: Option<PathBuf>,
    /// With --compare, write the data to standard output even if that is a terminal, which gets only the table otherwise
    #[arg(long, requires = "compare", conflicts_with = "out_comparison", help_heading = "Output")]
    pub json: bool,
    /// Output of --compare, one account per line, counts last; default: standard output
    #[arg(long, value_name = "FILE", requires = "compare", help_heading = "Output")]
    pub out_comparison: Option<PathBuf>,
}

/// Replays the files.
///
/// # Errors
/// Wrong usage, problems in the configuration, files that cannot be read or written, and a bad run of records.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let outputs = args.outputs();
    if outputs.is_empty() {
        eprintln!("no output requested: add one, such as --out-accounts -");
    }
    args.input.named()?;
    let sources: Vec<&Path> = args.input.all_paths().chain(args.compare.as_deref()).collect();
    paths::refuse_clashes(&sources, &outputs)?;
    outputs.iter().try_for_each(|path| file::refuse_existing(path, args.existing()))?;
    let config = globals.load_offline()?;
    let other = args.compare.as_deref().map(|path| compare::load(path, globals, &config)).transpose()?;
    let division = Division::of_machine();
    let input = args.input.read(&config, division, globals)?;
    let t = args.as_of.map_or_else(|| input.newest(), Ok)?;
    let Input { settings, mut files } = input;
    let reading = Reading::of(&files, t, &settings, division.threads);
    if !args.kpi_months {
        files.iter_mut().for_each(InputFile::forget_digests);
    }
    args.write_reading(&reading, &files, &settings)?;
    let outcomes = Outcomes { files: &files, reading: &reading };
    if config.output.on_bad_run == OnBadRun::Exit
        && let Some(failure) = outcomes.failure(config.output.bad_run_limits())
    {
        outcomes.print(globals.log_format, globals.quiet, None);
        anyhow::bail!(failure);
    }
    let mut history = History::new(&files, &reading, Arc::clone(&settings));
    if let Some(other) = &other {
        history.compare_with(other);
    }
    let changes = args.write_changes(&mut history, t, &settings, globals.quiet)?;
    if let Some(other) = &other {
        args.write_comparison(&history, t, &settings, other)?;
    }
    args.write_accounts(&history, t)?;
    args.write_to(args.out_cohorts.as_deref(), |output| replay::write_cohorts(&history, t, output))?;
    args.write_kpis(&history, &files, &reading, t, &settings)?;
    outcomes.print(globals.log_format, globals.quiet, Some(&Totals { accounts: history.accounts(), changes, as_of: t }));
    Ok(ExitCode::SUCCESS)
}

/// Whether the data of a comparison is written: if it is asked for, or goes to a file or a pipe. A person at a terminal reads the table.
const fn wants_data(is_asked_for: bool, is_terminal: bool) -> bool {
    is_asked_for || !is_terminal
}

impl Args {
    /// Every output path.
    fn outputs(&self) -> Vec<&Path> {
        let outputs = [&self.out_changes, &self.out_accounts, &self.out_kpis, &self.out_cohorts, &self.out_dead_letters, &self.out_counts];
        let comparison = self.compare.as_ref().map(|_| self.comparison_path());
        outputs.into_iter().filter_map(|path| path.as_deref()).chain(comparison).collect()
    }

    fn write_reading(&self, reading: &Reading, files: &[InputFile], settings: &Settings) -> anyhow::Result<()> {
        self.write_to(self.out_dead_letters.as_deref(), |output| {
            replay::write_dead_letters(reading, files, settings.limits.record_bytes, output)
        })?;
        self.write_to(self.out_counts.as_deref(), |output| replay::write_counts(reading, output))
    }

    /// Changes come from daily scoring, unless `--score-every` says otherwise.
    fn request(&self, as_of: Timestamp) -> Request {
        let every_day = self.out_changes.as_ref().map(|_| 1);
        Request { as_of, score_every: self.score_every.or(every_day) }
    }

    /// Returns the number of changes.
    fn write_changes(&self, history: &mut History<'_>, as_of: Timestamp, settings: &Settings, quiet: bool) -> anyhow::Result<u64> {
        let request = self.request(as_of);
        let begins = history.begins().unwrap_or(as_of);
        let days = |t: Timestamp| u64::try_from(t.since(begins) / DAY_MS).unwrap_or(0);
        let mut progress = Progress::new("scoring", days(as_of), Unit::Days, quiet);
        let mut changes = 0;
        let mut count = |t: Timestamp, change: &OutputRecord| {
            progress.reach(days(t));
            changes += u64::from(change.value.is_some());
        };
        if let Some(path) = self.out_changes.as_deref() {
            self.write_to(Some(path), |output| {
                replay::score_history(history, &request, settings, |t, change| {
                    count(t, &change);
                    change.value.map_or(Ok(()), |value| output.line(&value))
                })
            })?;
        } else {
            let Ok(()) = replay::score_history(history, &request, settings, |t, change| {
                count(t, &change);
                Ok::<(), Infallible>(())
            });
        }
        Ok(changes)
    }

    /// Writes the data to a file or standard output, and a summary to standard error.
    fn write_comparison(&self, history: &History<'_>, as_of: Timestamp, settings: &Settings, other: &Model) -> anyhow::Result<()> {
        let (currency, from) = (settings.money.rates.reporting(), &settings.model);
        let comparisons = Comparisons { as_of, currency, from, to: other, accounts: &history.comparisons() };
        eprintln!("{}", compare::Report(&comparisons));
        if !wants_data(self.out_comparison.is_some() || self.json, std::io::stdout().is_terminal()) {
            return Ok(());
        }
        self.write_to(Some(self.comparison_path()), |output| comparisons.write(output))
    }

    fn comparison_path(&self) -> &Path {
        self.out_comparison.as_deref().unwrap_or(Path::new("-"))
    }

    fn write_accounts(&self, history: &History<'_>, t: Timestamp) -> anyhow::Result<()> {
        self.write_to(self.out_accounts.as_deref(), |output| history.reports(t, |report| output.line(&report.0)))
    }

    fn write_kpis(
        &self,
        history: &History<'_>,
        files: &[InputFile],
        reading: &Reading,
        as_of: Timestamp,
        settings: &Arc<Settings>,
    ) -> anyhow::Result<()> {
        self.write_to(self.out_kpis.as_deref(), |output| {
            if self.kpi_months {
                replay::write_months(files, reading, &self.request(as_of), settings, output)?;
            }
            replay::write_trailing(history, as_of, settings, output)
        })
    }

    fn existing(&self) -> Existing {
        Existing::if_overwriting(self.overwrite)
    }

    fn write_to(&self, path: Option<&Path>, write: impl FnOnce(&mut Output) -> std::io::Result<()>) -> anyhow::Result<()> {
        Ok(Output::write(path, self.existing(), write)?)
    }
}

#[cfg(test)]
mod tests {
    use super::wants_data;

    #[test]
    fn a_terminal_gets_the_data_of_a_comparison_only_if_it_is_asked_for() {
        let table = [(false, true), (true, true), (false, false), (true, false)];
        assert_eq!(table.map(|(is_asked_for, is_terminal)| wants_data(is_asked_for, is_terminal)), [false, true, true, true]);
    }
}
