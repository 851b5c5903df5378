//! What answers at an address where a broker was expected. librdkafka reports most mismatches as a lost connection or a timeout; a few
//! bytes tell them apart.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest wait for a connection, and for each answer.
const LIMIT: Duration = Duration::from_secs(2);
/// An answer to `ApiVersions` is far smaller.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// `Metadata`, which brokers support and controllers do not.
const METADATA: i16 = 3;
/// `ApiVersions`, version 0.
const API_VERSIONS: i16 = 18;
/// The first byte of a TLS record: an alert or a handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

/// What was found at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A broker's listener without TLS and without authentication.
    Plaintext,
    /// A broker's listener without TLS that refuses unauthenticated requests.
    Sasl,
    /// A listener that answers with TLS.
    Tls,
    /// A controller of the cluster.
    Controller,
    /// A web server.
    Http,
    /// Something else.
    Unknown,
}

/// Why no client with this `security.protocol` can talk to the first reachable of these servers, and what to change; `None` if no mismatch
/// is found.
pub(super) fn diagnose(servers: &str, protocol: &str) -> Option<String> {
    let found = |server: &str| Some((server.to_owned(), look(server).ok()?));
    let (server, found) = servers.split(',').map(str::trim).find_map(found)?;
    explain(found, &server, &protocol.to_uppercase())
}

fn explain(found: Found, server: &str, protocol: &str) -> Option<String> {
    let key = "kafka.properties.\"security.protocol\"";
    let (tls, sasl) = (protocol.ends_with("SSL"), protocol.starts_with("SASL"));
    let with_tls = if sasl { "SASL_SSL" } else { "SSL, or SASL_SSL with sasl.mechanisms, sasl.username and sasl.password" };
    match found {
        Found::Plaintext if tls || sasl => Some(format!(
            "{server} expects neither TLS nor SASL, but {key} is {protocol}: set it to PLAINTEXT, or name the port of the secured listener in \
             kafka.bootstrap_servers"
        )),
        Found::Sasl if tls => Some(format!("{server} expects SASL without TLS, but {key} is {protocol}: set it to SASL_PLAINTEXT")),
        Found::Sasl if !sasl => Some(format!(
            "{server} expects SASL, but {key} is {protocol}: set it to SASL_PLAINTEXT, with sasl.mechanisms, sasl.username and sasl.password"
        )),
        Found::Tls if !tls => Some(format!("{server} expects TLS, but {key} is {protocol}: set it to {with_tls}")),
        Found::Controller => {
            Some(format!("{server} is the port of a controller, not of a broker: set kafka.bootstrap_servers to a broker's, often 9092"))
        }
        Found::Http => Some(format!(
            "{server} is answered by an HTTP server, not by a broker: set kafka.bootstrap_servers to a broker's port, often 9092"
        )),
        Found::Unknown => Some(format!(
            "{server} accepts connections but does not speak Kafka's protocol: set kafka.bootstrap_servers to a broker's port, often 9092"
        )),
        Found::Plaintext | Found::Sasl | Found::Tls => None,
    }
}

fn look(server: &str) -> io::Result<Found> {
    let mut stream = connect(server)?;
    if let Some(found) = as_kafka(&mut stream) {
        return Ok(found);
    }
    let mut first = [0; 5];
    if answer(server, CLIENT_HELLO, &mut first)? > 0 && TLS_RECORDS.contains(&first[0]) {
        return Ok(Found::Tls);
    }
    let read = answer(server, b"GET / HTTP/1.0\r\n\r\n", &mut first)?;
    Ok(if first.get(..read).is_some_and(|bytes| bytes == b"HTTP/") { Found::Http } else { Found::Unknown })
}

fn connect(server: &str) -> io::Result<TcpStream> {
    let address = server.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Sends bytes on a new connection, and reads the start of the answer; 0 bytes without one.
fn answer(server: &str, request: &[u8], start: &mut [u8]) -> io::Result<usize> {
    let mut stream = connect(server)?;
    let read = stream.write_all(request).and_then(|()| stream.read_exact(start));
    Ok(if read.is_ok() { start.len() } else { 0 })
}

/// Asks for the supported requests, then for metadata, which a listener with SASL refuses.
fn as_kafka(stream: &mut TcpStream) -> Option<Found> {
    let supported = round_trip(stream, API_VERSIONS, 0, &[])?;
    // An error code, then an array of (key, oldest version, newest version).
    let entries = supported.get(6..)?.chunks_exact(6);
    let number = |bytes: &[u8]| bytes.try_into().map(i16::from_be_bytes).ok();
    let oldest = entries.filter(|entry| entry.get(..2).and_then(number) == Some(METADATA)).find_map(|entry| number(entry.get(2..4)?));
    let Some(version) = oldest else { return Some(Found::Controller) };
    let no_topics = 0_i32.to_be_bytes();
    Some(if round_trip(stream, METADATA, version, &no_topics).is_some() { Found::Plaintext } else { Found::Sasl })
}

/// Sends a request with a header of version 1, and returns the body of the response; `None` if that is not Kafka's.
fn round_trip(stream: &mut TcpStream, key: i16, version: i16, body: &[u8]) -> Option<Vec<u8>> {
    const CORRELATION: i32 = 0x0c0f_fee0;
    let no_client_id = (-1_i16).to_be_bytes();
    let request = [&key.to_be_bytes()[..], &version.to_be_bytes(), &CORRELATION.to_be_bytes(), &no_client_id, body].concat();
    let size = i32::try_from(request.len()).ok()?;
    stream.write_all(&[&size.to_be_bytes()[..], &request].concat()).ok()?;
    let mut head = [0; 8];
    stream.read_exact(&mut head).ok()?;
    let [size, correlation] = [head.first_chunk::<4>()?, head.last_chunk::<4>()?].map(|bytes| i32::from_be_bytes(*bytes));
    if correlation != CORRELATION {
        return None;
    }
    // The metadata of a large cluster may exceed the limit; the rest of it is not needed.
    let size = usize::try_from(size).ok()?.checked_sub(4)?.min(ANSWER_BYTES_MAX);
    let mut body = vec![0; size];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// A `ClientHello` of TLS 1.2. Any TLS server answers it, if only with an alert.
const CLIENT_HELLO: &[u8] = &[
    0x16, 0x03, 0x01, 0x00, 0x2f, // record: handshake, 47 bytes
    0x01, 0x00, 0x00, 0x2b, 0x03, 0x03, // ClientHello, 43 bytes, TLS 1.2
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,   // random
    0x00, // no session
    0x00, 0x04, 0xc0, 0x2f, 0xc0, 0x2b, // two cipher suites
    0x01, 0x00, // no compression
];

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::kafka::mock::EmbeddedBroker;

    /// Serves every connection with the same answer; stops with the process.
    fn serve(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(answer);
            }
        });
        address
    }

    #[test]
    fn a_broker_without_security_contradicts_only_a_secured_client() {
        let broker = EmbeddedBroker::start().unwrap();
        assert_eq!(diagnose(&broker.address(), "plaintext"), None);
        for protocol in ["ssl", "sasl_plaintext", "sasl_ssl"] {
            let diagnosis = diagnose(&broker.address(), protocol).unwrap();
            assert!(diagnosis.contains("expects neither TLS nor SASL") && diagnosis.contains(&protocol.to_uppercase()), "{diagnosis}");
        }
    }

    #[test]
    fn other_servers_are_recognised() {
        for (answer, words) in [
            (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "answered by an HTTP server"),
            (&[0x15, 0x03, 0x03, 0, 2, 2, 40], "expects TLS"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak Kafka's protocol"),
            (b"", "does not speak Kafka's protocol"),
        ] {
            let diagnosis = diagnose(&serve(answer), "plaintext").unwrap();
            assert!(diagnosis.contains(words), "{diagnosis}");
        }
    }

    #[test]
    fn nothing_is_said_about_a_port_where_nobody_listens() {
        assert_eq!(diagnose("127.0.0.1:1", "plaintext"), None);
    }

    #[test]
    fn each_mismatch_names_the_key_to_change() {
        for (found, protocol) in
            [(Found::Sasl, "PLAINTEXT"), (Found::Sasl, "SSL"), (Found::Tls, "PLAINTEXT"), (Found::Tls, "SASL_PLAINTEXT")]
        {
            assert!(explain(found, "b:1", protocol).unwrap().contains("security.protocol"));
        }
        for (found, protocol) in
            [(Found::Sasl, "SASL_PLAINTEXT"), (Found::Tls, "SSL"), (Found::Tls, "SASL_SSL"), (Found::Plaintext, "PLAINTEXT")]
        {
            assert_eq!(explain(found, "b:1", protocol), None);
        }
    }
}
