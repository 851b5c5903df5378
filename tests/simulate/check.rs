//! What must hold after every commit, and at the end: the invariants of docs/reliability.md. Nothing here shares code with what it checks
//! but the engine, which reads the logs a second time at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use churnwatch::engine::{Input, PlainStore, Task};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::stream::Failure;
use churnwatch::stream::machine::{STAMP_KEY, Stamp};
use churnwatch::time::Timestamp;

use crate::broker::log::{Entry, Fate};
use crate::broker::{Broker, Committed, Topic};
use crate::load::{BILLING, EPOCH, Load};
use crate::setting::Setting;

/// What did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    pub check: &'static str,
    pub text: String,
}

impl Violation {
    pub fn new(check: &'static str, text: String) -> Self {
        Self { check, text }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.text)
    }
}

pub struct Checks {
    pub violation: Option<Violation>,
    pub commits: u64,
    pub changes: u64,
    /// The code with which the next process must exit.
    pub expected_exit: Option<&'static str>,
    /// The last committed sequence of each account.
    sequences: BTreeMap<Vec<u8>, u64>,
    /// The next offsets of the last stamp of each task.
    stamps: BTreeMap<usize, Vec<i64>>,
    letters: BTreeSet<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    streams: Vec<Stream>,
}

impl Checks {
    pub fn new(setting: &Setting) -> Self {
        Self {
            violation: None,
            commits: 0,
            changes: 0,
            expected_exit: None,
            sequences: BTreeMap::new(),
            stamps: BTreeMap::new(),
            letters: BTreeSet::new(),
            streams: setting.inputs.topics.iter().map(|topic| topic.stream).collect(),
        }
    }

    fn found(&mut self, check: &'static str, text: String) {
        self.violation.get_or_insert(Violation::new(check, text));
    }

    /// A process has given up. What the faults cannot cause, it must not have found.
    pub fn exited(&mut self, failure: &Failure, is_named: bool) {
        if self.expected_exit.take_if(|code| *code == failure.code()).is_some() {
            return;
        }
        match failure.code() {
            "no_progress" | "stopped_uncommitted" => {}
            "fenced" if is_named => {}
            code => self.found("exit", format!("{code}: {failure}")),
        }
    }

    /// A process that has been away has taken the name back from a later one, which works.
    pub fn fences_successor(&mut self, id: usize, successor: usize) {
        self.found("I6 zombies", format!("process {id} fences process {successor}, which was started later"));
    }

    /// A named process has gone on although its producer was fenced.
    pub fn goes_on_fenced(&mut self, id: usize) {
        self.found("I6 zombies", format!("process {id} was fenced, and does not exit"));
    }

    /// A transaction was committed.
    pub fn committed(&mut self, committed: &Committed, broker: &Broker, load: &Load, setting: &Setting) {
        self.commits += 1;
        let mut stamped = BTreeSet::new();
        for (_, task) in committed.partitions.iter().filter(|(topic, _)| *topic == Topic::Changelog) {
            let entries = entries_of(broker, (Topic::Changelog, *task), committed.transaction);
            for entry in entries.filter(|entry| &*entry.key == STAMP_KEY) {
                stamped.insert(*task);
                self.stamp(*task, entry, committed, (broker, load), setting);
            }
        }
        if let Some((_, task)) = committed.offsets.keys().find(|(_, task)| !stamped.contains(task)) {
            self.found("I5 stamp = offsets", format!("offsets of task {task} without a stamp"));
        }
        for entry in entries_of(broker, (Topic::Changes, 0), committed.transaction) {
            self.change(entry, load);
        }
        for entry in entries_of(broker, (Topic::DeadLetters, 0), committed.transaction) {
            let header =
                |name: &str| entry.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default();
            let place = (header("churnwatch_topic"), header("churnwatch_partition"), header("churnwatch_offset"));
            if !self.letters.insert(place.clone()) {
                let place = String::from_utf8_lossy(&[place.0, place.1, place.2].join(&b' ')).into_owned();
                self.found("I3 dead letters", format!("the record at {place} is in the dead letters twice"));
            }
        }
    }

    fn stamp(&mut self, task: usize, entry: &Entry, committed: &Committed, (broker, load): (&Broker, &Load), setting: &Setting) {
        let Ok(stamp) = Stamp::decode(entry.value.as_deref().unwrap_or_default()) else {
            return self.found("I5 stamp = offsets", "a stamp cannot be read".to_owned());
        };
        let next: Vec<i64> = setting.inputs.topics.iter().map(|topic| stamp.next(&topic.name).unwrap_or(-1)).collect();
        let offsets: Vec<i64> = (0..next.len()).map(|input| committed.offsets.get(&(input, task)).copied().unwrap_or(-1)).collect();
        if next != offsets {
            self.found("I5 stamp = offsets", format!("task {task}: the stamp has {next:?}, the offsets are {offsets:?}"));
        }
        let before = self.stamps.insert(task, next.clone()).unwrap_or_default();
        if before.iter().zip(&next).any(|(before, next)| before > next) {
            self.found("I4 state", format!("task {task} went back from {before:?} to {next:?}"));
        }
        let mut engine = Task::new(setting.settings(), PlainStore::default());
        if engine.finish_restore(Some(&stamp.engine)).is_err() {
            return self.found("I4 state", "the engine's part of a stamp cannot be read".to_owned());
        }
        let counts = engine.summary().counts;
        for (input, next) in next.iter().enumerate() {
            let log = broker.log(Topic::Input(input), task);
            let records = log.entries.iter().take(*next as usize).filter(|entry| entry.fate == Fate::Committed).count() as u64;
            let stream = self.streams[input];
            let read = counts.of(stream).read;
            let repeated = load.repeated.range((task, 0)..(task, *next as usize)).count() as u64;
            if stream == Stream::Usage && counts.of(stream).duplicate != repeated {
                let found = counts.of(stream).duplicate;
                self.found("I3 counts", format!("task {task}: {found} duplicates counted, {repeated} before the stamp's offset {next}"));
            }
            if read != records {
                self.found(
                    "I3 counts",
                    format!("task {task}: {read} records of {stream:?} counted, {records} before the stamp's offset {next}"),
                );
            }
        }
    }

    fn change(&mut self, entry: &Entry, load: &Load) {
        self.changes += 1;
        let account = String::from_utf8_lossy(&entry.key).into_owned();
        let id = entry.headers.iter().find(|(name, _)| name == "ce_id").map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let sequence = id.and_then(|id| id.rsplit_once(':')?.1.parse::<u64>().ok()).unwrap_or(0);
        let before = self.sequences.insert(entry.key.to_vec(), sequence).unwrap_or(0);
        if sequence != before + 1 {
            self.found("I2 sequence", format!("{account}: {sequence} follows {before}"));
        }
        let value = entry.value.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let mrr = value.split_once("\"mrr_minor\":").and_then(|(_, rest)| rest.split([',', '}']).next()?.parse::<u64>().ok());
        let task = account.trim_start_matches('a').split('-').next().and_then(|task| task.parse::<usize>().ok()).unwrap_or(0);
        let next = self.stamps.get(&task).map_or(0, |next| next[BILLING]);
        let expected = load.mrr(task, &account, next.max(0) as usize);
        if mrr != expected {
            self.found(
                "I1 changes",
                format!("{account} pays {mrr:?} in change {sequence}, but {expected:?} before the stamp's offset {next}"),
            );
        }
    }

    /// Everything is written.
    pub fn finish(&mut self, broker: &Broker, load: &Load, setting: &Setting, now: u64) -> Result<(), Violation> {
        if broker.has_open() {
            return Err(Violation::new("open transactions", "one is left".to_owned()));
        }
        for (input, task, offset) in &load.bad {
            let topic = setting.inputs.topics[*input].name.clone();
            let place = (topic.into_bytes(), task.to_string().into_bytes(), offset.to_string().into_bytes());
            if !self.letters.remove(&place) {
                return Err(Violation::new("I3 dead letters", format!("the bad record {offset} of input {input} [{task}] is in none")));
            }
        }
        if let Some(letter) = self.letters.first() {
            return Err(Violation::new("I3 dead letters", format!("one of a record that is not bad: {letter:?}")));
        }
        (0..setting.tasks).try_for_each(|task| same_state(task, broker, setting, now))
    }
}

fn entries_of(broker: &Broker, (topic, partition): (Topic, usize), transaction: u32) -> impl Iterator<Item = &Entry> {
    broker.log(topic, partition).entries.iter().filter(move |entry| entry.transaction == transaction && entry.fate == Fate::Committed)
}

/// I4: what the changelog holds is what an engine has that reads the inputs from their starts.
fn same_state(task: usize, broker: &Broker, setting: &Setting, now: u64) -> Result<(), Violation> {
    let settings = setting.settings();
    let (mut restored, mut stamp) = (Task::new(settings.clone(), PlainStore::default()), None);
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
    let mut fresh = Task::new(settings.clone(), PlainStore::default());
    let late = Timestamp(EPOCH + now as i64 + 3_600_000);
    for (input, topic) in setting.inputs.topics.iter().enumerate() {
        for entry in broker.log(Topic::Input(input), task).entries.iter().filter(|entry| entry.fate == Fate::Committed) {
            let input = Input {
                stream: topic.stream,
                key: Some(&entry.key),
                value: entry.value.as_deref(),
                headers: Headers::NONE,
                format: &Format::Native,
                timestamp: Some(late),
                broker_timestamp: Some(late),
            };
            fresh.process(&input, late);
        }
    }
    let metrics = |task: &Task<PlainStore>| {
        let view = task.stream_time().view(late, &settings);
        let mut ids = task.account_ids();
        ids.sort_unstable();
        let report = |id: &String| {
            let report: serde_json::Value =
                task.report(id, &view).and_then(|report| serde_json::from_slice(&report.0).ok()).unwrap_or_default();
            (id.clone(), report["metrics"].clone())
        };
        ids.iter().map(report).collect::<Vec<_>>()
    };
    let (found, expected) = (metrics(&restored), metrics(&fresh));
    if found == expected {
        return Ok(());
    }
    let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    Err(Violation::new("I4 state", format!("task {task}: {} accounts, expected {}: {differs:?}", found.len(), expected.len())))
}
