//! What the group or a log says between records.

use std::collections::VecDeque;

use super::failure::Failure;
use crate::kafka::{self, Consumer, ErrorCode, What, is_forbidden, log};

/// What was said and the thread has not yet acted on.
pub(super) enum GroupEvent {
    /// These partitions are ours.
    Assigned(Vec<(String, i32)>),
    /// None is ours any more; when they are `lost`, others have them already.
    Revoked { lost: bool },
    /// The broker has no record at the offset that is to be read next.
    OutOfRange,
}

/// Takes note of what is no record: rebalances are kept for the thread, log lines passed on, fatal errors returned.
pub(super) fn note(what: What<'_>, member: &Consumer, events: &mut VecDeque<GroupEvent>) -> Result<(), Failure> {
    match what {
        What::Assigned(partitions) => events.push_back(GroupEvent::Assigned(partitions)),
        What::Revoked => events.push_back(GroupEvent::Revoked { lost: member.assignment_lost() }),
        What::Log(level, facility, text) => log::librdkafka(level, &facility, &text),
        What::Failed { code: ErrorCode::FencedInstanceId, reason, .. } => return Err(Failure::Fenced { cause: reason }),
        What::Failed { code: ErrorCode::AutoOffsetReset, .. } => events.push_back(GroupEvent::OutOfRange),
        What::Failed { code, reason, .. } if is_forbidden(code) => return Err(kafka::Error::forbidden("reading", &reason).into()),
        What::Failed { fatal: true, reason, .. } => return Err(Failure::kafka("reading", &reason)),
        What::Failed { code, reason, .. } => log::client_error("consumer", Some(code), &reason),
        What::Record(_) | What::End(..) | What::Nothing => {}
    }
    Ok(())
}
