//! The program as a shell sees it: output, exit codes, and pipes whose reader goes away.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn churnwatch(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    churnwatch(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a `usage.ndjson` that has one use per account.
fn uses(accounts: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let line = |number| {
        format!(r#"{{"type":"feature_used","account_id":"a{number}","occurred_at":"2026-01-01T00:00:00Z","user_id":"u","feature":"f"}}"#)
            + "\n"
    };
    std::fs::write(folder.path().join("usage.ndjson"), (0..accounts).map(line).collect::<String>()).unwrap();
    folder
}

#[test]
fn a_closed_pipe_is_a_clean_end_and_the_other_outputs_are_complete() {
    let folder = uses(3_000);
    let arguments = ["replay", "--usage", "usage.ndjson", "--out-changes", "-", "--out-accounts", "accounts.ndjson"];
    let mut process = churnwatch(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(first.starts_with(r#"{"account_id":"a0","#), "{first}");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let accounts = std::fs::read_to_string(folder.path().join("accounts.ndjson")).unwrap();
    assert_eq!(accounts.lines().count(), 3_000);
}

#[test]
fn no_output_overwrites_an_input() {
    let folder = uses(1);
    let before = std::fs::read(folder.path().join("usage.ndjson")).unwrap();
    let output = run(folder.path(), &["replay", "--usage", "usage.ndjson", "--out-accounts", "./usage.ndjson"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(2), "error: ./usage.ndjson is an input and cannot be an output too\n")
    );
    assert_eq!(std::fs::read(folder.path().join("usage.ndjson")).unwrap(), before);
}

#[test]
fn a_full_disk_is_reported_with_the_file() {
    let folder = uses(1);
    for output in ["--out-changes", "--out-accounts", "--out-kpis", "--out-counts"] {
        let output = run(folder.path(), &["replay", "--usage", "usage.ndjson", output, "/dev/full"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).starts_with("error: cannot write /dev/full: "), "{}", text(&output.stderr));
    }
}

#[test]
fn a_record_of_the_far_future_does_not_decide_the_time_of_scoring() {
    let folder = tempfile::tempdir().unwrap();
    let used = |at: &str| format!(r#"{{"type":"feature_used","account_id":"a","occurred_at":"{at}","feature":"f"}}"#);
    let records = [used("2025-05-01T10:00:00Z"), used("5138-11-16T09:46:39Z")].join("\n");
    std::fs::write(folder.path().join("usage.ndjson"), records).unwrap();
    let refused = run(folder.path(), &["replay", "--usage", "usage.ndjson", "--kpi-months", "--out-kpis", "-"]);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(1), String::new()));
    let error = text(&refused.stderr);
    assert!(error.contains("to 5138-11-16T09:46:39Z") && error.contains("set --as-of"), "{error}");
    let as_of = ["--as-of", "2025-06-01T00:00:00Z", "--out-counts", "-"];
    let done = run(folder.path(), &[&["replay", "--usage", "usage.ndjson"], &as_of[..]].concat());
    assert!(text(&done.stdout).contains(r#""future_time":1"#), "{}", text(&done.stdout));
}

#[test]
fn with_json_logs_the_final_error_is_json_too() {
    let folder = uses(1);
    let last = |arguments: &[&str]| -> (Option<i32>, Vec<Value>) {
        let output = run(folder.path(), &[arguments, &["--log-format", "json"]].concat());
        (output.status.code(), text(&output.stderr).lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    };
    let (code, lines) = last(&["replay", "--usage", "nowhere.ndjson", "--out-accounts", "-"]);
    assert_eq!((code, &lines[0]["level"]), (Some(1), &"ERROR".into()));
    assert!(lines[0]["error"].as_str().unwrap().contains("nowhere.ndjson"), "{lines:?}");
    let (code, lines) = last(&["check", "--offline", "--set", "bands.gren=1", "--set", "limits.user=2"]);
    assert_eq!((code, lines.len()), (Some(2), 2), "a line for each problem: {lines:?}");
    assert!(lines[1]["problem"].as_str().unwrap().contains("limits.user: unknown key; did you mean `users`?"), "{lines:?}");
}

#[test]
fn an_unreachable_broker_is_reported_briefly_with_the_key_that_names_it() {
    let folder = uses(1);
    let output = run(folder.path(), &["topics", "--set", "kafka.bootstrap_servers=127.0.0.1:1"]);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true));
    assert!(said.lines().count() < 10, "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("error: ") && last.contains("Connection refused") && last.contains("kafka.bootstrap_servers"), "{said}");
}

#[test]
fn the_build_is_shown_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let json: Value = serde_json::from_slice(&run(folder.path(), &["version", "--json"]).stdout).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["state_versions"].as_array().and_then(|versions| versions.first()), Some(&Value::from(1)));
    let plain = text(&run(folder.path(), &["version"]).stdout);
    assert!(plain.starts_with(concat!("churnwatch ", env!("CARGO_PKG_VERSION"), "\n")), "{plain}");
    assert!(plain.contains(json["librdkafka"].as_str().unwrap()), "{plain}");
}

#[test]
fn health_without_a_running_instance_is_a_failure_that_names_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(folder.path(), &["health", "--set", &format!("http.listen={free}")]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.starts_with(&format!("error: cannot connect to http://{free}: is churnwatch running there?")), "{message}");
}
