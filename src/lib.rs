//! churnwatch: live customer health and churn risk from Kafka topics.
//!
//! It reads product-usage, billing and support-ticket topics, keeps rolling state for every account, and publishes each meaningful
//! change of health score and churn risk, with the reason, to an output topic, while Prometheus scrapes gauges. It is not a CRM, a
//! survey tool or a warehouse.
//!
//! Two halves. The **pure half** decides: it reads no clock, opens no file or socket, and is a function of records and settings. The
//! **shell** does. Data goes one way, in the order of the modules below: record bytes -> event -> account state -> metrics -> score ->
//! change -> output record. ARCHITECTURE.md has the same path, numbered.
#![deny(missing_docs)]

// The pure half.
pub mod account;
pub mod engine;
pub mod event;
pub mod metric;
pub mod money;
pub mod partitioner;
pub mod portfolio;
pub mod score;
pub mod settings;
pub mod stream_time;
pub mod time;

// The shell, from the ground up: a module imports from those above it.
pub mod clock; // the one file that reads a clock
pub mod fault; // kill points for tests
pub mod stop; // the request to shut down
pub mod kafka; // clients; the one module that calls librdkafka
pub mod config; // configuration files, environment and --set
pub mod status; // what stream threads report
pub mod telemetry; // Prometheus
pub mod stream; // stream threads, transactions, restore
pub mod http; // page and API
pub mod replay; // the same pipeline over files
pub mod simulate; // customers with a known future
pub mod cli; // one file per command
