//! All kinds of clients against the real server on a free port.

mod data;
mod streams;

use std::io::{Read, Write};

use serde_json::Value;

use super::super::host::Hosts;
use super::super::token::Token;
use super::*;
use crate::config::section;
use crate::telemetry::fake::{Fake, row};
use crate::telemetry::{Caps, Readiness, Scrape};

fn start(fake: Fake, token: Option<&str>) -> Server {
    let registry = Registry::new();
    let source: Arc<dyn Source> = Arc::new(fake);
    Scrape::register(&registry, Arc::clone(&source), &Caps { series: 100, label_values: 5, watched: Arc::default() }).unwrap();
    Server::start(free(), Settings { token: token.map(Token::new), ..settings() }, source, registry).unwrap()
}

/// A listener on a free port.
fn free() -> Listener {
    Listener::bind(([127, 0, 0, 1], 0).into()).unwrap()
}

fn settings() -> Settings {
    Settings::from(&section::Http::default())
}

fn send(server: &Server, request: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).map_or(0, |code| code.parse().unwrap());
    (status, answer)
}

fn get(server: &Server, path: &str) -> (u16, String) {
    send(server, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
}

/// The head and the body of a response; the date is left out.
fn answer(server: &Server, method: &str, path: &str, encoding: &str) -> (String, Vec<u8>) {
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: {encoding}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 2;
    let head = String::from_utf8_lossy(&answer[..end]);
    (head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect(), answer[end + 2..].to_vec())
}

fn json(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn two_accounts() -> Fake {
    Fake { rows: vec![row("acme", 82.0, 0.05, 120_000), row("bolt", 31.0, 0.66, 90_000)], ..Fake::default() }
}

#[test]
fn accounts_are_listed_by_mrr_at_risk_with_their_drivers() {
    let server = start(two_accounts(), None);
    let (status, answer) = get(&server, "/api/accounts");
    let body = json(&answer);
    assert_eq!((status, body["matched"].as_u64()), (200, Some(2)));
    assert_eq!(body["accounts"][0]["account_id"], "bolt");
    assert_eq!(body["accounts"][0]["drivers"][0], "made up");
    assert_eq!(body["currency"], "USD");
}

#[test]
fn an_invalid_parameter_is_refused_with_the_allowed_values() {
    let server = start(two_accounts(), None);
    for (query, hint) in [
        ("band=pink", "green, yellow"),
        ("sort=luck", "mrr_at_risk"),
        ("limit=0", "1 to 1000"),
        ("limit=-1", "1 to 1000"),
        ("page=2", "offset"),
        ("offset=-1", "0 to 100000"),
        ("reversed=maybe", "true or false"),
    ] {
        let (status, answer) = get(&server, &format!("/api/accounts?{query}"));
        assert_eq!(status, 400, "{query}");
        assert!(json(&answer)["hint"].as_str().unwrap().contains(hint), "{answer}");
    }
    let (_, answer) = get(&server, "/api/accounts?band=red&segment=&sort=score&limit=5");
    assert_eq!(json(&answer)["matched"], 1);
}

#[test]
fn an_empty_parameter_counts_as_absent() {
    let server = start(two_accounts(), None);
    let (status, answer) = get(&server, "/api/accounts?band=&segment=&sort=&limit=");
    assert_eq!((status, json(&answer)["matched"].as_u64()), (200, Some(2)));
}

#[test]
fn an_account_id_that_is_not_text_gets_a_json_error() {
    let server = start(two_accounts(), None);
    let (status, answer) = get(&server, "/api/accounts/%FF%FE");
    assert_eq!((status, &json(&answer)["error"]), (400, &"the account id is not UTF-8 text".into()));
}

#[test]
fn the_page_opens_at_any_account() {
    let server = start(two_accounts(), None);
    let body = |path| {
        let (status, answer) = get(&server, path);
        assert_eq!(status, 200, "{path}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    assert_eq!(body("/accounts/acme%2Fnorth"), body("/"));
    assert_eq!(get(&server, "/accounts/acme/north").0, 404);
}

#[test]
fn for_an_account_held_elsewhere_the_members_are_listed() {
    let server = start(two_accounts(), None);
    assert_eq!(get(&server, "/api/accounts/acme").0, 200);
    let (status, answer) = get(&server, "/api/accounts/nobody");
    assert_eq!((status, &json(&answer)["members"][1]), (404, &"churnwatch-b".into()));
    let (status, answer) = get(&server, "/api/accounts/nobody/explanation");
    assert_eq!((status, &json(&answer)["members"][1]), (404, &"churnwatch-b".into()));
    assert_eq!(json(&get(&server, "/api/accounts/acmee").1)["nearest"], serde_json::json!(["acme"]));
}

#[test]
fn an_explanation_is_what_the_command_reads() {
    let server = start(two_accounts(), None);
    let (status, answer) = get(&server, "/api/accounts/acme/explanation");
    let breakdown: crate::breakdown::Breakdown = serde_json::from_value(json(&answer)).unwrap();
    assert_eq!((status, &*breakdown.account_id, &*breakdown.health.band), (200, "acme", "green"));
    assert_eq!(get(&server, "/api/accounts/nobody%2Fnorth/explanation").0, 404);
}

#[test]
fn the_pipeline_has_the_counts_of_every_stream() {
    let server = start(two_accounts(), None);
    let body = json(&get(&server, "/api/pipeline").1);
    assert_eq!((&body["billing"]["read"], &body["tasks_total"]), (&0.into(), &4.into()));
}

#[test]
fn anything_but_get_and_head_is_refused() {
    let server = start(two_accounts(), None);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (status, answer) = send(&server, &format!("{method} /api/accounts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"));
        assert_eq!(status, 405, "{method}");
        assert!(answer.to_lowercase().contains("allow: get, head"));
    }
}

#[test]
fn head_has_the_headers_of_get_on_every_route() {
    let names = |head: &str| head.lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect::<Vec<_>>();
    let server = start(two_accounts(), None);
    for path in ["/", "/livez", "/readyz", "/metrics", "/api/accounts", "/api/accounts/acme", "/api/accounts/nobody", "/nothing"] {
        for encoding in ["identity", "gzip"] {
            let answer = |method| answer(&server, method, path, encoding);
            let ((head, body), (wanted, got)) = (answer("HEAD"), answer("GET"));
            assert_eq!((names(&head), body.len()), (names(&wanted), 0), "{path} {encoding}");
            // Figures of the process itself change between two scrapes.
            if path != "/metrics" {
                assert_eq!(head, wanted, "{path} {encoding}");
                assert!(head.contains(&format!("content-length: {}\r\n", got.len())), "{path} {encoding}: {head}");
            }
        }
    }
}

#[test]
fn large_bodies_are_compressed_where_asked_for() {
    let server = start(Fake { rows: (0..100).map(|n| row(&format!("acct-{n}"), 50.0, 0.5, n)).collect(), ..Fake::default() }, None);
    for path in ["/", "/metrics", "/api/accounts?limit=100"] {
        let (head, packed) = answer(&server, "GET", path, "br, gzip;q=0.9");
        assert!(head.contains("content-encoding: gzip\r\n") && head.contains("vary: accept-encoding\r\n"), "{path}: {head}");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
        let (head, plain) = answer(&server, "GET", path, "identity");
        assert!(!head.contains("content-encoding") && head.contains("vary: accept-encoding\r\n"), "{path}: {head}");
        // Figures of the process itself change between two scrapes, but not the number of lines.
        let lines = |body: &[u8]| body.split(|byte| *byte == b'\n').count();
        assert!(unpacked == plain || path == "/metrics" && lines(&unpacked) == lines(&plain), "{path}");
        assert!(packed.len() * 2 < plain.len(), "{path}: {} of {}", packed.len(), plain.len());
    }
    assert!(!answer(&server, "GET", "/livez", "gzip").0.contains("content-encoding"));
}

#[test]
fn a_name_that_is_not_allowed_as_host_is_refused_on_every_path() {
    let hosts = Hosts::new(&["churnwatch.internal".to_owned()], "");
    let server = Server::start(free(), Settings { hosts, ..settings() }, Arc::new(two_accounts()), Registry::new()).unwrap();
    let of = |path: &str, hosts: &str| send(&server, &format!("GET {path} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"));
    for path in ["/", "/livez", "/api/accounts", "/nothing", "http://evil.example/livez"] {
        let (status, answer) = of(path, "host: evil.example:9400\r\n");
        assert!(status == 421 && json(&answer)["hint"].as_str().unwrap().contains("http.allowed_hosts"), "{path}: {answer}");
    }
    assert_eq!(of("http://evil.example/livez", "host: localhost\r\n").0, 421);
    assert_eq!(of("/livez", "host: localhost\r\nhost: evil.example\r\n").0, 421);
    for host in ["churnwatch.internal:9400", "127.0.0.1", "[::1]:9400"] {
        assert_eq!(of("/livez", &format!("host: {host}\r\n")).0, 200, "{host}");
    }
}

#[test]
fn only_http_1_0_may_leave_the_host_out() {
    let server = start(two_accounts(), None);
    assert_eq!(send(&server, "GET /livez HTTP/1.0\r\n\r\n").0, 200);
    assert_eq!(send(&server, "GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n").0, 400);
}

#[test]
fn the_token_protects_the_data_but_not_the_page_and_the_probes() {
    let server = start(two_accounts(), Some("0123456789abcdef"));
    for path in ["/metrics", "/api/accounts", "/api/accounts/acme", "/api/portfolio", "/api/pipeline", "/nothing"] {
        assert_eq!(get(&server, path).0, 401, "{path}");
    }
    for path in ["/", "/accounts/acme", "/accounts/%FF%FE", "/livez", "/readyz"] {
        assert_eq!(get(&server, path).0, 200, "{path}");
    }
    let with = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer 0123456789abcdef\r\nconnection: close\r\n\r\n";
    assert_eq!(send(&server, with).0, 200);
}

#[test]
fn readiness_is_503_until_the_tasks_are_restored() {
    let readiness = Readiness { waiting_for: vec!["task 3 is being restored".to_owned()], ..Readiness::default() };
    let server = start(Fake { readiness, ..Fake::default() }, None);
    let (status, answer) = get(&server, "/readyz");
    assert_eq!((status, &json(&answer)["waiting_for"][0]), (503, &"task 3 is being restored".into()));
    assert_eq!(get(&server, "/livez").0, 200);
}

#[test]
fn long_uris_and_heads_are_refused() {
    let server = start(Fake::default(), None);
    assert_eq!(get(&server, &format!("/{}", "x".repeat(3_000))).0, 414);
    let long_head = format!("GET / HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\r\n", "x".repeat(40_000));
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    // The server may close before everything is written.
    let _ = stream.write_all(long_head.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

/// A server with a short timeout for requests and a long one for idle connections.
fn impatient() -> Server {
    let timeouts = Timeouts { request: Duration::from_millis(30), idle: IDLE };
    let settings = Settings { timeouts, ..settings() };
    Server::start(free(), settings, Arc::new(Fake::default()), Registry::new()).unwrap()
}

const IDLE: Duration = Duration::from_millis(500);

/// What the server sends back for some bytes, and whether it waited for the idle timeout before it closed the connection.
fn until_closed(bytes: &[u8]) -> (String, bool) {
    let server = impatient();
    let begun = crate::clock::monotonic();
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    // A connection reset ends it as well.
    let _ = stream.read_to_string(&mut answer);
    (answer, begun.elapsed() >= IDLE)
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    assert_eq!(until_closed(b"GET / HTTP/1.1\r\nhost: localhost"), (String::new(), false));
}

#[test]
fn a_connection_may_idle_before_its_first_request_and_after_a_response() {
    assert_eq!(until_closed(b""), (String::new(), true));
    let (answer, idled) = until_closed(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(answer.ends_with("alive\n") && idled, "{answer}");
}

/// A server that accepts one connection at a time.
fn narrow(timeouts: Timeouts) -> Server {
    let settings = Settings { connections_max: 1, timeouts, ..settings() };
    Server::start(free(), settings, Arc::new(two_accounts()), Registry::new()).unwrap()
}

#[test]
fn connections_beyond_the_limit_wait_until_one_ends() {
    let server = narrow(Timeouts { request: IDLE, idle: IDLE });
    let begun = crate::clock::monotonic();
    let idle = std::net::TcpStream::connect(server.address()).unwrap();
    assert_eq!(get(&server, "/livez").0, 200);
    assert!(begun.elapsed() >= IDLE, "the idle connection held the only slot until its timeout");
    drop(idle);
    let held: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(server.address()).unwrap()).collect();
    drop(held);
    assert_eq!(get(&server, "/livez").0, 200);
}

#[test]
fn a_client_that_never_reads_loses_its_connection() {
    let server = narrow(Timeouts { request: Duration::from_millis(50), idle: IDLE });
    let mut greedy = std::net::TcpStream::connect(server.address()).unwrap();
    // More pages than the socket buffers can hold.
    greedy.write_all("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(5_000).as_bytes()).unwrap();
    assert_eq!(get(&server, "/livez").0, 200);
    let mut answers = Vec::new();
    // A connection reset ends it as well.
    let _ = greedy.read_to_end(&mut answers);
    let page = get(&server, "/").1.len();
    assert!(answers.len() < 5_000 * page, "the server buffered every response for a client that never read");
}

#[test]
fn too_many_headers_are_refused() {
    let server = start(Fake::default(), None);
    let headers = "x-one: 1\r\n".repeat(HEADERS_MAX + 1);
    assert_eq!(send(&server, &format!("GET /livez HTTP/1.1\r\n{headers}\r\n")).0, 431);
}

#[test]
fn a_wrong_token_is_refused_whatever_it_looks_like() {
    let server = start(two_accounts(), Some("0123456789abcdef"));
    for token in ["Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0", "bearer", "Basic 0123456789abcdef", "Bearer "] {
        let request = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\nconnection: close\r\n\r\n");
        let (status, answer) = send(&server, &request);
        assert!(status == 401 && !answer.contains("0123456789abcdef\""), "{token}: {answer}");
    }
}

#[test]
fn an_address_in_use_is_named_in_the_error() {
    let server = start(Fake::default(), None);
    let error = Listener::bind(server.address()).unwrap_err();
    assert!(error.to_string().contains(&server.address().to_string()), "{error}");
}

#[test]
fn the_page_may_not_load_anything_from_elsewhere() {
    let (_, answer) = get(&start(Fake::default(), None), "/");
    assert!(answer.contains("default-src 'none'; script-src 'sha256-") && answer.contains("nosniff"));
}
