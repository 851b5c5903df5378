//! The HTTP server: page, API, metrics, probes. Read-only, bounded, on its own thread.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page: one file, no external resources |
//! | `/accounts/{id}` | the same page, opened at an account; links in alerts lead here |
//! | `/metrics` | metrics in the Prometheus text format |
//! | `/livez`, `/readyz` | probes |
//! | `/api/accounts`, `/api/accounts/{id}` | a list of accounts; one account with its explanation |
//! | `/api/portfolio`, `/api/pipeline` | sums and tasks of this instance |
//!
//! A configured token protects everything except the page, which contains no data, and the probes.

mod api;
mod blocking;
pub(crate) mod client;
mod error;
mod gzip;
mod host;
mod page;
mod timeouts;
mod routes;
mod server;
mod token;

pub use host::Hosts;
pub use server::{Listener, Server, Settings, StartError};
pub use timeouts::Timeouts;
pub use token::Token;
