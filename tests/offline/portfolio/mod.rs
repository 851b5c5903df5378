//! Portfolio KPIs: a worked example with numbers for each, the borders of months, and sums that no grouping can change.

mod customers;
mod periods;
mod scopes;
mod service;
mod usage;
mod world;
