//! How long each kind of wait for Kafka lasts, and which errors are worth waiting for. No other file decides either.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use super::properties::TRANSACTION_TIMEOUT;
use crate::clock::monotonic;

/// One request.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);
/// One request of a thread that looks around between requests, and repeats it.
pub(crate) const TURN: Duration = Duration::from_secs(2);
/// One look of a watch that looks again soon.
pub(crate) const LOOK: Duration = Duration::from_secs(5);
/// The abort of a transaction. The coordinator ends whatever it leaves open.
pub(crate) const ABORT: Duration = Duration::from_secs(5);
/// The first answer of a cluster. At the start, a wrong address is likelier than an outage.
pub(crate) const FIRST_CONTACT: Duration = Duration::from_secs(10);
/// A broker, leader or coordinator that has been there before: a failed broker is noticed within seconds and restarts within a minute.
pub(crate) const OUTAGE: Duration = Duration::from_mins(1);
/// Reading the sample of all topics. What has not come by then is missing from it.
pub(crate) const SAMPLE: Duration = OUTAGE;
/// A topic that may not exist: brokers learn of new ones with a delay.
pub(crate) const UNKNOWN_TOPIC: Duration = Duration::from_secs(5);
/// A topic that must exist: it was there before, or has just been created.
pub(crate) const KNOWN_TOPIC: Duration = Duration::from_secs(30);
/// The end of an open transaction: its timeout, plus the time that the broker takes to abort it.
pub(crate) const OPEN_TRANSACTION: Duration = TRANSACTION_TIMEOUT.saturating_add(Duration::from_secs(30));
/// Pause between attempts.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// How long to keep trying after this error; `None` if it is final. `contact`: the limit while no broker answers at all.
pub(crate) fn limit(error: &KafkaError, contact: Duration) -> Option<Duration> {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, CoordinatorLoadInProgress, CoordinatorNotAvailable, DestroyBroker, LeaderNotAvailable,
        NetworkException, NotCoordinator, NotLeaderForPartition, OffsetNotAvailable, OperationTimedOut, RequestTimedOut, UnknownPartition,
        UnstableOffsetCommit, WaitingForCoordinator,
    };
    let code = match error {
        KafkaError::AdminOp(code) => *code,
        other => other.rdkafka_error_code()?,
    };
    match code {
        // librdkafka drops a broker that does not answer together with the requests that wait for it.
        AllBrokersDown | BrokerTransportFailure | DestroyBroker | NetworkException | OperationTimedOut => Some(contact),
        LeaderNotAvailable
        | NotLeaderForPartition
        | OffsetNotAvailable
        | UnknownPartition
        | RequestTimedOut
        | CoordinatorLoadInProgress
        | CoordinatorNotAvailable
        | NotCoordinator
        | WaitingForCoordinator => Some(OUTAGE),
        UnstableOffsetCommit => Some(OPEN_TRANSACTION),
        _ => None,
    }
}

/// Whether to stop repeating a request that failed with this error, and for the first time at `began` or later.
pub(crate) fn is_over(error: &KafkaError, contact: Duration, began: Instant) -> bool {
    limit(error, contact).is_none_or(|limit| monotonic().duration_since(began) >= limit)
}

/// Repeats a request until it succeeds, or fails for longer than [`limit`] allows. `request` receives its timeout.
pub(crate) fn patiently<T>(
    contact: Duration,
    mut pause: impl FnMut(),
    mut request: impl FnMut(Duration) -> KafkaResult<T>,
) -> KafkaResult<T> {
    let began = monotonic();
    loop {
        match request(REQUEST.min(contact)) {
            Err(error) if !is_over(&error, contact, began) => pause(),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: RDKafkaErrorCode) -> KafkaError {
        KafkaError::MetadataFetch(code)
    }

    #[test]
    fn a_missing_leader_is_always_an_outage_and_a_silent_cluster_only_after_first_contact() {
        assert_eq!(limit(&failed(RDKafkaErrorCode::LeaderNotAvailable), FIRST_CONTACT), Some(OUTAGE));
        assert_eq!(limit(&failed(RDKafkaErrorCode::AllBrokersDown), FIRST_CONTACT), Some(FIRST_CONTACT));
        assert_eq!(limit(&failed(RDKafkaErrorCode::AllBrokersDown), OUTAGE), Some(OUTAGE));
        assert_eq!(limit(&failed(RDKafkaErrorCode::DestroyBroker), OUTAGE), Some(OUTAGE));
        assert_eq!(limit(&failed(RDKafkaErrorCode::UnstableOffsetCommit), OUTAGE), Some(OPEN_TRANSACTION));
        assert_eq!(limit(&KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut), OUTAGE), Some(OUTAGE));
        assert_eq!(limit(&KafkaError::AdminOp(RDKafkaErrorCode::InvalidConfig), OUTAGE), None);
    }

    #[test]
    fn a_request_is_repeated_until_it_succeeds_or_its_error_is_final() {
        let mut left = 3;
        let answer = patiently(
            OUTAGE,
            || (),
            |_| {
                left -= 1;
                if left == 0 { Ok(7) } else { Err(failed(RDKafkaErrorCode::LeaderNotAvailable)) }
            },
        );
        assert_eq!((answer.unwrap(), left), (7, 0));
        let mut asked = 0;
        let refused: KafkaResult<()> = patiently(
            OUTAGE,
            || (),
            |_| {
                asked += 1;
                Err(failed(RDKafkaErrorCode::TopicAuthorizationFailed))
            },
        );
        assert!(refused.is_err() && asked == 1);
    }
}
