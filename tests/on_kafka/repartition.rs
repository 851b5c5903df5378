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
/// feedback and accounts by account over four.
pub struct Foreign {
    pub topics: Topics,
    partitions: BTreeMap<String, i32>,
}

impl Foreign {
    pub fn create(broker: &Broker, records: &[SimulatedRecord]) -> Self {
        let topics = Topics { prefix: unique("foreign"), partitions: 4 };
        let counts = [(Stream::Usage, 6), (Stream::Billing, 3), (Stream::Support, 5), (Stream::Feedback, 4), (Stream::Accounts, 4)];
        let partitions: BTreeMap<String, i32> = counts.iter().map(|(stream, count)| (topics.of(*stream), *count)).collect();
        for (topic, count) in &partitions {
            client::create_topic(broker, topic, *count);
        }
        let foreign = Self { topics, partitions };
        foreign.fill(broker, records);
        foreign
    }

    /// Writes records with foreign keys.
    pub fn fill(&self, broker: &Broker, records: &[SimulatedRecord]) {
        let names: Vec<String> = records.iter().map(|record| self.topics.of(record.stream)).collect();
        let keys: Vec<Option<String>> = records.iter().map(foreign_key).collect();
        let all = records.iter().zip(&names).zip(&keys);
        client::produce(
            broker,
            all.map(|((record, name), key)| (name.as_str(), key.as_deref(), record.json.as_bytes(), record.at.millis())),
        );
    }

    pub fn application(&self, broker: &Broker) -> Application {
        let mut application = Application::new(broker, &self.topics);
        for stream in [Stream::Usage, Stream::Billing, Stream::Support] {
            application.set(&format!("streams.{}.repartition", stream.name()), "true");
        }
        application
    }

    /// Whether the stage has committed something of its usage, and not everything.
    pub fn has_begun(&self, broker: &Broker, application: &Application) -> bool {
        let topic = self.topics.of(Stream::Usage);
        let stage = client::Group::new(broker, &format!("{}-repartition", application.id));
        let committed = stage.committed(&topic, self.partitions[&topic]);
        committed.iter().any(|next| *next > 0)
    }

    /// Whether the stage has committed everything and the tasks have read what it wrote.
    pub fn is_read(&self, broker: &Broker, application: &Application, instances: &mut [Service]) -> bool {
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
pub fn body(response: &str) -> Option<Value> {
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

/// Where a record was read from.
type Place = (String, i32, i64);

/// Every record of the topics is in the internal topic once, as the event that it was, in the partition of its account, with its own
/// timestamp; or it is a dead letter once.
fn assert_written_once(broker: &Broker, application: &Application, topics: &[String]) {
    let mut written: BTreeMap<Place, client::Committed> = BTreeMap::new();
    for record in client::read_committed(broker, &format!("churnwatch-{}-repartition", application.id)) {
        let origin: Vec<&str> = record.header("churnwatch_origin").split(' ').collect();
        let place = (origin[3].to_owned(), origin[1].parse().unwrap(), origin[2].parse().unwrap());
        if let Some(account) = &record.key {
            assert_eq!(record.partition, client::murmur2(account, 4), "{place:?}");
        }
        assert!(written.insert(place.clone(), record).is_none(), "{place:?} was written twice");
    }
    let mut letters: BTreeSet<Place> = BTreeSet::new();
    for letter in client::read_committed(broker, &application.dead_letters) {
        let header = |name: &str| letter.header(&format!("churnwatch_{name}")).to_owned();
        let place = (header("topic"), header("partition").parse().unwrap(), header("offset").parse().unwrap());
        assert!(letters.insert(place.clone()), "{place:?} is a dead letter twice");
    }
    for topic in topics {
        for record in client::read_committed(broker, topic) {
            let place = (topic.clone(), record.partition, record.offset);
            match written.get(&place) {
                Some(found) => {
                    assert!(!letters.contains(&place), "{place:?} is both written and a dead letter");
                    let (before, after) = (record.json(), found.json());
                    assert_eq!(before["id"], after["id"], "{place:?}");
                    assert_eq!(before["type"].as_str().unwrap().to_lowercase(), after["type"].as_str().unwrap(), "{place:?}");
                    assert_eq!(record.timestamp, found.timestamp, "{place:?}");
                }
                None => assert!(letters.contains(&place) || is_of_unknown_type(&record), "{place:?} was lost"),
            }
        }
    }
}

fn is_of_unknown_type(record: &client::Committed) -> bool {
    let json: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
    json["type"].as_str().is_some_and(|name| name.starts_with("unknown") || name.contains("other"))
}

/// MRR and the number of accounts, which are sums of facts that time does not change.
fn portfolio(instances: &[Service]) -> (i64, u64) {
    let sum = |field: &str| {
        let bodies = instances.iter().map(|instance| body(&instance.get("/api/portfolio")).unwrap());
        bodies.flat_map(|body| body["cells"].as_array().unwrap().clone()).map(|cell| cell[field].as_i64().unwrap()).sum::<i64>()
    };
    (sum("mrr_minor"), u64::try_from(sum("accounts")).unwrap())
}

#[test]
fn topics_with_other_keys_and_partition_counts_give_what_native_ones_give_through_kills() {
    let records = simulated(3, 50, 20);
    let accounts = records.iter().filter(|record| record.json.contains("account_id")).map(|record| &record.account);
    let accounts = accounts.collect::<BTreeSet<_>>().len();
    let native = Scenario::new("native", 4, &records);
    let mut undisturbed = native.application.start();
    native.wait_for_end(&mut undisturbed);

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
    eventually("equal portfolios", LIMIT, || (portfolio(&instances) == portfolio(std::slice::from_ref(&undisturbed))).then_some(()));
    for instance in instances.into_iter().chain([undisturbed]) {
        instance.terminate();
    }

    assert_eq!(letters(broker, &application, &foreign.topics), letters(broker, &native.application, &native.topics));
    let topics = [Stream::Usage, Stream::Billing, Stream::Support].map(|stream| foreign.topics.of(stream));
    assert_written_once(broker, &application, &topics);
}

#[test]
fn a_stage_that_leaves_its_offsets_out_of_the_transaction_is_caught() {
    let records = simulated(4, 20, 5);
    let broker = Broker::shared();
    let foreign = Foreign::create(broker, &records);
    let mut application = foreign.application(broker);
    application.variables.push(("CHURNWATCH_MUTANT".to_owned(), "repartition-offsets-left-out".to_owned()));
    let internal = format!("churnwatch-{}-repartition", application.id);
    let service = application.start();
    eventually("the first life to write", LIMIT, || {
        (service.log().contains("page, API") && !client::read_committed(broker, &internal).is_empty()).then_some(())
    });
    service.kill();
    let log = application.start().fails_with("no_committed_offset");
    assert!(log.contains("would count them twice") && log.contains("`churnwatch topics reset`"), "{log}");
}

#[test]
fn a_group_of_the_stage_that_was_moved_back_or_lost_is_reset_behind_what_was_written() {
    let records = simulated(6, 20, 5);
    let broker = Broker::shared();
    let foreign = Foreign::create(broker, &records);
    let application = foreign.application(broker);
    let mut instances = vec![application.start()];
    eventually("everything to be read", LIMIT, || foreign.is_read(broker, &application, &mut instances).then_some(()));
    for instance in instances {
        instance.terminate();
    }
    let group = format!("{}-repartition", application.id);
    let topics = [Stream::Usage, Stream::Billing, Stream::Support].map(|stream| foreign.topics.of(stream));
    let committed = || topics.clone().map(|topic| client::Group::new(broker, &group).committed(&topic, foreign.partitions[&topic]));
    let before = committed();
    let reset = |arguments: &[&str]| {
        let output = application.command(&[&["topics", "reset"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(reset(&["--yes"]), "", "the group is where it should be");

    client::Group::new(broker, &group).commit(&topics[0], 2, 0);
    let refused = application.start().fails_with("offsets_moved");
    assert!(refused.contains(&format!("{} [2]", topics[0])) && refused.contains("`churnwatch topics reset`"), "{refused}");
    let moves = reset(&[]);
    assert!(moves.starts_with(&format!("{} [2]: from 0 to ", topics[0])) && moves.lines().count() == 1, "{moves}");
    client::Group::delete(broker, &group);
    let refused = application.start().fails_with("no_committed_offset");
    assert!(refused.contains("`churnwatch topics reset`"), "{refused}");
    reset(&["--yes"]);
    // Behind the last event or dead letter there may be records of unknown types, which become nothing however often they are read.
    let now = committed();
    let is_moved = |(now, then): (&i64, &i64)| now <= then && (*now > 0 || *then == 0);
    assert!(now.iter().flatten().zip(before.iter().flatten()).all(is_moved), "{now:?}, before {before:?}");

    let mut instances = vec![application.start()];
    eventually("the end", LIMIT, || (foreign.is_read(broker, &application, &mut instances) && committed() == before).then_some(()));
    for instance in instances {
        instance.terminate();
    }
    assert_written_once(broker, &application, &topics);
}

#[test]
fn an_input_of_the_stage_may_get_more_partitions() {
    let records = simulated(5, 20, 5);
    let broker = Broker::shared();
    let foreign = Foreign::create(broker, &records);
    let application = foreign.application(broker);
    let mut instances = vec![application.start()];
    eventually("everything to be read", LIMIT, || foreign.is_read(broker, &application, &mut instances).then_some(()));
    let usage = foreign.topics.of(Stream::Usage);
    client::add_partitions(broker, &usage, 8);
    let event = br#"{"id":"late","type":"feature_used","account_id":"acct-000001","feature":"f","occurred_at":"2026-01-01T00:00:00Z"}"#;
    client::produce_raw(broker, &usage, 7, b"somebody", event);
    let internal = format!("churnwatch-{}-repartition", application.id);
    eventually("the record in the new partition", LIMIT, || {
        instances.iter_mut().for_each(Service::assert_alive);
        let records = client::read_committed(broker, &internal);
        records.iter().any(|record| record.header("churnwatch_origin") == format!("usage 7 0 {usage}")).then_some(())
    });
    assert_eq!(client::partitions(broker, &internal), 4);
    for instance in instances {
        instance.terminate();
    }
}
