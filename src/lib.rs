//! churnwatch: live customer health and churn risk from Kafka topics.
//!
//! It reads product-usage, billing and support-ticket topics, keeps rolling state per account, and publishes every meaningful change
//! of health score and churn risk, with the reason, to an output topic. Prometheus scrapes the gauges. It is not a CRM, a survey tool
//! or a warehouse.
//!
//! The crate has two halves. The **pure half** decides: a function of records and settings that reads no clock, opens no file or socket
//! and takes no lock. The **shell** does everything else. The modules below are listed from the ground up, and each imports only from
//! those above it. `engine::Task::process` takes a record through decode -> partition check -> stream time -> dedup -> apply -> outcome;
//! a round then takes each changed account through metrics -> score -> change -> output record. ARCHITECTURE.md numbers the same path.
//!
//! The engine needs neither Kafka nor a clock:
//!
//! ```
//! use std::sync::Arc;
//!
//! use churnwatch::engine::{Input, Outcome, PlainStore, RoundOptions, Task};
//! use churnwatch::event::{Format, Headers, Stream};
//! use churnwatch::settings::Settings;
//! use churnwatch::time::Timestamp;
//!
//! let mut task = Task::new(Arc::new(Settings::default()), PlainStore::default());
//! let now = Timestamp(1_767_225_600_000);
//! let record = br#"{"id": "e1", "type": "feature_used", "account_id": "acme", "user_id": "u1", "feature": "report",
//!     "occurred_at": "2026-01-01T00:00:00Z"}"#;
//! let (stream, format, headers) = (Stream::Usage, &Format::Native, Headers::NONE);
//! let input = Input { stream, key: None, value: Some(record), headers, format, timestamp: None, broker_timestamp: Some(now) };
//! assert_eq!(task.process(&input, now), Outcome::Applied);
//!
//! let mut changes = Vec::new();
//! task.round(now, &RoundOptions { publish: true, catching_up: false, budget: 100, bytes: usize::MAX }, &mut changes);
//! let change: serde_json::Value = serde_json::from_slice(changes[0].value.as_deref().unwrap()).unwrap();
//! assert_eq!(change["account_id"], "acme");
//! assert_eq!(change["sequence"], 1);
//! ```
#![deny(missing_docs)]

// The pure half, from the ground up: a module imports from those above it.
pub mod time; // instants, the reporting zone, quiet days
pub mod money; // currencies, exact fractions, rates
pub mod event; // record bytes -> typed event
pub mod metric; // names and values of account metrics, and the instant they are measured at
pub mod score; // metrics -> score, bands, risk, explanation
pub mod settings; // the part of the configuration that the pure half reads
pub mod stream_time; // stream time, lateness, record identity
pub mod alias; // accounts under the names of other systems
pub mod partitioner; // the partition that a key belongs to
pub mod account; // the facts about one account, and its metrics
pub mod portfolio; // KPIs as sums over accounts
pub mod engine; // one task: records in, changes out
pub mod breakdown; // one score taken apart, to be redone by hand
pub mod backtest; // risks of the past against what happened, and coefficients fitted to it

// The shell, from the ground up: a module imports from those above it.
pub mod clock; // the one file that reads a clock
pub mod fault; // kill points for tests
pub mod stop; // the request to shut down
pub mod file; // outputs that appear whole or not at all, and why a file cannot be read
pub mod kafka; // clients; the one module that calls librdkafka
pub mod build; // what this binary was built from
pub mod config; // configuration files, environment and --set
pub mod registry; // values framed for a schema registry -> JSON
pub mod directory; // tasks as readers see them
pub mod threads; // health reports of the stream threads
pub mod telemetry; // Prometheus
pub mod stream; // stream threads, transactions, restore
pub mod http; // page and API
pub mod replay; // the same pipeline over files
pub mod simulate; // synthetic customers with a known future
pub mod cli; // one file per command
