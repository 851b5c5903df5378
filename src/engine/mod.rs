//! The engine: one task's records in, its changes out. No broker, no clock.
//!
//! A task is the same partition number of every input topic. [`Task::process`] takes a record from bytes to state,
//! [`Task::round`] scores what is due and says what to publish, [`Task::changelog`] says what to remember, and
//! [`Task::restore`] takes it back.

mod alternative;
mod changelog;
mod costs;
mod counts;
mod deletions;
mod directory;
mod input;
mod punctuation;
mod refresh;
mod report;
mod rescore;
mod round;
mod scoring;
mod scoring_order;
mod task;
mod totals;
mod waiting;

pub use alternative::{Alternative, Comparison};
pub use costs::Costs;
pub use counts::{Counts, DeadLetterCounts, StreamCounts};
pub use directory::{Directory, Summary, TaskView};
pub use input::{Input, Outcome, OutputRecord};
pub use report::AccountReport;
pub use round::{RoundOptions, RoundReport};
pub use scoring_order::ScoringOrder;
pub use task::Task;
pub use totals::{Share, Sums, Totals, TotalsKey};
