//! A campaign in which usage, billing and support are on topics with foreign keys and other partition counts, so that everything passes the
//! repartition stage. The reference is an application that reads the same records as native topics.

use churnwatch::event::Stream;
use churnwatch::simulate::SimulatedRecord;
use serde_json::Value;

use super::campaign::PARTITIONS;
use crate::kafka::broker::Broker;
use crate::kafka::client::{self, Group};
use crate::kafka::input::Topics;
use crate::kafka::service::Application;
use crate::kafka::unique;

/// The streams that are repartitioned, and how many partitions their topics have.
pub const REPARTITIONED: [(Stream, i32); 3] = [(Stream::Usage, 6), (Stream::Billing, 3), (Stream::Support, 5)];

/// The stage of one application.
pub struct Stage {
    pub internal: String,
    pub group: Group,
}

/// Creates the topics of a campaign: those of the stage with other keys and partition counts, the others partitioned by account.
pub fn create_topics(broker: &Broker) -> Topics {
    let topics = Topics { prefix: unique("chaos-stage"), partitions: PARTITIONS };
    for stream in Stream::ALL {
        let foreign = REPARTITIONED.iter().find(|(foreign, _)| *foreign == stream);
        client::create_topic(broker, &topics.of(stream), foreign.map_or(PARTITIONS, |(_, count)| *count));
    }
    topics
}

/// The same records under the keys that such producers have at hand: the user, the ticket, the id of the record.
pub fn with_foreign_keys(records: Vec<SimulatedRecord>) -> Vec<SimulatedRecord> {
    let key = |record: &SimulatedRecord| {
        let json: Value = serde_json::from_str(&record.json).unwrap_or_default();
        let name = match record.stream {
            Stream::Usage => "user_id",
            Stream::Support => "ticket_id",
            Stream::Billing => "id",
            Stream::Feedback | Stream::Accounts => return record.account.clone(),
        };
        json[name].as_str().unwrap_or("nobody").to_owned()
    };
    records.into_iter().map(|record| SimulatedRecord { account: key(&record), ..record }).collect()
}

impl Stage {
    pub fn of(broker: &Broker, application: &mut Application) -> Self {
        for (stream, _) in REPARTITIONED {
            application.set(&format!("streams.{}.repartition", stream.name()), "true");
        }
        Self {
            internal: format!("churnwatch-{}-repartition", application.id),
            group: Group::new(broker, &format!("{}-repartition", application.id)),
        }
    }

    /// What the stage has to read.
    pub fn inputs(broker: &Broker, topics: &Topics) -> Vec<(String, Vec<i64>)> {
        REPARTITIONED.iter().map(|(stream, _)| topics.of(*stream)).map(|topic| (topic.clone(), client::ends(broker, &topic))).collect()
    }

    /// What the tasks have to read of what is committed. Behind the last record come control records, which move no offset.
    pub fn outputs(&self, broker: &Broker, topics: &Topics) -> Vec<(String, Vec<i64>)> {
        let mut ends = vec![0; usize::try_from(PARTITIONS).unwrap()];
        for record in client::read_committed(broker, &self.internal) {
            let end = &mut ends[usize::try_from(record.partition).unwrap()];
            *end = (*end).max(record.offset + 1);
        }
        let native = [Stream::Feedback, Stream::Accounts].map(|stream| topics.of(stream));
        let native = native.into_iter().map(|topic| (topic.clone(), client::ends(broker, &topic)));
        native.chain([(self.internal.clone(), ends)]).collect()
    }
}

/// Copies the topics of the stage into native ones, in the order of time, and lets an application read those beside the others.
pub fn make_native(broker: &Broker, topics: &Topics, witness: &mut Application) -> Vec<String> {
    let mut read = Vec::new();
    for (stream, _) in REPARTITIONED {
        let native = format!("{}-native", topics.of(stream));
        client::create_topic(broker, &native, PARTITIONS);
        witness.set(&format!("streams.{}.topics", stream.name()), &native);
        let mut records = client::read_committed(broker, &topics.of(stream));
        records.sort_by_key(|record| (record.timestamp, record.partition, record.offset));
        let keys: Vec<String> = records.iter().map(account_or_key).collect();
        let records = records.iter().zip(&keys);
        client::produce(
            broker,
            records
                .map(|(record, key)| (native.as_str(), Some(key.as_str()), record.value.as_deref().unwrap_or_default(), record.timestamp)),
        );
        read.push(native);
    }
    read.extend([Stream::Feedback, Stream::Accounts].map(|stream| topics.of(stream)));
    read
}

/// The account of a record, which is its key where the payload names none.
fn account_or_key(record: &client::Committed) -> String {
    let json: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
    match &json["account_id"] {
        Value::String(account) if !account.is_empty() => account.clone(),
        Value::Number(account) => account.to_string(),
        _ => String::from_utf8(record.key.clone().unwrap_or_default()).unwrap(),
    }
}
