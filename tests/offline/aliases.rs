//! Accounts under the names of other systems in `replay` and `explain`: files resolve as the service does.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Exit code, standard output and standard error.
fn run(folder: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder).args(arguments.split(' ')).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The accounts of a replay that must succeed, with their events of 28 days.
fn accounts(folder: &Path, arguments: &str) -> Vec<(String, i64)> {
    let (code, accounts, errors) = run(folder, &format!("replay --out-accounts - {arguments}"));
    assert_eq!(code, Some(0), "{errors}");
    let line = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap();
        (json["account_id"].as_str().unwrap().to_owned(), json["metrics"]["usage.events_28d"].as_i64().unwrap_or(-1))
    };
    accounts.lines().map(line).collect()
}

/// One use per user, a month apart from an early one, so that 28 days have been observed.
const CALLS: &str = r#"{"type":"track","event":"e","userId":"u0","messageId":"m0","timestamp":"2026-01-01T00:00:00Z"}
{"type":"track","event":"e","userId":"u1","messageId":"m1","timestamp":"2026-02-28T00:00:00Z"}
{"type":"track","event":"e","userId":"u2","messageId":"m2","timestamp":"2026-02-28T00:00:00Z"}
"#;

fn profile(account: &str, at: &str, user: &str) -> String {
    format!(r#"{{"type":"account_profile","account_id":"{account}","occurred_at":"{at}","aliases":{{"segment-user":"{user}"}}}}"#) + "\n"
}

const SEGMENT: &str = "--usage calls.ndjson --format-usage segment --as-of 2026-03-01T00:00:00Z";

fn named(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(name, events)| ((*name).to_owned(), *events)).collect()
}

#[test]
fn profiles_declare_aliases_wherever_they_come_from() {
    let (u0, u1, u2) = (profile("acme", "2026-02-01T00:00:00Z", "u0"), profile("bolt", "2026-02-01T00:00:00Z", "u1"), "u2");
    let both = format!("{u0}{u1}{}", profile("coda", "2026-02-01T00:00:00Z", u2));
    let folder = folder(&[("calls.ndjson", CALLS), ("all.ndjson", &both), ("none.ndjson", "\n")]);
    let expected = named(&[("acme", 0), ("bolt", 1), ("coda", 1)]);
    assert_eq!(accounts(folder.path(), &format!("{SEGMENT} --aliases all.ndjson")), expected);
    assert_eq!(accounts(folder.path(), &format!("{SEGMENT} --accounts all.ndjson")), expected);
    assert_eq!(accounts(folder.path(), SEGMENT), named(&[("u0", 0), ("u1", 1), ("u2", 1)]), "without profiles, an id is the account's own");
    let (code, _, errors) = run(folder.path(), &format!("replay {SEGMENT} --aliases none.ndjson"));
    assert_eq!((code, errors.contains("unknown_account")), (Some(1), true), "{errors}");
}

#[test]
fn the_newest_declaration_holds_and_a_deletion_does_not_take_it_away() {
    let moved = format!(
        "{}{}{}",
        profile("bolt", "2026-02-02T00:00:00Z", "u1"),
        profile("acme", "2026-02-01T00:00:00Z", "u1"),
        r#"{"type":"account_profile","account_id":"bolt","occurred_at":"2026-02-10T00:00:00Z","deleted":true}"#
    );
    let calls = CALLS.replace("u0", "u1").replace("u2", "u1");
    let folder = folder(&[("calls.ndjson", &calls), ("aliases.ndjson", &moved)]);
    assert_eq!(accounts(folder.path(), &format!("{SEGMENT} --aliases aliases.ndjson")), named(&[("bolt", 2)]));
    let (_, _, errors) = run(folder.path(), &format!("replay {SEGMENT} --out-accounts - --aliases aliases.ndjson"));
    assert!(errors.contains("several accounts"), "{errors}");
}

#[test]
fn a_file_of_aliases_must_be_valid_and_within_the_limit() {
    let folder = folder(&[
        ("calls.ndjson", CALLS),
        ("broken.ndjson", &format!("{}\n{{\"type\":\"account_profile\"}}\n", profile("acme", "2026-02-01T00:00:00Z", "u1"))),
        ("two.ndjson", &(profile("acme", "2026-02-01T00:00:00Z", "u1") + &profile("bolt", "2026-02-01T00:00:00Z", "u2"))),
    ]);
    let (code, _, errors) = run(folder.path(), &format!("replay {SEGMENT} --aliases broken.ndjson"));
    assert_eq!(
        (code, errors.contains("broken.ndjson, line 3: not an account profile: missing_field: account_id")),
        (Some(1), true),
        "{errors}"
    );
    let (code, _, errors) = run(folder.path(), &format!("replay {SEGMENT} --aliases two.ndjson --set limits.aliases=2"));
    assert_eq!((code, errors.contains("raise limits.aliases")), (Some(1), true), "{errors}");
    let (code, _, errors) = run(folder.path(), &format!("replay {SEGMENT} --aliases calls.ndjson --out-accounts calls.ndjson"));
    assert_eq!((code, errors.contains("is an input")), (Some(2), true), "{errors}");
}

#[test]
fn explain_finds_an_account_by_its_aliases_too() {
    let folder = folder(&[("calls.ndjson", CALLS), ("aliases.ndjson", &profile("acme", "2026-02-01T00:00:00Z", "u1"))]);
    let (code, text, errors) = run(folder.path(), &format!("explain acme --json {SEGMENT} --aliases aliases.ndjson"));
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.contains(r#""account_id":"acme""#), "{text}");
}

#[test]
fn what_is_inside_an_envelope_is_named_for_each_stream() {
    let wrapped: String = CALLS
        .lines()
        .enumerate()
        .map(|(number, call)| format!(r#"{{"specversion":"1.0","id":"{number}","source":"s","type":"t","data":{call}}}"#) + "\n")
        .collect();
    let folder = folder(&[("calls.ndjson", &wrapped)]);
    let inside = "--format-usage cloudevents --inner-format-usage segment";
    let arguments = format!("--usage calls.ndjson {inside} --as-of 2026-03-01T00:00:00Z");
    assert_eq!(accounts(folder.path(), &arguments), named(&[("u0", 0), ("u1", 1), ("u2", 1)]));
    let (code, _, errors) = run(folder.path(), "replay --usage calls.ndjson --format-usage cloudevents --inner-format-usage cloudevents");
    assert_eq!((code, errors.contains("name the format of what is inside")), (Some(2), true), "{errors}");
}
