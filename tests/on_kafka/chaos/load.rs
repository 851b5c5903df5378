//! The input of a campaign: simulated customers with disorder, duplicates, bad records and records from the future. The older part is in
//! the topics when the first instance starts, with timestamps of its time; the last thirty days arrive while things break.
//!
//! When a record from the future takes effect depends on the clock, and with it the newest event time that deduplication is measured
//! from. To keep outcomes independent of that, the older part ends with a current record for every account, ids are remembered for
//! [`REMEMBERED_DAYS`], and the newer part falls within them, with days between the two.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use churnwatch::event::{PerStream, Stream};
use churnwatch::simulate::{Disturb, Disturbance, Generator, Options, SimulatedRecord};
use churnwatch::time::{DAY_MS, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::leaver::{Leavers, Sent};
use super::random::Random;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::{Topics, now};

/// How often the feed writes.
const STEP: Duration = Duration::from_millis(20);
/// Repetitions are taken from this many of the newest records.
const REPEATED_FROM: usize = 500;
/// Maximum time by which a record is ahead.
pub const AHEAD_MAX_MS: u64 = 8_000;

/// `time.dedup_days` of a campaign.
pub const REMEMBERED_DAYS: i64 = 31;

/// Amount of load.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub accounts: u32,
    pub days: u32,
    /// Usage relative to an active product.
    pub activity: f64,
}

/// Records in the topics at the start, and records that arrive later.
pub struct Load {
    pub older: Vec<SimulatedRecord>,
    pub newer: Vec<SimulatedRecord>,
}

/// The records of a seed.
pub fn simulated(seed: u64, size: Size) -> Load {
    let now = now();
    let start = Timestamp((now / DAY_MS - i64::from(size.days)) * DAY_MS);
    let (accounts, days, activity) = (size.accounts, size.days, size.activity);
    let options = Options { seed, accounts, days, start, activity, story_days: days, ..Options::default() };
    let disturbance = Disturbance { duplicates: 0.03, disorder_ms: 60_000, bad: 0.02 };
    let mut older: Vec<_> = Disturb::new(Generator::new(&options), disturbance, seed).collect();
    let mut newer = older.split_off(older.partition_point(|record| record.at.millis() < now - (REMEMBERED_DAYS - 1) * DAY_MS));
    older.truncate(older.partition_point(|record| record.at.millis() < now - (REMEMBERED_DAYS + 1) * DAY_MS));
    newer.truncate(newer.partition_point(|record| record.at.millis() <= now));
    let ids: BTreeSet<String> = older.iter().map(|record| record.account.clone()).collect();
    older.extend(ids.into_iter().map(|account| {
        let json = format!(
            r#"{{"type":"feature_used","id":"turn","account_id":"{account}","user_id":"u-0","feature":"turn","occurred_at":{now}}}"#
        );
        SimulatedRecord { stream: Stream::Usage, account, at: Timestamp(now), json }
    }));
    Load { older, newer }
}

/// Writes records while things break.
pub struct Feed {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Feed {
    /// Starts writing `records` at a rate per second.
    pub fn begin(broker: &Broker, topics: &Topics, records: Vec<SimulatedRecord>, per_second: u64, seed: u64) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut writer = Writer {
            producer: producer(broker, "false"),
            once: producer(broker, "true"),
            names: PerStream::from_fn(|stream| topics.of(stream)),
            random: Random::new(seed),
            ahead: 0,
            leavers: Leavers::new(seed),
        };
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&written));
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            for (number, record) in records.iter().enumerate() {
                writer.write(record);
                writer.write_more(&records[number.saturating_sub(REPEATED_FROM)..=number]);
                count.fetch_add(1, Ordering::Relaxed);
                let due = Duration::from_micros(1_000_000 * number as u64 / per_second);
                while began.elapsed() + STEP < due && !stopped.load(Ordering::Relaxed) {
                    writer.producer.poll(STEP);
                }
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
            writer.producer.flush(Duration::from_mins(5)).unwrap();
            writer.once.flush(Duration::from_mins(5)).unwrap();
        });
        Self { stop, written, thread }
    }

    /// Stops writing and returns the number of records written.
    pub fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.written.load(Ordering::Relaxed)
    }
}

/// A producer that survives the absence of its broker.
fn producer(broker: &Broker, idempotence: &str) -> BaseProducer {
    client::config(broker)
        .set("partitioner", "murmur2_random")
        .set("enable.idempotence", idempotence)
        .set("queue.buffering.max.messages", "1000000")
        .set("message.timeout.ms", "300000")
        .set("log_level", "0")
        .create()
        .unwrap()
}

struct Writer {
    /// A killed broker loses nothing; a retry by the client is just one more duplicate.
    producer: BaseProducer,
    /// For records that must be neither duplicated nor reordered.
    once: BaseProducer,
    names: PerStream<String>,
    random: Random,
    ahead: u64,
    leavers: Leavers,
}

impl Writer {
    /// Writes a record with the timestamp of now.
    fn send(&self, stream: Stream, key: &str, value: &[u8]) {
        let record = BaseRecord::to(self.names.of(stream)).key(key).payload(value);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    fn write(&self, record: &SimulatedRecord) {
        self.send(record.stream, &record.account, record.json.as_bytes());
    }

    /// Now and then repeats one of the newest records, or sends one from the future, of an unknown type, or of an account that leaves.
    fn write_more(&mut self, newest: &[SimulatedRecord]) {
        let any = |random: &mut Random| newest[usize::try_from(random.next() % newest.len() as u64).unwrap()].clone();
        if self.random.permille(15) {
            let again = any(&mut self.random);
            self.write(&again);
        }
        if self.random.permille(10) {
            let (account, at) = (any(&mut self.random).account, now() + i64::try_from(self.random.between(1, AHEAD_MAX_MS)).unwrap());
            self.ahead += 1;
            let json = format!(
                r#"{{"type":"feature_used","id":"ahead-{}","account_id":"{account}","user_id":"u-{}","feature":"ahead","occurred_at":{at}}}"#,
                self.ahead,
                self.ahead % 7
            );
            self.send(Stream::Usage, &account, json.as_bytes());
        }
        if self.random.permille(2) {
            let account = any(&mut self.random).account;
            let json = format!(r#"{{"type":"heard_of_never","account_id":"{account}","occurred_at":{}}}"#, now());
            self.send(Stream::Support, &account, json.as_bytes());
        }
        if self.random.permille(60)
            && let Some(sent) = self.leavers.next(now())
        {
            self.send_once(&sent);
        }
    }

    fn send_once(&self, sent: &Sent) {
        let mut record = BaseRecord::<str, [u8]>::to(self.names.of(sent.stream)).key(&sent.account).timestamp(sent.timestamp);
        record.payload = sent.value.as_deref().map(str::as_bytes);
        self.once.send(record).map_err(|(error, _)| error).unwrap();
        self.once.poll(Duration::ZERO);
    }
}
