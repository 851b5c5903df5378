//! The HTTP server: page, API, metrics, probes. Read-only, bounded, on a thread of its own.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page: one file, no external resources |
//! | `/metrics` | Prometheus' text format |
//! | `/livez`, `/readyz` | probes |
//! | `/api/accounts`, `/api/accounts/{id}` | accounts, and one with its explanation |
//! | `/api/portfolio`, `/api/pipeline` | sums and tasks of this instance |
//!
//! If a token is configured, it protects everything except the page (which contains no data) and the probes.

mod api;
mod error;
mod page;
mod timeouts;
mod routes;
mod server;
mod token;

pub use server::{Listener, Server, Settings, StartError};
pub use timeouts::Timeouts;
pub use token::Token;
