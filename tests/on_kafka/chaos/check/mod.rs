//! The invariants of everything committed, read as an outsider would: committed records of all topics, the group's offsets and the
//! transactions in the broker's internal topics, and the API of a freshly restored instance.

mod bytes;
pub mod changelog;
mod changes;
mod offsets;
mod records;
pub mod reference;
mod scores;
pub mod stage;
mod transactions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use transactions::Ended;

use self::changelog::Changelog;
use self::changes::Published;
use self::reference::Reference;
use super::Violation;
use super::leaver::RETURNER;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::{Topics, now};
use crate::kafka::service::Application;

/// Changes of a campaign that are compared with the reference, besides the last of each account.
const CHANGES_COMPARED: usize = 400;

/// What an instance restored at the end reports.
pub struct Restored {
    /// `/api/pipeline`.
    pub pipeline: Value,
    /// `/api/accounts/{id}` of each existing account.
    pub lines: BTreeMap<String, Value>,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looked {
    pub records: u64,
    pub changes: usize,
    pub changes_compared: usize,
    pub letters: usize,
    pub stamps: usize,
    pub accounts: usize,
    /// Accounts that had been published and were deleted.
    pub tombstones: usize,
    pub transactions: Ended,
}

/// Everything that must hold once all input is read and all instances have stopped. `witness` is an application that has read the
/// same input without faults.
pub fn check(
    broker: &Broker,
    topics: &Topics,
    application: &Application,
    witness: &Application,
    restored: &Restored,
    seed: u64,
) -> Result<Looked, Vec<Violation>> {
    let mut found = Vec::new();
    let own = [&application.changes, &application.dead_letters, &application.changelog].map(String::as_str);
    let transactions = transactions::check(broker, &[&own[..], &["__consumer_offsets"]].concat());
    let transactions = transactions.map_err(|violation| found.push(violation)).unwrap_or_default();
    let changelog = Changelog::read(broker, &application.changelog).map_err(|violation| vec![violation])?;
    found.extend(offsets::check(broker, &application.id, &changelog));
    let ends = topics.all().into_iter().map(|topic| (topic.clone(), client::ends(broker, &topic))).collect();
    found.extend(offsets::check_ends(&changelog, &ends));
    let Published { changes, tombstones } = changes::read(broker, &application.changes, &changelog, &mut found);
    let reference = Reference::read(broker, topics, now());
    found.extend(records::check_letters(broker, &application.dead_letters, &reference));
    found.extend(records::check_counts(&restored.pipeline, &reference));
    let expected = Changelog::read(broker, &witness.changelog).map_err(|violation| vec![violation])?;
    found.extend(compare_states(&changelog, &expected, |_| true));
    found.extend(compare_lines(restored, &changelog, &reference));
    let changes_compared = scores::check(&changes, &reference, CHANGES_COMPARED, seed, &mut found);
    if !found.is_empty() {
        return Err(found);
    }
    Ok(Looked {
        records: reference.records,
        changes: changes.len(),
        changes_compared,
        letters: reference.letters().len(),
        stamps: changelog.commits.values().map(Vec::len).sum(),
        accounts: restored.lines.len(),
        tombstones,
        transactions,
    })
}

/// What must hold for commits before all input is read: their order, offsets and changes.
pub fn check_commits(broker: &Broker, application: &Application) -> Vec<Violation> {
    // An open transaction would hide what was committed after it.
    let own = [&application.changes, &application.changelog].map(String::as_str);
    if let Err(violation) = transactions::check(broker, &[&own[..], &["__consumer_offsets"]].concat()) {
        return vec![violation];
    }
    let changelog = match Changelog::read(broker, &application.changelog) {
        Ok(changelog) => changelog,
        Err(violation) => return vec![violation],
    };
    let mut found = offsets::check(broker, &application.id, &changelog);
    changes::read(broker, &application.changes, &changelog, &mut found);
    found
}

/// The state in the changelog is byte-identical to that of the application without faults, except for accounts whose next life may have
/// been read before the deletion: which ids they remember depends on that.
pub fn compare_states(changelog: &Changelog, witness: &Changelog, is_compared: impl Fn(&[u8]) -> bool) -> Option<Violation> {
    let (state, expected) = (changelog.made_of_events(), witness.made_of_events());
    let is_comparable =
        |(_, key): &&(i32, Vec<u8>)| is_compared(key) && !key.windows(RETURNER.len()).any(|part| part == RETURNER.as_bytes());
    let keys: BTreeSet<_> = expected.keys().chain(state.keys()).copied().filter(is_comparable).collect();
    let differing: Vec<_> = keys.into_iter().filter(|key| state.get(key) != expected.get(key)).collect();
    let (task, first) = differing.first()?;
    let mut by_section: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (_, key) in &differing {
        *by_section.entry(&key[..2]).or_default() += 1;
    }
    let lengths = [&state, &expected].map(|state| state.get(&(*task, first.clone())).map(|value| value.len()));
    let (count, first) = (differing.len(), String::from_utf8_lossy(first));
    let what = format!("{count} records of state differ, by section {by_section:?}; first {first:?} of task {task}, of {lengths:?} bytes");
    Some(Violation::new("I4", what))
}

/// An instance restored at the end reports exactly the accounts of the reference, with the same figures.
fn compare_lines(restored: &Restored, changelog: &Changelog, reference: &Reference) -> Vec<Violation> {
    let mut found = Vec::new();
    let there = reference.accounts();
    let known: BTreeSet<&String> = there.iter().map(|(_, account)| *account).collect();
    let surplus = restored.lines.keys().filter(|account| !known.contains(account));
    found.extend(surplus.map(|account| Violation::new("I4", format!("{account} is there after a restore, and was deleted"))));
    for (task, account) in there {
        let Some(last) = changelog.commits.get(&task).and_then(|commits| commits.last()) else { continue };
        match restored.lines.get(account) {
            Some(line) => found.extend(scores::compare_line(task, line, last, reference)),
            None => found.push(Violation::new("I4", format!("{account} is not there after a restore"))),
        }
    }
    found
}

/// An instant of an output in milliseconds.
fn instant(text: &Value) -> i64 {
    text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
