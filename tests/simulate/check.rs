//! What must hold after every commit, and at the end: the invariants of docs/reliability.md. Nothing here shares code with what it checks
//! but the stamp's codec and the engine, which reads the logs a second time (`reference.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use churnwatch::engine::{PlainStore, Task};
use churnwatch::event::Stream;
use churnwatch::stream::Failure;
use churnwatch::stream::machine::{STAMP_KEY, Stamp};

use crate::broker::log::{Entry, Fate};
use crate::broker::{Broker, Committed, Topic};
use crate::load::{Load, is_deletable};
use crate::reference::{self, Published};
use crate::setting::Setting;

/// One of so many changes is scored again.
const SAMPLE: u64 = 16;

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

/// What may make a process exit.
pub struct Excuse {
    /// Faults go on, or have gone on until recently.
    pub has_faults: bool,
    /// A shutdown was requested.
    pub was_stopped: bool,
    /// Another process has had its name at the same time, or the coordinator has ended a transaction of this name that was open for too long.
    pub is_rivalled: bool,
}

pub struct Checks {
    pub violation: Option<Violation>,
    pub commits: u64,
    pub changes: u64,
    /// Committed transactions that wait for older ones to end: readers see them in the order in which they were begun.
    waiting: BTreeMap<u32, Committed>,
    /// The code with which the next process must exit.
    pub expected_exit: Option<&'static str>,
    /// A task that has been damaged: what it counts, and what its accounts pay, is not known any more.
    pub damaged: Option<usize>,
    /// The last change of each account since it was deleted, if ever.
    last: BTreeMap<String, Published>,
    /// Some that were not the last.
    sampled: Vec<Published>,
    /// Whether the clocks of all processes agree, so that a score can be repeated.
    clocks_agree: bool,
    /// The next offsets of the last stamp of each task.
    stamps: BTreeMap<usize, Vec<i64>>,
    letters: BTreeSet<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    streams: Vec<Stream>,
}

impl Checks {
    pub fn new(setting: &Setting, clocks_agree: bool) -> Self {
        Self {
            violation: None,
            commits: 0,
            changes: 0,
            waiting: BTreeMap::new(),
            expected_exit: None,
            damaged: None,
            last: BTreeMap::new(),
            sampled: Vec::new(),
            clocks_agree,
            stamps: BTreeMap::new(),
            letters: BTreeSet::new(),
            streams: setting.inputs.topics.iter().map(|topic| topic.stream).collect(),
        }
    }

    fn found(&mut self, check: &'static str, text: String) {
        self.violation.get_or_insert(Violation::new(check, text));
    }

    /// A process has exited. Only failures that the faults can cause are allowed.
    pub fn exited(&mut self, failure: &Failure, excuse: &Excuse) {
        if self.expected_exit.take_if(|code| *code == failure.code()).is_some() {
            return;
        }
        match failure.code() {
            "no_progress" if excuse.has_faults && !failure.to_string().contains("a bug") => {}
            "stopped_uncommitted" if excuse.was_stopped => {}
            "fenced" if excuse.is_rivalled => {}
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
    pub fn committed(&mut self, committed: Committed) {
        self.commits += 1;
        self.waiting.insert(committed.transaction, committed);
    }

    /// Checks the committed transactions up to the oldest that is open.
    pub fn check(&mut self, broker: &Broker, load: &Load, setting: &Setting) {
        let oldest = broker.transactions.oldest_open().unwrap_or(u32::MAX);
        let later = self.waiting.split_off(&oldest);
        for committed in std::mem::replace(&mut self.waiting, later).into_values() {
            self.transaction(&committed, broker, load, setting);
        }
    }

    fn transaction(&mut self, committed: &Committed, broker: &Broker, load: &Load, setting: &Setting) {
        let mut stamped = BTreeSet::new();
        for (_, task) in committed.partitions.iter().filter(|(topic, _)| *topic == Topic::Changelog) {
            let entries = entries_of(broker, (Topic::Changelog, *task), committed.transaction);
            for entry in entries.filter(|entry| &*entry.key == STAMP_KEY) {
                stamped.insert(*task);
                self.stamp(*task, entry, committed, (broker, load), setting);
            }
        }
        if let Some((_, task)) = committed.partitions.iter().find(|(topic, task)| *topic == Topic::Changelog && !stamped.contains(task)) {
            self.found("I5 stamp = offsets", format!("changelog records of task {task} without a stamp"));
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
        if self.damaged == Some(task) {
            return;
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
        let Some(value) = entry.value.as_deref() else {
            if self.last.remove(&account).is_none() {
                self.found("I2 order", format!("a tombstone of {account}, which has no change"));
            }
            return;
        };
        let task = account.trim_start_matches('a').split('-').next().and_then(|task| task.parse::<usize>().ok()).unwrap_or(0);
        let next = self.stamps.get(&task).cloned().unwrap_or_default();
        let Some(change) = Published::read(account, value, task, next) else {
            return self.found("I1 changes", "a change that cannot be read".to_owned());
        };
        let before = self.last.get(&change.account);
        let sequence = before.map_or(0, |before| before.sequence);
        if change.sequence != sequence + 1 {
            self.found("I2 order", format!("{}: change {} follows {sequence}", change.account, change.sequence));
        }
        if self.clocks_agree && self.last.get(&change.account).is_some_and(|before| before.as_of > change.as_of) {
            self.found("I2 order", format!("{}: change {} is older than the one before", change.account, change.sequence));
        }
        let expected = load.mrr(task, &change.account, &change.next);
        if change.mrr != expected && self.damaged != Some(task) {
            let (found, next) = (change.mrr, &change.next);
            self.found(
                "I1 changes",
                format!("{} pays {found:?} in change {}, but {expected:?} before {next:?}", change.account, change.sequence),
            );
        }
        let number = self.changes;
        let earlier = self.last.insert(change.account.clone(), change);
        self.sampled.extend(earlier.filter(|_| number.is_multiple_of(SAMPLE)));
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
        (0..setting.tasks).try_for_each(|task| reference::same_state(task, broker, setting, now))?;
        if self.clocks_agree {
            (0..setting.tasks).try_for_each(|task| reference::is_current(&self.last, task, broker, setting, now))?;
        }
        let to_score = self.last.values().chain(&self.sampled).filter(|_| self.clocks_agree);
        to_score.filter(|change| !is_deletable(&change.account)).try_for_each(|change| reference::same_score(change, broker, setting))
    }
}

fn entries_of(broker: &Broker, (topic, partition): (Topic, usize), transaction: u32) -> impl Iterator<Item = &Entry> {
    broker.log(topic, partition).entries.iter().filter(move |entry| entry.transaction == transaction && entry.fate == Fate::Committed)
}
