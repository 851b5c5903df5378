//! The input topics as found in the cluster: the partition count that all share, and the partitioners that may have written them.

use std::time::Duration;

use crate::kafka::Inspector;
use crate::partitioner::Candidates;
use crate::stream::failure::Failure;
use crate::stream::options::{InputTopic, Options};

/// How long it may take until every broker knows a topic.
const LIMIT: Duration = Duration::from_secs(5);

/// The input topics of all tasks.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    /// Sorted by name.
    pub topics: Vec<InputTopic>,
    /// Partitions of each topic, and thus the number of tasks.
    pub partitions: i32,
    /// Partitioners that the topics may have been written with; `None` if keys are not checked.
    pub partitioners: Option<Candidates>,
}

impl Inputs {
    /// Looks up the topics. [`Self::partitioners`] is filled in later.
    ///
    /// # Errors
    /// If a topic is missing, or partition counts differ.
    pub(crate) fn describe(options: &Options, inspector: &Inspector) -> Result<Self, Failure> {
        let missing = |topic: &InputTopic| Failure::TopicMissing { topic: topic.name.clone(), hint: "; input topics are not created" };
        let count = |topic: &InputTopic| inspector.partitions_in_time(&topic.name, LIMIT)?.ok_or_else(|| missing(topic));
        let counts = options.inputs.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        let [partitions, rest @ ..] = counts.as_slice() else {
            return Err(Failure::kafka("looking up the input topics", &"none is configured"));
        };
        if rest.iter().any(|count| count != partitions) {
            let counts = options.inputs.iter().zip(&counts).map(|(topic, count)| format!("{}: {count}", topic.name)).collect::<Vec<_>>();
            return Err(Failure::PartitionCountsDiffer { counts: counts.join(", ") });
        }
        Ok(Self { topics: options.inputs.clone(), partitions: *partitions, partitioners: None })
    }

    /// The index of a topic in [`Self::topics`].
    pub(crate) fn index(&self, topic: &str) -> Option<usize> {
        self.topics.iter().position(|input| input.name == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::kafka::mock::EmbeddedBroker;
    use crate::stream::Permits;

    /// Describes the default inputs on a broker that has these topics.
    fn described(topics: &[(&str, i32)]) -> Result<Inputs, Failure> {
        let broker = EmbeddedBroker::start().unwrap();
        for (name, partitions) in topics {
            broker.create_topic(name, *partitions).unwrap();
        }
        let options = Options::of(&Config::default(), Permits::none(Start::Earliest));
        Inputs::describe(&options, &Inspector::new(&broker.properties()).unwrap())
    }

    #[test]
    fn all_inputs_share_one_partition_count() {
        let inputs = described(&[("product-usage", 3), ("billing", 3), ("support-tickets", 3)]).unwrap();
        assert_eq!((inputs.partitions, inputs.index("billing"), inputs.index("other")), (3, Some(0), None));
    }

    #[test]
    fn different_partition_counts_are_refused_with_each_count() {
        let failure = described(&[("product-usage", 3), ("billing", 2), ("support-tickets", 3)]).unwrap_err();
        assert_eq!(failure.code(), "partition_counts_differ");
        assert!(failure.to_string().contains("billing: 2") && failure.to_string().contains("product-usage: 3"), "{failure}");
    }
}
