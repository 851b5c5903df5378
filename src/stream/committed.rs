//! Looks up what is committed in Kafka: the group's offsets, and where logs end. What to ask, and when, is decided in `machine/look_up.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::failure::Failure;
use super::inputs::Inputs;
use super::machine::look_up::{LookUp, Settling};
use super::machine::{CommitPoint, RestoreEffect, RestoreEvent, Unanswered};
use super::options::Options;
use super::topic_guard;
use crate::clock::monotonic;
use crate::kafka::{ClientError, Consumer, Inspector, wait};

/// The clients for these look-ups.
pub(super) struct Committed {
    /// The input topics.
    pub inputs: Arc<Inputs>,
    /// The changelog topic.
    pub changelog: String,
    /// Reads committed records only. It has the group's id but never joins the group.
    pub reader: Consumer,
    /// Asks for the group's offsets, also while changelogs are read: to pass on what this client logs must not take their records.
    group: Consumer,
    /// Sees the records of open transactions.
    pub inspector: Inspector,
}

impl Committed {
    /// Creates the clients without contacting a broker.
    pub(super) fn new(options: &Options, inputs: &Arc<Inputs>) -> Result<Self, Failure> {
        Ok(Self {
            inputs: Arc::clone(inputs),
            changelog: options.changelog_topic(),
            reader: Consumer::new(&options.properties.reader(&options.application))?,
            group: Consumer::new(&options.properties.reader(&options.application))?,
            inspector: Inspector::patient(&options.properties)?,
        })
    }

    /// Gets in touch with the coordinator of the group, so that the first look-up does not wait for that.
    pub(super) fn connect(&self) {
        if let Some(input) = self.inputs.topics.first() {
            // Whoever asks next waits for the coordinator if need be.
            self.group.connect((&input.name, 0), wait::TURN);
        }
    }

    /// Carries out what a look-up asks for; `None` if it was to wait, or is something else.
    pub(super) fn answer(&self, effect: &RestoreEffect) -> Result<Option<RestoreEvent>, Failure> {
        let event = match effect {
            RestoreEffect::VerifyTopics => {
                self.verify_topics()?;
                RestoreEvent::TopicsVerified
            }
            RestoreEffect::FindOffsets(tasks) => RestoreEvent::Offsets(self.group_offsets(tasks)),
            RestoreEffect::FindEnd(task) => RestoreEvent::End(self.inspector.watermarks(&self.changelog, *task)?.1),
            RestoreEffect::FindStableEnd(task) => {
                let found = self.reader.stable_watermarks(&self.changelog, *task, wait::TURN);
                RestoreEvent::StableEnd(found.map(|(_, stable)| stable).map_err(|error| unanswered(&error)))
            }
            RestoreEffect::FindLimits(task) => {
                RestoreEvent::Limits { inputs: self.limits(*task)?, changelog_start: self.inspector.watermarks(&self.changelog, *task)?.0 }
            }
            RestoreEffect::Pause => {
                // Polling an idle consumer doubles as the wait.
                drop(self.reader.poll(wait::STEP));
                return Ok(None);
            }
            _ => return Ok(None),
        };
        Ok(Some(event))
    }

    /// The group's stable offsets, once the transactions that were open when they were read have ended.
    pub(super) fn settled(&self, tasks: &[i32], waits: bool) -> Result<BTreeMap<i32, CommitPoint>, Failure> {
        let mut look_up = LookUp::of(tasks.to_vec(), monotonic());
        while let Some(effect) = look_up.next() {
            if let Some(event) = self.answer(&effect)? {
                look_up.answered(event, &self.inputs, monotonic())?;
            }
            self.reader.pass_on_logs();
        }
        let points = look_up.into_points();
        let mut settling = Settling::of(&points, monotonic());
        while let Some(effect) = settling.next().filter(|_| waits) {
            if let Some(event) = self.answer(&effect)? {
                settling.answered(event, &self.changelog, monotonic())?;
            }
        }
        Ok(points)
    }

    /// Fails if a topic is no longer the one that the service started with, or has another number of partitions.
    fn verify_topics(&self) -> Result<(), Failure> {
        let described = self.inspector.describe_within(&topic_guard::names(&self.inputs, &self.changelog), wait::KNOWN_TOPIC)?;
        topic_guard::compare(&self.inputs, &self.changelog, &described)
    }

    /// The group's offsets by topic and partition. As long as an open transaction is about to move one, the broker answers with an error.
    fn group_offsets(&self, tasks: &[i32]) -> Result<BTreeMap<(String, i32), i64>, Unanswered> {
        let partitions = tasks.iter().flat_map(|task| self.inputs.topics.iter().map(|input| (input.name.as_str(), *task)));
        let found = self.group.committed(partitions, wait::TURN);
        self.group.pass_on_logs();
        let present = |(topic, partition, next): (String, i32, Option<i64>)| Some(((topic, partition), next?));
        found.map(|offsets| offsets.into_iter().filter_map(present).collect()).map_err(|error| unanswered(&error))
    }

    /// Where the log of each input begins and ends.
    fn limits(&self, task: i32) -> Result<Vec<(i64, i64)>, Failure> {
        self.inputs.topics.iter().map(|input| Ok(self.inspector.watermarks(&input.name, task)?)).collect()
    }
}

fn unanswered(error: &ClientError) -> Unanswered {
    Unanswered { error: error.to_string(), patience: wait::limit(error, wait::OUTAGE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::kafka::mock::EmbeddedBroker;
    use crate::stream::Permits;
    use crate::stream::inputs::TopicIds;

    /// Three partitions of every input and of the changelog, if `changelog` does not say otherwise.
    fn committed(changelog: i32) -> (EmbeddedBroker, Committed) {
        let broker = EmbeddedBroker::start().unwrap();
        let options = Options::of(&Config::default(), Permits::none(Start::Earliest));
        let options = Options { properties: broker.properties(), ..options };
        for name in options.input_names() {
            broker.create_topic(name, 3).unwrap();
        }
        broker.create_topic(&options.changelog_topic(), changelog).unwrap();
        let inputs = Inputs { topics: options.inputs.clone(), partitions: 3, partitioning: None, ids: TopicIds::default() };
        let committed = Committed::new(&options, &Arc::new(inputs)).unwrap();
        (broker, committed)
    }

    #[test]
    fn a_partition_count_that_changed_is_refused() {
        let (_broker, unchanged) = committed(3);
        unchanged.verify_topics().unwrap();
        let (_broker, changed) = committed(2);
        assert_eq!(changed.verify_topics().unwrap_err().code(), "partition_count_changed");
    }

    #[test]
    fn a_changelog_without_open_transactions_is_stable_at_once() {
        let (_broker, committed) = committed(3);
        let points = committed.settled(&[1], true).unwrap();
        assert_eq!(points, BTreeMap::from([(1, CommitPoint { group: vec![None; 3], changelog_end: 0 })]));
    }
}
