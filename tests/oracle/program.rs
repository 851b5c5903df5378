//! The program under test, through its command line only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

use super::settings::Settings;
use super::{Extras, Files};

/// The outputs of the program, line by line.
pub struct Output {
    /// Counts by stream.
    pub counts: Value,
    /// Dead letters.
    pub dead_letters: Vec<Value>,
    /// Account lines by account.
    pub accounts: BTreeMap<String, Value>,
    /// Change records, in order.
    pub changes: Vec<Value>,
    /// KPI lines.
    pub kpis: Vec<Value>,
    /// Cohort lines.
    pub cohorts: Vec<Value>,
}

/// Writes the files and the configuration into `folder` and replays them there. The error is the program's standard error.
pub fn replay(folder: &Path, files: &Files, settings: &Settings, t: i64, extras: Extras) -> Result<Output, String> {
    fs::write(folder.join("config.toml"), settings.toml()).unwrap();
    if let Some(model) = settings.model {
        fs::write(folder.join("model.toml"), model).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
    command.current_dir(folder).args(["replay", "--config", "config.toml"]);
    for (stream, lines) in files {
        let name = format!("{stream}.ndjson");
        fs::write(folder.join(&name), lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect::<Vec<u8>>()).unwrap();
        command.arg(format!("--{stream}")).arg(name);
    }
    command.arg("--as-of").arg(Timestamp::from_millisecond(t).unwrap().to_string());
    for output in ["accounts", "kpis", "cohorts", "dead-letters", "counts"] {
        command.arg(format!("--out-{output}")).arg(format!("out-{output}.ndjson"));
    }
    if extras.months {
        command.arg("--kpi-months");
    }
    if extras.changes {
        command.args(["--out-changes", "out-changes.ndjson"]);
    }
    let run = command.output().unwrap();
    if !run.status.success() {
        return Err(format!("{}: {}", run.status, String::from_utf8_lossy(&run.stderr)));
    }
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let counts = serde_json::from_str(&fs::read_to_string(folder.join("out-counts.ndjson")).unwrap()).unwrap();
    let accounts = lines("out-accounts.ndjson");
    Ok(Output {
        counts,
        changes: if extras.changes { lines("out-changes.ndjson") } else { Vec::new() },
        kpis: lines("out-kpis.ndjson"),
        cohorts: lines("out-cohorts.ndjson"),
        dead_letters: lines("out-dead-letters.ndjson"),
        accounts: accounts.into_iter().map(|line| (line["account_id"].as_str().unwrap().to_owned(), line)).collect(),
    })
}
