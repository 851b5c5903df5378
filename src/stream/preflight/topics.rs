//! The topics that the service writes: their configuration, checking them, creating them.

use crate::kafka::{Creation, ErrorCode, Inspector, TopicSpec, create_topics, wait};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Brokers from 3.6 on refuse timestamps further ahead than this, by default an hour, which the originals may be; older ones know no limit
/// and do not know the setting.
const TIMESTAMPS_AHEAD: &str = "message.timestamp.after.max.ms";

const NOT_CREATED: &str = ", and kafka.create_topics is false; create it with `churnwatch topics create`";

/// A topic that the service writes, as the service would create it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTopic {
    /// The name.
    pub name: String,
    /// What it is for, as shown to users.
    pub purpose: &'static str,
    /// Its partitions: mostly as many as the input topics have.
    pub partitions: i32,
    /// Topic configuration.
    pub settings: Vec<(&'static str, String)>,
    /// Whether its partition count must be this one: true for topics that hold state or hand it on.
    pub counted: bool,
    /// Whether `run` needs it; other commands may need it nevertheless.
    pub needed: bool,
}

/// The topics that the service writes, for inputs with this many partitions.
#[must_use]
pub fn own_topics(options: &Options, partitions: i32) -> Vec<OwnTopic> {
    let days = |days: u64| (days * DAY_MS).to_string();
    let in_sync = (options.replication_factor >= 3).then(|| ("min.insync.replicas", "2".to_owned()));
    let topic = |name: &str, purpose, counted, settings: Vec<(&'static str, String)>| OwnTopic {
        name: name.to_owned(),
        purpose,
        partitions,
        settings: settings.into_iter().chain(in_sync.clone()).collect(),
        counted,
        needed: true,
    };
    let compact = || {
        vec![
            ("cleanup.policy", "compact".to_owned()),
            ("segment.bytes", (64 * 1024 * 1024).to_string()),
            ("segment.ms", (60 * 60 * 1000).to_string()),
            ("min.cleanable.dirty.ratio", "0.2".to_owned()),
            ("delete.retention.ms", days(7)),
        ]
    };
    let internal = options.repartitioned().next().map(|_| {
        topic(
            &options.repartition_topic(),
            "repartition",
            true,
            vec![
                ("cleanup.policy", "delete".to_owned()),
                // Its records have the timestamps of the originals, by which Kafka would delete a history unread. The service itself
                // deletes what the tasks have committed.
                ("retention.ms", "-1".to_owned()),
                ("retention.bytes", "-1".to_owned()),
                ("segment.bytes", (64 * 1024 * 1024).to_string()),
                ("message.timestamp.type", "CreateTime".to_owned()),
                (TIMESTAMPS_AHEAD, i64::MAX.to_string()),
            ],
        )
    });
    let mut own = vec![
        topic(&options.changelog_topic(), "state", true, compact()),
        topic(
            &options.changes_topic,
            "changes",
            false,
            vec![("cleanup.policy", "compact,delete".to_owned()), ("retention.ms", days(90)), ("min.compaction.lag.ms", days(7))],
        ),
        topic(
            &options.dead_letters_topic,
            "dead letters",
            false,
            vec![("cleanup.policy", "delete".to_owned()), ("retention.ms", days(14))],
        ),
    ];
    own.extend(internal);
    if options.resolves_aliases() {
        own.push(OwnTopic { partitions: 1, ..topic(&options.aliases_topic(), "aliases", true, compact()) });
        own.push(OwnTopic { partitions: 1, needed: false, ..topic(&options.redriven_topic(), "redriven", false, compact()) });
    }
    own
}

/// Why `run` would refuse one of our topics, given the partitions found (`None`: the topic does not exist).
pub(in crate::stream) fn problem(options: &Options, topic: &OwnTopic, found: Option<i32>) -> Option<Failure> {
    match found {
        None if !options.create_topics && topic.needed => Some(Failure::TopicMissing { topic: topic.name.clone(), hint: NOT_CREATED }),
        Some(found) if topic.counted && found != topic.partitions => {
            Some(Failure::PartitionCountChanged { topic: topic.name.clone(), expected: topic.partitions, found })
        }
        _ => None,
    }
}

/// Creates the missing ones among our topics and waits until brokers know them. Returns the created topics.
///
/// # Errors
/// If the cluster does not answer or refuses a topic.
pub(in crate::stream) fn create_missing(options: &Options, own: &[OwnTopic], inspector: &Inspector) -> Result<Vec<OwnTopic>, Failure> {
    let mut missing = Vec::new();
    for topic in own {
        if inspector.partitions(&topic.name)?.is_none() {
            missing.push(topic.clone());
        }
    }
    let refused = create_or_validate(options, &missing, Creation::Real)?;
    if let Some((topic, code)) = refused.first() {
        return Err(Failure::kafka(format!("creating topic {topic}"), code));
    }
    for topic in &missing {
        if inspector.partitions_in_time(&topic.name, wait::KNOWN_TOPIC)?.is_none() {
            return Err(Failure::TopicMissing { topic: topic.name.clone(), hint: ", although it has just been created" });
        }
    }
    Ok(missing)
}

/// Creates the memory of redriven letters if it is missing, and checks that nothing in it can be lost.
///
/// # Errors
/// If it is missing and may not or cannot be created, or its cleanup policy deletes what is still needed.
pub(in crate::stream) fn create_redriven(options: &Options, inspector: &Inspector) -> Result<(), Failure> {
    let topic = options.redriven_topic();
    let own: Vec<OwnTopic> = own_topics(options, 1).into_iter().filter(|own| own.name == topic).collect();
    if !options.create_topics && inspector.partitions(&topic)?.is_none() {
        return Err(Failure::TopicMissing { topic, hint: NOT_CREATED });
    }
    create_missing(options, &own, inspector)?;
    check_policy(&topic, inspector)
}

/// Checks whether topics could be created, without creating any. Returns the refusals.
///
/// # Errors
/// If the cluster does not answer.
pub(in crate::stream) fn try_create(options: &Options, topics: &[OwnTopic]) -> Result<Vec<(String, ErrorCode)>, Failure> {
    create_or_validate(options, topics, Creation::DryRun)
}

/// Creates topics; those that an older broker refuses because of [`TIMESTAMPS_AHEAD`], without it.
fn create_or_validate(options: &Options, topics: &[OwnTopic], creation: Creation) -> Result<Vec<(String, ErrorCode)>, Failure> {
    let refused = create_topics(&options.properties, &specs(options, topics), creation, wait::OUTAGE)?;
    let is_for_newer = |topic: &&OwnTopic| {
        let is_refused = refused.iter().any(|(name, code)| *name == topic.name && *code == ErrorCode::InvalidConfig);
        is_refused && topic.settings.iter().any(|(name, _)| *name == TIMESTAMPS_AHEAD)
    };
    let mut again: Vec<OwnTopic> = topics.iter().filter(is_for_newer).cloned().collect();
    for topic in &mut again {
        topic.settings.retain(|(name, _)| *name != TIMESTAMPS_AHEAD);
    }
    let refused_again = create_topics(&options.properties, &specs(options, &again), creation, wait::OUTAGE)?;
    let others = refused.into_iter().filter(|(name, _)| again.iter().all(|topic| topic.name != *name));
    Ok(others.chain(refused_again).collect())
}

fn specs<'a>(options: &Options, topics: &'a [OwnTopic]) -> Vec<TopicSpec<'a>> {
    let replication_factor = options.replication_factor;
    let spec =
        |topic: &'a OwnTopic| TopicSpec { name: &topic.name, partitions: topic.partitions, replication_factor, settings: &topic.settings };
    topics.iter().map(spec).collect()
}

/// Makes sure that our topics exist, have the right partition count and keep the state; creates missing ones if the configuration allows
/// it.
///
/// # Errors
/// If a topic is missing and may not or cannot be created, or has the wrong partition count.
pub(in crate::stream) fn ensure(options: &Options, partitions: i32, inspector: &Inspector) -> Result<(), Failure> {
    let own = own_topics(options, partitions);
    for topic in &own {
        if let Some(problem) = problem(options, topic, inspector.partitions(&topic.name)?) {
            return Err(problem);
        }
    }
    create_missing(options, &own, inspector)?;
    if options.resolves_aliases() {
        check_policy(&options.aliases_topic(), inspector)?;
    }
    check_policy(&options.changelog_topic(), inspector)
}

/// Refuses a changelog from which Kafka would delete state.
///
/// # Errors
/// If its cleanup policy is not to compact it, and nothing else; if it may not be read.
pub(in crate::stream) fn check_policy(changelog: &str, inspector: &Inspector) -> Result<(), Failure> {
    match inspector.cleanup_policy(changelog)? {
        Some(policy) if policy != "compact" => Err(Failure::ChangelogPolicy { topic: changelog.to_owned(), policy }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::Start;
    use crate::stream::Permits;

    fn options() -> Options {
        Options::of(&Config::default(), Permits::none(Start::Earliest))
    }

    fn changelog(options: &Options) -> OwnTopic {
        own_topics(options, 4).into_iter().find(|topic| topic.purpose == "state").unwrap()
    }

    fn code(options: &Options, found: Option<i32>) -> Option<&'static str> {
        problem(options, &changelog(options), found).map(|failure| failure.code())
    }

    #[test]
    fn the_changelog_must_have_as_many_partitions_as_the_inputs() {
        assert_eq!(code(&options(), Some(4)), None);
        assert_eq!(code(&options(), Some(3)), Some("partition_count_changed"));
    }

    #[test]
    fn a_missing_topic_is_a_problem_only_if_it_may_not_be_created() {
        assert_eq!(code(&options(), None), None);
        assert_eq!(code(&Options { create_topics: false, ..options() }, None), Some("topic_missing"));
    }

    #[test]
    fn three_replicas_must_have_two_in_sync() {
        let in_sync = |replication_factor| {
            let topic = changelog(&Options { replication_factor, ..options() });
            topic.settings.into_iter().find(|(name, _)| *name == "min.insync.replicas").map(|(_, value)| value)
        };
        assert_eq!((in_sync(3).as_deref(), in_sync(1), in_sync(-1)), (Some("2"), None, None));
    }
}
