//! `churnwatch version`: what this binary was built from.

use std::process::ExitCode;

use crate::build::Build;

const EXAMPLES: &str = "\
Examples:
  churnwatch version
  churnwatch version --json";

/// Options of `version`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the build.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let build = Build::of_this_binary();
    let text = if args.json { serde_json::to_string(&build)? } else { text(&build) };
    super::print(format!("{text}\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text(build: &Build) -> String {
    let Build { version, commit, librdkafka, state_versions } = build;
    let states: Vec<String> = state_versions.iter().map(ToString::to_string).collect();
    format!("churnwatch {version}\ncommit {commit}\nlibrdkafka {librdkafka}\nstate formats {}", states.join(", "))
}
