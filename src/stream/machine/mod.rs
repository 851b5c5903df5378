//! Two state machines without I/O decide what a stream thread does. A driver feeds them events and carries out the effects they return.
//!
//! ```text
//!            records, ends, rebalances,                        answers about offsets and logs,
//!            what became of a transaction                      changelog records
//!                       |                                                |
//!                       v              Request ->                        v
//!                    Member   -------------------------------->       Restore
//!                       |       <--------------------------------        |
//!                       v              <- Answer                         v
//!            read, assign, write a transaction,                ask for offsets and ends,
//!            replace the producer, look the                    read a changelog to its end
//!            name up, leave
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
//! | accepting | the assignment was lost before | drop its tasks | reading |
//! | reading | a task is restored | drain; assign the inputs of all that run, unless a group event is waiting | reading |
//! | reading | the accounts topics are read to their ends | drain; assign every input, unless a group event is waiting | reading |
//! | reading | a cycle is due, and there is something to write | write | writing |
//! | writing | committed | | reading |
//! | writing | committed, but a request may still arrive twice | replace the producer | replacing |
//! | writing | failed | drain, replace the producer | recovering |
//! | replacing | the producer is ready | | reading |
//! | recovering | the producer is ready | drain, restore what was dropped; assign the others, unless a group event is waiting | reading |
//! | reading | partitions are revoked | write what is left; look the name up, if it has one; unassign | writing, checking, reading |
//! | reading | partitions are lost | the same, but nothing is written | checking, reading |
//! | writing, revoked | failed, or a request may still arrive twice | look the name up, if it has one; unassign; drain, replace the producer | checking, recovering |
//! | checking | nobody else has the name | unassign | reading, recovering |
//! | checking | a shutdown is requested | leave: to unassign would be to rejoin | left |
//! | reading | the next offset no longer exists | restore everything | reading |
//! | reading | a shutdown is requested | write what is left; then leave | writing, left |
//! | writing, shutting down | failed | exit with `stopped_uncommitted` | |
//!
//! Each of its tasks is restoring or running (`tasks.rs`). `restore.rs` draws the states of a [`Restore`]. Anything that cannot be recovered
//! from is a [`super::Failure`], which ends the process.

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
