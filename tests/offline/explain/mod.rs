//! `explain`: its text is redone by hand, that is, by a program that reads nothing but the text.

mod before;
mod hand;
mod instance;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use churnwatch::config::Config;
use churnwatch::event::Stream;
use churnwatch::replay::{self, Division, InputFile, Request};
use churnwatch::time::Timestamp;
use serde_json::{Value, json};

use hand::Hand;

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

const AS_OF: &str = "2025-12-29T12:00:00Z";

fn churnwatch(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder).args(arguments).output().unwrap()
}

fn customers(days: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = churnwatch(folder.path(), &["simulate", "--accounts", "60", "--days", days, "--activity", "0.2", "--out-dir", "."]);
    assert!(made.status.success());
    folder
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The account lines of a daily replay.
fn replayed(folder: &Path, inputs: &[&str], more: &[&str]) -> BTreeMap<String, Value> {
    let output = churnwatch(folder, &[&["replay", "-q", "--score-every", "1", "--out-accounts", "-"], inputs, more].concat());
    let lines = stdout(&output);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["account_id"].as_str().unwrap().to_owned(), line)).collect()
}

fn explained(folder: &Path, account: &str, inputs: &[&str], more: &[&str]) -> String {
    stdout(&churnwatch(folder, &[&["explain", account, "-q"], inputs, more].concat()))
}

fn close(one: Option<f64>, other: &Value, what: &str) {
    match (one, other.as_f64()) {
        (Some(one), Some(other)) => assert!((one - other).abs() < 1e-4, "{what}: {one} by hand, {other} by replay"),
        (one, other) => assert_eq!(one, other, "{what}"),
    }
}

/// Redoes every account of a replay by hand; returns how many were seen in each situation. The files are read once, in this process.
fn redo_all(folder: &Path, inputs: &[&str], config: &str) -> BTreeMap<&'static str, usize> {
    let mut situations = BTreeMap::new();
    let path = folder.join("config.toml");
    std::fs::write(&path, config).unwrap();
    let settings = Config::load_offline(Some(&path), &[], std::iter::empty()).unwrap().settings();
    let streams: Vec<Stream> =
        inputs.iter().step_by(2).map(|option| Stream::ALL.into_iter().find(|stream| option.ends_with(stream.name())).unwrap()).collect();
    let settings = replay::settings_for(&streams, settings);
    let division = Division::of_machine();
    let read = |(stream, name): (&Stream, &&str)| {
        InputFile::read((*stream, &Arc::default()), &folder.join(name), &settings, division, |_| ()).unwrap()
    };
    let files: Vec<InputFile> = streams.iter().zip(inputs.iter().skip(1).step_by(2)).map(read).collect();
    let request = Request { as_of: Timestamp::parse_rfc3339(AS_OF).unwrap(), score_every: Some(1) };
    for (account, line) in replayed(folder, inputs, &["--config", "config.toml", "--as-of", AS_OF]) {
        let text = replay::breakdown(&files, &account, &request, &settings).unwrap().text();
        let by_hand = Hand::redo(&text);
        let what = format!("{account}\n{text}");
        close(by_hand.score, &line["health"]["score"], &what);
        close(by_hand.risk, &line["risk"]["probability"], &what);
        assert_eq!(Some(&*by_hand.band), line["health"]["band"].as_str(), "{what}");
        assert_eq!(
            by_hand.rules,
            line["rules"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect::<Vec<_>>(),
            "{what}"
        );
        let too_wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 100).collect();
        assert_eq!(too_wide, Vec::<&str>::new());
        let is = [
            ("with a rule", !line["rules"].as_array().unwrap().is_empty()),
            ("with a sole rule", line.get("sole_rule").is_some()),
            ("with an override", line.get("override").is_some()),
            ("onboarding", line["scored_by"] == "onboarding"),
            ("with absent components", !line["absent"].as_array().unwrap().is_empty()),
            ("churned", line["health"]["band"] == "churned"),
            ("unknown", line["health"]["band"] == "unknown"),
            ("in all", true),
        ];
        is.into_iter().filter(|(_, is)| *is).for_each(|(situation, _)| *situations.entry(situation).or_default() += 1);
    }
    situations
}

fn add(folder: &Path, file: &str, record: &Value) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text + &record.to_string() + "\n").unwrap();
}

/// An account in its second week.
fn add_a_new_account(folder: &Path) {
    let (signed_up, used) = ("2025-12-18T00:00:00Z", "2025-12-27T09:00:00Z");
    let profile = json!({"type": "account_profile", "account_id": "new", "occurred_at": signed_up, "signed_up_at": signed_up, "seats": 3});
    add(folder, "accounts.ndjson", &profile);
    let use_of_it = json!({"type": "feature_used", "account_id": "new", "user_id": "u", "feature": "report", "occurred_at": used});
    add(folder, "usage.ndjson", &use_of_it);
}

fn add_an_override(folder: &Path) {
    let pinned = json!({"type": "health_override_set", "account_id": "acct-000001", "occurred_at": "2025-12-20T00:00:00Z", "value": 55,
        "until": "2026-02-01T00:00:00Z", "reason": "executive sponsor changed", "by": "dana"});
    add(folder, "feedback.ndjson", &pinned);
}

#[test]
fn every_score_is_redone_by_hand_from_the_text_alone() {
    let folder = customers("150");
    add_a_new_account(folder.path());
    add_an_override(folder.path());
    let seen = redo_all(folder.path(), &INPUTS, "");
    for situation in ["with a rule", "with an override", "onboarding", "with absent components", "churned", "in all"] {
        assert!(seen.contains_key(situation), "{seen:?}");
    }
}

#[test]
fn scores_from_little_data_are_redone_by_hand_too() {
    let folder = customers("60");
    let few = &INPUTS[2..6];
    let seen = redo_all(folder.path(), few, "[model]\nmin_coverage = 0.7\n");
    assert!(seen.contains_key("unknown"), "{seen:?}");
    let text = "[[rule]]\nname = \"paying\"\nwhen = \"revenue.mrr > 0\"\ncap_health = 60\nrisk_at_least = 0.2\n";
    let seen = redo_all(folder.path(), few, &format!("{text}[model]\nmin_coverage = 0.9\n"));
    assert!(seen.contains_key("with a sole rule"), "{seen:?}");
}

#[test]
fn json_holds_the_same_and_the_moves_sum_to_the_change() {
    let folder = customers("120");
    let (mut compared, mut steps) = (0, 0);
    // First those that are not green, because only they need steps; the score of a churned account is frozen.
    let mut lines: Vec<(String, Value)> = replayed(folder.path(), &INPUTS, &[]).into_iter().collect();
    lines.retain(|(_, line)| line["health"]["band"] != "churned");
    lines.sort_by_key(|(_, line)| line["health"]["band"] == "green");
    for (account, line) in lines.into_iter().take(12) {
        let json: Value = serde_json::from_str(&explained(folder.path(), &account, &INPUTS, &["--json"])).unwrap();
        assert_eq!(json["health"]["score"], line["health"]["score"]);
        assert_eq!(json["risk"]["probability"], line["risk"]["probability"]);
        let since = &json["since"];
        if let (Some(now), Some(before), false) =
            (json["health"]["score"].as_f64(), since["score"].as_f64(), json["health"]["frozen"] == true)
        {
            let moves: f64 = since["moves"].as_array().unwrap().iter().map(|moved| moved["points"].as_f64().unwrap()).sum();
            assert!((now - before - moves).abs() < 1e-6, "{account}: {since}");
            let sizes: Vec<f64> = since["moves"].as_array().unwrap().iter().map(|moved| moved["points"].as_f64().unwrap().abs()).collect();
            assert!(sizes.is_sorted_by(|one, other| one >= other), "{account}: {since}");
            compared += 1;
        }
        assert_eq!(json["last_change"]["sequence"], since["sequence"]);
        for step in json["green"]["single"].as_array().unwrap() {
            assert!(step["score"].as_f64().unwrap() >= 70.0 - 1e-6, "{account}: {step}");
            steps += 1;
        }
    }
    assert!(compared > 8 && steps > 0, "{compared} {steps}");
}

#[test]
fn what_would_make_it_green_does_if_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let profile = |seats| {
        format!(
            r#"{{"type":"account_profile","account_id":"acme","occurred_at":"2026-01-01T00:00:00Z","signed_up_at":"2025-01-01T00:00:00Z","seats":{seats}}}"#
        )
    };
    let used = |user: usize| {
        format!(r#"{{"type":"feature_used","account_id":"acme","user_id":"u{user}","feature":"f","occurred_at":"2026-02-28T00:00:00Z"}}"#)
    };
    let early = r#"{"type":"feature_used","account_id":"other","user_id":"u","feature":"f","occurred_at":"2025-06-01T00:00:00Z"}"#;
    let model = "[[health.component]]\nname='seats'\ngroup='breadth'\nmetric='breadth.seat_utilisation'\ncurve=[[0.0,0],[0.5,40],[0.8,70],[1.0,100]]\nweight=1\n";
    std::fs::write(folder.path().join("model.toml"), model).unwrap();
    std::fs::write(folder.path().join("accounts.ndjson"), profile(10)).unwrap();
    let explain = |users: usize| -> Value {
        let records: Vec<String> = (0..users).map(used).chain([early.to_owned()]).collect();
        std::fs::write(folder.path().join("usage.ndjson"), records.join("\n")).unwrap();
        let inputs = [
            "--usage",
            "usage.ndjson",
            "--accounts",
            "accounts.ndjson",
            "--as-of",
            "2026-03-01T00:00:00Z",
            "--config",
            "model.toml",
            "--json",
        ];
        serde_json::from_str(&explained(folder.path(), "acme", &inputs, &[])).unwrap()
    };
    let few = explain(4);
    assert_eq!(few["health"]["band"], "red");
    let step = &few["green"]["single"][0];
    assert_eq!(step["metric"], "breadth.seat_utilisation");
    assert!((step["to"].as_f64().unwrap() - 0.8).abs() < 1e-6, "{step}");
    assert_eq!(step["sentence"], "the share of seats in use rises from 40 % to 80 %");
    assert!((explain(8)["health"]["score"].as_f64().unwrap() - 70.0).abs() < 1e-9);
}

/// Ending one of two caps alone gains nothing, so neither is a single step; both together are the way.
#[test]
fn an_account_that_two_rules_cap_is_told_to_end_both() {
    let folder = tempfile::tempdir().unwrap();
    let model = r#"
        [[health.component]]
        name = "users"
        group = "breadth"
        metric = "breadth.active_users_28d"
        curve = [[0, 0], [2, 90]]
        weight = 1
        [[rule]]
        name = "silent"
        when = "usage.days_since_last > 7"
        cap_health = 39
        [[rule]]
        name = "urgent"
        when = "support.urgent_open > 0"
        cap_health = 39
    "#;
    let used = |user: &str, date: &str| json!({"type": "feature_used", "account_id": "acme", "user_id": user, "feature": "f", "occurred_at": format!("{date}T00:00:00Z")});
    let records = [used("a", "2025-06-01"), used("a", "2026-02-10"), used("b", "2026-02-10")].map(|record| record.to_string());
    let ticket = json!({"type": "ticket_opened", "account_id": "acme", "ticket_id": "1", "priority": "urgent", "occurred_at": "2026-02-20T00:00:00Z"});
    for (name, text) in [("model.toml", model.to_owned()), ("usage.ndjson", records.join("\n")), ("support.ndjson", ticket.to_string())] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let inputs = ["--usage", "usage.ndjson", "--support", "support.ndjson", "--as-of", "2026-03-01T00:00:00Z", "--config", "model.toml"];
    let green = serde_json::from_str::<Value>(&explained(folder.path(), "acme", &inputs, &["--json"])).unwrap()["green"].take();
    assert_eq!((green["single"].as_array().unwrap().len(), green["best"].as_f64()), (0, Some(90.0)), "{green}");
    let steps: Vec<_> = green["together"].as_array().unwrap().iter().map(|step| step["ends"][0].as_str().unwrap()).collect();
    assert_eq!((steps.len(), steps.contains(&"silent"), steps.contains(&"urgent")), (2, true, true), "{green}");
}

#[test]
fn an_account_that_is_not_there_is_answered_with_those_like_it() {
    let folder = customers("60");
    let said = |account: &str, more: &[&str]| {
        let output = churnwatch(folder.path(), &[&["explain", account, "-q"], &INPUTS[..], more].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        said("acct-00001", &[]).contains("the files hold no account `acct-00001`; did you mean `acct-000010`"),
        "{}",
        said("acct-00001", &[])
    );
    assert!(said("globex-corporation", &[]).contains("none of their 60 has a similar id"));
    assert!(said("acct-000001", &["--as-of", "2020-01-01T00:00:00Z"]).contains("has no record up to 2020-01-01T00:00:00Z"));
}

/// The command of docs/explain.md and the text below it are those of the program.
#[test]
fn the_documented_example_is_what_the_command_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/explain.md")).unwrap();
    let mut commands = document.lines().filter_map(|line| line.trim().strip_prefix("churnwatch "));
    let command = commands.find(|command| command.contains("fixtures")).unwrap();
    let output = churnwatch(root, &command.split_whitespace().chain(["-q"]).collect::<Vec<_>>());
    let printed = stdout(&output);
    let sections: Vec<&str> = document.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(sections.join("\n"), printed, "docs/explain.md shows another text");
    Hand::redo(&printed);
}

/// With usage alone, recency is not enough for a score, and adoption needs 28 days.
#[test]
fn an_unknown_account_is_scored_after_the_days_that_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let used = |day: usize| json!({"type": "feature_used", "account_id": "acme", "user_id": "u", "feature": "f", "occurred_at": format!("2026-01-{day:02}T06:00:00Z")});
    let records: Vec<String> = (1..=31).map(|day| used(day).to_string()).collect();
    std::fs::write(folder.path().join("usage.ndjson"), records.join("\n")).unwrap();
    let profile = json!({"type": "account_profile", "account_id": "acme", "occurred_at": "2026-01-01T00:00:00Z", "signed_up_at": "2024-01-01T00:00:00Z"});
    std::fs::write(folder.path().join("accounts.ndjson"), profile.to_string()).unwrap();
    let inputs = ["--usage", "usage.ndjson", "--accounts", "accounts.ndjson"];
    let at = |day: usize| {
        let as_of = format!("2026-01-{day:02}T12:00:00Z");
        let line = replayed(folder.path(), &inputs, &["--as-of", &as_of]).remove("acme").unwrap();
        (line["health"]["band"] == "unknown", line["drivers"][0].as_str().unwrap().to_owned())
    };
    assert_eq!(at(5), (true, "31 % of the weights have data, and a score needs 40 %: observing for 24 more days".to_owned()));
    assert!(at(28).0 && at(28).1.ends_with(": observing for 1 more day"), "{:?}", at(28));
    assert!(!at(29).0, "{:?}", at(29));
    let text = explained(folder.path(), "acme", &inputs, &["--as-of", "2026-01-05T12:00:00Z"]);
    assert!(text.contains("observing for 24 more days, then there is a score"), "{text}");
    assert!(text.contains("depth.features_28d: observing for 24 more days"), "{text}");
}

#[test]
fn an_account_in_a_file_of_another_format_is_explained_through_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = r#"
        envelope = ["/customer"]
        [[event]]
        type = "feature_used"
        account_id = "/customer"
        occurred_at = "/at"
        feature = "/what"
    "#;
    std::fs::write(folder.path().join("own.toml"), mapping).unwrap();
    let used = |day: usize| json!({"customer": "acme", "what": "report", "at": format!("2026-01-{day:02}T06:00:00Z")}).to_string();
    std::fs::write(folder.path().join("usage.ndjson"), (1..=30).map(used).collect::<Vec<_>>().join("\n")).unwrap();
    let text = explained(folder.path(), "acme", &["--usage", "usage.ndjson"], &["--mapping-usage", "own.toml"]);
    assert!(text.contains("usage.days_since_last"), "{text}");
}
