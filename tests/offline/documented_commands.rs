//! The commands in README.md and docs/ that need no broker do what they are shown for. The others run in `tests/on_kafka`.

use std::path::Path;
use std::process::{Command, Output};

use crate::contract::commands::{Documented, documented};

/// The options that name files to write.
const OUTPUTS: [&str; 8] = ["--out-dir", "--out-changes", "--out-accounts", "--out-kpis", "--html", "--fit", "--plots", "--json"];
fn run(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_churnwatch")).current_dir(folder).args(arguments).output().unwrap()
}

/// A folder with every file that documents speak of, under its name there; a fit needs more history than everything else.
fn prepared(size: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let simulate = format!("simulate --seed 42 {size} --activity 0.02 --out-dir history");
    let made = run(folder.path(), &simulate.split(' ').map(str::to_owned).collect::<Vec<_>>());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for stream in ["usage", "billing", "support", "feedback", "accounts"] {
        let file = folder.path().join("history").join(format!("{stream}.ndjson"));
        std::fs::copy(&file, folder.path().join(format!("{stream}.ndjson"))).unwrap();
        let packed = std::fs::File::create(folder.path().join(format!("{stream}.ndjson.gz"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
        std::io::copy(&mut std::fs::File::open(&file).unwrap(), &mut encoder).unwrap();
        encoder.finish().unwrap();
    }
    std::fs::create_dir(folder.path().join("config")).unwrap();
    for (from, to) in [
        ("config/churnwatch.toml", "config/churnwatch.toml"),
        ("config/model.toml", "config/model.toml"),
        ("config/churnwatch.toml", "churnwatch.toml"),
        ("config/model.toml", "model.toml"),
        ("config/models/purchases.toml", "other.toml"),
    ] {
        std::fs::copy(root.join(from), folder.path().join(to)).unwrap();
    }
    let call = r#"{"type":"track","messageId":"m1","userId":"u1","event":"Report Exported","timestamp":"2026-01-05T09:00:00Z","context":{"groupId":"acme"}}"#;
    let profile = r#"{"type":"account_profile","account_id":"acme","occurred_at":"2026-01-01T00:00:00Z","name":"Acme"}"#;
    std::fs::write(folder.path().join("calls.ndjson"), call).unwrap();
    std::fs::write(folder.path().join("profiles.ndjson"), profile).unwrap();
    std::os::unix::fs::symlink(folder.path().join("history"), folder.path().join("simulated")).unwrap();
    std::os::unix::fs::symlink(root.join("tests"), folder.path().join("tests")).unwrap();
    folder
}

/// A folder for one command: what it reads is there, what it writes is not.
fn own_folder(prepared: &Path, command: &Documented) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let outputs: Vec<&str> = OUTPUTS.iter().filter_map(|option| command.value(option)).collect();
    for entry in std::fs::read_dir(prepared).unwrap() {
        let name = entry.unwrap().file_name();
        if !outputs.contains(&name.to_str().unwrap()) {
            std::os::unix::fs::symlink(prepared.join(&name), folder.path().join(&name)).unwrap();
        }
    }
    folder
}

/// The same command on less data, about an account that is there.
fn smaller(command: &Documented) -> Vec<String> {
    let is_about_a_fixture = command.arguments.iter().any(|argument| argument.contains("fixtures"));
    let mut before = "";
    let mut arguments = Vec::new();
    for argument in &command.arguments {
        let instead = match before {
            "--accounts" if command.arguments[0] == "simulate" => "5",
            "--days" => "20",
            "explain" if argument == "acme" && !is_about_a_fixture => "acct-000001",
            _ => argument,
        };
        arguments.push(instead.to_owned());
        before = argument;
    }
    arguments
}

#[test]
fn every_command_of_the_documents_that_needs_no_broker_succeeds() {
    let (large, small) = (prepared("--accounts 150 --days 330 --mix churning=1,silent=1"), prepared("--accounts 40 --days 120"));
    let mut ran = 0;
    for command in documented().iter().filter(|command| !command.needs_service()) {
        // A test of its own runs this one as it stands, and compares what it writes with the pictures in docs/.
        if command.value("--plots").is_some() {
            continue;
        }
        let prepared = if command.arguments[0] == "backtest" { &large } else { &small };
        let folder = own_folder(prepared.path(), command);
        let output = run(folder.path(), &smaller(command));
        assert!(
            output.status.success(),
            "{}: churnwatch {}\n{}",
            command.place,
            command.arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        for option in OUTPUTS {
            let written = command.value(option).filter(|name| *name != "-" && !name.starts_with("--"));
            assert!(written.is_none_or(|name| folder.path().join(name).exists()), "{}: {written:?} was not written", command.place);
        }
        ran += 1;
    }
    assert!(ran >= 14, "only {ran} commands were found");
}
