//! Small inputs with expected values worked out by hand: the program replays each folder of `tests/fixtures/cases`.
//!
//! A folder has its input as NDJSON, a configuration where it needs one, `README.md` with the arithmetic, and `expected.json`:
//! `{"runs": [run, ...]}`. Only what a run names is compared. In a run
//!
//! - `args`: the arguments of `churnwatch replay`, without `--out-...`
//! - `counts`: `{stream: {read, applied, duplicate, late, ignored, dead_letter: {code: n}}}`
//! - `dead_letters`: all rejected lines in order, `[{line, code, reason_has}]`
//! - `accounts`: `{account: {metric: value, "health.band": value, "risk.level": value, "rules": [names that must occur]}}`
//! - `no_line`: accounts without a line
//! - `periods`: the (kind, from, to) of all KPI lines with scope `{}`
//! - `kpis`: `[{kind, from, to, scope, values: {kpi: value, "kpi.field.label": value}}]`
//! - `cohorts`: all lines of `--out-cohorts` with scope `{}`, by month
//!
//! `null` means absent; `{"at_most": x}` is a number up to x; a label missing from a table is 0. Numbers agree within a relative 1e-9,
//! quantiles (p50, p90) within 1 % or 1 minute, whichever is greater.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

#[test]
fn every_case_matches_the_values_worked_out_by_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let mut report = Report::default();
    for case in &cases {
        let expected: Value = serde_json::from_slice(&std::fs::read(case.join("expected.json")).unwrap()).unwrap();
        for run in expected["runs"].as_array().unwrap() {
            report.place = format!("{}: {}", case.file_name().unwrap().to_string_lossy(), text(&run["args"]));
            replay(case, run.as_object().unwrap(), &mut report);
        }
    }
    assert!(
        report.differences.is_empty(),
        "{} of {} values differ\n{}",
        report.differences.len(),
        report.values,
        report.differences.join("\n")
    );
}

/// What was compared, and what differs.
#[derive(Default)]
struct Report {
    place: String,
    values: usize,
    differences: Vec<String>,
}

impl Report {
    fn check(&mut self, what: &str, name: &str, got: &Value, want: &Value) {
        self.values += 1;
        if !same(got, want, name) {
            self.differences.push(format!("{}: {what}: want {want}, got {got}", self.place));
        }
    }
}

/// The files that `replay` writes, and the keys of a run that each is compared with.
const OUTPUTS: [(&str, &[&str]); 5] = [
    ("counts", &["counts"]),
    ("dead-letters", &["dead_letters"]),
    ("accounts", &["accounts", "no_line"]),
    ("kpis", &["periods", "kpis"]),
    ("cohorts", &["cohorts"]),
];

fn replay(case: &Path, run: &Map<String, Value>, report: &mut Report) {
    let known = |key: &str| key == "args" || OUTPUTS.iter().any(|(_, keys)| keys.contains(&key));
    assert!(run.keys().all(|key| known(key)), "{}: a key that is not compared: {:?}", report.place, run.keys());
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
    command.current_dir(case).arg("replay").args(text(&run["args"]).split_whitespace());
    for (output, keys) in OUTPUTS {
        if keys.iter().any(|key| run.contains_key(*key)) {
            command.arg(format!("--out-{output}")).arg(out.path().join(output));
        }
    }
    let done = command.output().unwrap();
    if !done.status.success() {
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        return report.check("exit", "", &json!(error), &json!("success"));
    }
    let read = |output: &str| std::fs::read_to_string(out.path().join(output)).unwrap();
    for (key, want) in run {
        match key.as_str() {
            "counts" => counts(&serde_json::from_str(&read("counts")).unwrap(), want, report),
            "dead_letters" => dead_letters(&lines(&read("dead-letters")), want, report),
            "accounts" => accounts(&lines(&read("accounts")), want, report),
            "no_line" => no_line(&lines(&read("accounts")), want, report),
            "periods" => periods(&lines(&read("kpis")), want, report),
            "kpis" => kpis(&lines(&read("kpis")), want, report),
            "cohorts" => cohorts(&lines(&read("cohorts")), want, report),
            _ => {}
        }
    }
}

fn counts(got: &Value, want: &Value, report: &mut Report) {
    for (stream, outcomes) in want.as_object().unwrap() {
        for (outcome, want) in outcomes.as_object().unwrap() {
            report.check(&format!("counts {stream}.{outcome}"), outcome, &got[stream][outcome], want);
        }
    }
}

fn dead_letters(got: &[Value], want: &Value, report: &mut Report) {
    let want = want.as_array().unwrap();
    let place = |letter: &Value| json!([letter["line"], letter["code"]]);
    let places = |letters: &[Value]| Value::Array(letters.iter().map(place).collect());
    report.check("dead letters, their lines and codes", "", &places(got), &places(want));
    for letter in want {
        let Some(has) = letter.get("reason_has") else { continue };
        let reason = got.iter().find(|other| other["line"] == letter["line"]).map_or("", |other| text(&other["reason"])).to_lowercase();
        report.check(
            &format!("reason of line {} has {has}: {reason}", letter["line"]),
            "",
            &json!(reason.contains(text(has))),
            &json!(true),
        );
    }
}

fn accounts(got: &[Value], want: &Value, report: &mut Report) {
    for (account, values) in want.as_object().unwrap() {
        let line = got.iter().find(|line| line["account_id"] == **account).unwrap_or(&Value::Null);
        for (name, want) in values.as_object().unwrap() {
            let value = match name.split_once('.') {
                Some((part @ ("health" | "risk"), field)) => &line[part][field],
                _ if name == "rules" => &line["rules"],
                _ => &line["metrics"][name],
            };
            report.check(&format!("{account} {name}"), name, value, want);
        }
    }
}

fn no_line(got: &[Value], want: &Value, report: &mut Report) {
    for account in want.as_array().unwrap() {
        let found = got.iter().any(|line| line["account_id"] == *account);
        report.check(&format!("{account} has a line"), "", &json!(found), &json!(false));
    }
}

fn periods(got: &[Value], want: &Value, report: &mut Report) {
    let period = |line: &Value| json!([line["period"]["kind"], line["period"]["from"], line["period"]["to"]]);
    let sorted = |periods: &mut dyn Iterator<Item = Value>| periods.map(|period| period.to_string()).collect::<BTreeSet<_>>();
    let all = got.iter().filter(|line| line["scope"] == json!({})).map(period).collect::<Vec<_>>();
    let want = want.as_array().unwrap();
    report.check("number of KPI lines", "", &json!(all.len()), &json!(want.len()));
    let (all, want) = (sorted(&mut all.into_iter()), sorted(&mut want.iter().cloned()));
    report.check("periods of the KPI lines", "", &json!(all), &json!(want));
}

fn kpis(got: &[Value], want: &Value, report: &mut Report) {
    for want in want.as_array().unwrap() {
        let is_wanted = |line: &&Value| {
            let period = &line["period"];
            line["scope"] == want["scope"] && period["from"] == want["from"] && period["to"] == want["to"] && period["kind"] == want["kind"]
        };
        let kpis = got.iter().find(is_wanted).map_or(&Value::Null, |line| &line["kpis"]);
        let place = format!("{} {} {}", text(&want["kind"]), text(&want["from"]), want["scope"]);
        report.check(&format!("{place} has a line"), "", &json!(kpis.is_object()), &json!(true));
        for (name, want) in want["values"].as_object().unwrap() {
            report.check(&format!("{place} {name}"), name, &kpi(kpis, name), want);
        }
    }
}

/// `kpi`: its value; `kpi.field.label...`: that field, where a missing label is 0.
fn kpi(kpis: &Value, name: &str) -> Value {
    let mut path = name.split('.');
    let kpi = &kpis[path.next().unwrap_or_default()];
    let Some(field) = path.next() else { return kpi["value"].clone() };
    path.fold(kpi[field].clone(), |table, label| match table {
        Value::Object(table) => table.get(label).cloned().unwrap_or(json!(0)),
        _ => Value::Null,
    })
}

fn cohorts(got: &[Value], want: &Value, report: &mut Report) {
    let got: BTreeMap<&str, &Value> =
        got.iter().filter(|line| line["scope"] == json!({})).map(|line| (text(&line["cohort"]), line)).collect();
    let want = want.as_array().unwrap();
    let names: BTreeSet<&str> = want.iter().map(|line| text(&line["cohort"])).collect();
    report.check("cohorts", "", &json!(got.keys().collect::<Vec<_>>()), &json!(names));
    for line in want {
        let cohort = text(&line["cohort"]);
        for (name, want) in line.as_object().unwrap() {
            report.check(&format!("cohort {cohort} {name}"), name, got.get(cohort).map_or(&Value::Null, |line| &line[name]), want);
        }
    }
}

/// Compares only the expected fields of an object, except for dead-letter codes, which are all compared.
fn same(got: &Value, want: &Value, name: &str) -> bool {
    match (got, want) {
        _ if name == "dead_letter" => got == want,
        (Value::Array(got), Value::Array(want)) if name == "rules" => want.iter().all(|rule| got.contains(rule)),
        (_, Value::Object(limit)) if limit.contains_key("at_most") => {
            got.as_f64().is_some_and(|got| got <= limit["at_most"].as_f64().unwrap())
        }
        (Value::Object(got), Value::Object(want)) => want.iter().all(|(key, want)| same(got.get(key).unwrap_or(&json!(0)), want, name)),
        (Value::Array(got), Value::Array(want)) => got.len() == want.len() && got.iter().zip(want).all(|(got, want)| same(got, want, name)),
        (Value::Number(got), Value::Number(want)) => near(got.as_f64().unwrap(), want.as_f64().unwrap(), name),
        _ => got == want,
    }
}

fn near(got: f64, want: f64, name: &str) -> bool {
    let quantile = name.contains("_p50") || name.contains("_p90");
    let tolerance = match (quantile, name.contains("hours")) {
        (false, _) => (want.abs() * 1e-9).max(1e-9),
        (true, true) => (want.abs() * 0.01).max(1.0 / 60.0),
        (true, false) => (want.abs() * 0.01).max(1.0),
    };
    (got - want).abs() <= tolerance
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
