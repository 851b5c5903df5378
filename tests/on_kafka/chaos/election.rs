//! Faults of a cluster: a broker that leads something goes down, and the others elect another leader. Everything must go on without it.

use std::time::Duration;

use super::Violation;
use super::campaign::{Campaign, PARTITIONS};
use crate::kafka::broker::{INTERNAL_PARTITIONS, Node};
use crate::kafka::in_time;

const POINT_LIMIT: Duration = Duration::from_secs(8);
/// How long an instance pauses before a commit or in a restore: time enough for an election.
const PAUSE_MS: u64 = 6_000;

impl Campaign<'_> {
    /// The leader of a partition that the service reads or writes goes down.
    pub(super) fn lose_leader(&mut self) -> Result<String, Violation> {
        let (topic, partition) = self.any_partition();
        self.moment(400)?;
        self.lose(&topic, partition)
    }

    /// The coordinator of the group, or of some transactional ids, goes down.
    pub(super) fn lose_coordinator(&mut self) -> Result<String, Violation> {
        let (topic, partition) = self.any_coordinator();
        self.moment(400)?;
        self.lose(topic, partition)
    }

    /// A coordinator, or the leader of a partition, goes down while an instance is between producing and committing.
    pub(super) fn elect_in_commit(&mut self) -> Result<String, Violation> {
        let place = self.any()?;
        let point = self.random.one_of(&["after-produce", "before-commit"]);
        let fault = format!("{point}:{}:{PAUSE_MS}", self.random.between(1, 6));
        self.fleet.terminate(place)?;
        self.fleet.start_patient(place, fault.clone());
        in_time(POINT_LIMIT, || self.fleet.has_logged(place, "restored").then_some(()));
        self.moment(1_500)?;
        let lost = if self.random.permille(700) {
            let (topic, partition) = self.any_coordinator();
            self.lose(topic, partition)?
        } else {
            let (topic, partition) = self.any_partition();
            self.lose(&topic, partition)?
        };
        Ok(format!("{fault}, {lost}"))
    }

    /// The leader of a changelog partition goes down while an instance reads it.
    pub(super) fn elect_in_restore(&mut self) -> Result<String, Violation> {
        let place = self.any()?;
        self.fleet.terminate(place)?;
        self.fleet.start_patient(place, format!("in-restore:{}:{PAUSE_MS}", self.random.between(1, 100)));
        in_time(POINT_LIMIT, || self.fleet.has_logged(place, "assigned").then_some(()));
        self.moment(1_000)?;
        let details = if self.fleet.has_logged(place, "restored") { "too late, " } else { "" };
        let partition = self.any_of(PARTITIONS);
        let lost = self.lose(&self.application.changelog, partition)?;
        Ok(format!("{details}{lost}"))
    }

    /// Ends the leader of a partition, sees that every task makes progress without it, and brings it back.
    fn lose(&mut self, topic: &str, partition: i32) -> Result<String, Violation> {
        let signal = if self.random.permille(700) { "KILL" } else { "TERM" };
        let broker = self.broker;
        let node: &Node = broker.leader(topic, partition);
        node.end(signal);
        let result = self.recover();
        node.start_again();
        result?;
        broker.wait_until_in_sync();
        self.recover().map(|_| format!("{signal} of broker {}, leader of {topic} [{partition}]", node.id))
    }

    fn any_partition(&mut self) -> (String, i32) {
        let mut topics = self.topics.all();
        topics.extend([&self.application.changelog, &self.application.changes, &self.application.dead_letters].map(String::clone));
        let topic = topics.swap_remove(usize::try_from(self.any_of(i32::try_from(topics.len()).unwrap())).unwrap());
        let partition = self.any_of(PARTITIONS);
        (topic, partition)
    }

    /// The partition of an internal topic whose leader coordinates the group, or a share of the transactional ids.
    fn any_coordinator(&mut self) -> (&'static str, i32) {
        if self.random.permille(500) {
            ("__consumer_offsets", java_hash(&self.application.id).wrapping_abs() % INTERNAL_PARTITIONS)
        } else {
            ("__transaction_state", self.any_of(INTERNAL_PARTITIONS))
        }
    }

    fn any_of(&mut self, count: i32) -> i32 {
        i32::try_from(self.random.next() % u64::try_from(count).unwrap()).unwrap()
    }
}

/// `String.hashCode` of an ASCII text, by which Kafka assigns groups to coordinators.
fn java_hash(text: &str) -> i32 {
    text.bytes().fold(0, |hash: i32, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn groups_are_hashed_like_java_strings() {
        assert_eq!((java_hash(""), java_hash("hello")), (0, 99_162_322));
    }
}
