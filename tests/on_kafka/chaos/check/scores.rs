//! Each change against the reference: the score of the events up to its stamp, at its `as_of`.

use serde_json::{Value, json};

use super::changes::Change;
use super::instant;
use super::reference::Reference;
use crate::chaos::Violation;
use crate::chaos::random::Random;
use crate::oracle::difference::{agree, metrics};

/// Compares `count` changes chosen by the seed, and the last one of every account. Returns how many were compared.
pub fn check(changes: &[Change<'_>], reference: &Reference, count: usize, seed: u64, found: &mut Vec<Violation>) -> usize {
    let mut random = Random::new(seed);
    let mut last = std::collections::BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        last.insert(&change.account, place);
    }
    let mut places: std::collections::BTreeSet<usize> = last.into_values().collect();
    let left = count.min(changes.len()).saturating_sub(places.len());
    places.extend((0..left).map(|_| usize::try_from(random.next() % changes.len() as u64).unwrap()));
    for place in &places {
        found.extend(compare(&changes[*place], reference));
    }
    places.len()
}

fn compare(change: &Change<'_>, reference: &Reference) -> Option<Violation> {
    let t = instant(&change.record["as_of"]);
    let Some((metrics, score)) = reference.of(change.task, &change.account, change.commit, t) else {
        let (account, sequence, stamp) = (&change.account, change.sequence(), &change.commit.next);
        return Some(Violation::new("I1", format!("change {sequence} of {account}, which is not there; stamp {stamp:?}, t {t}")));
    };
    let (health, risk) = (&change.record["health"], &change.record["risk"]);
    let mut pairs = vec![("revenue.mrr", metrics.values.get("revenue.mrr").cloned(), known(&change.record["mrr_minor"]))];
    // A churned account keeps the score and risk of the previous change.
    if score.band == "churned" {
        pairs.push(("band", Some(json!("churned")), known(&health["band"])));
    } else {
        pairs.push(("score", score.health.map(|health| json!(health)), known(&health["score"])));
        pairs.push(("coverage", Some(json!(score.coverage)), known(&health["coverage"])));
        pairs.push(("probability", score.risk.map(|risk| json!(risk)), known(&risk["probability"])));
        pairs.push(("level", score.level.map(|level| json!(level)), known(&risk["level"])));
        pairs.push(("rules", Some(json!(score.rules)), known(&change.record["rules"])));
    }
    let (name, expected, actual) = pairs.into_iter().find(|(name, expected, actual)| !agree(name, expected.as_ref(), actual.as_ref()))?;
    let (account, sequence, stamp) = (&change.account, change.sequence(), &change.commit.next);
    let what = format!("{name} of change {sequence} of {account} is {actual:?}, the reference says {expected:?}; stamp {stamp:?}, t {t}");
    Some(Violation::new("I1", what))
}

/// An account line from the API, compared with the reference after everything that was committed.
pub fn compare_line(task: i32, line: &Value, commit: &super::changelog::Commit, reference: &Reference) -> Vec<Violation> {
    let account = line["account_id"].as_str().unwrap();
    let Some((expected, _)) = reference.of(task, account, commit, instant(&line["as_of"])) else {
        return vec![Violation::new("I4", format!("{account} is there after a restore, and has no record"))];
    };
    let differ = metrics(account, &expected.values, line["metrics"].as_object().unwrap());
    differ.into_iter().map(|difference| Violation::new("I4", difference.to_string())).collect()
}

fn known(value: &Value) -> Option<Value> {
    Some(value.clone()).filter(|value| !value.is_null())
}
