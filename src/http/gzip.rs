//! gzip for clients that ask for it.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::blocking::{failed, off_thread};

/// Smaller bodies fit into a packet or two either way.
const BYTES_MIN: u64 = 1_024;

/// Compresses a body that is worth it. The server's only thread must stay free for the probes, so a worker does it.
pub async fn gzip(request: Request, next: Next) -> Response {
    let is_accepted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_accepted || response.body().size_hint().lower() < BYTES_MIN {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, usize::MAX).await else { return failed().into_response() };
    let Some(Ok(packed)) = off_thread(move || compress(&plain)).await else { return failed().into_response() };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(packed))
}

fn compress(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Whether `Accept-Encoding` prefers gzip to no compression. Without the header, nothing is compressed.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for (coding, weight) in values.flat_map(|value| value.split(',')).filter_map(weighted) {
        match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// A coding and its weight; `None` if the weight is not a number from 0 to 1.
fn weighted(item: &str) -> Option<(&str, f32)> {
    let Some((coding, parameter)) = item.split_once(';') else { return Some((item.trim(), 1.0)) };
    let (name, value) = parameter.split_once('=')?;
    let weight = value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    name.trim().eq_ignore_ascii_case("q").then_some((coding.trim(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(values: &[&'static str]) -> bool {
        accepts_gzip(&values.iter().map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value))).collect())
    }

    #[test]
    fn gzip_is_used_where_the_client_prefers_it() {
        for wanted in ["gzip", "GZIP", "x-gzip", "deflate, gzip;q=0.5", "br;q=1.0, gzip; q=0.001", "*", "*;q=0.1", "identity;q=0.5, gzip"] {
            assert!(accepts(&[wanted]), "{wanted}");
        }
        assert!(accepts(&["br", "gzip"]));
    }

    #[test]
    fn gzip_is_not_used_where_it_is_excluded_or_comes_second() {
        for unwanted in
            ["", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "identity, gzip;q=0.5", "gzip;q=2", "gzip;q=nan", "gzip;level=9", "gzipped"]
        {
            assert!(!accepts(&[unwanted]), "{unwanted}");
        }
        assert!(!accepts(&[]));
    }
}
