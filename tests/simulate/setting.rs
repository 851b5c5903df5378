//! What all processes of all runs have in common: options, topics, and the metrics that nobody reads here.

use std::sync::Arc;

use churnwatch::config::{Config, Setting as Key};
use churnwatch::kafka::Outgoing;
use churnwatch::stream::{InputTopic, Inputs, Options, Permits, Route, TopicIds};
use churnwatch::telemetry::Metrics;

use crate::broker::Topic;

pub struct Setting {
    base: Options,
    pub inputs: Arc<Inputs>,
    /// The same topics after they were deleted and created again.
    pub replaced: Arc<Inputs>,
    pub metrics: Arc<Metrics>,
    pub tasks: usize,
}

impl Setting {
    pub fn new(tasks: usize) -> Self {
        let keys = [
            "application.id=sim",
            "streams.accounts.topics=[\"accounts\"]",
            "streams.support.topics=[]",
            "output.on_bad_run=dead_letter",
            "commit.interval_ms=500",
            "commit.catch_up_interval_ms=1000",
        ];
        let keys = keys.map(Key::set);
        let config = Config::load(None, &keys, []).unwrap_or_else(|problems| panic!("{problems}"));
        let base = Options::of(&config, Permits::none(churnwatch::config::section::Start::Earliest));
        let topics: Vec<InputTopic> = base.inputs.iter().filter(|topic| topic.route == Route::Direct).cloned().collect();
        let ids = |id: u8| TopicIds {
            inputs: vec![Some(serde_json::from_value(vec![id; 16].into()).unwrap()); topics.len()],
            ..TopicIds::default()
        };
        let (first, second) = (ids(1), ids(2));
        let inputs = |ids| Arc::new(Inputs { topics: topics.clone(), partitions: tasks as i32, partitioning: None, ids });
        let (inputs, replaced) = (inputs(first), inputs(second));
        let metrics = Metrics::new(&prometheus::Registry::new(), 50).unwrap();
        Self { base, inputs, replaced, metrics: Arc::new(metrics), tasks }
    }

    /// The options of a process, which starts no task twice.
    pub fn options(&self, name: Option<&str>, accept_loss: bool) -> Arc<Options> {
        let permits = Permits { accept_loss, ..self.base.permits };
        Arc::new(Options { instance: name.map(str::to_owned), starts: Arc::default(), permits, ..self.base.clone() })
    }

    pub fn settings(&self) -> Arc<churnwatch::settings::Settings> {
        Arc::clone(&self.base.settings)
    }

    /// Where a record goes.
    pub fn place_of(&self, record: &Outgoing<'_>) -> (Topic, usize) {
        if record.topic == self.base.changes_topic {
            (Topic::Changes, 0)
        } else if record.topic == self.base.dead_letters_topic {
            (Topic::DeadLetters, 0)
        } else {
            (Topic::Changelog, record.partition.unwrap() as usize)
        }
    }
}
