//! What the server is set up with.

use std::time::Duration;

use super::host::Hosts;
use super::timeouts::Timeouts;
use super::token::Token;
use crate::config::section;

/// The allowed hosts, the token, and the limits that clients are held to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Hosts that requests may name.
    pub hosts: Hosts,
    /// The token that requests must carry, if any.
    pub token: Option<Token>,
    /// Most simultaneous connections; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long a client may take and idle.
    pub timeouts: Timeouts,
}

impl From<&section::Http> for Settings {
    fn from(http: &section::Http) -> Self {
        Self {
            hosts: Hosts::new(&http.allowed_hosts, &http.external_url),
            token: http.token.as_ref().map(|token| Token::new(token.expose())),
            connections_max: http.max_connections,
            timeouts: Timeouts {
                request: Duration::from_secs(http.request_timeout_seconds),
                idle: Duration::from_secs(http.idle_timeout_seconds),
            },
        }
    }
}
