//! The changes of each account: in order, without gaps or duplicates, each continuing from the one before, each with its state.

use std::collections::BTreeMap;

use serde_json::Value;

use super::changelog::{Changelog, Commit, Lives};
use super::instant;
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::client;

/// One change, with the transaction that it was committed in.
pub struct Change<'a> {
    pub account: String,
    pub task: i32,
    pub record: Value,
    pub commit: &'a Commit,
}

/// All of a topic.
pub struct Published<'a> {
    pub changes: Vec<Change<'a>>,
    pub tombstones: usize,
}

impl Change<'_> {
    pub fn sequence(&self) -> u64 {
        self.record["sequence"].as_u64().unwrap()
    }
}

/// Every change in partition order; violations of the sequence go to `found`. A tombstone ends the life of an
/// account, and its next life restarts at 1.
pub fn read<'a>(broker: &Broker, topic: &str, changelog: &'a Changelog, found: &mut Vec<Violation>) -> Published<'a> {
    let mut first = FirstCommits::default();
    for (task, commits) in &changelog.commits {
        first.take(*task, commits);
    }
    let (mut changes, mut last): (Vec<Change<'_>>, BTreeMap<String, Value>) = (Vec::new(), BTreeMap::new());
    let (mut lives, mut tombstones) = (Lives::default(), 0);
    for record in client::read_committed(broker, topic) {
        let account = String::from_utf8(record.key.clone().unwrap()).unwrap();
        if record.value.is_none() {
            lives.end(&account);
            tombstones += 1;
            if last.remove(&account).is_none() {
                found.push(Violation::new("I2", format!("{account}: a tombstone without a published change")));
            }
            continue;
        }
        let change = record.json();
        found.extend(follows(&account, last.get(&account), &change));
        last.insert(account.clone(), change.clone());
        match first.0.get(&(account.clone(), lives.of(&account), change["sequence"].as_u64().unwrap())) {
            Some((task, commit)) => changes.push(Change { account, task: *task, record: change, commit }),
            None => found.push(Violation::new("I5", format!("{account}: no state was committed with change {}", change["sequence"]))),
        }
    }
    let sequences = changelog.sequences();
    let left = last.keys().filter(|account| !sequences.contains_key(*account));
    found.extend(left.map(|account| Violation::new("I2", format!("{account}: its state is gone, and there is no tombstone"))));
    for (account, sequence) in sequences {
        let published = last.get(&account).map_or(0, |change| change["sequence"].as_u64().unwrap());
        if published != sequence {
            found.push(Violation::new("I2", format!("{account}: {published} changes were published, its state counts {sequence}")));
        }
    }
    Published { changes, tombstones }
}

/// The first transaction that holds each sequence of each life of an account: that of its change.
#[derive(Default)]
struct FirstCommits<'a>(BTreeMap<(String, usize, u64), (i32, &'a Commit)>);

impl<'a> FirstCommits<'a> {
    fn take(&mut self, task: i32, commits: &'a [Commit]) {
        for commit in commits {
            for (account, (life, sequence)) in &commit.sequences {
                self.0.entry((account.clone(), *life, *sequence)).or_insert((task, commit));
            }
        }
    }
}

/// Violations by a change, given the previous one.
fn follows(account: &str, last: Option<&Value>, change: &Value) -> Option<Violation> {
    let expected = last.map_or(0, |last| last["sequence"].as_u64().unwrap()) + 1;
    let shown = |change: &Value| format!("{} at {} with {}", change["sequence"], change["as_of"], change["health"]);
    let wrong = |what: &str| {
        let last = last.map_or_else(|| "nothing".to_owned(), shown);
        Some(Violation::new("I2", format!("{account}: {what}: after {last} came {}", shown(change))))
    };
    if change["sequence"] != expected {
        return wrong("a gap or a repetition");
    }
    if change["account_id"] != account {
        return wrong("another account's change");
    }
    match last {
        Some(last) if instant(&last["as_of"]) > instant(&change["as_of"]) => wrong("time has gone back"),
        Some(last) if last["health"]["score"] != change["health"]["previous"] => wrong("it does not start where the last one ended"),
        _ => None,
    }
}
