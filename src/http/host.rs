//! The `Host` check. A web page whose name is made to resolve to this server (DNS rebinding) could read from it through a visitor's
//! browser. The browser sends that name as `Host`, so only known names are allowed. Addresses cannot be rebound: probes and Prometheus use
//! them.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, Uri, Version, header};

use super::error::ApiError;

/// The names under which this server may be reached, in lower case.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<[String]>);

impl Hosts {
    /// `localhost`, these names, and the host of the URL at which people reach the page, if there is one.
    #[must_use]
    pub fn new(names: &[String], external_url: &str) -> Self {
        let external = external_url.parse::<Uri>().ok().and_then(|uri| uri.host().map(normal));
        Self(names.iter().map(|name| normal(name)).chain(["localhost".to_owned()]).chain(external).collect())
    }

    /// Why a request is refused; `None` if every host that it names is allowed.
    pub(super) fn refusal(&self, request: &Request) -> Option<ApiError> {
        let headers = request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes);
        let mut named = request.uri().authority().map(|authority| authority.as_str().as_bytes()).into_iter().chain(headers).peekable();
        if named.peek().is_none() && request.version() > Version::HTTP_10 {
            return Some(ApiError::bad_request("the request has no Host header", "send one; HTTP/1.1 requires it"));
        }
        let refused = named.find(|host| !self.allow(host))?;
        Some(ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            format!("the host `{}` is not allowed", String::from_utf8_lossy(refused)),
            "add its name to http.allowed_hosts, or use an IP address or localhost",
        ))
    }

    /// Whether a host, with or without a port, is an address or an allowed name.
    fn allow(&self, host: &[u8]) -> bool {
        let Some(authority) = std::str::from_utf8(host).ok().and_then(|text| text.parse::<Authority>().ok()) else { return false };
        let name = authority.host();
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok() || self.0.contains(&normal(name))
    }
}

/// Lower case, and without the dot that may end a full name.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_the_configured_names_are_allowed_with_any_port() {
        let hosts = Hosts::new(&["Churnwatch.monitoring.svc".to_owned()], "https://Health.example.com:8443/churnwatch");
        for host in ["127.0.0.1", "127.0.0.1:9400", "10.2.3.4:80", "[::1]", "[::1]:9400", "localhost", "LocalHost:1", "localhost.:9400"] {
            assert!(hosts.allow(host.as_bytes()), "{host}");
        }
        assert!(hosts.allow(b"churnwatch.MONITORING.svc:9400") && hosts.allow(b"churnwatch.monitoring.svc."));
        assert!(hosts.allow(b"health.example.com") && !Hosts::new(&[], "").allow(b""));
    }

    #[test]
    fn other_names_are_refused_whatever_they_contain() {
        let hosts = Hosts::new(&["churnwatch".to_owned()], "");
        for host in
            ["", ":9400", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost", "churnwatch.evil.example"]
        {
            assert!(!hosts.allow(host.as_bytes()), "{host}");
        }
        assert!(!hosts.allow(b"local\xffhost") && !hosts.allow(b"[::1") && !hosts.allow(b"evil.example/localhost"));
    }
}
