//! Portfolio KPIs: a worked example of each, period borders, and sums that do not depend on grouping.

mod customers;
mod periods;
mod scopes;
mod service;
mod usage;
mod world;
