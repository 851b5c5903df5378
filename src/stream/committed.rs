//! Looks up what is committed in Kafka: the group's offsets, and where the changelogs end.
//!
//! These are steps 1 to 3 of a restore (`restore.rs`). Every wait calls `alive`, which polls the group's consumer: a rebalance must be
//! noticed, and `max.poll.interval.ms` must not expire.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::failure::Failure;
use super::options::Options;
use super::preflight::Inputs;
use super::topic_guard;
use crate::clock::monotonic;
use crate::kafka::{self, Consumer, Inspector, wait};

/// Why a restore ended early.
pub(super) enum Halt {
    /// It cannot succeed.
    Failed(Failure),
    /// The group is rebalancing or the process is shutting down; nothing was kept.
    Interrupted,
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<kafka::Error> for Halt {
    fn from(error: kafka::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Polls the group's consumer; false once the restore has become pointless.
pub(super) type Alive<'a> = dyn FnMut() -> Result<bool, Failure> + 'a;

/// Calls `alive` and maps false to [`Halt::Interrupted`].
pub(super) fn keep_alive(alive: &mut Alive<'_>) -> Result<(), Halt> {
    if alive()? { Ok(()) } else { Err(Halt::Interrupted) }
}

/// What was last committed for one task. Equal commit points mean equal state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitPoint {
    /// The group's offset of each input, in the order of [`Inputs::topics`].
    pub group: Vec<Option<i64>>,
    /// The offset after the changelog's last record, control records included.
    pub changelog_end: i64,
}

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

    /// Fails if a topic is no longer the one that the service started with, or has another number of partitions.
    pub(super) fn verify_topics(&self) -> Result<(), Failure> {
        let described = self.inspector.describe_within(&topic_guard::names(&self.inputs, &self.changelog), wait::KNOWN_TOPIC)?;
        topic_guard::compare(&self.inputs, &self.changelog, &described)
    }

    /// Steps 1 and 2: the group's stable offsets, then the ends of the changelogs.
    pub(super) fn commit_points(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<i32, CommitPoint>, Halt> {
        let mut commit_points = BTreeMap::new();
        let offsets = self.group_offsets(tasks, alive)?;
        for task in tasks {
            let group = self.inputs.topics.iter().map(|input| offsets.get(&(input.name.clone(), *task)).copied()).collect();
            let (_, changelog_end) = self.inspector.watermarks(&self.changelog, *task)?;
            commit_points.insert(*task, CommitPoint { group, changelog_end });
            keep_alive(alive)?;
        }
        Ok(commit_points)
    }

    /// The group's offsets by topic and partition. As long as an open transaction is about to move one, the broker answers with an error.
    fn group_offsets(&self, tasks: &[i32], alive: &mut Alive<'_>) -> Result<BTreeMap<(String, i32), i64>, Halt> {
        let began = monotonic();
        let partitions = || tasks.iter().flat_map(|task| self.inputs.topics.iter().map(|input| (input.name.as_str(), *task)));
        loop {
            keep_alive(alive)?;
            match self.group.committed(partitions(), wait::TURN) {
                Ok(offsets) => {
                    let present = |(topic, partition, next): (String, i32, Option<i64>)| Some(((topic, partition), next?));
                    return Ok(offsets.into_iter().filter_map(present).collect());
                }
                Err(error) if wait::is_over(&error, wait::OUTAGE, began) => {
                    return Err(Failure::kafka("reading the group's committed offsets", &error).into());
                }
                Err(error) => tracing::debug!(%error, "the group's committed offsets are not stable yet"),
            }
            self.group.pass_on_logs();
        }
    }

    /// Step 3: waits until the transactions that were open at step 2 have ended.
    pub(super) fn wait_until_stable(
        &self,
        tasks: &[i32],
        commit_points: &BTreeMap<i32, CommitPoint>,
        alive: &mut Alive<'_>,
    ) -> Result<(), Halt> {
        let began = monotonic();
        for task in tasks {
            let end = commit_points.get(task).map_or(0, |point| point.changelog_end);
            loop {
                keep_alive(alive)?;
                let waited = monotonic().duration_since(began);
                match self.reader.stable_watermarks(&self.changelog, *task, wait::TURN) {
                    Ok((_, stable)) if stable >= end => break,
                    Ok(_) if waited > wait::OPEN_TRANSACTION => return Err(self.stuck(*task).into()),
                    Ok((_, stable)) => tracing::debug!(task, stable, end, "waiting for an open transaction in the changelog"),
                    Err(error) if wait::is_over(&error, wait::OUTAGE, began) => {
                        return Err(Failure::kafka(format!("asking for the end of {} [{task}]", self.changelog), &error).into());
                    }
                    Err(error) => tracing::debug!(task, %error, "cannot read the end of the changelog yet"),
                }
                // Polling an idle consumer doubles as the wait.
                drop(self.reader.poll(wait::STEP));
            }
        }
        Ok(())
    }

    fn stuck(&self, task: i32) -> Failure {
        let (topic, seconds) = (self.changelog.clone(), wait::OPEN_TRANSACTION.as_secs());
        Failure::RestoreStuck { topic, partition: task, waiting_for: "a transaction has been open", seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::kafka::mock::EmbeddedBroker;
    use crate::stream::Permits;
    use crate::stream::preflight::inputs::TopicIds;

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
    fn a_rebalance_interrupts_every_wait() {
        let (_broker, committed) = committed(3);
        let mut rebalancing = || Ok(false);
        assert!(matches!(committed.commit_points(&[0], &mut rebalancing), Err(Halt::Interrupted)));
        assert!(matches!(committed.wait_until_stable(&[0], &BTreeMap::new(), &mut rebalancing), Err(Halt::Interrupted)));
    }

    #[test]
    fn a_failure_while_polling_the_group_ends_the_restore() {
        let mut fenced = || Err(Failure::Fenced { cause: "test".to_owned() });
        assert!(matches!(keep_alive(&mut fenced), Err(Halt::Failed(Failure::Fenced { .. }))));
    }

    #[test]
    fn a_changelog_without_open_transactions_is_stable_at_once() {
        let (_broker, committed) = committed(3);
        let points = BTreeMap::from([(1, CommitPoint { group: Vec::new(), changelog_end: 0 })]);
        assert!(committed.wait_until_stable(&[1], &points, &mut || Ok(true)).is_ok());
    }
}
