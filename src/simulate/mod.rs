//! Simulated customers: seeded events of all five streams, with the true future of each account.
//!
//! Every account follows a story (healthy, slipping, angry ...) that depends only on the seed and the account's number, so a larger run
//! contains the accounts of a smaller one. Records are generated in time order, with one day's plan per account in memory.

mod action;
mod agenda;
mod billing;
mod company;
mod customer;
mod disturb;
mod feed;
mod feedback;
mod files;
mod generator;
mod kind;
mod options;
mod profile;
mod random;
mod record;
mod story;
mod support;
mod topics;
mod usage;

pub use customer::Label;
pub use disturb::Disturb;
pub use feed::Feed;
pub use files::{Files, write_labels};
pub use generator::Generator;
pub use kind::Kind;
pub use options::{Disturbance, Options};
pub use profile::FEATURES;
pub use record::SimulatedRecord;
pub use topics::{ProduceError, Topics};
