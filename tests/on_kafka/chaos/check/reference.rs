//! The input topics run through the slow reference of `tests/oracle`, task by task: the outcome of every record, and each account after
//! the records up to a stamp.

use std::collections::BTreeMap;

use churnwatch::event::Stream;

use super::changelog::Commit;
use crate::chaos::load::REMEMBERED_DAYS;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::Topics;
use crate::oracle::account::Account;
use crate::oracle::input::{self, Counts, DeadLetter, Input, Record};
use crate::oracle::metric::Metrics;
use crate::oracle::score::{DEFAULT_MODEL, Score, score};
use crate::oracle::settings::Settings;
use crate::oracle::{Files, STREAMS};

/// All tasks.
pub struct Reference {
    tasks: Vec<Task>,
    /// Topics in the order of [`STREAMS`].
    topics: Vec<String>,
    settings: Settings,
    model: toml::Table,
    /// Records of all input topics.
    pub records: u64,
}

/// The records of one partition number.
struct Task {
    files: Files,
    input: Input,
    /// Indexes into the records, by account.
    accounts: BTreeMap<String, Vec<usize>>,
    /// The line and the timestamp of the first record of each stream that the reference could read.
    first: BTreeMap<&'static str, (u64, i64)>,
}

impl Reference {
    /// Reads every input topic and processes each partition separately as of `t`, which is not before any record.
    pub fn read(broker: &Broker, topics: &Topics, t: i64) -> Self {
        let settings = Settings { dedup_days: REMEMBERED_DAYS, ..Settings::default() };
        let names: Vec<String> = STREAMS.iter().map(|stream| topics.of(stream_named(stream))).collect();
        let mut files: Vec<Files> = (0..topics.partitions).map(|_| Files::new()).collect();
        let mut timestamps: Vec<BTreeMap<&str, Vec<i64>>> = files.iter().map(|_| BTreeMap::new()).collect();
        let mut records = 0;
        for (stream, name) in STREAMS.into_iter().zip(&names) {
            for task in &mut files {
                task.insert(stream, Vec::new());
            }
            for record in client::read_committed(broker, name) {
                let task = usize::try_from(record.partition).unwrap();
                let lines = files[task].get_mut(stream).unwrap();
                assert_eq!(i64::try_from(lines.len()).unwrap(), record.offset, "line n is offset n - 1");
                lines.push(record.value.unwrap_or_else(|| deletion(&record.key.unwrap(), record.timestamp)));
                timestamps[task].entry(stream).or_default().push(record.timestamp);
                records += 1;
            }
        }
        let task = |(files, timestamps): (Files, BTreeMap<&str, Vec<i64>>)| Task::new(files, &timestamps, &settings, t);
        let tasks = files.into_iter().zip(timestamps).map(task).collect();
        Self { tasks, topics: names, settings, model: DEFAULT_MODEL.parse().unwrap(), records }
    }

    /// Every bad record by topic, partition, offset and code.
    pub fn letters(&self) -> Vec<[String; 4]> {
        let origin = |task: usize, letter: &DeadLetter| {
            let topic = STREAMS.iter().position(|stream| *stream == letter.stream).unwrap();
            [self.topics[topic].clone(), task.to_string(), (letter.line - 1).to_string(), letter.code.clone()]
        };
        let of_task =
            |(number, task): (usize, &Task)| task.input.dead_letters.iter().map(|letter| origin(number, letter)).collect::<Vec<_>>();
        self.tasks.iter().enumerate().flat_map(of_task).collect()
    }

    /// How the records of a stream ended, over all tasks.
    pub fn counts(&self, stream: &str) -> Counts {
        let mut sum = Counts::default();
        for counts in self.tasks.iter().map(|task| &task.input.counts[stream]) {
            sum.read += counts.read;
            sum.applied += counts.applied;
            sum.duplicate += counts.duplicate;
            sum.late += counts.late;
            sum.ignored += counts.ignored;
            for (code, count) in &counts.dead_letter {
                *sum.dead_letter.entry(code.clone()).or_default() += count;
            }
        }
        sum
    }

    /// Every account with a record after its last deletion, with its task.
    pub fn accounts(&self) -> Vec<(i32, &String)> {
        let of_task = |(number, task)| Task::there(task).map(move |account| (number, account));
        (0..).zip(&self.tasks).flat_map(of_task).collect()
    }

    /// An account at `t`, after the records up to a stamp; `None` if it does not exist.
    pub fn of(&self, task: i32, account: &str, commit: &Commit, t: i64) -> Option<(Metrics, Score)> {
        let task = &self.tasks[usize::try_from(task).unwrap()];
        let read = |stream: &str| {
            let topic = STREAMS.iter().position(|known| *known == stream).unwrap();
            u64::try_from(commit.next[&self.topics[topic]]).unwrap()
        };
        let places = task.accounts.get(account).map(Vec::as_slice).unwrap_or_default();
        let records = places.iter().map(|place| &task.input.records[*place]);
        let known = records.filter(|record| record.at <= t && record.line <= read(record.stream));
        let mut records = after_deletion(known.collect());
        if records.is_empty() {
            return None;
        }
        records.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let account = Account::new(records, &self.settings, t);
        let first = task.first.iter().filter(|(stream, (line, _))| *line <= read(stream));
        let observed = first.map(|(stream, (_, timestamp))| (*stream, *timestamp)).collect();
        let mut metrics = account.metrics();
        metrics.keep_observed(&task.files, &observed, t);
        let score = score(&self.model, &account, &task.files, &metrics);
        Some((metrics, score))
    }
}

impl Task {
    fn new(files: Files, timestamps: &BTreeMap<&str, Vec<i64>>, settings: &Settings, t: i64) -> Self {
        let input = input::read(&files, settings, t);
        let mut accounts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut first = BTreeMap::new();
        for (place, record) in input.records.iter().enumerate() {
            let timestamp = timestamps[record.stream][usize::try_from(record.line - 1).unwrap()];
            first.entry(record.stream).or_insert((record.line, timestamp));
            if let Some(account) = &record.account {
                accounts.entry(account.clone()).or_default().push(place);
            }
        }
        Self { files, input, accounts, first }
    }

    /// The accounts that exist after all records.
    fn there(&self) -> impl Iterator<Item = &String> {
        let is_there = |places: &Vec<usize>| !after_deletion(places.iter().map(|place| &self.input.records[*place]).collect()).is_empty();
        self.accounts.iter().filter(move |(_, places)| is_there(places)).map(|(account, _)| account)
    }
}

/// The records after the last deletion among them.
fn after_deletion(mut records: Vec<&Record>) -> Vec<&Record> {
    let deleted = records.iter().filter(|record| record.deletes()).map(|record| record.at).max();
    records.retain(|record| deleted.is_none_or(|deleted| record.at > deleted));
    records
}

/// A null value as the record that says the same.
fn deletion(key: &[u8], timestamp: i64) -> Vec<u8> {
    let account = std::str::from_utf8(key).unwrap();
    format!(r#"{{"type":"account_profile","account_id":"{account}","deleted":true,"occurred_at":{timestamp}}}"#).into_bytes()
}

fn stream_named(name: &str) -> Stream {
    Stream::ALL.into_iter().find(|stream| stream.name() == name).unwrap()
}
