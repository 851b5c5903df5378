//! The stream threads: the Kafka side of the engine.
//!
//! Each thread is one member of the consumer group and has one transactional producer. Everything that a commit cycle reads, decides and
//! changes becomes one transaction: changes, dead letters, changelog, and the offsets of the inputs. [`machine`] decides, without I/O, what to
//! read, commit and restore; [`thread`] and [`restoring`] carry it out.

mod committed;
mod dead_letter;
mod failure;
mod group_event;
mod identity;
mod inputs;
pub mod machine;
mod joining;
mod namesake;
mod notices;
mod options;
pub mod preflight;
mod read_record;
pub mod repartition;
mod restoring;
mod service;
mod shared;
mod start_line;
mod thread;
mod values;
mod topic_guard;
mod watchdog;

pub use failure::Failure;
pub use inputs::{Inputs, SampledPartitioning, TopicIds};
pub use machine::offsets::Permits;
pub use options::{InputTopic, Options, Route};
pub use read_record::ReadRecord;
pub use repartition::redrive::{Tally, redrive};
pub use service::Service;
