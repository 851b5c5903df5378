//! The group's offsets against the stamps, commit by commit, from the broker's internal topics.

use std::collections::BTreeMap;

use super::bytes::Bytes;
use super::changelog::{Changelog, Commit};
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::client;

/// Every committed offset of a group in the order of commits, by topic and partition.
type Commits = BTreeMap<(String, i32), Vec<i64>>;

/// Every transaction of a task has committed exactly the offsets of its stamp, and none has gone back.
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
            if let Some((at, offset, stamp)) = difference(&offsets, &stamped) {
                let (count, stamps) = (offsets.len(), stamped.len());
                let what = format!(
                    "{topic} [{task}]: {count} commits, {stamps} stamps; commit {at} says {offset:?}, the stamp in its place {stamp:?}"
                );
                found.push(Violation::new("I5", what));
            }
        }
    }
    found.extend(commits.keys().map(|(topic, task)| Violation::new("I5", format!("{topic} [{task}]: offsets without a stamp"))));
    found
}

/// The offsets of a group that keeps no stamps have never gone back.
pub fn check_monotone(broker: &Broker, group: &str) -> Vec<Violation> {
    let back = |((topic, partition), offsets): (&(String, i32), &Vec<i64>)| {
        let pair = offsets.windows(2).find(|pair| pair[1] < pair[0])?;
        Some(Violation::new("I6", format!("{topic} [{partition}]: {} was committed after {}", pair[1], pair[0])))
    };
    committed(broker, group).iter().filter_map(back).collect()
}

/// Index of the first commit that differs from the next stamp, with both values. A commit request whose response was lost
/// is repeated within its transaction, so the same offset once more does not count as a commit.
fn difference(offsets: &[i64], stamped: &[i64]) -> Option<(usize, Option<i64>, Option<i64>)> {
    let mut matched = 0;
    for (place, offset) in offsets.iter().enumerate() {
        if stamped.get(matched) == Some(offset) {
            matched += 1;
        } else if matched == 0 || stamped[matched - 1] != *offset {
            return Some((place, Some(*offset), stamped.get(matched).copied()));
        }
    }
    stamped.get(matched).map(|stamp| (offsets.len(), None, Some(*stamp)))
}

/// The stamp of each task is at the end of its partitions.
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

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn every_stamp_has_its_commit_and_a_repeated_request_is_not_a_commit() {
        assert_eq!(difference(&[5, 5, 7], &[5, 5, 7]), None);
        assert_eq!(difference(&[5, 7, 7, 9], &[5, 7, 9]), None);
        assert_eq!(difference(&[5, 7], &[5, 5, 7]), Some((1, Some(7), Some(5))));
        assert_eq!(difference(&[5, 6, 7], &[5, 7]), Some((1, Some(6), Some(7))));
        assert_eq!(difference(&[5], &[5, 7]), Some((1, None, Some(7))));
        assert_eq!(difference(&[5, 7, 5], &[5, 7]), Some((2, Some(5), None)));
    }
}
