//! Prometheus metrics: counters updated by the stream threads, and gauges filled from the accounts at each scrape.
//!
//! Every family is registered on the registry passed in and documented in docs/metrics.md; a test compares the two. Label values come from
//! closed sets or are limited by `limits.label_values`, with the rest as `other`.

mod account_series;
#[cfg(test)]
mod documentation;
#[cfg(test)]
pub(crate) mod fake;
mod family;
mod gauges;
mod health_score;
mod instance;
mod labels;
mod lists;
mod memory;
mod metrics;
mod portfolio;
mod refreshed;
mod scrape;
mod sort;
mod source;
mod task_meter;
mod top;
mod track_record;

pub use family::Family;
pub use instance::Instance;
pub use lists::{List, Listed, Lists};
pub use metrics::{AliasConflict, Metrics, RecordOutcome, TransactionOutcome};
pub(crate) use refreshed::Refreshed;
pub use scrape::{Caps, Scrape};
pub use sort::Sort;
pub use source::{AccountRow, BANDS, Live, PortfolioCell, Readiness, Source, StreamStatus, TaskPhase, TaskStatus, ThreadStatus};
pub use task_meter::TaskMeter;
pub use top::{Filter, OwnedRow, Query, top};
pub use track_record::{LevelRecord, TrackRecord};

use prometheus::{Encoder, Registry, TextEncoder};

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All metrics of a registry in the Prometheus text format.
///
/// # Errors
/// If a family cannot be encoded; no family of this crate causes that.
pub fn text(registry: &Registry) -> prometheus::Result<Vec<u8>> {
    let mut buffer = Vec::with_capacity(64 * 1024);
    TextEncoder::new().encode(&registry.gather(), &mut buffer)?;
    Ok(buffer)
}
