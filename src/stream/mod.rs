//! The stream threads: the Kafka side of the engine.
//!
//! Each thread is one member of the consumer group and has one transactional producer. Everything that a commit cycle reads, decides and
//! changes becomes one transaction: changes, dead letters, changelog, and the offsets of the inputs. [`thread`] polls records, [`task`]
//! runs them through the engine, [`cycle`] writes the results, and [`restore`] rebuilds the state after a restart.

mod assignment;
mod basis;
mod broken_off;
mod catch_up;
mod committed;
mod contradiction;
mod cycle;
mod dead_letter;
mod failure;
mod group_event;
mod identity;
mod joining;
mod live_keys;
mod load;
mod namesake;
mod notices;
mod offsets;
mod options;
pub mod preflight;
mod progress;
mod rebalance;
pub mod repartition;
mod restore;
mod restoring;
mod service;
mod shared;
mod stamp;
mod start_line;
mod starts;
mod task;
mod tasks;
mod thread;
mod values;
mod topic_guard;
mod watchdog;

pub use failure::Failure;
pub use offsets::Permits;
pub use options::{InputTopic, Options, Route};
pub use repartition::redrive::{Tally, redrive};
pub use service::Service;
