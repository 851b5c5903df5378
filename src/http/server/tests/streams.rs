//! Streams of events, and the session that browsers need for them.

use std::io::{Read, Write};

use super::*;

/// Reads the next bytes of a stream until they contain all of `wanted`.
fn hear(stream: &mut std::net::TcpStream, wanted: &[&str]) -> String {
    let (mut heard, mut bytes) = (String::new(), [0; 4096]);
    while !wanted.iter().all(|part| heard.contains(part)) {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "the stream ended: {heard}");
        heard += &String::from_utf8_lossy(&bytes[..count]);
    }
    heard
}

fn open_stream(server: &Server, more: &str) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n{more}\r\n").unwrap();
    stream
}

#[test]
fn what_the_page_shows_is_pushed_for_longer_than_a_connection_may_idle() {
    let timeouts = Timeouts { request: Duration::from_millis(500), idle: Duration::from_millis(1_700) };
    let source: Arc<dyn Source> = Arc::new(two_accounts());
    let server = Server::start(free(), Settings { timeouts, ..settings() }, source, Registry::new()).unwrap();
    let mut stream = open_stream(&server, "");
    let begun = crate::clock::monotonic();
    let first = hear(&mut stream, &["event: portfolio\ndata: {", "event: pipeline\ndata: {", "event: changes\ndata: [{", "made up"]);
    assert!(first.contains("content-type: text/event-stream") && !first.contains("gzip"), "{first}");
    while begun.elapsed() < 2 * timeouts.idle {
        hear(&mut stream, &["event: portfolio"]);
    }
}

#[test]
fn streams_have_a_cap_of_their_own_and_leave_room_for_requests() {
    let server = Server::start(free(), Settings { connections_max: 4, ..settings() }, Arc::new(two_accounts()), Registry::new()).unwrap();
    let mut open: Vec<_> = (0..2).map(|_| open_stream(&server, "")).collect();
    for stream in &mut open {
        hear(stream, &["event: changes"]);
    }
    let (status, answer) = get(&server, "/events");
    assert_eq!((status, &json(&answer)["error"]), (503, &"too many streams are open".into()));
    assert_eq!(get(&server, "/livez").0, 200);
    open.pop();
    // The place is free once the server has noticed.
    while get(&server, "/api/pipeline").0 == 200 {
        let mut again = open_stream(&server, "");
        if hear(&mut again, &["\r\n\r\n"]).starts_with("HTTP/1.1 200") {
            return;
        }
    }
    panic!("no request is answered");
}

#[test]
fn a_browser_exchanges_the_token_for_a_cookie_because_streams_carry_no_header() {
    let server = start(two_accounts(), Some("0123456789abcdef"));
    assert_eq!(get(&server, "/session").0, 401);
    assert_eq!(get(&server, "/events").0, 401);
    let request = "GET /session HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer 0123456789abcdef\r\nconnection: close\r\n\r\n";
    let (status, answer) = send(&server, request);
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(status == 204 && cookie.ends_with("; HttpOnly; SameSite=Strict"), "{answer}");
    let cookie = cookie.split(';').next().unwrap();
    let mut stream = open_stream(&server, &format!("cookie: {cookie}\r\n"));
    hear(&mut stream, &["event: portfolio"]);
    assert_eq!(get(&start(two_accounts(), None), "/session").0, 204, "where no token is needed, there is nothing to exchange");
}
