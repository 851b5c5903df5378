//! Portfolio KPIs: a worked example with numbers for each, the borders of months, and sums that no grouping can change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test panics where its example is not as expected"
)]
#![allow(clippy::needless_pass_by_value, reason = "records are written in place")]

mod customers;
mod periods;
mod scopes;
mod service;
mod usage;
mod world;
