//! Open transactions, as seen by partitions and by the transaction coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bytes::Bytes;
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::{client, in_time};

/// The broker aborts an abandoned transaction after its timeout of ten seconds.
const LIMIT: Duration = Duration::from_mins(1);

const COMMITTED: u8 = 4;
const ABORTED: u8 = 5;

/// Transactions by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    pub committed: u64,
    pub aborted: u64,
}

/// Waits until no transaction is open: the last stable offset of each partition is its end, and the coordinator has no transaction
/// that has not ended.
pub fn check(broker: &Broker, topics: &[&str]) -> Result<Ended, Violation> {
    let (mut held, mut unfinished) = (Vec::new(), Vec::new());
    let ended = in_time(LIMIT, || {
        held = topics.iter().filter(|topic| client::stable_ends(broker, topic) != client::ends(broker, topic)).collect();
        let (ended, of_ids) = by_id(broker);
        unfinished = of_ids;
        (held.is_empty() && unfinished.is_empty()).then_some(ended)
    });
    ended.ok_or_else(|| Violation::new("I10", format!("open transactions of {unfinished:?} hold back {held:?}")))
}

/// Records of `__transaction_state`: the key is version, transactional id; the value version, producer id, epoch, time-out, status. Gives
/// how transactions ended, and the ids whose last one has not.
fn by_id(broker: &Broker) -> (Ended, Vec<String>) {
    let (mut ended, mut last) = (Ended::default(), BTreeMap::new());
    for record in client::read_committed(broker, "__transaction_state") {
        let (Some(key), Some(value)) = (&record.key, &record.value) else { continue };
        let (mut key, mut value) = (Bytes(key), Bytes(value));
        let (_, id) = (key.i16(), key.text());
        let _ = (value.i16(), value.i64(), value.i16(), value.i32());
        let status = value.byte();
        ended.committed += u64::from(status == COMMITTED);
        ended.aborted += u64::from(status == ABORTED);
        last.insert(id, status);
    }
    let unfinished = last.into_iter().filter(|(_, status)| (1..=3).contains(status)).map(|(id, _)| id).collect();
    (ended, unfinished)
}
