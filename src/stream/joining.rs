//! How a thread joins its group for the first time.

use super::failure::Failure;
use super::namesake::Namesake;
use crate::clock::Deadline;
use crate::fault;
use crate::kafka::{Consumer, wait};
use crate::stop::Stop;
use crate::threads::StepClock;

/// Joins the group of these topics, once its coordinator answers and `await_others` has returned. `step` is called every few seconds; it
/// returns false once a shutdown is requested.
///
/// Once subscribed, librdkafka joins by itself as soon as it can, however long that takes. So a member with a name, which might fence a
/// successor by that, waits out an outage first. Others wait only to join at once.
///
/// # Errors
/// If another process has the name, or the topics are refused.
pub(super) fn join(
    member: &Consumer,
    topics: &[&str],
    namesake: Option<&Namesake>,
    step: impl Fn() -> bool,
    await_others: impl FnOnce(),
) -> Result<(), Failure> {
    let deadline = Deadline::after(if namesake.is_some() { wait::OUTAGE } else { wait::TURN });
    let first = topics.first().copied().unwrap_or_default();
    while step() && !member.connect((first, 0), wait::TURN) && !deadline.passed() {}
    await_others();
    fault::point("before-join");
    if let Some(namesake) = namesake {
        namesake.check_first_use(&step)?;
    }
    // A look-up that a shutdown has interrupted says nothing.
    if step() { Ok(member.subscribe(topics)?) } else { Ok(()) }
}

/// Notes a step of a thread that waits for a broker; false once a shutdown is requested.
pub(super) fn is_wanted(clock: &StepClock, stop: &Stop) -> bool {
    clock.step();
    !stop.is_requested()
}
