//! `churnwatch explain`: the score of one account taken apart, from files or from a running instance.

use std::process::ExitCode;

use axum::http::StatusCode;
use serde_json::Value;

use super::input::{Input, InputArgs};
use super::instance::{self, InstanceArgs};
use super::{Globals, UsageError, paths};
use crate::account::Nearest;
use crate::breakdown::Breakdown;
use crate::replay::{self, Division, Reading, Request};
use crate::time::Timestamp;

const EXAMPLES: &str = "\
Examples:
  churnwatch explain acme --usage usage.ndjson --billing billing.ndjson.gz --as-of 2026-03-01T00:00:00Z
  churnwatch explain acme --url http://127.0.0.1:9400 --token-file token
  churnwatch explain acme --json                       the instance on this machine, as JSON

Without files, the account is asked of a running instance.
Every number of the score can be redone by hand with the numbers printed; docs/scoring.md reads an example line by line.";

/// Options of `explain`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The account
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The files.
    #[command(flatten, next_help_heading = "From files")]
    pub input: InputArgs,
    /// Time of scoring; default: the time of the newest record
    #[arg(long, allow_negative_numbers = true, value_name = "T", value_parser = super::instant, help_heading = "From files")]
    pub as_of: Option<Timestamp>,
    /// Score at midnight every this many days before, as `replay --out-changes` does
    #[arg(long, value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3660), help_heading = "From files")]
    pub score_every: u32,
    /// The instance.
    #[command(flatten, next_help_heading = "From an instance")]
    pub instance: InstanceArgs,
    /// One JSON object instead of text
    #[arg(long, help_heading = "Options")]
    pub json: bool,
}

/// Prints the breakdown of an account's score.
///
/// # Errors
/// Wrong usage, problems in the configuration, files that cannot be read, an instance that does not answer, an unknown account.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let breakdown = if args.input.is_given() {
        if args.instance.is_given() {
            return Err(UsageError("name files or an instance with --url, not both".into()).into());
        }
        args.of_files(globals)?
    } else if let Some(option) =
        [args.as_of.map(|_| "--as-of"), (args.score_every != 1).then_some("--score-every")].into_iter().flatten().next()
    {
        return Err(UsageError(format!("{option} needs files, such as --usage usage.ndjson: an instance explains the score of now")).into());
    } else {
        args.of_instance(globals)?
    };
    let text = if args.json { serde_json::to_string(&breakdown)? + "\n" } else { breakdown.text() };
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn of_files(&self, globals: &Globals) -> anyhow::Result<Breakdown> {
        self.input.named()?;
        paths::refuse_clashes(&self.input.all_paths().collect::<Vec<_>>(), &[])?;
        let config = globals.load_offline()?;
        let input = self.input.read(&config, Division::of_machine(), globals)?;
        let as_of = self.as_of.map_or_else(|| input.newest(), Ok)?;
        let request = Request { as_of, score_every: Some(self.score_every) };
        let breakdown = replay::breakdown(&input.files, &self.account, &request, &input.settings);
        breakdown.ok_or_else(|| unknown_in_files(&self.account, &input, as_of))
    }

    fn of_instance(&self, globals: &Globals) -> anyhow::Result<Breakdown> {
        let path = format!("/api/accounts/{}/explanation", instance::percent_encoded(&self.account));
        let instance = self.instance.instance(globals)?;
        let (status, body) = instance.ask(&path, ", or files, such as --usage usage.ndjson")?;
        let url = &instance.url;
        match status {
            StatusCode::OK => serde_json::from_value(body)
                .map_err(|error| anyhow::anyhow!("{url} gave an explanation of another version ({error}): use its own `churnwatch`")),
            StatusCode::NOT_FOUND if body.get("members").is_some() => Err(unknown_to_instance(&self.account, url, &body)),
            _ => Err(instance.unexpected(&path, status, &body)),
        }
    }
}

fn unknown_in_files(account: &str, input: &Input, as_of: Timestamp) -> anyhow::Error {
    let ids = Reading::account_ids(&input.files, &input.settings);
    if ids.is_empty() {
        return anyhow::anyhow!("the files hold no valid record of any account: `churnwatch replay` with the same files says why");
    }
    if ids.contains(account) {
        return anyhow::anyhow!("the account `{account}` has no record up to {as_of}, or was deleted before: try a later --as-of");
    }
    let mut nearest = Nearest::to(account);
    for id in &ids {
        nearest.consider(id);
    }
    anyhow::anyhow!("the files hold no account `{account}`{}", suggestion(&nearest.into_ids(), ids.len()))
}

fn suggestion(nearest: &[String], accounts: usize) -> String {
    match nearest {
        [] => format!("; none of their {accounts} has a similar id"),
        ids => format!("; did you mean {}?", ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" or ")),
    }
}

fn unknown_to_instance(account: &str, url: &str, body: &Value) -> anyhow::Error {
    let texts = |field: &str| -> Vec<String> {
        let list = body.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (nearest, members) = (texts("nearest"), texts("members"));
    let meant = if nearest.is_empty() { String::new() } else { suggestion(&nearest, 0) };
    let ask = match members.len() {
        0 | 1 => String::new(),
        _ => format!("\nor another instance holds it: ask each of {} with --url", members.join(", ")),
    };
    anyhow::anyhow!("{url} holds no account `{account}`{meant}{ask}")
}
