//! Events between records: rebalances, and an offset that no longer exists.

use std::collections::VecDeque;
use std::time::Duration;

use super::failure::Failure;
pub(super) use super::machine::GroupEvent;
use crate::clock::Deadline;
use crate::kafka::{self, Consumer, ConsumerEvent, ErrorCode, is_forbidden, log};

/// Longest time to drain for: new records may keep arriving.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Polls without waiting: queues group events, and drops records, which the next assignment fetches again.
pub(super) fn drain(consumer: &Consumer, events: &mut VecDeque<GroupEvent>) -> Result<(), Failure> {
    let deadline = Deadline::after(DRAIN_LIMIT);
    while !deadline.passed()
        && let Some(event) = consumer.poll(Duration::ZERO)
    {
        note(event.content(), || consumer.assignment_lost(), events)?;
    }
    Ok(())
}

/// Handles everything except records and ends of partitions: queues rebalances for the thread, forwards log lines, returns fatal errors.
pub(super) fn note(what: ConsumerEvent<'_>, is_lost: impl FnOnce() -> bool, events: &mut VecDeque<GroupEvent>) -> Result<(), Failure> {
    match what {
        ConsumerEvent::Assigned(partitions) => events.push_back(GroupEvent::Assigned(partitions)),
        ConsumerEvent::Revoked => events.push_back(GroupEvent::Revoked { lost: is_lost() }),
        ConsumerEvent::Log(level, facility, text) => log::librdkafka(level, &facility, &text),
        ConsumerEvent::Failed { code: ErrorCode::FencedInstanceId, reason, .. } => return Err(Failure::Fenced { cause: reason }),
        ConsumerEvent::Failed { code: ErrorCode::AutoOffsetReset, .. } => events.push_back(GroupEvent::OutOfRange),
        ConsumerEvent::Failed { code, reason, .. } if is_forbidden(code) => return Err(kafka::Error::forbidden("reading", &reason).into()),
        ConsumerEvent::Failed { fatal: true, reason, .. } => return Err(Failure::kafka("reading", &reason)),
        ConsumerEvent::Failed { code, reason, .. } => log::client_error("consumer", Some(code), &reason),
        ConsumerEvent::Record(_) | ConsumerEvent::End(..) | ConsumerEvent::Nothing => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(what: ConsumerEvent<'_>, lost: bool) -> Result<VecDeque<GroupEvent>, &'static str> {
        let mut events = VecDeque::new();
        note(what, || lost, &mut events).map(|()| events).map_err(|failure| failure.code())
    }

    fn failed(code: ErrorCode, fatal: bool) -> ConsumerEvent<'static> {
        ConsumerEvent::Failed { code, fatal, reason: "why".to_owned() }
    }

    #[test]
    fn rebalances_are_queued_for_the_thread_in_order() {
        let mut events = VecDeque::new();
        note(ConsumerEvent::Revoked, || true, &mut events).unwrap();
        note(ConsumerEvent::Assigned(vec![("usage".to_owned(), 1)]), || false, &mut events).unwrap();
        assert_eq!(events, [GroupEvent::Revoked { lost: true }, GroupEvent::Assigned(vec![("usage".to_owned(), 1)])]);
    }

    #[test]
    fn a_truncated_log_is_an_event_and_not_a_failure() {
        assert_eq!(noted(failed(ErrorCode::AutoOffsetReset, false), false).unwrap(), [GroupEvent::OutOfRange]);
    }

    #[test]
    fn fencing_missing_rights_and_fatal_errors_end_the_thread() {
        assert_eq!(noted(failed(ErrorCode::FencedInstanceId, true), false).unwrap_err(), "fenced");
        assert_eq!(noted(failed(ErrorCode::GroupAuthorizationFailed, false), false).unwrap_err(), "kafka");
        assert_eq!(noted(failed(ErrorCode::Fatal, true), false).unwrap_err(), "kafka");
    }

    #[test]
    fn errors_that_librdkafka_retries_are_not_events() {
        assert!(noted(failed(ErrorCode::AllBrokersDown, false), false).unwrap().is_empty());
        assert!(noted(ConsumerEvent::Log(6, "FAIL".to_owned(), "text".to_owned()), false).unwrap().is_empty());
    }
}
