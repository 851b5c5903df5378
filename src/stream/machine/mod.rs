//! What a stream thread decides, without I/O: two state machines that a driver feeds with what happens, and that answer with what to do.
//!
//! ```text
//!            records, ends, rebalances,                        answers about offsets and logs,
//!            what became of a transaction                      changelog records
//!                       |                                                |
//!                       v              Request ->                        v
//!                   [`Member`]  -------------------------------->   [`Restore`]
//!                       |       <--------------------------------        |
//!                       v              <- Answer                         v
//!            read, assign, write a transaction,                ask for offsets and ends,
//!            replace the producer, leave                       read a changelog to its end
//! ```
//! A driver asks a machine for its next effect, carries it out, and hands over the event that is its answer. In production the drivers are
//! the stream thread (`stream/thread.rs`) and the restoring thread (`stream/restoring.rs`), which do nothing else; in `tests/simulate` it is
//! a simulator with a clock of its own and a model of the brokers. Nothing here reads a clock, waits, locks or calls a client, so a run is
//! determined by its events.
//!
//! What a [`Member`] does next:
//!
//! | it is | what happens | effects | it is then |
//! |---|---|---|---|
//! | reading | partitions are assigned | accept | accepting |
//! | accepting | the membership is known | restore its tasks | reading |
//! | reading | a task is restored | drain; assign the inputs of all that run, unless the group has spoken | reading |
//! | reading | a cycle is due, and there is something to write | write | writing |
//! | writing | committed | | reading |
//! | writing | committed, but a request may still arrive twice | replace the producer | replacing |
//! | writing | failed | drain, replace the producer | recovering |
//! | replacing | the producer is ready | | reading |
//! | recovering | the producer is ready | drain, restore what was dropped; assign the others, unless the group has spoken | reading |
//! | reading | partitions are revoked | write what is left; look the name up, if it has one; unassign | writing, checking, reading |
//! | reading | partitions are lost | the same, but nothing is written | checking, reading |
//! | reading | the next offset no longer exists | restore everything | reading |
//! | reading | a shutdown is requested | write what is left; then leave | writing, left |
//!
//! Each of its tasks is restoring or running (`tasks.rs`). What a [`Restore`] does is drawn in `restore.rs`. Anything that cannot be
//! recovered from is a [`super::Failure`], which ends the process.

pub(in crate::stream) mod assignment;
pub(in crate::stream) mod basis;
pub(in crate::stream) mod catch_up;
pub(in crate::stream) mod commit_point;
mod contradiction;
mod cycle;
mod event;
mod gathering;
mod interruptions;
mod job;
pub(in crate::stream) mod live_keys;
pub(in crate::stream) mod load;
pub(in crate::stream) mod look_up;
mod member;
pub(in crate::stream) mod offsets;
mod progress;
mod rebalance;
mod restore;
mod restored;
pub(in crate::stream) mod stamp;
pub(in crate::stream) mod starts;
pub(in crate::stream) mod task;
mod tasks;
pub(in crate::stream) mod transaction;

pub use assignment::Membership;
pub use commit_point::CommitPoint;
pub use event::{Answer, Answered, Effect, Event, GroupEvent, KnownEnds, Now, RestoreEffect, RestoreEvent, Unanswered};
pub use gathering::BATCH;
pub use member::Member;
pub use restore::Restore;
pub use restored::Restored;
pub use stamp::{KEY as STAMP_KEY, Stamp, StampedInput};
pub use tasks::{Request, Wanted};
