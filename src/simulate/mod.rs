//! Simulated customers: seeded events of all five streams, with the true future of each account.
//!
//! Every account is a story (healthy, slipping, angry ...) that depends on the seed and its number alone, so that a larger run holds
//! the accounts of a smaller one. Records come in order of time with bounded memory: what is kept is one day's plan of each account.

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
pub use files::{Files, WriteError, write_labels};
pub use generator::Generator;
pub use kind::Kind;
pub use options::{Disturbance, Options};
pub use record::SimulatedRecord;
pub use topics::{ProduceError, Topics};
