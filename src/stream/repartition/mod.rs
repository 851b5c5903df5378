//! The repartition stage: reads topics that are not keyed by account or have another number of partitions, and writes their events in the
//! native format to one internal topic keyed by account, which the tasks read like any other input.
//!
//! ```text
//!   repartitioned topics --(own group)--> decode -> account (aliases) -> native JSON --+
//!                                                                                      | one transaction, with the next offset
//!   accounts topics --(no group)--> table of aliases        dead letters <-------------+ of every partition read
//!                                      ^                                               |
//!                                      +--(no group)-- aliases topic (compacted) <-----+
//! ```
//! The stage holds no state but its offsets, so nothing is restored: after a transaction that failed, or whose outcome is unclear, it reads
//! on from the committed offsets. [`router`] decides what becomes of a record and does no I/O; [`thread`] reads, [`backlog`] in the order of
//! time while there is one ([`order`] chooses the partition, [`frontier`] holds the threads together), [`writer`] writes, [`commit`] commits;
//! [`accounts`] follows the topics that declare aliases, [`table`] holds these, and [`declaration`] is what an event of another topic
//! declares; [`purge`] deletes what the tasks have committed; [`reset`] moves the group's offsets behind what was written; [`redrive`] writes
//! the events of dead letters whose account has become known.

mod accounts;
mod backlog;
mod commit;
mod counted;
mod declaration;
mod deletions;
mod frontier;
mod lane;
mod order;
mod origin;
mod positions;
pub(super) mod purge;
pub mod redrive;
pub mod reset;
pub mod router;
mod stage;
mod table;
mod thread;
mod writer;

pub(super) use accounts::Follower;
pub(super) use origin::{Origin, origin_of};
pub(super) use stage::Stage;
pub(super) use thread::RepartitionThread;
