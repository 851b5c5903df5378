//! All tests that need no broker, in one binary because every test binary links the whole crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test panics when an expectation fails, and prints what it measured"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "test inputs are small, worked examples exact"
)]
#![allow(clippy::needless_pass_by_value, reason = "records are written in place")]

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../event_fixtures/mod.rs"]
mod event_fixtures;
#[path = "../hostile/mod.rs"]
mod hostile;
#[path = "../oracle/mod.rs"]
mod oracle;

mod adapters;
mod aliases;
mod backtest;
mod cases;
mod command_line;
mod compare;
mod decode_properties;
mod decoders_under_fuzz;
mod documented_commands;
mod driver;
mod event_reference;
mod explain;
mod fitted_model;
mod fuzz;
mod golden_events;
mod helpdesk;
mod live_portfolio;
mod mappings;
mod mrr_playbook;
mod native_round_trip;
mod portfolio;
mod recipes;
mod replay_against_oracle;
mod schemas;
mod sources;
mod stripe_prices;
mod tidy;
mod wrong_turns;
