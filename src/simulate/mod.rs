//! Simulated customers: seeded events of all five streams, with the true future of each account.
//!
//! Every account has a hidden future (`future.rs`): it may decline, and then recovers or leaves, and a few leave overnight. Its behaviour
//! (`story.rs`) follows that condition late, in part and with noise, so it can be predicted only so well: `truth.rs` says how well.
//!
//! All of it depends only on the seed and the account's number, so a larger run contains the accounts of a smaller one. Records are generated
//! in time order, with one day's plan per account in memory.

mod action;
mod agenda;
mod billing;
mod company;
mod customer;
mod decline;
mod disturb;
mod feed;
mod feedback;
mod files;
mod future;
mod generator;
mod kind;
mod noise;
mod options;
mod outlook;
mod profile;
mod random;
mod record;
mod rehearsal;
mod story;
mod support;
mod topics;
mod truth;
mod usage;

pub use customer::Label;
pub use disturb::Disturb;
pub use feed::Feed;
pub use files::{Files, write_labels, write_truth};
pub use generator::Generator;
pub use kind::{Kind, Mix};
pub use options::{Disturbance, Options};
pub use profile::FEATURES;
pub use record::SimulatedRecord;
pub use rehearsal::{Foretold, first_to_turn_red};
pub use topics::{ProduceError, Topics};
pub use truth::{TRUTH_HEADER, Truth, truth};
