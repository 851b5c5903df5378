//! Differences between the program and the reference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::history::Change;
use super::input::DeadLetter;
use super::program::Output;
use super::score::Score;
use super::{Replay, STREAMS};

/// One figure on which they differ.
pub struct Difference {
    /// Which figure; the same in every account.
    pub figure: String,
    /// Of which account, stream or line.
    pub of: String,
    /// What the reference says.
    pub expected: String,
    /// What the program says.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: reference {}, program {}", self.figure, self.of, self.expected, self.actual)
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

/// Every difference between the reference and the program.
pub fn differences(reference: &Replay, program: &Output) -> Vec<Difference> {
    let mut found = counts(reference, program);
    found.extend(dead_letters(reference, program));
    found.extend(kpis(reference, program));
    found.extend(cohorts(reference, program));
    found.extend(changes(reference, program));
    let ids: BTreeSet<&String> = reference.accounts.keys().chain(program.accounts.keys()).collect();
    for id in ids {
        match (reference.accounts.get(id), program.accounts.get(id)) {
            (Some(expected), Some(actual)) => {
                found.extend(metrics(id, &expected.metrics.values, actual["metrics"].as_object().unwrap()));
                if reference.changes.is_empty() {
                    found.extend(scores(id, &expected.score, actual));
                }
            }
            (expected, actual) => found.push(Difference {
                figure: "the account's line".to_owned(),
                of: id.clone(),
                expected: expected.map_or("absent", |_| "present").to_owned(),
                actual: actual.map_or("absent", |_| "present").to_owned(),
            }),
        }
    }
    found
}

/// Every difference between the reference and account lines, metrics alone.
pub fn of_metrics(reference: &Replay, lines: &BTreeMap<String, Value>) -> Vec<Difference> {
    let nothing = (BTreeMap::new(), Map::new());
    let ids: BTreeSet<&String> = reference.accounts.keys().chain(lines.keys()).collect();
    let of_account = |id: &String| {
        let expected = reference.accounts.get(id).map_or(&nothing.0, |line| &line.metrics.values);
        metrics(id, expected, lines.get(id).and_then(|line| line["metrics"].as_object()).unwrap_or(&nothing.1))
    };
    ids.into_iter().flat_map(of_account).collect()
}

fn counts(reference: &Replay, program: &Output) -> Vec<Difference> {
    let mut found = Vec::new();
    for stream in STREAMS {
        let Some(expected) = reference.counts.get(stream) else { continue };
        let codes: Map<String, Value> = expected.dead_letter.iter().map(|(code, count)| (code.clone(), json!(count))).collect();
        let expected = json!({
            "read": expected.read, "applied": expected.applied, "duplicate": expected.duplicate, "late": expected.late,
            "ignored": expected.ignored, "dead_letter": codes,
        });
        let mut actual = program.counts[stream].clone();
        if let Some(codes) = actual.get_mut("dead_letter").and_then(Value::as_object_mut) {
            codes.retain(|_, count| *count != json!(0));
        }
        if expected != actual {
            let (expected, actual) = (expected.to_string(), actual.to_string());
            found.push(Difference { figure: "counts".to_owned(), of: stream.to_owned(), expected, actual });
        }
    }
    found
}

fn dead_letters(reference: &Replay, program: &Output) -> Vec<Difference> {
    let expected: BTreeSet<DeadLetter> = reference.dead_letters.iter().cloned().collect();
    let actual: BTreeSet<DeadLetter> = program.dead_letters.iter().map(dead_letter).collect();
    let difference = |letter: &DeadLetter, expected: &str, actual: &str| Difference {
        figure: format!("dead letter {}", letter.code),
        of: format!("{} line {}", letter.stream, letter.line),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
    };
    let missing = expected.difference(&actual).map(|letter| difference(letter, "written", "not written"));
    let surplus = actual.difference(&expected).map(|letter| difference(letter, "not written", "written"));
    missing.chain(surplus).collect()
}

fn dead_letter(line: &Value) -> DeadLetter {
    let file = line["file"].as_str().unwrap();
    DeadLetter {
        stream: STREAMS.into_iter().find(|stream| file.contains(stream)).unwrap().to_owned(),
        line: line["line"].as_u64().unwrap(),
        code: line["code"].as_str().unwrap().to_owned(),
    }
}

/// The differences in an account's metrics.
pub fn metrics(account: &str, expected: &BTreeMap<&'static str, Value>, actual: &Map<String, Value>) -> Vec<Difference> {
    let names: BTreeSet<&str> = expected.keys().copied().chain(actual.keys().map(String::as_str)).collect();
    let pairs = names.into_iter().map(|name| (name, expected.get(name), actual.get(name)));
    pairs
        .filter(|(name, expected, actual)| !agree(name, *expected, *actual))
        .map(|(name, expected, actual)| difference(name, account, expected, actual))
        .collect()
}

fn difference(figure: &str, of: &str, expected: Option<&Value>, actual: Option<&Value>) -> Difference {
    Difference { figure: figure.to_owned(), of: of.to_owned(), expected: shown(expected), actual: shown(actual) }
}

/// Every KPI of every period and scope, by its value.
fn kpis(reference: &Replay, program: &Output) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut lines: BTreeMap<String, &Map<String, Value>> = BTreeMap::new();
    for line in &program.kpis {
        let period =
            json!({ "kind": line["period"]["kind"], "from": instant(&line["period"]["from"]), "to": instant(&line["period"]["to"]) });
        lines.insert(format!("{period} {}", line["scope"]), line["kpis"].as_object().unwrap());
    }
    for (period, scopes) in &reference.kpis {
        for (scope, expected) in scopes {
            let scope: Map<String, Value> = scope.iter().map(|(kind, label)| ((*kind).to_owned(), json!(label))).collect();
            let of = format!("{} {}", period.shown(), json!(scope));
            let Some(actual) = lines.remove(&of) else {
                found.push(difference("KPI line", &of, Some(&json!("present")), None));
                continue;
            };
            let actual = tables(actual);
            let names: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
            for name in names {
                let known = |table: Option<&Value>| table.filter(|table| !name.contains(".by_") || **table != json!({})).cloned();
                let (expected, actual) = (known(expected.get(name)), known(actual.get(name)));
                let (expected, actual) = (expected.as_ref(), actual.as_ref());
                if !agree(name, expected, actual) {
                    found.push(difference(&format!("KPI {name}"), &of, expected, actual));
                }
            }
        }
    }
    found.extend(lines.keys().map(|of| difference("KPI line", of, None, Some(&json!("present")))));
    found
}

/// Every cohort line; and for each month the sum of the cohorts against the month's KPI line, if there is one.
fn cohorts(reference: &Replay, program: &Output) -> Vec<Difference> {
    let key = |line: &Value| (line["scope"].to_string(), line["cohort"].as_str().unwrap().to_owned());
    let actual: BTreeMap<_, &Value> = program.cohorts.iter().map(|line| (key(line), line)).collect();
    let mut found = Vec::new();
    if actual.len() != program.cohorts.len() {
        let (lines, keys) = (json!(program.cohorts.len()), json!(actual.len()));
        found.push(difference("cohort lines", "all", Some(&keys), Some(&lines)));
    }
    let keys: BTreeSet<_> = reference.cohorts.keys().chain(actual.keys()).collect();
    for key in keys {
        let (expected, actual) = (reference.cohorts.get(key), actual.get(key).copied());
        if expected != actual {
            found.push(difference("cohort", &format!("{} {}", key.1, key.0), expected, actual));
        }
    }
    found.extend(unclosed(program));
    found
}

/// Months whose cohorts do not add up to the accounts present or to their MRR.
fn unclosed(program: &Output) -> Vec<Difference> {
    let (everything, mut sums) = (json!({}), BTreeMap::<String, [i64; 2]>::new());
    for cell in program.cohorts.iter().filter(|line| line["scope"] == everything).flat_map(|line| line["months"].as_array().unwrap()) {
        let sums = sums.entry(cell["month"].as_str().unwrap().to_owned()).or_default();
        sums[0] += cell["accounts"].as_i64().unwrap();
        sums[1] += cell["mrr"].as_i64().unwrap();
    }
    let of_months = program.kpis.iter().filter(|line| line["scope"] == everything && line["period"]["kind"] == "month");
    let mut found = Vec::new();
    for line in of_months.filter(|line| !line["kpis"]["mrr"].is_null()) {
        // The middle of a month is in that month in every zone.
        let (from, to) = (instant(&line["period"]["from"]), instant(&line["period"]["to"]));
        let month = Timestamp::from_millisecond(from.midpoint(to)).unwrap().strftime("%Y-%m").to_string();
        let closed = sums.get(&month).copied().unwrap_or_default();
        let present = ["accounts_present", "mrr"].map(|name| line["kpis"][name]["value"].as_i64().unwrap());
        if closed != present {
            found.push(difference("sum of the cohorts", &month, Some(&json!(present)), Some(&json!(closed))));
        }
    }
    found
}

/// The value of each KPI, and each of its splits as a separate entry.
fn tables(kpis: &Map<String, Value>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for (name, kpi) in kpis {
        out.insert(name.clone(), kpi["value"].clone());
        for (split, table) in kpi.as_object().unwrap().iter().filter(|(key, _)| key.starts_with("by_")) {
            let values = table.as_object().unwrap().iter();
            let values = values.map(|(label, entry)| (label.clone(), entry.get("value").unwrap_or(entry).clone()));
            out.insert(format!("{name}.{split}"), values.collect());
        }
    }
    out
}

/// The published changes of every account that was never deleted.
fn changes(reference: &Replay, program: &Output) -> Vec<Difference> {
    let mut found = Vec::new();
    for (account, expected) in &reference.changes {
        let of_account = program.changes.iter().filter(|line| line["account_id"] == json!(account));
        let actual: Vec<&Value> = of_account.collect();
        for number in 0..expected.len().max(actual.len()) {
            let expected = expected.get(number).map(change);
            let actual = actual.get(number).map(|line| change_line(line));
            let pairs = ["as_of", "sequence", "band", "level", "score", "probability"].map(|part| {
                let value = |change: &Option<Value>| change.as_ref().map(|change| change[part].clone());
                (part, value(&expected), value(&actual))
            });
            let differ = pairs.into_iter().find(|(part, expected, actual)| !agree(part, expected.as_ref(), actual.as_ref()));
            if let Some((part, expected, actual)) = differ {
                let of = format!("{account}, change {}", number + 1);
                found.push(difference(&format!("change {part}"), &of, expected.as_ref(), actual.as_ref()));
                break;
            }
        }
    }
    found
}

/// An instant of an output in milliseconds.
fn instant(text: &Value) -> i64 {
    text.as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

fn change(change: &Change) -> Value {
    let frozen = change.band == "churned";
    json!({
        "as_of": change.as_of, "sequence": change.sequence, "band": change.band,
        "score": change.health.filter(|_| !frozen),
        "level": change.level.filter(|_| !frozen),
        "probability": change.risk.filter(|_| !frozen),
    })
}

fn change_line(line: &Value) -> Value {
    let (health, risk) = (&line["health"], &line["risk"]);
    let unless_frozen = |value: &Value| if health["band"] == "churned" { Value::Null } else { value.clone() };
    json!({
        "as_of": instant(&line["as_of"]), "sequence": line["sequence"], "band": health["band"],
        "score": unless_frozen(&health["score"]),
        "level": unless_frozen(&risk["level"]),
        "probability": unless_frozen(&risk["probability"]),
    })
}

/// The parts of a score as in the account line. The score of a churned account is frozen, so only its band is compared.
fn scores(account: &str, expected: &Score, actual: &Value) -> Vec<Difference> {
    let known = |value: Value| Some(value).filter(|value| !value.is_null());
    let mut pairs = vec![("health.band", known(json!(expected.band)), known(actual["health"]["band"].clone()))];
    if expected.band != "churned" {
        let score = |name: &str| known(actual["health"][name].clone());
        let risk = |name: &str| known(actual["risk"][name].clone());
        pairs.push(("health.score", known(json!(expected.health)), score("score")));
        pairs.push(("health.coverage", known(json!(expected.coverage)), score("coverage")));
        pairs.push(("risk.probability", known(json!(expected.risk)), risk("probability")));
        pairs.push(("risk.level", known(json!(expected.level)), risk("level")));
        pairs.push(("rules", known(json!(expected.rules)), known(actual["rules"].clone())));
    }
    let differ = pairs.into_iter().filter(|(name, expected, actual)| !agree(name, expected.as_ref(), actual.as_ref()));
    differ.map(|(name, expected, actual)| difference(name, account, expected.as_ref(), actual.as_ref())).collect()
}

/// Counts, amounts and names exactly; ratios to 1e-9; quantiles of durations to 1 % or a minute.
pub fn agree(name: &str, expected: Option<&Value>, actual: Option<&Value>) -> bool {
    let (Some(expected), Some(actual)) = (expected, actual) else { return expected == actual };
    if let (Some(table), Some(other)) = (expected.as_object(), actual.as_object()) {
        return table.len() == other.len() && table.iter().all(|(label, value)| agree(name, Some(value), other.get(label)));
    }
    let (Some(number), Some(other)) = (expected.as_f64(), actual.as_f64()) else { return expected == actual };
    if expected.is_i64() && name != "support.open_weighted" {
        return actual.is_i64() && expected == actual;
    }
    let minute = if name.contains("_hours_") { 1.0 / 60.0 } else { 1.0 };
    let quantile = name.contains("_p50") || name.contains("_p90");
    let tolerance = if quantile { (number.abs() * 0.01).max(minute) } else { number.abs() * 1e-9 };
    (number - other).abs() <= tolerance
}
