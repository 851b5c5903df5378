//! The binary on a real Kafka broker that the tests start themselves, one module per behaviour. Needs `./dev kafka jars`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics when an expectation fails"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "test inputs are small, worked examples exact"
)]

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../hostile/mod.rs"]
#[allow(dead_code, reason = "shared with the offline tests")]
mod hostile;
#[path = "../kafka/mod.rs"]
mod kafka;
#[path = "../oracle/mod.rs"]
#[allow(dead_code, reason = "shared with the offline tests")]
mod oracle;

mod absence;
mod aliases;
mod backlog;
mod basis;
mod burst;
mod changelog;
mod chaos;
mod claims;
mod consumers;
mod deletion;
mod demo;
mod deployed;
mod documented_commands;
mod documents;
mod exits;
mod formats;
mod kill;
mod late;
mod monitoring;
mod offsets;
mod page;
mod progress;
mod redrive;
mod reload;
mod repartition;
mod run;
mod schema_registry;
mod security;
mod topics;
mod upgrade;
mod zombie;
