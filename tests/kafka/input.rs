//! Input topics of one test, and simulated customers to fill them. All events are recent, so windows contain them.

use std::time::{SystemTime, UNIX_EPOCH};

use churnwatch::event::{PerStream, Stream};
use churnwatch::simulate::{Disturb, Disturbance, Generator, Options, SimulatedRecord};
use churnwatch::time::{DAY_MS, Timestamp};

use super::broker::Broker;
use super::{client, unique};

/// Epoch milliseconds.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The topics of one test.
pub struct Topics {
    pub prefix: String,
    pub partitions: i32,
}

impl Topics {
    /// Creates all five.
    pub fn create(broker: &Broker, name: &str, partitions: i32) -> Self {
        let topics = Self { prefix: unique(name), partitions };
        for stream in Stream::ALL {
            client::create_topic(broker, &topics.of(stream), partitions);
        }
        topics
    }

    pub fn of(&self, stream: Stream) -> String {
        format!("{}-{}", self.prefix, stream.name())
    }

    pub fn all(&self) -> Vec<String> {
        Stream::ALL.map(|stream| self.of(stream)).to_vec()
    }

    /// Writes simulated records with the timestamps at which they are sent.
    pub fn fill(&self, broker: &Broker, records: &[SimulatedRecord]) {
        let names = PerStream::from_fn(|stream| self.of(stream));
        client::produce(
            broker,
            records.iter().map(|r| (names.of(r.stream).as_str(), Some(r.account.as_str()), r.json.as_bytes(), r.at.millis())),
        );
    }
}

/// Records of the last days, in time order, with duplicates, disorder and bad ones.
pub fn simulated(seed: u64, accounts: u32, days: u32) -> Vec<SimulatedRecord> {
    let start = Timestamp((now() / DAY_MS - i64::from(days)) * DAY_MS);
    let options = Options { seed, accounts, days, start, activity: 0.2, ..Options::default() };
    let disturbance = Disturbance { duplicates: 0.02, disorder_ms: 30_000, bad: 0.01 };
    Disturb::new(Generator::new(&options), disturbance, seed).collect()
}
