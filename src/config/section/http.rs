//! `[http]`: where the page, the API and the metrics are served.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::field;
use crate::config::secret::Secret;
use crate::config::source;
use crate::config::validate::Report;

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port; loopback by default.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// Names that requests may have in their `Host` header, besides addresses and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// How people reach the page, without a trailing slash; empty means unknown. Links in alerts and boards begin with it.
    #[serde(deserialize_with = "external_url")]
    pub external_url: String,
    /// File with the bearer token that requests must carry; empty means none.
    token_file: PathBuf,
    /// Most simultaneous connections.
    #[serde(deserialize_with = "field::between::<1, 10_000, _, _>")]
    pub max_connections: usize,
    /// Timeout from the first byte of a request to the last byte of its response, seconds.
    #[serde(deserialize_with = "field::between::<1, 300, _, _>")]
    pub request_timeout_seconds: u64,
    /// A connection without a request is closed after this, seconds.
    #[serde(deserialize_with = "field::between::<1, 3_600, _, _>")]
    pub idle_timeout_seconds: u64,
    /// The token of `token_file`.
    #[serde(skip)]
    pub token: Option<Secret>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9400)),
            allowed_hosts: Vec::new(),
            external_url: String::new(),
            token_file: PathBuf::new(),
            max_connections: 64,
            request_timeout_seconds: 10,
            idle_timeout_seconds: 60,
            token: None,
        }
    }
}

/// Shortest token, bytes.
const TOKEN_BYTES_MIN: usize = 16;

impl Http {
    pub(in crate::config) fn validate(&self, report: &mut Report<'_>) {
        if !self.listen.ip().is_loopback() && self.token_file.as_os_str().is_empty() {
            report.warning("http.listen", "anyone who can reach this address can read every account: set http.token_file");
        }
        for host in self.allowed_hosts.iter().filter(|host| !field::is_name(host)) {
            report.problem("http.allowed_hosts", format!("`{host}` is not a host name; leave out scheme, port and wildcards"));
        }
    }

    /// The file with the token, as written: relative to the configuration file.
    #[must_use]
    pub fn token_file(&self) -> Option<&Path> {
        Some(self.token_file.as_path()).filter(|path| !path.as_os_str().is_empty())
    }

    /// Reads the token.
    pub(in crate::config) fn read_secrets(&mut self, report: &mut Report<'_>) {
        let key = "http.token_file";
        if self.token_file.as_os_str().is_empty() {
            return;
        }
        match source::of_file(&self.token_file, report.origin(key)) {
            Ok(token) if token.len() >= TOKEN_BYTES_MIN && token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                self.token = Some(Secret::new(token));
            }
            Ok(_) => {
                report.problem(key, format!("the file must hold one line of at least {TOKEN_BYTES_MIN} ASCII characters without spaces"));
            }
            Err(message) => report.problem(key, message),
        }
    }
}

fn external_url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || is_base_url(&text) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(serde::de::Error::custom(format!(
        "`{text}` is not the base of a link, such as https://churnwatch.example.com: it begins with http:// or https:// and has neither ? nor #"
    )))
}

fn is_base_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}@".contains(&byte))
    })
}

fn listen<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let numeric = match text.rsplit_once(':') {
        Some((host, port)) if host.eq_ignore_ascii_case("localhost") => format!("127.0.0.1:{port}"),
        _ => text.clone(),
    };
    let hint = if text.parse::<u16>().is_ok() { format!("; did you mean 127.0.0.1:{text}?") } else { String::new() };
    let wrong = format!("`{text}` is not an address with a port, such as 127.0.0.1:9400, localhost:9400 or [::]:9400{hint}");
    numeric.parse().map_err(|_| serde::de::Error::custom(wrong))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    fn external_url(text: &str) -> Result<String, String> {
        let read = Config::of_text(&format!("[http]\nexternal_url = '{text}'\n"), Path::new("churnwatch.toml"));
        read.map(|config| config.http.external_url).map_err(|problems| problems.to_string())
    }

    #[test]
    fn an_external_url_is_the_base_of_links() {
        assert_eq!(external_url("https://example.com/churnwatch/").unwrap(), "https://example.com/churnwatch");
        assert_eq!(external_url("http://[::1]:9400").unwrap(), "http://[::1]:9400");
        assert_eq!(external_url("").unwrap(), "");
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in
            ["example.com", "ftp://example.com", "https://", "https:///x", "https://a b", "https://a/?x", "https://a/#x", "https://u:p@a"]
        {
            let problem = external_url(wrong).unwrap_err();
            assert!(problem.contains("http.external_url") && problem.contains("not the base of a link"), "{wrong}: {problem}");
        }
    }
}
