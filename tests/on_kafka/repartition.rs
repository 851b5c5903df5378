//! The repartition stage: topics with other keys and partition counts give what native topics keyed by account give.

use std::collections::{BTreeMap, BTreeSet};

use churnwatch::event::Stream;
use churnwatch::simulate::SimulatedRecord;
use serde_json::Value;

use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::{Topics, simulated};
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::{Application, Service};
use crate::kafka::{eventually, unique};
use crate::kill::{Random, check_changes};

/// Topics that no task could read: usage by user over six partitions, billing without keys over three, support by ticket over five;
/// feedback and accounts as they should be, over four.
struct Foreign {
    topics: Topics,
    partitions: BTreeMap<String, i32>,
}

impl Foreign {
    fn create(broker: &Broker, records: &[SimulatedRecord]) -> Self {
        let topics = Topics { prefix: unique("foreign"), partitions: 4 };
        let counts = [(Stream::Usage, 6), (Stream::Billing, 3), (Stream::Support, 5), (Stream::Feedback, 4), (Stream::Accounts, 4)];
        let partitions: BTreeMap<String, i32> = counts.iter().map(|(stream, count)| (topics.of(*stream), *count)).collect();
        partitions.iter().for_each(|(topic, count)| client::create_topic(broker, topic, *count));
        let name = |record: &SimulatedRecord| topics.of(record.stream);
        let names: Vec<String> = records.iter().map(name).collect();
        let keys: Vec<Option<String>> = records.iter().map(|record| foreign_key(record)).collect();
        let all = records.iter().zip(&names).zip(&keys);
        client::produce(
            broker,
            all.map(|((record, name), key)| (name.as_str(), key.as_deref(), record.json.as_bytes(), record.at.millis())),
        );
        Self { topics, partitions }
    }

    fn application(&self, broker: &Broker) -> Application {
        let mut application = Application::new(broker, &self.topics);
        for stream in [Stream::Usage, Stream::Billing, Stream::Support] {
            application.set(&format!("streams.{}.repartition", stream.name()), "true");
        }
        application
    }

    /// Whether the stage has committed everything and the tasks have read what it wrote.
    fn is_read(&self, broker: &Broker, application: &Application, instances: &mut [Service]) -> bool {
        instances.iter_mut().for_each(Service::assert_alive);
        let stage = client::Group::new(broker, &format!("{}-repartition", application.id));
        let is_committed = |topic: &String| stage.committed(topic, self.partitions[topic]) == client::ends(broker, topic);
        let pipelines: Vec<Value> = instances.iter().filter_map(|instance| body(&instance.get("/api/pipeline"))).collect();
        let tasks: Vec<&Value> = pipelines.iter().flat_map(|pipeline| pipeline["tasks"].as_array().unwrap()).collect();
        [Stream::Usage, Stream::Billing, Stream::Support].iter().all(|stream| is_committed(&self.topics.of(*stream)))
            && tasks.len() == 4
            && tasks.iter().all(|task| task["lag_records"] == 0 && task["catching_up"] == false)
    }
}

/// The JSON of a response.
fn body(response: &str) -> Option<Value> {
    serde_json::from_str(response.split_once("\r\n\r\n")?.1).ok()
}

/// What such producers have at hand: the user or the ticket, but not the account.
fn foreign_key(record: &SimulatedRecord) -> Option<String> {
    let json: Value = serde_json::from_str(&record.json).unwrap_or_default();
    match record.stream {
        Stream::Usage => Some(json["user_id"].as_str().unwrap_or("nobody").to_owned()),
        Stream::Support => Some(json["ticket_id"].as_str().unwrap_or("none").to_owned()),
        Stream::Billing => None,
        Stream::Feedback | Stream::Accounts => Some(record.account.clone()),
    }
}

/// Dead letters by stream and code.
fn letters(broker: &Broker, application: &Application, topics: &Topics) -> BTreeMap<(String, String), usize> {
    let mut letters = BTreeMap::new();
    for letter in client::read_committed(broker, &application.dead_letters) {
        let topic = letter.header("churnwatch_topic").strip_prefix(&topics.prefix).unwrap().to_owned();
        *letters.entry((topic, letter.header("churnwatch_code").to_owned())).or_default() += 1;
    }
    letters
}

fn assert_same_state(broker: &Broker, found: &Application, expected: &Application) {
    let state = |application: &Application| client::state_of_events(broker, &application.changelog);
    let (found, expected) = (state(found), state(expected));
    assert_eq!(found.keys().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    let differing = expected.iter().filter(|(key, value)| found.get(*key) != Some(value)).map(|(key, _)| String::from_utf8_lossy(key));
    let differing: Vec<_> = differing.collect();
    assert!(differing.is_empty(), "{} of {} records of state differ: {differing:?}", differing.len(), expected.len());
}

#[test]
fn topics_with_other_keys_and_partition_counts_give_what_native_ones_give_through_kills() {
    let records = simulated(3, 50, 20);
    let accounts = records.iter().filter(|record| record.json.contains("account_id")).map(|record| &record.account);
    let accounts = accounts.collect::<BTreeSet<_>>().len();
    let native = Scenario::new("native", 4, &records);
    native.run_to_end();

    let broker = native.broker;
    let foreign = Foreign::create(broker, &records);
    let application = foreign.application(broker);
    let mut random = Random(3);
    let mut instances = vec![application.start(), application.start()];
    let total: i64 = foreign.partitions.keys().map(|topic| client::ends(broker, topic).iter().sum::<i64>()).sum();
    let stage = client::Group::new(broker, &format!("{}-repartition", application.id));
    let progress = || {
        let committed = foreign.partitions.iter().flat_map(|(topic, count)| stage.committed(topic, *count));
        committed.map(|offset| offset.max(0)).sum::<i64>()
    };
    for kill in 1..=4 {
        let target = kill * total / 8 + random.below(total / 10);
        eventually("progress of the stage", LIMIT, || {
            instances.iter_mut().for_each(Service::assert_alive);
            (progress() >= target.min(total / 2)).then_some(())
        });
        let victim = usize::try_from(random.below(2)).unwrap();
        instances.remove(victim).kill();
        instances.push(application.start());
    }
    eventually("the end", LIMIT, || {
        let is_read = foreign.is_read(broker, &application, &mut instances);
        (is_read && check_changes(broker, &application) == accounts).then_some(())
    });
    instances.into_iter().for_each(|instance| drop(instance.terminate()));

    assert_eq!(letters(broker, &application, &foreign.topics), letters(broker, &native.application, &native.topics));
    assert_same_state(broker, &application, &native.application);
}
