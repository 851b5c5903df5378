//! `churnwatch top`: the accounts that need attention and the state of the pipeline, live in a terminal.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use axum::http::StatusCode;
use console::{Color, Style, Term, measure_text_width, truncate_str};
use serde_json::Value;

use super::Globals;
use super::instance::{self, Instance, InstanceArgs};
use crate::metric::Metric;
use crate::money::Currency;
use crate::score::quantity;
use crate::time::{HOUR_MS, Timestamp};

const EXAMPLES: &str = "\
Examples:
  churnwatch top
  churnwatch top --url http://churnwatch-0.churnwatch:9400 --token-file token --csm dana
  churnwatch top --once | head

Worst bands first, then recent falls, then MRR at risk. Ctrl-C ends it. Without a terminal the list is printed once.";

/// Lines above the accounts.
const HEAD_LINES: usize = 4;
/// Accounts of a list that is printed once.
const ONCE_ROWS: usize = 20;
/// Columns of a list that is printed once.
const ONCE_WIDTH: usize = 160;

/// Options of `top`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The instance.
    #[command(flatten)]
    pub instance: InstanceArgs,
    /// Only accounts of this customer success manager
    #[arg(long, value_name = "NAME", conflicts_with_all = ["segment", "plan"])]
    pub csm: Option<String>,
    /// Only accounts of this segment
    #[arg(long, value_name = "NAME", conflicts_with = "plan")]
    pub segment: Option<String>,
    /// Only accounts of this plan
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Seconds between two refreshes
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// Print the list once and exit
    #[arg(long)]
    pub once: bool,
}

/// Shows the list until it is interrupted.
///
/// # Errors
/// Problems in the configuration, or an instance that does not answer.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let instance = args.instance.instance(globals)?;
    let terminal = Term::stdout();
    if args.once || !terminal.is_term() {
        super::print(args.screen(&instance, ONCE_ROWS, ONCE_WIDTH, false)?.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut shown = String::new();
    loop {
        let (rows, columns) = terminal.size();
        let rows = usize::from(rows).saturating_sub(HEAD_LINES + 2).max(1);
        let text = match args.screen(&instance, rows, columns.into(), console::colors_enabled()) {
            Ok(screen) => {
                shown = screen;
                shown.clone()
            }
            // An instance that never answered is an error; one that restarts is waited for, below what it said last.
            Err(error) if shown.is_empty() => return Err(error),
            Err(error) => format!("{shown}error: {error:#}\n"),
        };
        terminal.clear_screen()?;
        terminal.write_str(&text)?;
        std::thread::sleep(Duration::from_secs(args.every));
    }
}

impl Args {
    fn screen(&self, instance: &Instance, rows: usize, width: usize, has_colours: bool) -> anyhow::Result<String> {
        let mut query = format!("/api/accounts?sort=attention&limit={rows}");
        if let Some((name, value)) = self.scope() {
            let _ = write!(query, "&{name}={}", instance::percent_encoded(value));
        }
        let ask = |path: &str| match instance.ask(path, "")? {
            (StatusCode::OK, body) => Ok(body),
            (status, body) => Err(instance.unexpected(path, status, &body)),
        };
        let (accounts, portfolio, pipeline) = (ask(&query)?, ask("/api/portfolio")?, ask("/api/pipeline")?);
        Ok(screen(&accounts, line_of(&portfolio, self.scope()), &pipeline, width, has_colours))
    }

    /// The part of the portfolio that is wanted.
    fn scope(&self) -> Option<(&'static str, &str)> {
        let of = [("csm", &self.csm), ("segment", &self.segment), ("plan", &self.plan)];
        of.into_iter().find_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// The figures of a part of the portfolio, or of the whole.
fn line_of<'p>(portfolio: &'p Value, scope: Option<(&str, &str)>) -> &'p Value {
    let Some((name, value)) = scope else { return portfolio };
    let lines = portfolio.get("scopes").and_then(Value::as_array).into_iter().flatten();
    let is_wanted = |line: &&Value| line.pointer(&format!("/scope/{name}")).and_then(Value::as_str) == Some(value);
    lines.into_iter().find(is_wanted).unwrap_or(&Value::Null)
}

fn screen(accounts: &Value, portfolio: &Value, pipeline: &Value, width: usize, has_colours: bool) -> String {
    let lines = accounts.get("accounts").and_then(Value::as_array).into_iter().flatten();
    let head: [String; HEAD_LINES] =
        [summary(portfolio, accounts), state(pipeline), String::new(), columns("HEALTH", "DROPPED", "RISK", "MRR", "ACCOUNT", "WHY")];
    let rows = lines.map(|account| row(account, accounts, has_colours));
    head.into_iter().chain(rows).map(|line| truncate_str(&line, width, "…").into_owned() + "\n").collect()
}

/// MRR, what of it is at risk, and the accounts by band.
fn summary(portfolio: &Value, list: &Value) -> String {
    let kpi = |name: &str| portfolio.pointer(&format!("/kpis/{name}/value"));
    let money = |name: &str| kpi(name).and_then(Value::as_f64).map_or("-".to_owned(), |minor| amount(minor, list));
    let bands = ["red", "yellow", "unknown", "green", "churned"];
    let count = |band: &str| kpi("accounts_by_band")?.get(band)?.as_u64().map(|count| format!("{count} {band}"));
    let bands: Vec<String> = bands.into_iter().filter_map(count).collect();
    format!("MRR {}, at risk {}   accounts: {}", money("mrr"), money("mrr_at_risk"), bands.join(", "))
}

/// Whether the instance is ready, its tasks, and how far it is behind.
fn state(pipeline: &Value) -> String {
    let text =
        |value: Option<&Value>| value.map_or("?".to_owned(), |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let tasks = pipeline.get("tasks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let lag: Option<u64> = tasks.iter().map(|task| task.get("lag_records")?.as_u64()).sum::<Option<u64>>().filter(|_| !tasks.is_empty());
    let lag = lag.map_or("lag not known yet".to_owned(), |records| format!("{records} records behind"));
    let waiting: Vec<String> =
        pipeline.pointer("/readiness/waiting_for").and_then(Value::as_array).into_iter().flatten().map(|what| text(Some(what))).collect();
    let ready = if waiting.is_empty() { "ready".to_owned() } else { format!("waiting for {}", waiting.join(", ")) };
    format!("{ready}, {} of {} tasks, {lag}, as of {}", tasks.len(), text(pipeline.get("tasks_total")), text(pipeline.get("as_of")))
}

fn row(account: &Value, list: &Value, has_colours: bool) -> String {
    let text = |name: &str| account.get(name).and_then(Value::as_str);
    let band = text("band").unwrap_or_default();
    let health = match account.get("score").and_then(Value::as_f64).filter(|_| band != "churned") {
        Some(score) => format!("{score:.0} {band}"),
        None => band.to_owned(),
    };
    let since = text("worsened_at")
        .and_then(Timestamp::parse_rfc3339)
        .zip(list.get("as_of").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339));
    let since = since.map_or("-".to_owned(), |(then, now)| ago(now.since(then)));
    let risk = account
        .get("risk")
        .and_then(Value::as_f64)
        .map_or("-".to_owned(), |risk| format!("{:.*} %", usize::from(risk < 0.1), 100.0 * risk));
    let mrr = account.get("mrr_minor").and_then(Value::as_f64).map_or("-".to_owned(), |minor| amount(minor, list));
    let who = text("name").or(text("account_id")).unwrap_or_default();
    let why = account.pointer("/reasons/0").and_then(Value::as_str).unwrap_or_default();
    columns(&coloured(&health, band, has_colours), &since, &risk, &mrr, who, why)
}

fn columns(health: &str, since: &str, risk: &str, mrr: &str, who: &str, why: &str) -> String {
    let pad = |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))));
    let right = |text: &str, width: usize| format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))));
    let who = truncate_str(who, 24, "…");
    format!("{}  {}  {}  {}  {}  {why}", pad(health, 10), pad(since, 12), right(risk, 5), right(mrr, 16), pad(&who, 24))
}

fn coloured(text: &str, band: &str, has_colours: bool) -> String {
    let colour = match band {
        "red" => Color::Red,
        "yellow" => Color::Yellow,
        "green" => Color::Green,
        _ => return text.to_owned(),
    };
    Style::new().fg(colour).force_styling(has_colours).apply_to(text).to_string()
}

fn ago(millis: i64) -> String {
    match millis / HOUR_MS {
        ..1 => "just now".to_owned(),
        hours @ 1..48 => format!("{hours} h ago"),
        hours => format!("{} days ago", hours / 24),
    }
}

/// Minor units of the currency that a response names.
fn amount(minor: f64, response: &Value) -> String {
    let currency = response.get("currency").and_then(Value::as_str).and_then(Currency::parse);
    currency.map_or_else(|| minor.to_string(), |currency| quantity(Metric::Mrr, minor, currency))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(width: usize, has_colours: bool) -> String {
        let accounts = json!({"as_of": "2026-03-05T12:00:00Z", "currency": "USD", "accounts": [
            {"account_id": "a", "name": "Acme", "band": "red", "score": 31.4, "risk": 0.66, "mrr_minor": 120_000, "worsened_at": "2026-03-05T02:00:00Z", "reasons": ["active days in 28 d fell from 19 to 8"]},
            {"account_id": "b", "name": null, "band": "churned", "score": 12.0, "risk": null, "mrr_minor": 0, "worsened_at": null, "reasons": []}]});
        let portfolio =
            json!({"currency": "USD", "kpis": {"mrr": {"value": 120_000}, "accounts_by_band": {"value": {"red": 1, "churned": 1}}}});
        let pipeline = json!({"as_of": "2026-03-05T12:00:00Z", "tasks_total": 4, "readiness": {"waiting_for": []}, "tasks": [{"lag_records": 7}, {"lag_records": 5}]});
        screen(&accounts, &portfolio, &pipeline, width, has_colours)
    }

    #[test]
    fn the_worst_account_is_shown_with_why_and_since_when() {
        let shown = shown(200, false);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "MRR 1,200.00 USD, at risk -   accounts: 1 red, 1 churned");
        assert_eq!(lines[1], "ready, 2 of 4 tasks, 12 records behind, as of 2026-03-05T12:00:00Z");
        assert_eq!(
            lines[4],
            "31 red      10 h ago       66 %      1,200.00 USD  Acme                      active days in 28 d fell from 19 to 8"
        );
        assert!(lines[5].starts_with("churned     -                 -"), "{}", lines[5]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        assert!(shown(60, true).lines().all(|line| measure_text_width(line) <= 60));
        assert!(shown(60, true).contains("\u{1b}[31m31 red"), "colours");
    }
}
