//! The stream threads: the Kafka side of the engine.
//!
//! Each thread is one member of the consumer group and one transactional producer. What it reads, decides and changes in a commit cycle
//! becomes one transaction: changes, dead letters, changelog, and the offsets of the inputs. The way of a record: [`thread`] polls it,
//! [`task`] takes it through the engine, [`cycle`] writes what came of it, [`restore`] brings it back.

mod assignment;
pub mod bad_run;
mod catch_up;
mod client;
pub mod clock;
mod complaint;
mod consumer;
mod cycle;
mod dead_letter;
mod describe;
mod failure;
mod fault;
mod group;
mod group_event;
mod identity;
mod inputs;
mod inspector;
mod load;
mod log;
mod native;
mod offsets;
mod options;
mod producer;
mod progress;
pub mod reset;
mod restore;
pub mod rights;
mod sample;
mod service;
mod stamp;
mod status;
mod stop;
pub mod survey;
mod task;
mod thread;
pub mod topics;

pub use client::Properties;
pub use failure::Failure;
pub use group::Members;
pub use offsets::Permits;
pub use options::{InputTopic, Options};
pub use service::Service;
pub use status::{InputState, Phase, Status, TaskState, ThreadState, ThreadStatus};
pub use stop::Stop;
