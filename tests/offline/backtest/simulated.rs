//! Histories of simulated customers.

use std::path::Path;

use serde_json::Value;

use super::{churnwatch, figures, text};

const INPUTS: [&str; 6] = ["--usage", "usage.ndjson", "--billing", "billing.ndjson", "--accounts", "accounts.ndjson"];

fn customers(accounts: &str, days: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["simulate", "--seed", "11", "--accounts", accounts, "--days", days, "--activity", "0.05", "--out-dir", "."];
    let made = churnwatch(folder.path(), &arguments);
    assert!(made.status.success(), "{}", text(&made.stderr));
    folder
}

/// Sorts the lines of a file by customer, as an export would.
fn sort_by_customer(folder: &Path, name: &str) {
    let history = std::fs::read_to_string(folder.join(name)).unwrap();
    let mut lines: Vec<(Value, &str)> = history.lines().map(|line| (serde_json::from_str(line).unwrap(), line)).collect();
    lines.sort_by_key(|(event, _): &(Value, &str)| event["account_id"].as_str().unwrap().to_owned());
    let sorted: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
    std::fs::write(folder.join(name), sorted.join("\n") + "\n").unwrap();
}

fn auc(of: &Value) -> [f64; 3] {
    ["value", "low", "high"].map(|field| of["auc"][field].as_f64().unwrap())
}

/// Labels with another history's outcomes: each account has those of another.
fn shuffled(folder: &Path) {
    let accounts = std::fs::read_to_string(folder.join("accounts.ndjson")).unwrap();
    let mut ids: Vec<String> =
        accounts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["account_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    let hash = |text: &str| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)) >> 20
    };
    let months = ["2025-06-01", "2025-07-01", "2025-08-01", "2025-09-01", "2025-10-01", "2025-11-01", "2025-12-01"];
    let rows = ids
        .iter()
        .flat_map(|id| months.map(|month| format!("{id},{month},{}\n", u8::from(hash(&format!("{id} {month}")).is_multiple_of(4)))));
    std::fs::write(folder.join("shuffled.csv"), "account_id,as_of,churned\n".to_owned() + &rows.collect::<String>()).unwrap();
}

#[test]
fn the_score_foresees_churn_and_random_outcomes_are_not_foreseen() {
    let folder = customers("160", "400");
    let found = figures(folder.path(), &INPUTS);
    let [value, low, high] = auc(&found["test"]);
    assert!(low < value && value < high && value > 0.55, "{found}");
    for baseline in ["days_since_last", "gaps_since_last", "mrr_change_91d", "events_28d", "regression"] {
        assert!(found["baselines"][baseline]["auc"].is_f64(), "{baseline}: {}", found["baselines"]);
    }
    let segments = found["segments"].as_array().unwrap();
    let points = |of: &Value| of["points"].as_u64().unwrap();
    assert!(segments.len() > 1 && segments.iter().map(points).sum::<u64>() == points(&found["test"]), "{segments:?}");
    sort_by_customer(folder.path(), "usage.ndjson");
    assert_eq!(figures(folder.path(), &INPUTS), found, "the order of the lines says nothing");
    shuffled(folder.path());
    let random = figures(folder.path(), &[&INPUTS[..], &["--labels", "shuffled.csv"]].concat());
    let [_, low, high] = auc(&random["test"]);
    assert!(low < 0.5 && 0.5 < high, "{low} to {high}");
}
