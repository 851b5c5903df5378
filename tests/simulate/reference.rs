//! What an engine makes of the inputs that reads them from their starts, one after the other, and never fails.

use std::collections::BTreeMap;

use churnwatch::engine::{Input, PlainStore, RoundOptions, Task};
use churnwatch::event::{Format, Headers};
use churnwatch::stream::machine::{STAMP_KEY, Stamp};
use churnwatch::time::Timestamp;
use serde_json::Value;

use crate::broker::log::Fate;
use crate::broker::{Broker, Topic};
use crate::check::Violation;
use crate::load::{EPOCH, is_deletable};
use crate::setting::Setting;

/// A change as it was published, and the next offsets of the inputs that were committed with it.
#[derive(Clone, Debug)]
pub struct Published {
    pub account: String,
    pub sequence: u64,
    pub as_of: Timestamp,
    pub mrr: Option<u64>,
    health: Value,
    pub task: usize,
    pub next: Vec<i64>,
}

impl Published {
    pub fn read(account: String, value: &[u8], task: usize, next: Vec<i64>) -> Option<Self> {
        let value: Value = serde_json::from_slice(value).ok()?;
        let (sequence, as_of) = (value["sequence"].as_u64()?, Timestamp::parse_rfc3339(value["as_of"].as_str()?)?);
        Some(Self { account, sequence, as_of, mrr: value["mrr_minor"].as_u64(), health: score_of(&value), task, next })
    }
}

/// What does not depend on the changes before.
fn score_of(line: &Value) -> Value {
    Value::Array(vec![line["health"]["score"].clone(), line["health"]["coverage"].clone(), line["risk"]["probability"].clone()])
}

/// An engine that has read the records before these offsets by now.
fn read_before(next: &[i64], task: usize, broker: &Broker, setting: &Setting, now: Timestamp) -> Task<PlainStore> {
    let mut fresh = Task::new(setting.settings(), PlainStore::default());
    for (index, (topic, next)) in setting.inputs.topics.iter().zip(next).enumerate() {
        let entries = &broker.log(Topic::Input(index), task).entries;
        for entry in entries.iter().take((*next).max(0) as usize).filter(|entry| entry.fate == Fate::Committed) {
            let input = Input {
                stream: topic.stream,
                key: Some(&entry.key),
                value: entry.value.as_deref(),
                headers: Headers::NONE,
                format: &Format::Native,
                timestamp: Some(now),
                broker_timestamp: Some(now),
            };
            fresh.process(&input, now);
        }
    }
    fresh
}

/// I1: the score of a change is that of the records before the offsets that were committed with it, at its `as_of`.
pub fn same_score(change: &Published, broker: &Broker, setting: &Setting) -> Result<(), Violation> {
    let fresh = read_before(&change.next, change.task, broker, setting, change.as_of);
    let view = fresh.stream_time().view(change.as_of, &setting.settings());
    let report = fresh.report(&change.account, &view).and_then(|report| serde_json::from_slice::<Value>(&report.0).ok());
    let expected = report.as_ref().map(score_of);
    if expected.as_ref() == Some(&change.health) {
        return Ok(());
    }
    let Published { account, sequence, next, health, .. } = change;
    Err(Violation::new("I1 changes", format!("change {sequence} of {account} has {health}, before {next:?} it is {expected:?}")))
}

/// I4 and I8: what the changelog holds is what an engine has that reads the inputs from their starts.
pub fn same_state(task: usize, broker: &Broker, setting: &Setting, now: u64) -> Result<(), Violation> {
    let (mut restored, mut stamp) = (Task::new(setting.settings(), PlainStore::default()), None);
    for entry in broker.log(Topic::Changelog, task).entries.iter().filter(|entry| entry.fate == Fate::Committed && !entry.is_removed) {
        if &*entry.key == STAMP_KEY {
            stamp = entry.value.as_deref().and_then(|value| Stamp::decode(value).ok());
        } else {
            restored.restore(&entry.key, entry.value.as_deref());
        }
    }
    let Some(stamp) = stamp else { return Err(Violation::new("I4 state", format!("task {task} has no stamp"))) };
    if restored.finish_restore(Some(&stamp.engine)).is_err() {
        return Err(Violation::new("I4 state", format!("the state of task {task} cannot be read")));
    }
    let late = Timestamp(EPOCH + now as i64 + 7_200_000);
    let mut fresh = read_before(&vec![i64::MAX; setting.inputs.topics.len()], task, broker, setting, late);
    let (found, expected) = (accounts_at(&mut restored, late, setting), accounts_at(&mut fresh, late, setting));
    if found == expected {
        return Ok(());
    }
    let differs =
        found.iter().find(|(id, metrics)| expected.get(*id) != Some(metrics)).map(|(id, metrics)| (id, metrics, expected.get(id)));
    Err(Violation::new("I4 state", format!("task {task}: {} accounts, expected {}: {differs:?}", found.len(), expected.len())))
}

/// The metrics of the accounts, by id. Of one that was deleted, counts from before may be left in the hour of its deletion.
fn accounts_at(task: &mut Task<PlainStore>, at: Timestamp, setting: &Setting) -> BTreeMap<String, Value> {
    let options = RoundOptions { publish: false, catching_up: true, budget: usize::MAX, bytes: usize::MAX };
    task.round(at, &options, &mut Vec::new());
    let view = task.stream_time().view(at, &setting.settings());
    let report = |id: String| {
        let report: Value = task.report(&id, &view).and_then(|report| serde_json::from_slice(&report.0).ok()).unwrap_or_default();
        let metrics = if is_deletable(&id) { report["mrr_minor"].clone() } else { report["metrics"].clone() };
        (id, metrics)
    };
    task.account_ids().into_iter().map(report).collect()
}
