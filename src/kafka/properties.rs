//! Client properties: the user's, overridden by ours where correctness depends on them.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::fault;

/// How long a transaction may stay open before the broker aborts it. A killed instance delays its successor by at most this.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a transaction is worked on. The rest is for its abort: one by the coordinator would fence the producer, and end a process that has
/// a name, and the next one would try as large a transaction again.
pub(crate) const COMMIT_LIMIT: Duration = Duration::from_secs(8);

/// How long a group waits for a member that does not rejoin, and a member that joins for its answer, should that be lost. For as long no task
/// of the group moves. librdkafka's default is 5 minutes; here a thread that takes no step for a minute ends the process anyway.
const POLL_INTERVAL: Duration = Duration::from_mins(1);

/// How long a broker waits for records before it answers a fetch without any, ms; librdkafka's default is 500. A fetch leaves partitions out
/// whose queues are full or that were assigned after it was sent, and holds them back for as long. So this is also how long a running thread
/// waits for its next task, at the price of ten requests per second and broker while nothing arrives.
const FETCH_WAIT_MS: &str = "100";
/// The same for a consumer that reads to the ends of partitions, which it learns from a fetch without records, and then stops.
const FETCH_WAIT_TO_END_MS: &str = "10";
/// After how long a group gives up a member that sends no heartbeat.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait before a client tries again to connect to a broker, ms; librdkafka's default is 10,000. The wait doubles with each attempt, so
/// with the default, clients notice that a broker is back as late as they had noticed that it was away.
const RECONNECT_BACKOFF_MAX_MS: &str = "1000";

/// How long a transactional producer waits before it repeats a request, ms.
pub(super) const RETRY_BACKOFF_MS: u64 = 500;

/// `kafka.bootstrap_servers` and `[kafka.properties]` with secrets resolved. The Debug output shows names only.
#[derive(Clone, Default)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// From names and values; later ones override earlier ones.
    pub fn new<N: Into<String>, V: Into<String>>(properties: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(properties.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The largest record that a producer with these properties accepts, bytes; librdkafka's default is 1,000,000.
    pub(crate) fn message_max_bytes(&self) -> usize {
        self.get("message.max.bytes").and_then(|value| value.parse().ok()).unwrap_or(1_000_000)
    }

    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in &self.0 {
            config.set(name, value);
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        self.unless_given(&mut config, "reconnect.backoff.max.ms", RECONNECT_BACKOFF_MAX_MS);
        // Brokers seldom collect the metrics of clients, and to keep them takes a lock and two readings of the clock per record.
        self.unless_given(&mut config, "enable.metrics.push", "false");
        config
    }

    /// Base of every consumer: reads committed records only, never chooses an offset by itself, verifies checksums.
    fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("allow.auto.create.topics", "false");
        self.unless_given(&mut config, "fetch.queue.backoff.ms", "20");
        config
    }

    /// A member of the group.
    pub(crate) fn member(&self, group: &str, instance: Option<&str>) -> ClientConfig {
        let mut config = self.consumer(group);
        config.set("partition.assignment.strategy", "range").set("group.protocol", "classic");
        self.unless_given(&mut config, "fetch.wait.max.ms", FETCH_WAIT_MS);
        self.unless_given(&mut config, "session.timeout.ms", &SESSION_TIMEOUT.as_millis().to_string());
        self.unless_given(&mut config, "heartbeat.interval.ms", "3000");
        self.unless_given(&mut config, "max.poll.interval.ms", &self.poll_interval().as_millis().to_string());
        self.unless_given(&mut config, "queued.max.messages.kbytes", "16384");
        if let Some(instance) = instance {
            config.set("group.instance.id", instance);
        }
        config
    }

    /// A member of a group whose topics may get more partitions, which it must notice within a minute.
    pub(crate) fn growing_member(&self, group: &str, instance: Option<&str>) -> ClientConfig {
        let mut config = self.member(group, instance);
        self.unless_given(&mut config, "topic.metadata.refresh.interval.ms", "30000");
        // While a backlog is read, every partition has a queue of its own, to which this applies.
        self.unless_given(&mut config, "queued.max.messages.kbytes", "4096");
        config
    }

    /// A consumer with manual assignment that reads to the ends of partitions; it never joins the group.
    pub(crate) fn reader(&self, group: &str) -> ClientConfig {
        let mut config = self.follower(group);
        self.unless_given(&mut config, "fetch.wait.max.ms", FETCH_WAIT_TO_END_MS);
        config
    }

    /// A consumer with manual assignment that reads on at the ends of partitions; it never joins the group.
    pub(crate) fn follower(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group);
        if fault::is_mutant("restore-to-high-watermark") {
            config.set("isolation.level", "read_uncommitted");
        }
        config
    }

    /// A client that sees the records of open transactions.
    pub(crate) fn inspector(&self) -> ClientConfig {
        let mut config = self.base();
        config.set("isolation.level", "read_uncommitted").set("allow.auto.create.topics", "false");
        config
    }

    /// A transactional producer.
    pub(crate) fn producer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.base();
        let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
        config
            .set("transactional.id", transactional_id)
            .set("enable.idempotence", "true")
            .set("transaction.timeout.ms", &timeout)
            // librdkafka requires that a message times out no later than its transaction.
            .set("delivery.timeout.ms", &timeout)
            // A commit that took less time than this has repeated no request.
            .set("retry.backoff.ms", RETRY_BACKOFF_MS.to_string())
            // Changes and dead letters go to the partitions that the Java client would choose.
            .set("partitioner", "murmur2_random");
        self.unless_given(&mut config, "compression.type", "lz4");
        self.unless_given(&mut config, "linger.ms", "5");
        config
    }

    /// A non-transactional producer with large batches, because it writes whole histories.
    pub(super) fn writer(&self) -> ClientConfig {
        let mut config = self.base();
        self.unless_given(&mut config, "linger.ms", "20");
        self.unless_given(&mut config, "compression.type", "lz4");
        self.unless_given(&mut config, "queue.buffering.max.kbytes", "65536");
        config.set("partitioner", "murmur2_random").set("enable.idempotence", "true");
        config
    }

    /// A client that creates topics.
    pub(crate) fn admin(&self) -> ClientConfig {
        self.base()
    }

    /// After how long a group gives up a member that sends no heartbeat.
    pub(crate) fn session_timeout(&self) -> Duration {
        self.get("session.timeout.ms").and_then(|millis| millis.parse().ok()).map_or(SESSION_TIMEOUT, Duration::from_millis)
    }

    /// A minute, or the session timeout if that is longer: librdkafka refuses a shorter interval.
    fn poll_interval(&self) -> Duration {
        POLL_INTERVAL.max(self.session_timeout())
    }

    fn unless_given(&self, config: &mut ClientConfig, name: &str, value: &str) {
        if self.get(name).is_none() {
            config.set(name, value);
        }
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties() -> Properties {
        Properties::new([("bootstrap.servers", "b:1"), ("sasl.password", "canary"), ("enable.auto.commit", "true"), ("linger.ms", "50")])
    }

    #[test]
    fn debug_output_contains_no_values() {
        let shown = format!("{:?}", properties());
        assert!(shown.contains("sasl.password") && !shown.contains("canary") && !shown.contains("b:1"), "{shown}");
    }

    #[test]
    fn tuning_can_be_overridden_and_correctness_cannot() {
        assert_eq!(properties().member("g", None).get("enable.auto.commit"), Some("false"));
        assert_eq!(properties().producer("t").get("linger.ms"), Some("50"));
        assert_eq!(properties().producer("t").get("compression.type"), Some("lz4"));
        let metrics = |given: Properties| given.member("g", None).get("enable.metrics.push").map(str::to_owned);
        assert_eq!(metrics(properties()).as_deref(), Some("false"));
        assert_eq!(metrics(Properties::new([("enable.metrics.push", "true")])).as_deref(), Some("true"));
    }

    #[test]
    fn an_answer_to_join_the_group_is_awaited_for_a_minute_and_never_for_less_than_the_session() {
        let interval = |given: &[(&str, &str)]| {
            let config = Properties::new(given.iter().copied()).member("g", None);
            config.get("max.poll.interval.ms").map(str::to_owned)
        };
        assert_eq!(interval(&[]).as_deref(), Some("60000"));
        assert_eq!(interval(&[("session.timeout.ms", "90000")]).as_deref(), Some("90000"));
        assert_eq!(interval(&[("max.poll.interval.ms", "20000")]).as_deref(), Some("20000"));
    }

    #[test]
    fn only_a_reader_that_stops_at_the_end_asks_for_records_without_a_pause() {
        let wait = |config: ClientConfig| config.get("fetch.wait.max.ms").map(str::to_owned);
        let properties = properties();
        assert_eq!(wait(properties.reader("g")).as_deref(), Some(FETCH_WAIT_TO_END_MS));
        assert_eq!(wait(properties.follower("g")), None);
        assert_eq!(wait(properties.member("g", None)).as_deref(), Some(FETCH_WAIT_MS));
        assert_eq!(wait(Properties::new([("fetch.wait.max.ms", "7")]).reader("g")).as_deref(), Some("7"));
    }

    #[test]
    fn membership_is_static_only_for_a_named_instance() {
        assert_eq!(properties().member("g", None).get("group.instance.id"), None);
        assert_eq!(properties().member("g", Some("g-a-0")).get("group.instance.id"), Some("g-a-0"));
    }
}
