//! The input topics as they are in the cluster: their partition count, which all share, and where a key belongs.

use std::time::Duration;

use crate::kafka::Inspector;
use crate::partitioner::Candidates;
use crate::stream::failure::Failure;
use crate::stream::options::{InputTopic, Options};

/// How long a topic may stay unseen.
const LIMIT: Duration = Duration::from_secs(5);

/// The input topics of all tasks.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    /// In the order of their names.
    pub topics: Vec<InputTopic>,
    /// Partitions of each, and the number of tasks.
    pub partitions: i32,
    /// Which partitioners the topics may have been written with; `None`: the user vouches for another one.
    pub partitioners: Option<Candidates>,
}

impl Inputs {
    /// Looks the topics up. Their partitioners are open yet.
    ///
    /// # Errors
    /// When one is missing, or their partition counts differ.
    pub(crate) fn describe(options: &Options, inspector: &Inspector) -> Result<Self, Failure> {
        let missing = |topic: &InputTopic| Failure::TopicMissing { topic: topic.name.clone(), hint: "; input topics are not created" };
        let count = |topic: &InputTopic| inspector.partitions_in_time(&topic.name, LIMIT)?.ok_or_else(|| missing(topic));
        let counts = options.inputs.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        let [partitions, rest @ ..] = counts.as_slice() else {
            return Err(Failure::kafka("looking up the input topics", &"there is none"));
        };
        if rest.iter().any(|count| count != partitions) {
            let counts = options.inputs.iter().zip(&counts).map(|(topic, count)| format!("{}: {count}", topic.name)).collect::<Vec<_>>();
            return Err(Failure::PartitionCountsDiffer { counts: counts.join(", ") });
        }
        Ok(Self { topics: options.inputs.clone(), partitions: *partitions, partitioners: None })
    }

    /// The place of a topic in [`Self::topics`].
    pub(crate) fn index(&self, topic: &str) -> Option<usize> {
        self.topics.iter().position(|input| input.name == topic)
    }
}
