//! `replay --compare`: what another model would change, in a single pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const OTHER: &str = "[model]\nname = \"other\"\n[bands]\ngreen = 82\nyellow = 60\n[risk]\nintercept = -0.4\n";
const INPUTS: [&str; 10] = [
    "--usage",
    "usage.ndjson",
    "--billing",
    "billing.ndjson",
    "--support",
    "support.ndjson",
    "--accounts",
    "accounts.ndjson",
    "--feedback",
    "feedback.ndjson",
];

fn churnwatch(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder).args(arguments).output().unwrap()
}

fn replay(folder: &Path, arguments: &[&str]) -> Output {
    churnwatch(folder, &[&["replay"], &INPUTS[..], arguments].concat())
}

fn customers() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = churnwatch(folder.path(), &["simulate", "--accounts", "50", "--days", "120", "--activity", "0.2", "--out-dir", "."]);
    assert!(made.status.success());
    std::fs::write(folder.path().join("other.toml"), OTHER).unwrap();
    folder
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Band, score and risk of every account by one configuration alone.
fn alone(folder: &Path, arguments: &[&str]) -> BTreeMap<String, Value> {
    let output = replay(folder, &[arguments, &["--out-accounts", "-"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scores = |line: &Value| {
        let (health, risk) = (&line["health"], &line["risk"]);
        serde_json::json!({"health": {"score": health["score"], "band": health["band"]},
            "risk": {"probability": risk["probability"], "level": risk["level"]}})
    };
    lines(&output.stdout).iter().map(|line| (line["account_id"].as_str().unwrap().to_owned(), scores(line))).collect()
}

/// What `--compare` must report, derived from two replays.
fn expected(folder: &Path, history: &[&str]) -> BTreeMap<String, (Value, Value)> {
    let other = alone(folder, &[history, &["--config", "other.toml"]].concat());
    let both = alone(folder, history).into_iter().map(|(id, from)| (id.clone(), (from, other[&id].clone())));
    both.filter(|(_, (from, to))| from["health"]["band"] != to["health"]["band"]).collect()
}

/// Each segment has the accounts and the MRR that its lines have, and all segments the accounts of the summary.
fn assert_segments_add_up(summary: &Value, changed: &[Value]) {
    let segments = summary["segments"].as_array().unwrap();
    let accounts = |share: &Value| share["accounts"].as_u64().unwrap();
    assert_eq!(segments.iter().map(|segment| accounts(&segment["all"])).sum::<u64>(), 50);
    assert!(segments.len() > 1, "{summary}");
    for segment in segments {
        let lines = || changed.iter().filter(|line| line["segment"] == segment["segment"]);
        let mrr: i64 = lines().map(|line| line["mrr_minor"].as_i64().unwrap()).sum();
        let of = |side: &str| &segment[side];
        let sides = ["down", "up", "other"];
        assert_eq!(sides.map(|side| accounts(of(side))).iter().sum::<u64>(), lines().count() as u64, "{segment}");
        assert_eq!(sides.map(|side| of(side)["mrr_minor"].as_i64().unwrap()).iter().sum::<i64>(), mrr, "{segment}");
    }
}

#[test]
fn compare_reports_the_differences_between_two_replays() {
    let folder = customers();
    for history in [&[][..], &["--score-every", "7"]] {
        let output = replay(folder.path(), &[history, &["--compare", "other.toml"]].concat());
        assert!(output.status.success());
        let mut output_lines = lines(&output.stdout);
        let summary = output_lines.pop().unwrap()["summary"].take();
        let accounts = |output_lines: &[Value]| -> BTreeMap<String, (Value, Value)> {
            output_lines
                .iter()
                .map(|line| (line["account_id"].as_str().unwrap().to_owned(), (line["from"].clone(), line["to"].clone())))
                .collect()
        };
        let expected = expected(folder.path(), history);
        assert_eq!(accounts(&output_lines), expected);
        assert!(output_lines.len() > 3, "the models differ enough to tell");
        let order: Vec<_> =
            output_lines.iter().map(|line| (-line["mrr_minor"].as_i64().unwrap(), line["account_id"].as_str().unwrap())).collect();
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!((&summary["accounts"], &summary["changed"]), (&Value::from(50), &Value::from(expected.len())));
        assert_eq!((&summary["from"]["name"], &summary["to"]["name"]), (&Value::from("default"), &Value::from("other")));
        let bands = summary["bands"].as_array().unwrap();
        assert_eq!(bands.iter().map(|pair| pair["accounts"].as_u64().unwrap()).sum::<u64>(), 50);
        let crossed = bands.iter().filter(|pair| pair["from"] != pair["to"]).map(|pair| pair["accounts"].as_u64().unwrap());
        assert_eq!(crossed.sum::<u64>(), expected.len() as u64);
        assert_segments_add_up(&summary, &output_lines);
    }
}

#[test]
fn data_goes_to_standard_output_or_a_file_and_the_summary_for_people_to_standard_error() {
    let folder = customers();
    let one = replay(folder.path(), &["--compare", "other.toml"]);
    let again = replay(folder.path(), &["--compare", "other.toml", "--out-comparison", "c.ndjson", "--out-counts", "-"]);
    assert_eq!(std::fs::read(folder.path().join("c.ndjson")).unwrap(), one.stdout, "deterministic to the byte");
    assert_eq!(lines(&again.stdout).len(), 1);
    let text = String::from_utf8(one.stderr).unwrap();
    assert!(text.contains("of 50 accounts change band as of ") && text.contains("from \\ to        green    yellow       red"), "{text}");
    assert!(
        text.contains("\nsegment              accounts       USD of all    down         USD down      up           USD up\n"),
        "{text}"
    );
    assert_eq!(replay(folder.path(), &["--compare", "other.toml", "--json"]).stdout, one.stdout);
}

#[test]
fn a_full_configuration_is_compared_by_its_model_alone() {
    let folder = customers();
    std::fs::write(folder.path().join("more.toml"), format!("[limits]\nusers = 1\n{OTHER}")).unwrap();
    let (alone, more) = (replay(folder.path(), &["--compare", "other.toml"]), replay(folder.path(), &["--compare", "more.toml"]));
    assert_eq!(alone.stdout, more.stdout);
    let notes = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("limits.users");
    assert!(!notes(&alone) && notes(&more));
}

#[test]
fn an_invalid_other_model_and_two_outputs_to_standard_output_are_usage_errors() {
    let folder = customers();
    std::fs::write(folder.path().join("wrong.toml"), "[bands]\ngren = 82\n").unwrap();
    let wrong = replay(folder.path(), &["--compare", "wrong.toml"]);
    let text = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0));
    assert!(text.contains("wrong.toml:2: bands.gren") && text.contains("did you mean `green`?"), "{text}");
    assert_eq!(replay(folder.path(), &["--compare", "missing.toml"]).status.code(), Some(2));
    assert_eq!(replay(folder.path(), &["--compare", "other.toml", "--out-accounts", "-"]).status.code(), Some(2));
    assert_eq!(replay(folder.path(), &["--out-comparison", "c.ndjson"]).status.code(), Some(2));
}
