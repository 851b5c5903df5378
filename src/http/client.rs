//! A request to an instance, for commands that ask a running one.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::uri::{Scheme, Uri};
use axum::http::{StatusCode, header};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The largest response that is read, bytes.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request that got no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The URL cannot be used.
    #[error("`{url}` is not a URL of the form http://HOST:PORT{}", hint(url))]
    Url {
        /// The URL.
        url: String,
    },
    /// Nothing listens there, or the host is unknown.
    #[error("cannot connect to {url}: is churnwatch running there?")]
    Connect {
        /// The URL.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The response is not HTTP, is too large, or was cut off.
    #[error("{url} gave no valid HTTP response: {reason}")]
    Response {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// No complete response in time.
    #[error("{url} gave no response within {seconds} s")]
    Timeout {
        /// The URL.
        url: String,
        /// The limit.
        seconds: u64,
    },
}

/// Sends a GET request to `path` at `url`, such as `http://127.0.0.1:9400`. Returns the status and the body, at most 16 MiB.
///
/// # Errors
/// If there is no complete response within `limit`.
pub fn get(url: &str, path: &str, limit: Duration) -> Result<(StatusCode, Bytes), RequestError> {
    get_with_token(url, path, None, limit)
}

/// The same with the bearer token of the instance, if it wants one.
///
/// # Errors
/// As [`get`].
pub fn get_with_token(url: &str, path: &str, token: Option<&str>, limit: Duration) -> Result<(StatusCode, Bytes), RequestError> {
    let authority = authority(url).ok_or_else(|| RequestError::Url { url: url.to_owned() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| RequestError::Connect { url: url.to_owned(), source })?;
    let response = runtime.block_on(async { timeout(limit, exchange(url, &authority, path, token)).await });
    // A name that is still being resolved must not delay the exit.
    runtime.shutdown_background();
    response.unwrap_or_else(|_| Err(RequestError::Timeout { url: url.to_owned(), seconds: limit.as_secs() }))
}

/// `HOST:PORT` of a URL without a path.
fn authority(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let is_base = uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/" && uri.query().is_none();
    let authority = uri.authority().filter(|authority| is_base && !authority.as_str().contains('@'))?;
    // A port that is not a number up to 65535 must not become 80.
    let has_port = authority.as_str().len() > authority.host().len();
    let port = if has_port { authority.port_u16()? } else { 80 };
    Some(format!("{}:{port}", authority.host()))
}

/// What was probably meant by a URL that cannot be used.
fn hint(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let meant = format!("http://{}", rest.split(['/', '?']).next().unwrap_or_default());
    if meant != url && authority(&meant).is_some() { format!("; did you mean {meant}?") } else { String::new() }
}

async fn exchange(url: &str, authority: &str, path: &str, token: Option<&str>) -> Result<(StatusCode, Bytes), RequestError> {
    let broken = |reason: String| RequestError::Response { url: url.to_owned(), reason };
    let connect = |source| RequestError::Connect { url: url.to_owned(), source };
    let stream = TcpStream::connect(authority).await.map_err(connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(error.to_string()))?;
    tokio::spawn(connection);
    let mut request = Request::get(path).header(header::HOST, authority);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).map_err(|error| broken(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
    let status = response.status();
    let body = to_bytes(Body::new(response.into_body()), BODY_BYTES_MAX).await.map_err(|error| broken(error.to_string()))?;
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A server that sends the same bytes to the first client, and its URL.
    fn server(response: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(response).unwrap();
        });
        url
    }

    #[test]
    fn status_and_body_are_returned() {
        let url = server(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nwait\n");
        assert_eq!(get(&url, "/readyz", LIMIT).unwrap(), (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"wait\n")));
    }

    #[test]
    fn only_a_plain_base_url_is_accepted() {
        assert_eq!(authority("http://127.0.0.1:9400").as_deref(), Some("127.0.0.1:9400"));
        assert_eq!(authority("http://churnwatch/").as_deref(), Some("churnwatch:80"));
        assert_eq!(authority("http://[::1]:9400").as_deref(), Some("[::1]:9400"));
        for url in [
            "127.0.0.1:9400",
            "https://host",
            "http://host/readyz",
            "http://user:secret@host",
            "http://",
            "",
            "kafka:9092",
            "http://host:99999",
            "http://host:x",
        ] {
            assert_eq!(authority(url), None, "{url}");
        }
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_named() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{free}");
        let error = get(&url, "/readyz", LIMIT).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect to {url}: is churnwatch running there?"));
    }

    #[test]
    fn a_server_that_speaks_another_protocol_is_not_an_instance() {
        let error = get(&server(b"220 mail ready\r\n"), "/readyz", LIMIT).unwrap_err();
        assert!(matches!(error, RequestError::Response { .. }), "{error}");
    }

    #[test]
    fn a_silent_server_is_a_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert!(matches!(get(&url, "/readyz", Duration::from_millis(20)), Err(RequestError::Timeout { .. })));
    }
}
