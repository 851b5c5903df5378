//! `churnwatch help`: the help of a command, or the definition of a metric.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::CommandFactory;

use super::{Cli, UsageError};
use crate::metric::Metric;
use crate::portfolio::Kpi;

const EXAMPLES: &str = "\
Examples:
  churnwatch help replay                 the options of a command
  churnwatch help metrics                every metric of an account and every KPI of the portfolio
  churnwatch help metrics usage.trend    definition, window, unit and an example";

/// Rows of its tables define every metric and KPI; a test compares them with the registries.
const DEFINITIONS: &str = include_str!("../../docs/metrics.md");

/// Most names suggested for an unknown one.
const SUGGESTED: usize = 3;

/// Options of `help`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A command, or `metrics`
    #[arg(value_name = "COMMAND")]
    pub topic: Option<String>,
    /// After `metrics`: a metric or KPI; after a command: a command of it
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Writes the help to standard output.
///
/// # Errors
/// An unknown command or metric, or standard output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let text = match (args.topic.as_deref(), args.name.as_deref()) {
        (None, _) => Cli::command().render_help().to_string(),
        (Some("metrics"), None) => list(),
        (Some("metrics"), Some(name)) => definition(name)?,
        (Some(command), name) => {
            let mut root = Cli::command();
            root.build();
            let mut found = root.find_subcommand_mut(command).ok_or_else(|| UsageError::unknown_command(command))?;
            if let Some(name) = name {
                let known: Vec<String> = found.get_subcommands().map(|below| below.get_name().to_owned()).collect();
                found = found.find_subcommand_mut(name).ok_or_else(|| no_command_below(command, name, &known))?;
            }
            found.render_help().to_string()
        }
    };
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn no_command_below(command: &str, name: &str, known: &[String]) -> UsageError {
    let remedy = if known.is_empty() { format!("try `churnwatch help {command}`") } else { format!("commands: {}", known.join(", ")) };
    UsageError(format!("`{command}` has no command `{name}`; {remedy}"))
}

/// Every name with a description.
fn list() -> String {
    let metrics = Metric::ALL.iter().map(|metric| (metric.name(), metric.describe()));
    let kpis = Kpi::ALL.iter().map(|kpi| (kpi.name(), kpi.describe()));
    let lines = |title: &str, entries: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
        entries.fold(format!("{title}\n"), |mut text, (name, describe)| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<46} {describe}");
            text
        })
    };
    let metrics = lines("Metrics of an account:", &mut metrics.into_iter());
    let kpis = lines("\nKPIs of the portfolio:", &mut kpis.into_iter());
    metrics + &kpis + "\n`churnwatch help metrics NAME` defines one.\n"
}

/// The definition of a metric or KPI.
fn definition(name: &str) -> Result<String, UsageError> {
    let known = Metric::named(name).map(Metric::describe).or_else(|| {
        let kpi = Kpi::ALL.iter().find(|kpi| kpi.name() == name);
        kpi.map(|kpi| kpi.describe())
    });
    let describe = known.ok_or_else(|| UsageError(format!("there is no metric `{name}`; nearest: {}", nearest(name).join(", "))))?;
    let mut text = format!("{name}: {describe}\n");
    for (title, cell) in row(name) {
        let _ = writeln!(text, "  {title:<8} {cell}");
    }
    if let Some(metric) = Metric::named(name) {
        let _ = writeln!(text, "  stream   {}", metric.stream().name());
    }
    Ok(text)
}

/// The cells of a metric's row in the documentation, each with the title of its column.
fn row(name: &str) -> Vec<(&'static str, &'static str)> {
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim);
    let mut titles: Vec<&str> = Vec::new();
    for line in DEFINITIONS.lines() {
        if line.starts_with("| name |") {
            titles = cells(line).collect();
        } else if line.starts_with(&format!("| `{name}` |")) {
            return titles.into_iter().zip(cells(line)).skip(1).collect();
        }
    }
    Vec::new()
}

/// The most similar names; those that contain the text come first.
fn nearest(name: &str) -> Vec<&'static str> {
    let all = Metric::ALL.iter().map(|metric| metric.name()).chain(Kpi::ALL.iter().map(|kpi| kpi.name()));
    let mut names: Vec<_> = all.map(|other| (!other.contains(name), strsim::damerau_levenshtein(name, other), other)).collect();
    names.sort_unstable();
    names.into_iter().take(SUGGESTED).map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_kpi_is_listed_and_defined_with_a_formula() {
        let list = list();
        let names = Metric::ALL.iter().map(|metric| metric.name()).chain(Kpi::ALL.iter().map(|kpi| kpi.name()));
        for name in names {
            assert!(list.contains(&format!("  {name} ")), "{name}");
            assert!(row(name).len() >= 3, "{name}: {:?}", row(name));
        }
    }

    #[test]
    fn a_definition_has_formula_window_unit_and_stream() {
        let text = definition("usage.trend").unwrap();
        for part in ["usage.trend: feature uses in 7 d", "formula  events of 7 days /", "window   36 d", "unit     ratio", "stream   usage"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn an_unknown_metric_comes_with_the_nearest_names() {
        for (written, near) in [("usage.trnd", "usage.trend"), ("trend", "usage.trend"), ("mrrr", "mrr")] {
            let error = definition(written).unwrap_err().0;
            assert!(error.contains(&format!("there is no metric `{written}`")) && error.contains(near), "{error}");
        }
    }
}
