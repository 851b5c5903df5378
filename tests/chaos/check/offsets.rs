//! Offsets of the group against the stamps, commit by commit, as the broker's own topics tell them.

use std::collections::BTreeMap;

use super::bytes::Bytes;
use super::changelog::{Changelog, Commit};
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::client;

/// Every committed offset of a group in the order of commits, by topic and partition.
type Commits = BTreeMap<(String, i32), Vec<i64>>;

/// Every transaction of a task has committed exactly the offsets of its stamp, all of them, and none has gone back.
pub fn check(broker: &Broker, group: &str, changelog: &Changelog) -> Vec<Violation> {
    let mut commits = committed(broker, group);
    let mut found = Vec::new();
    for (task, stamps) in &changelog.commits {
        let topics = stamps.iter().flat_map(|commit| commit.next.keys()).collect::<std::collections::BTreeSet<_>>();
        for topic in topics {
            let stamped: Vec<i64> = stamps.iter().map(|commit| commit.next[topic]).collect();
            if let Some(back) = stamped.windows(2).position(|pair| pair[1] < pair[0]) {
                let what = format!("{topic} [{task}]: stamp {} says {} after {}", back + 1, stamped[back + 1], stamped[back]);
                found.push(Violation::new("I6", what));
            }
            let offsets = commits.remove(&(topic.clone(), *task)).unwrap_or_default();
            if offsets != stamped {
                let at =
                    offsets.iter().zip(&stamped).position(|(offset, stamp)| offset != stamp).unwrap_or(offsets.len().min(stamped.len()));
                let (count, stamps) = (offsets.len(), stamped.len());
                let pair = (offsets.get(at), stamped.get(at));
                let what =
                    format!("{topic} [{task}]: {count} commits, {stamps} stamps; offset and stamp of the first difference, {at}: {pair:?}");
                found.push(Violation::new("I5", what));
            }
        }
    }
    found.extend(commits.keys().map(|(topic, task)| Violation::new("I5", format!("{topic} [{task}]: offsets without a stamp"))));
    found
}

/// The stamp of each task is at the end of what its partitions hold.
pub fn check_ends(changelog: &Changelog, ends: &BTreeMap<String, Vec<i64>>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (topic, ends) in ends {
        for (task, end) in (0..).zip(ends) {
            let last = changelog.commits.get(&task).and_then(|commits: &Vec<Commit>| commits.last()?.next.get(topic));
            if last != Some(end) {
                found.push(Violation::new("I9", format!("{topic} [{task}]: the last stamp says {last:?}, the log ends at {end}")));
            }
        }
    }
    found
}

/// Records of `__consumer_offsets`: the key is version (0 and 1 are offsets), group, topic, partition; the value version, offset.
fn committed(broker: &Broker, group: &str) -> Commits {
    let mut commits = Commits::new();
    for record in client::read_committed(broker, "__consumer_offsets") {
        let (Some(key), Some(value)) = (&record.key, &record.value) else { continue };
        let mut key = Bytes(key);
        if key.i16() > 1 || key.text() != group {
            continue;
        }
        let place = (key.text(), key.i32());
        let mut value = Bytes(value);
        let _version = value.i16();
        commits.entry(place).or_default().push(value.i64());
    }
    commits
}
