//! The engine: records of one task in, changes out. No broker, no clock.
//!
//! A task owns the same partition number of every input topic. [`Task::process`] turns a record's bytes into state, [`Task::round`]
//! scores the accounts that are due and returns the changes to publish, [`Task::changelog`] returns the state to persist, and
//! [`Task::restore`] reads it back.

mod account_details;
mod account_history;
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
mod observe;
mod predictions;
mod process;
mod change_counts;
mod punctuation;
mod refresh;
mod report;
mod rescore;
mod round;
mod sample;
mod sampling;
mod scoring;
mod scoring_order;
mod slot;
mod store;
mod summary;
mod task;
mod unwritten;
mod waiting;

use crate::portfolio::{CostEntry, Costs};
pub use account_details::{AccountDetails, SubscriptionLine, TicketLine};
pub use account_history::AccountHistory;
pub use alternative::{AlternativeModel, Comparison};
pub use change_counts::ChangeCounts;
pub use counts::{Counts, DeadLetterCounts, StreamCounts};
pub use input::{Input, Outcome, OutputRecord};
pub use observe::{ScoredAccount, Selection};
pub use predictions::{Settled, Tally};
pub use report::AccountReport;
pub use round::{RoundOptions, RoundReport};
pub use scoring::Occasion;
pub use scoring_order::ScoringOrder;
pub use slot::Slot;
pub use store::{Chain, LiveSums, PlainStore, Store};
pub use summary::Summary;
pub use task::Task;
