//! The HTTP server: page, API, metrics, probes. Read-only, bounded, on its own thread.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page: one file, no external resources |
//! | `/accounts/{id}` | the same page, opened at an account; links in alerts lead here |
//! | `/metrics` | metrics in the Prometheus text format |
//! | `/livez`, `/readyz` | probes |
//! | `/api/accounts`, `/api/accounts.csv` | lists of accounts |
//! | `/api/accounts/{id}`, `.../explanation`, `.../history` | one account: now, taken apart, and on past dates |
//! | `/api/portfolio`, `/api/portfolio/history`, `/api/cohorts` | sums over the accounts of this instance |
//! | `/api/metrics` | what each account metric means |
//! | `/api/pipeline` | tasks and outcomes of this instance |
//! | `/events` | what the page shows, pushed |
//! | `/session` | a cookie for a token, because browsers send no headers with streams |
//!
//! A configured token protects everything except the page, which contains no data, and the probes.

mod api;
mod blocking;
pub(crate) mod client;
mod error;
mod events;
mod gzip;
mod host;
mod list;
mod page;
mod pipeline_history;
mod timeouts;
mod routes;
mod server;
mod settings;
mod token;

pub use host::Hosts;
pub use server::{Listener, Server, StartError};
pub use settings::Settings;
pub use timeouts::Timeouts;
pub use token::Token;
