//! The changelog as a sequence of transactions: the scores that each wrote, and the stamp that ended it.

use std::collections::BTreeMap;

use super::bytes::Bytes;
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::client;

/// One transaction of a task.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The next offset of each input topic.
    pub next: BTreeMap<String, i64>,
    /// Life and sequence of each account whose score it wrote.
    pub sequences: BTreeMap<String, (usize, u64)>,
}

/// How often published accounts were deleted: each deletion ends a life.
#[derive(Default)]
pub struct Lives(BTreeMap<String, usize>);

impl Lives {
    /// The life that an account is in, from 0.
    pub fn of(&self, account: &str) -> usize {
        self.0.get(account).copied().unwrap_or_default()
    }

    /// Ends a life.
    pub fn end(&mut self, account: &str) {
        *self.0.entry(account.to_owned()).or_default() += 1;
    }
}

/// All tasks.
#[derive(Default)]
pub struct Changelog {
    /// In order, by task.
    pub commits: BTreeMap<i32, Vec<Commit>>,
    /// The newest value of each key, by task and key.
    pub state: BTreeMap<(i32, Vec<u8>), Vec<u8>>,
}

impl Changelog {
    /// Everything that was committed.
    ///
    /// # Errors
    /// If records follow the last stamp: a transaction without a stamp.
    pub fn read(broker: &Broker, topic: &str) -> Result<Self, Violation> {
        let mut changelog = Self::default();
        let mut open: BTreeMap<i32, BTreeMap<String, (usize, u64)>> = BTreeMap::new();
        let mut lives = Lives::default();
        for record in client::read_committed(broker, topic) {
            let (task, key) = (record.partition, record.key.unwrap());
            match (&key[..], &record.value) {
                (b"\0stamp", Some(value)) => {
                    let sequences = open.remove(&task).unwrap_or_default();
                    changelog.commits.entry(task).or_default().push(Commit { next: stamp(value), sequences });
                }
                ([1, 0, _, _, id @ ..], Some(value)) => {
                    let id = String::from_utf8(id.to_vec()).unwrap();
                    // A next life that was read before the deletion takes the place of the first one.
                    if changelog
                        .state
                        .get(&(task, key.clone()))
                        .is_some_and(|before| sequence(before) > 0 && first_seen(value) > first_seen(before))
                    {
                        lives.end(&id);
                    }
                    let life = lives.of(&id);
                    open.entry(task).or_default().insert(id, (life, sequence(value)));
                }
                ([1, 0, _, _, id @ ..], None) => {
                    let published = changelog.state.get(&(task, key.clone())).is_some_and(|value| sequence(value) > 0);
                    if published {
                        lives.end(std::str::from_utf8(id).unwrap());
                    }
                    open.entry(task).or_default();
                }
                _ => drop(open.entry(task).or_default()),
            }
            match record.value {
                Some(value) => drop(changelog.state.insert((task, key), value)),
                None => drop(changelog.state.remove(&(task, key))),
            }
        }
        match open.keys().next() {
            Some(task) => Err(Violation::new("I5", format!("task {task}: its changelog continues after its last stamp"))),
            None => Ok(changelog),
        }
    }

    /// The state without scores, their history and stamps; two runs never share times of scoring.
    pub fn made_of_events(&self) -> BTreeMap<&(i32, Vec<u8>), &Vec<u8>> {
        self.state
            .iter()
            .filter(|((_, key), _)| {
                matches!(key[..], [1 | 3, section, ..] if !client::SECTIONS_OF_SCORES.contains(&section)) || key[0] == 2
            })
            .collect()
    }

    /// Leaves out the remembered ids. The first id of a day makes its account forget the days that are out of the window by then, so which
    /// of them are left depends on how far the other partitions had been read.
    pub fn without_ids(mut self) -> Self {
        self.state.retain(|(_, key), value| match key[..] {
            [1 | 3, 6, ..] => false,
            // The first part of a section ends with ids and their length.
            [1, 1..=5, 0, 0, ..] => {
                let (rest, length) = value.split_last_chunk().unwrap();
                value.truncate(rest.len() - usize::try_from(u32::from_le_bytes(*length)).unwrap());
                !value.is_empty()
            }
            _ => true,
        });
        self
    }

    /// The sequence in each account's newest state.
    pub fn sequences(&self) -> BTreeMap<String, u64> {
        let scores = self.state.iter().filter_map(|((_, key), value)| match &key[..] {
            [1, 0, _, _, id @ ..] => Some((String::from_utf8(id.to_vec()).unwrap(), sequence(value))),
            _ => None,
        });
        scores.collect()
    }
}

/// Versions 1 and 2: a list of topic, partition count, next offset; then the engine's part, which is left.
fn stamp(value: &[u8]) -> BTreeMap<String, i64> {
    let mut bytes = Bytes(value);
    assert!(matches!(bytes.byte(), 1 | 2), "version of the stamp");
    let count = bytes.varint();
    let input = |bytes: &mut Bytes<'_>| {
        let (topic, _partitions, next) = (bytes.compact_text(), bytes.signed(), bytes.signed());
        (topic, next)
    };
    (0..count).map(|_| input(&mut bytes)).collect()
}

/// Versions 1 and 2: first seen, if any; then the number of changes published.
fn core(value: &[u8]) -> (Option<i64>, u64) {
    let mut bytes = Bytes(value);
    assert!(matches!(bytes.byte(), 1 | 2), "version of the scores");
    let first_seen = if bytes.byte() == 1 { Some(bytes.signed()) } else { None };
    (first_seen, bytes.varint())
}

fn first_seen(value: &[u8]) -> Option<i64> {
    core(value).0
}

fn sequence(value: &[u8]) -> u64 {
    core(value).1
}
