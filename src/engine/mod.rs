//! The engine: one task's records in, its changes out. No broker, no clock.
//!
//! A task is the same partition number of every input topic. [`Task::process`] takes a record from bytes to state,
//! [`Task::round`] scores what is due and says what to publish, [`Task::changelog`] says what to remember, and
//! [`Task::restore`] takes it back.

mod alternative;
pub mod bad_run;
mod changelog;
mod changelog_key;
mod counts;
mod deletions;
#[cfg(test)]
mod examples;
mod input;
mod live_kpis;
mod process;
mod change_counts;
mod punctuation;
mod refresh;
mod report;
mod rescore;
mod round;
mod scoring;
mod scoring_order;
mod slot;
mod store;
mod summary;
mod task;
mod unwritten;
mod waiting;

use crate::portfolio::{CostEntry, Costs};
pub use alternative::{AlternativeModel, Comparison};
pub use change_counts::ChangeCounts;
pub use counts::{Counts, DeadLetterCounts, StreamCounts};
pub use input::{Input, Outcome, OutputRecord};
pub use report::AccountReport;
pub use round::{RoundOptions, RoundReport};
pub use scoring_order::ScoringOrder;
pub use slot::Slot;
pub use store::{Chain, LiveSums, PlainStore, Store};
pub use summary::Summary;
pub use task::Task;
