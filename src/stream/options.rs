//! The options of the stream threads, taken from the checked configuration.

use std::sync::Arc;
use std::time::Duration;

use super::machine::offsets::Permits;
use super::machine::starts::Starts;
use crate::clock::Clock;
use crate::config::{Config, section};
use crate::engine::bad_run;
use crate::event::{Format, Stream};
use crate::fault;
use crate::kafka::Properties;
use crate::settings::Settings;

/// Options of the stream threads and of the preflight checks.
#[derive(Clone, Debug)]
pub struct Options {
    /// `application.id`: the group, the prefix of transactional ids, the changelog's name.
    pub application: String,
    /// `application.instance`; present means static membership.
    pub instance: Option<String>,
    /// `application.threads`: stream threads of this process, at least 1.
    pub threads: usize,
    /// Broker addresses, security, and the user's properties.
    pub properties: Properties,
    /// `kafka.create_topics`.
    pub create_topics: bool,
    /// `kafka.replication_factor`; -1 means the broker's default.
    pub replication_factor: i32,
    /// The input topics, sorted by name.
    pub inputs: Vec<InputTopic>,
    /// `output.changes_topic`.
    pub changes_topic: String,
    /// `output.dead_letters_topic`.
    pub dead_letters_topic: String,
    /// `output.on_bad_run`.
    pub on_bad_run: section::OnBadRun,
    /// `output.bad_run_share` and `output.bad_run_records`.
    pub bad_run: bad_run::Thresholds,
    /// `commit.interval_ms`.
    pub commit_interval: Duration,
    /// `commit.catch_up_interval_ms`.
    pub catch_up_commit_interval: Duration,
    /// `kafka.start`, `--resume-from`, `--accept-loss`.
    pub permits: Permits,
    /// The tasks that have used up their permits.
    pub starts: Arc<Starts>,
    /// `[schema_registry]`.
    pub schema_registry: section::SchemaRegistry,
    /// What the pure half reads of the configuration.
    pub settings: Arc<Settings>,
    /// The clock for scoring: the wall clock, except in `demo`.
    pub clock: Clock,
}

/// One input topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTopic {
    /// Its name.
    pub name: String,
    /// The stream that it carries.
    pub stream: Stream,
    /// How its producers choose partitions.
    pub partitioning: section::Partitioning,
    /// The format of its records.
    pub format: Arc<Format>,
    /// How its records get to their tasks.
    pub route: Route,
}

/// How the records of an input topic get to the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Its partitions are those of the tasks.
    Direct,
    /// The repartition stage writes them to the internal topic.
    Repartitioned,
    /// It is the internal topic, whose records say which stream and topic they come from.
    Internal,
}

impl InputTopic {
    fn of(topic: section::Topic) -> Self {
        let route = if topic.repartition { Route::Repartitioned } else { Route::Direct };
        Self { name: topic.name, stream: topic.stream, partitioning: topic.partitioner, format: topic.format, route }
    }
}

impl Options {
    /// From the configuration and the options of the command line.
    #[must_use]
    pub fn of(config: &Config, permits: Permits) -> Self {
        let (application, kafka, output) = (&config.application, &config.kafka, &config.output);
        let mut inputs: Vec<InputTopic> = config.streams.all_topics().into_iter().map(InputTopic::of).collect();
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        // A client id among the user's own properties comes later, and wins.
        let client_id = application.client_id();
        let mut settings = config.settings();
        if fault::is_mutant("duplicates-count") {
            settings.time.dedup_ms = 0;
        }
        Self {
            application: application.id.clone(),
            instance: Some(application.instance.clone()).filter(|instance| !instance.is_empty()),
            threads: application.threads as usize,
            properties: Properties::new(client_id.iter().map(|id| ("client.id", id.as_str())).chain(kafka.client_properties())),
            create_topics: kafka.create_topics,
            replication_factor: kafka.replication_factor,
            inputs,
            changes_topic: output.changes_topic.clone(),
            dead_letters_topic: output.dead_letters_topic.clone(),
            on_bad_run: output.on_bad_run,
            bad_run: output.bad_run_limits(),
            commit_interval: Duration::from_millis(config.commit.interval_ms),
            catch_up_commit_interval: Duration::from_millis(config.commit.catch_up_interval_ms),
            permits,
            starts: Arc::default(),
            schema_registry: config.schema_registry.clone(),
            settings: Arc::new(settings),
            clock: Clock::Wall,
        }
    }

    /// The internal topic that holds the state.
    #[must_use]
    pub fn changelog_topic(&self) -> String {
        format!("churnwatch-{}-changelog", self.application)
    }

    /// The internal topic that the repartition stage writes.
    #[must_use]
    pub fn repartition_topic(&self) -> String {
        format!("churnwatch-{}-repartition", self.application)
    }

    /// The internal topic that holds the aliases declared by events of other topics than the accounts topics.
    #[must_use]
    pub fn aliases_topic(&self) -> String {
        format!("churnwatch-{}-aliases", self.application)
    }

    /// The consumer group of the repartition stage.
    #[must_use]
    pub fn repartition_group(&self) -> String {
        format!("{}-repartition", self.application)
    }

    /// The internal topic that remembers which dead letters were redriven.
    #[must_use]
    pub fn redriven_topic(&self) -> String {
        format!("churnwatch-{}-redriven", self.application)
    }

    /// The consumer group whose offsets are the oldest letters that cannot be redriven yet, and the transactional id of `redrive`.
    #[must_use]
    pub fn redrive_group(&self) -> String {
        format!("{}-redrive", self.application)
    }

    /// Whether accounts are looked up among the aliases, which takes a repartition stage and an accounts stream. Only then are there dead
    /// letters that can be redriven.
    #[must_use]
    pub fn resolves_aliases(&self) -> bool {
        self.repartitioned().next().is_some() && self.inputs.iter().any(|input| input.stream == Stream::Accounts)
    }

    /// The topics that the repartition stage reads; without any there is no stage.
    pub fn repartitioned(&self) -> impl Iterator<Item = &InputTopic> {
        self.inputs.iter().filter(|input| input.route == Route::Repartitioned)
    }

    /// The topics that the tasks read, sorted by name: those with their own partitions, and the internal topic if there is a stage.
    #[must_use]
    pub fn sources(&self) -> Vec<InputTopic> {
        let internal = self.repartitioned().next().map(|first| InputTopic {
            name: self.repartition_topic(),
            stream: first.stream,
            partitioning: section::Partitioning::Auto,
            format: Arc::default(),
            route: Route::Internal,
        });
        let direct = self.inputs.iter().filter(|input| input.route == Route::Direct).cloned();
        let mut sources: Vec<InputTopic> = direct.chain(internal).collect();
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        sources
    }

    /// The names of the input topics.
    #[must_use]
    pub fn input_names(&self) -> Vec<&str> {
        self.inputs.iter().map(|input| input.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    fn options(sets: &[&str]) -> Options {
        let sets: Vec<Setting> = sets.iter().map(|set| Setting::set(set)).collect();
        Options::of(&Config::load(None, &sets, []).unwrap(), Permits::none(section::Start::Earliest))
    }

    #[test]
    fn inputs_are_sorted_by_name_and_the_changelog_is_named_after_the_application() {
        let options = options(&["application.id=shop", "streams.usage.topics=[\"z\", \"a\"]", "streams.billing.topics=[\"m\"]"]);
        let names = options.input_names();
        assert!(names.is_sorted() && ["a", "m", "z"].iter().all(|name| names.contains(name)), "{names:?}");
        assert_eq!(options.changelog_topic(), "churnwatch-shop-changelog");
    }

    #[test]
    fn the_address_at_which_an_instance_can_be_asked_travels_in_its_client_id() {
        let client_id = |settings: &[&str]| options(settings).properties.admin().get("client.id").map(str::to_owned);
        assert_eq!(client_id(&[]), None);
        let advertised = "application.advertised_listen=10.0.0.4:9400";
        assert_eq!(client_id(&[advertised]).as_deref(), Some("churnwatch@10.0.0.4:9400"));
        assert_eq!(client_id(&[advertised, "kafka.properties.\"client.id\"=mine"]).as_deref(), Some("mine"));
    }

    #[test]
    fn an_empty_instance_means_dynamic_membership() {
        assert_eq!(options(&[]).instance, None);
        assert_eq!(options(&["application.instance=a"]).instance.as_deref(), Some("a"));
    }
}
