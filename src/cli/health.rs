//! `churnwatch health`: asks a running instance whether it is ready; for health checks of containers and services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::Globals;
use crate::http::client;

const EXAMPLES: &str = "\
Examples:
  churnwatch health
  churnwatch health --config config/churnwatch.toml
  churnwatch health --url http://churnwatch-0.churnwatch:9400

Exit code 0: ready. 1: not ready, or no answer; the reason is on standard error.";

/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Options of `health`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The instance; by default the one on this machine that uses this configuration's `http.listen`
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// Asks for `/readyz`.
///
/// # Errors
/// A problem in the configuration; an instance that does not answer or is not ready, with what it waits for.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("http://{}", reachable(globals.load_offline()?.http.listen)),
    };
    let (status, body) = client::get(&url, "/readyz", LIMIT)?;
    match status {
        StatusCode::OK => {
            eprintln!("{url} is ready");
            Ok(ExitCode::SUCCESS)
        }
        StatusCode::SERVICE_UNAVAILABLE => anyhow::bail!("{url} is not ready: {}", reasons(&body)),
        _ => anyhow::bail!("{url} answered /readyz with {status}; is this churnwatch?"),
    }
}

/// What the instance waits for.
fn reasons(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let reasons: Vec<&str> = body.get("waiting_for").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if reasons.is_empty() { "it gave no reason".to_owned() } else { format!("waiting for {}", reasons.join(", ")) }
}

/// Where a server that listens on `listen` can be reached on this machine: an unspecified address means all of them.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_printed() {
        let body = br#"{"ready":false,"waiting_for":["thread 0 to join the group","thread 1 to restore its tasks"]}"#;
        assert_eq!(reasons(body), "waiting for thread 0 to join the group, thread 1 to restore its tasks");
        assert_eq!(reasons(b"<html>"), "it gave no reason");
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_on_loopback() {
        for (listen, expected) in [("0.0.0.0:9400", "127.0.0.1:9400"), ("[::]:9400", "[::1]:9400"), ("10.1.2.3:80", "10.1.2.3:80")] {
            assert_eq!(reachable(listen.parse().unwrap()), expected.parse().unwrap());
        }
    }
}
