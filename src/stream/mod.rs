//! The stream threads: the Kafka side of the engine.
//!
//! Each thread is one member of the consumer group and one transactional producer. What it reads, decides and changes in a commit cycle
//! becomes one transaction: changes, dead letters, changelog, and the offsets of the inputs. The way of a record: [`thread`] polls it,
//! [`task`] takes it through the engine, [`cycle`] writes what came of it, [`restore`] brings it back.

mod assignment;
pub mod bad_run;
mod catch_up;
mod committed;
mod cycle;
mod dead_letter;
mod failure;
mod group_event;
mod identity;
mod load;
mod offsets;
mod options;
pub mod preflight;
mod progress;
mod restore;
mod service;
mod stamp;
mod task;
mod thread;

pub use failure::Failure;
pub use offsets::Permits;
pub use options::{InputTopic, Options};
pub use service::Service;
