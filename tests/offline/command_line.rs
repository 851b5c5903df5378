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

fn last_line(output: &Output) -> String {
    text(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

/// The exit code and standard error of a replay of these bytes as a file of one stream.
fn replayed(name: &str, stream: &str, bytes: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let output = run(folder.path(), &["replay", &format!("--{stream}"), name, "--out-accounts", "out.ndjson"]);
    (output.status.code(), text(&output.stderr))
}

const USE: &str = r#"{"type":"feature_used","account_id":"a","occurred_at":"2026-01-01T00:00:00Z","user_id":"u","feature":"f"}"#;

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
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("error"), "{}", text(&output.stderr));
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
        assert!(last_line(&output).starts_with("error: cannot write /dev/full: "), "{}", text(&output.stderr));
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

#[test]
fn a_replay_ends_with_a_table_of_what_became_of_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [USE, USE, r#"{"type":"ticket_opened"}"#, "{broken", "{broken", r#"{"type":"feature_used"}"#];
    std::fs::write(folder.path().join("usage.ndjson"), lines.join("\n")).unwrap();
    let output = run(folder.path(), &["replay", "--usage", "usage.ndjson", "--out-accounts", "accounts.ndjson"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let row = said.lines().find(|line| line.starts_with("usage ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["usage", "6", "2", "0", "0", "1", "3"], "{said}");
    for expected in [
        "usage.ndjson, line 3: 1 record of unknown type, ignored; `ticket_opened` is an event of the support stream: read it with --support",
        "usage.ndjson, line 4: 2 records not applied, invalid_json: not valid JSON at line 1, column 2; send one JSON object",
        "usage.ndjson, line 6: 1 record not applied, missing_field: account_id is missing",
        "accounts: 1, changes: 1, as of 2026-01-01T00:00:00Z",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
}

#[test]
fn a_file_without_any_event_of_its_stream_fails_and_is_named_for_what_it_is() {
    let gz = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, USE.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zst = zstd::encode_all(USE.as_bytes(), 1).unwrap();
    let stripe = r#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","data":{"object":{"object":"subscription"}}}"#;
    let pretty = "{\n  \"type\": \"feature_used\",\n  \"account_id\": \"a\"\n}\n";
    let files: [(&str, &str, &[u8], &str); 13] = [
        ("usage.csv", "usage", b"account_id,feature\nacme,report\n", "looks like CSV: convert each row to a JSON object"),
        ("usage.json", "usage", &[b"[", USE.as_bytes(), b"]"].concat(), "a JSON array: write one object per line"),
        ("usage.json", "usage", pretty.as_bytes(), "pretty-printed JSON"),
        ("usage.ndjson", "usage", &gz, "compressed with gzip: let its name end in .gz"),
        ("usage.ndjson", "usage", &zst, "compressed with zstd: let its name end in .zst"),
        ("usage.gz", "usage", USE.as_bytes(), "not compressed with gzip, although its name says so"),
        ("support.ndjson", "support", USE.as_bytes(), "`feature_used` is an event of the usage stream: read it with --usage"),
        ("billing.ndjson", "billing", stripe.as_bytes(), "looks like Stripe"),
        ("usage.ndjson", "usage", br#"{"type":"track","messageId":"m","userId":"u","event":"e"}"#, "looks like Segment"),
        ("support.ndjson", "support", br#"{"type":"zen:event-type:ticket.created","detail":{}}"#, "looks like Zendesk"),
        ("usage.ndjson", "usage", br#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#, "looks like CloudEvents"),
        ("accounts.ndjson", "accounts", br#"{"op":"c","before":null,"after":{},"source":{}}"#, "looks like Debezium"),
        ("usage.bin", "usage", b"\0\0\0\0\x07\x08acme", "Avro or Protobuf, framed for a schema registry"),
    ];
    for (name, stream, bytes, expected) in files {
        let (code, said) = replayed(name, stream, bytes);
        assert_eq!(code, Some(1), "{name}: {said}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("error: ") && last.contains(name) && last.contains(expected), "{expected} in {said}");
    }
    let (code, said) = replayed("usage.ndjson", "usage", b"\n");
    assert!(code == Some(1) && said.contains("usage.ndjson: empty"), "{said}");
}

#[test]
fn json_behind_a_schema_id_is_read_from_files_too() {
    let (code, said) = replayed("usage.ndjson", "usage", &[b"\0\0\0\x01\x02", USE.as_bytes()].concat());
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn unknown_types_beside_events_are_named_and_do_not_fail_the_replay() {
    let folder = uses(1);
    let other = r#"{"type":"track","messageId":"m"}"#;
    std::fs::write(folder.path().join("usage.ndjson"), [USE, &[other; 400].join("\n")].join("\n")).unwrap();
    let output = run(folder.path(), &["replay", "--usage", "usage.ndjson", "--out-counts", "-"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("usage.ndjson, line 2: 400 records of unknown type, ignored; looks like Segment"), "{said}");
}

#[test]
fn the_table_is_json_with_json_logs() {
    let folder = uses(2);
    let output = run(folder.path(), &["replay", "--usage", "usage.ndjson", "--out-counts", "counts.json", "--log-format", "json"]);
    let lines: Vec<Value> = text(&output.stderr).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let records = lines.iter().find(|line| line["message"] == "records").unwrap();
    assert_eq!((&records["stream"], &records["read"], &records["applied"]), (&"usage".into(), &2.into(), &2.into()));
    let done = lines.iter().find(|line| line["message"] == "replayed").unwrap();
    assert_eq!(done["accounts"], 2);
}

#[test]
fn a_simulation_says_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["simulate", "--accounts", "3", "--days", "10", "--out-dir", "out"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let lines = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).unwrap().lines().count();
    for stream in ["usage", "billing", "support", "feedback", "accounts"] {
        let name = format!("{stream}.ndjson");
        let row = said.lines().find(|line| line.ends_with(&name)).unwrap_or_else(|| panic!("{said}"));
        assert!(row.contains(&format!(" {} events to ", lines(&name))), "{said}");
    }
    assert!(
        said.contains("3 accounts to out/labels.ndjson")
            && said.contains("3 accounts to out/truth.csv")
            && said.contains("3 accounts from 2025-12-2"),
        "{said}"
    );
}

#[test]
fn a_sample_needs_neither_kafka_nor_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sample.ndjson"), [USE, "", "a,b,c", r#"{"type":"else"}"#].join("\n")).unwrap();
    let output = run(folder.path(), &["check", "--sample", "sample.ndjson", "--stream", "usage"]);
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = lines.iter().map(|line| (line["line"].as_u64().unwrap(), line["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes, [(1, "applied"), (3, "dead_letter"), (4, "ignored")]);
    assert_eq!(lines[0]["events"][0], serde_json::from_str::<Value>(USE).unwrap());
    assert_eq!(
        (output.status.code(), last_line(&output)),
        (Some(0), "sample.ndjson: 1 of 3 records would be applied to the usage stream".to_owned())
    );
    std::fs::write(folder.path().join("bad.csv"), "a,b,c\n").unwrap();
    assert_eq!(run(folder.path(), &["check", "--sample", "bad.csv", "--stream", "usage"]).status.code(), Some(1));
    assert_eq!(run(folder.path(), &["check", "--sample", "bad.csv"]).status.code(), Some(2), "the stream is required");
}

#[test]
fn an_event_of_another_provider_names_the_system_in_which_its_account_is_an_alias() {
    let folder = tempfile::tempdir().unwrap();
    let paid = r#"{"id":"evt_2","object":"event","type":"invoice.paid","created":1772357401,"data":{"object":{"id":"in_1","object":"invoice","customer":"cus_1","currency":"usd","amount_paid":3000}}}"#;
    std::fs::write(folder.path().join("stripe.ndjson"), paid).unwrap();
    let output = run(folder.path(), &["check", "--sample", "stripe.ndjson", "--stream", "billing", "--format", "stripe"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    let event = &verdict["events"][0];
    assert_eq!((&event["account_id"], &event["account_system"]), (&"cus_1".into(), &"stripe".into()), "{verdict}");
}

#[test]
fn a_mapping_reads_the_rows_of_debezium() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("own.toml", "[[event]]\ntype = \"feature_used\"\nfeature = \"/what\"\naccount_id = \"/tenant\"\n");
    write(
        "rows.ndjson",
        r#"{"op":"c","before":null,"after":{"tenant":"acme","what":"report"},"source":{"ts_ms":1772357400000},"ts_ms":1772357400001}"#,
    );
    let named = ["--format-usage", "debezium", "--mapping-usage", "own.toml"];
    let output = run(folder.path(), &[["replay", "--usage", "rows.ndjson", "--out-accounts", "-"].as_slice(), &named].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with(r#"{"account_id":"acme","#), "{}", text(&output.stdout));
}

#[test]
fn accounts_with_each_others_ids_as_aliases_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let profile = |account: &str, alias: &str| {
        format!(
            r#"{{"type":"account_profile","account_id":"{account}","occurred_at":"2026-01-01T00:00:00Z","aliases":{{"crm":"{alias}"}}}}"#
        )
    };
    write("profiles.ndjson", &format!("{}\n{}\n", profile("a", "b"), profile("b", "a")));
    write(
        "calls.ndjson",
        r#"{"type":"track","event":"e","messageId":"m","userId":"u","timestamp":"2026-01-02T00:00:00Z","context":{"groupId":"a"}}"#,
    );
    let arguments =
        ["replay", "--usage", "calls.ndjson", "--format-usage", "segment", "--aliases", "profiles.ndjson", "--out-accounts", "-"];
    let output = run(folder.path(), &arguments);
    assert!(text(&output.stderr).contains("aliases of aliases are not followed"), "{}", text(&output.stderr));
}
