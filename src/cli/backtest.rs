//! `churnwatch backtest`: how well the score would have foretold the churn of a history.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use super::input::{Input, InputArgs};
use super::outcomes::Outcomes;
use super::progress::{Progress, Unit};
use super::{Globals, LogFormat, UsageError, paths};
use crate::backtest::fit::{Fit, Options, fit, model_text};
use crate::backtest::report::{Report, Subject, Text, document};
use crate::backtest::{Basis, Labels, PICTURES, Past, Schedule, Span, SuggestedCurve, fitted_model, page, pictures};
use crate::config::Config;
use crate::config::section::OnBadRun;
use crate::event::Stream;
use crate::file::{self, Existing, Output};
use crate::replay::{self, Division, History, InputFile, Reading};
use crate::score::ModelFile;
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

const EXAMPLES: &str = "\
Examples:
  churnwatch backtest --usage usage.ndjson.gz --billing billing.ndjson --support support.ndjson --html report.html
  churnwatch backtest --usage usage.ndjson --labels churned.csv --every 7d --json -
  churnwatch backtest --config config/churnwatch.toml --usage usage.ndjson --billing billing.ndjson --train-until 2026-01-01T00:00:00Z

Accounts are scored as the service would have scored them, with what was known at the time, and judged by who left within the horizon:
by billing, whose MRR falls to 0, or as --labels say. The later part of the history is held out. docs/model.md explains the figures.";

/// Options of `backtest`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The files.
    #[command(flatten, next_help_heading = "Input")]
    pub input: InputArgs,
    /// What became of accounts instead of billing: CSV with the header `account_id,as_of,churned` or `account_id,churned_at`
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub labels: Option<PathBuf>,
    /// End of the history; default: the time of the newest record
    #[arg(long, allow_negative_numbers = true, value_name = "T", value_parser = super::instant)]
    pub as_of: Option<Timestamp>,
    /// Days between the instants at which accounts are judged
    #[arg(long, visible_alias = "score-every", value_name = "DAYS", default_value = "28d", value_parser = days)]
    pub every: u32,
    /// How far ahead churn counts; default: the model's `risk.horizon_days`
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub horizon_days: Option<u32>,
    /// First instant of the held-out part; default: the last fifth of the instants
    #[arg(long, allow_negative_numbers = true, value_name = "T", value_parser = super::instant)]
    pub train_until: Option<Timestamp>,
    /// The figures as JSON
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// The figures and plots as one HTML page
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// The plots of the page as SVG files in a folder that exists, for documents
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub plots: Option<PathBuf>,
    /// Fit the coefficients of the risk to the earlier part, and judge the fitted model; FILE is that of --out-model
    #[arg(long, value_name = "FILE", num_args = 0..=1, help_heading = "Fit")]
    pub fit: Option<Option<PathBuf>>,
    /// The model with the fitted risk, ready for `model_file`
    #[arg(long, value_name = "FILE", requires = "fit", help_heading = "Fit")]
    pub out_model: Option<PathBuf>,
    /// Print curves that the earlier part suggests for the components
    #[arg(long, requires = "fit", help_heading = "Fit")]
    pub suggest_curves: bool,
    /// Replace output files that exist
    #[arg(long, help_heading = "Output")]
    pub overwrite: bool,
}

/// Longest pause between instants, and longest horizon, days.
const MAX_DAYS: u32 = 3_660;

/// Parses a number of days, such as 28d or 28.
fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    let days = number.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
    days.ok_or_else(|| format!("must be a number of days from 1 to {MAX_DAYS}, such as 28d"))
}

/// Judges the score on a history.
///
/// # Errors
/// Wrong usage, problems in the configuration, files that cannot be read or written, a bad run of records, and too little history.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let named = args.input.named()?;
    let outputs = args.outputs();
    let outputs: Vec<&Path> = outputs.iter().map(PathBuf::as_path).collect();
    let sources: Vec<&Path> = args.input.all_paths().chain(args.labels.as_deref()).collect();
    paths::refuse_clashes(&sources, &outputs)?;
    outputs.iter().try_for_each(|path| file::refuse_existing(path, args.existing()))?;
    if args.labels.is_none() && !named.iter().any(|(stream, _)| *stream == Stream::Billing) {
        return Err(UsageError("nothing tells who left: give --billing, or --labels with a CSV file".into()).into());
    }
    let config = globals.load_offline()?;
    let source = args.fit.is_some().then(|| model_source(&config, globals)).transpose()?;
    let division = Division::of_machine();
    let input = args.input.read(&config, division, globals)?;
    let labels = args.labels.as_deref().map(|path| read_labels(path, &input.settings)).transpose()?;
    let end = args.as_of.map_or_else(|| input.newest(), Ok)?;
    let Input { settings, mut files } = input;
    let reading = Reading::of_history(&files, end, &settings, division.threads);
    files.iter_mut().for_each(InputFile::forget_digests);
    let outcomes = Outcomes { files: &files, reading: &reading };
    outcomes.print(globals.log_format, globals.quiet, None);
    if config.output.on_bad_run == OnBadRun::Exit
        && let Some(failure) = outcomes.failure(config.output.bad_run_limits())
    {
        anyhow::bail!(failure);
    }
    let horizon_days = args.horizon_days.unwrap_or(settings.model.risk.horizon_days);
    let mut history = History::new(&files, &reading, Arc::clone(&settings));
    let begins = history.begins().unwrap_or(end);
    let span = Span { begins, ends: end, zone: &settings.zone };
    let schedule = Schedule::of(labels.as_ref(), span, args.every, horizon_days, &settings.model, |t| history.view(t));
    let basis = Basis { settings: &settings, schedule: &schedule, labels: labels.as_ref(), keeps_values: args.fit.is_some() };
    let mut past = collect(&mut history, basis, (begins, end), horizon_days, globals.quiet);
    let subject = Subject {
        model: &settings.model,
        schedule: &schedule,
        horizon_days,
        span: (begins, end),
        train_until: args.train_until,
        label_rows: labels.as_ref().filter(|labels| matches!(labels, Labels::Points(_))).map(Labels::rows),
        fit: None,
    };
    let (report, curves) = if let Some(source) = source {
        let (fit, report) = fitted(&mut past, &subject).map_err(|refusal| args.explain(refusal))?;
        let text = model_text(&source, &fit)?;
        args.write(args.model_path(), |output| output.text(text.as_bytes()))?;
        let curves = args.suggest_curves.then(|| past.suggested_curves(&settings.model, &fit));
        (report, curves)
    } else {
        (Report::of(&past, &subject)?, None)
    };
    print(&report, globals);
    if let Some(curves) = curves {
        print_curves(&curves);
    }
    args.write(args.json.as_deref(), |output| output.line(&serde_json::to_vec(&document(&report))?))?;
    args.write(args.html.as_deref(), |output| output.text(page(&report).as_bytes()))?;
    if let Some(folder) = &args.plots {
        for (name, picture) in pictures(&report) {
            args.write(Some(&folder.join(name)), |output| output.text(picture.as_bytes()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Fits the risk, and judges the past with the risks that the service would give with it.
fn fitted(past: &mut Past, subject: &Subject<'_>) -> anyhow::Result<(Fit, Report)> {
    let options = Options { test_begins: subject.train_until, ..Options::of(subject.horizon_days) };
    let mut fit = fit(subject.model, &past.examples(), &options)?;
    fit.evidence.warnings.extend(past.leaks_elsewhere(subject.model));
    let model = fitted_model(subject.model, &fit.function, subject.horizon_days);
    past.rescore(&model);
    let report = Report::of(past, &Subject { model: &model, fit: Some(&fit), ..*subject })?;
    if let Some(score) = report.all.score() {
        fit.set_test(&score.quality);
    }
    Ok((fit, report))
}

/// The text of the model in force: the file that `model_file` names, the configuration if it holds the model, or else the default model.
fn model_source(config: &Config, globals: &Globals) -> anyhow::Result<String> {
    let default = || ModelFile::default_text().to_owned();
    let Some(path) = config.model_path.as_deref().or(globals.config.as_deref()) else { return Ok(default()) };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| anyhow::anyhow!("cannot read {}: {}", path.display(), file::cannot_read(path, &error)))?;
    let tables: toml::Table = text.parse()?;
    Ok(if ModelFile::TABLES.iter().any(|table| tables.contains_key(*table)) { text } else { default() })
}

fn print_curves(curves: &[SuggestedCurve]) {
    eprintln!("\nsuggested curves, from the earlier part of the history:");
    for SuggestedCurve { component, metric, curve } in curves {
        match curve {
            Ok(curve) => eprintln!("  {component:<18} {metric}: curve = {curve}"),
            Err(reason) => eprintln!("  {component:<18} {metric}: none, {reason}"),
        }
    }
}

fn collect(history: &mut History<'_>, basis: Basis<'_>, (begins, end): (Timestamp, Timestamp), horizon_days: u32, quiet: bool) -> Past {
    let days = |t: Timestamp| u64::try_from(t.since(begins) / DAY_MS).unwrap_or(0);
    let progress = Mutex::new(Progress::new("scoring", days(end), Unit::Days, quiet));
    let reached = |t: Timestamp| progress.lock().unwrap_or_else(PoisonError::into_inner).reach(days(t));
    replay::past(history, basis, end, horizon_days, reached)
}

/// Prints the table and the warnings to standard error.
fn print(report: &Report, globals: &Globals) {
    match globals.log_format {
        LogFormat::Text => {
            if !globals.quiet {
                eprintln!("\n{}", Text(report));
            }
            report.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        }
        LogFormat::Json => {
            let quality = report.all.score().map(|row| &row.quality);
            let (auc, points) = (quality.and_then(|quality| quality.auc), report.test.points);
            tracing::info!(auc, points, churned = report.test.churned, "backtest");
            report.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        }
    }
}

fn read_labels(path: &Path, settings: &Settings) -> anyhow::Result<Labels> {
    let mut text = String::new();
    let read =
        if path == Path::new("-") { std::io::stdin().read_to_string(&mut text).map(|_| text) } else { std::fs::read_to_string(path) };
    let text = read.map_err(|error| anyhow::anyhow!("cannot read the labels {}: {}", path.display(), file::cannot_read(path, &error)))?;
    Labels::parse(&text, &settings.zone).map_err(|error| anyhow::anyhow!("{}, {error}", path.display()))
}

impl Args {
    fn outputs(&self) -> Vec<PathBuf> {
        let files = [self.json.as_deref(), self.html.as_deref(), self.model_path()].into_iter().flatten().map(Path::to_owned);
        files.chain(self.plots.iter().flat_map(|folder| PICTURES.map(|name| folder.join(name)))).collect()
    }

    fn model_path(&self) -> Option<&Path> {
        self.out_model.as_deref().or_else(|| self.fit.as_ref()?.as_deref())
    }

    /// Without a fit there is no earlier part that curves could come from.
    fn explain(&self, refusal: anyhow::Error) -> anyhow::Error {
        if self.suggest_curves { anyhow::anyhow!("{refusal}; without a fit, no curves are suggested either") } else { refusal }
    }

    fn existing(&self) -> Existing {
        Existing::if_overwriting(self.overwrite)
    }

    fn write(&self, path: Option<&Path>, write: impl FnOnce(&mut Output) -> std::io::Result<()>) -> anyhow::Result<()> {
        Ok(Output::write(path, self.existing(), write)?)
    }
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_are_written_with_or_without_their_unit() {
        assert_eq!((days("28d"), days("7")), (Ok(28), Ok(7)));
        for wrong in ["0", "28h", "d", "-1", "4000d", ""] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
