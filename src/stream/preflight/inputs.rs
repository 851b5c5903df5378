//! Looks up the input topics in the cluster.

use crate::kafka::{Inspector, wait};
use crate::stream::failure::Failure;
pub(crate) use crate::stream::inputs::{Inputs, SampledPartitioning, TopicIds};
use crate::stream::options::{InputTopic, Options, Route};

impl Inputs {
    /// Looks up the topics. [`Self::partitioning`] and [`Self::ids`] are filled in later.
    ///
    /// The internal topic of the repartition stage may not exist yet. It then gets as many partitions as the topics that the tasks read
    /// beside it or, if there are none, as the largest topic that the stage reads; it keeps that number when they grow.
    ///
    /// # Errors
    /// If a topic is missing, or the partition counts of the topics that the tasks read differ.
    pub(crate) fn describe(options: &Options, inspector: &Inspector) -> Result<Self, Failure> {
        let missing = |topic: &InputTopic| Failure::TopicMissing { topic: topic.name.clone(), hint: "; input topics are not created" };
        let count = |topic: &InputTopic| inspector.partitions_in_time(&topic.name, wait::UNKNOWN_TOPIC)?.ok_or_else(|| missing(topic));
        let repartitioned = options.repartitioned().map(count).collect::<Result<Vec<_>, _>>()?;
        let (topics, mut counts) = (options.sources(), Vec::new());
        for topic in &topics {
            let found = if topic.route == Route::Internal { inspector.partitions(&topic.name)? } else { Some(count(topic)?) };
            counts.extend(found.map(|count| (topic.name.as_str(), count)));
        }
        let first = counts.first().map(|(_, count)| *count);
        let Some(partitions) = first.or(repartitioned.iter().copied().max()) else {
            return Err(Failure::kafka("looking up the input topics", &"none is configured"));
        };
        if counts.iter().any(|(_, count)| *count != partitions) {
            let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
            return Err(Failure::PartitionCountsDiffer { counts: counts.join(", ") });
        }
        Ok(Self { topics, partitions, partitioning: None, ids: TopicIds::default() })
    }

    /// Looks up the ids of the inputs, of the topics behind the repartition stage, and of the changelog.
    ///
    /// # Errors
    /// If no broker answers.
    pub(crate) fn identify(&mut self, options: &Options, inspector: &Inspector) -> Result<(), Failure> {
        let changelog = options.changelog_topic();
        let repartitioned: Vec<&str> = options.repartitioned().map(|topic| topic.name.as_str()).collect();
        let read = self.topics.iter().map(|topic| topic.name.as_str());
        let names: Vec<&str> = read.chain([changelog.as_str()]).chain(repartitioned.iter().copied()).collect();
        let found = inspector.describe_within(&names, wait::KNOWN_TOPIC)?;
        let id = |name: &str| found.get(name).and_then(|topic| topic.as_ref().ok()?.id);
        self.ids = TopicIds {
            inputs: self.topics.iter().map(|topic| id(&topic.name)).collect(),
            changelog: id(&changelog),
            repartitioned: repartitioned.into_iter().filter_map(|name| Some((name.to_owned(), id(name)?))).collect(),
        };
        Ok(())
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
