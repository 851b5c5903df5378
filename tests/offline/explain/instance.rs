//! `explain --url`: what a running instance answers, and what it does not.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

/// Runs `explain` against a server that gives one answer; returns the request that it got, too.
fn asked(account: &str, answer: &str, more: &[&str]) -> (Output, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let arguments = [&["explain", account, "--url", &url], more].concat();
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch")).args(arguments).output().unwrap();
    (output, server.join().unwrap())
}

fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn said(output: &Output) -> String {
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_account_of_another_instance_is_answered_with_whom_to_ask() {
    let body = r#"{"error":"no","hint":"no","members":["http://a:9400","http://b:9400"],"nearest":["acme"]}"#;
    let (output, request) = asked("acmee/eu", &response("404 Not Found", body), &[]);
    assert!(request.starts_with("GET /api/accounts/acmee%2Feu/explanation HTTP/1.1\r\n"), "{request}");
    let said = said(&output);
    assert!(said.contains("holds no account `acmee/eu`; did you mean `acme`?"), "{said}");
    assert!(said.contains("another instance holds it: ask each of http://a:9400, http://b:9400 with --url"), "{said}");
}

#[test]
fn a_token_is_sent_and_a_missing_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let refused = response("401 Unauthorized", r#"{"error":"a token is required","hint":"send it"}"#);
    let (output, request) = asked("acme", &refused, &[]);
    assert!(!request.to_lowercase().contains("authorization"), "{request}");
    assert!(said(&output).contains("requires a token: name its file with --token-file"));
    let (_, request) = asked("acme", &refused, &["--token-file", file.to_str().unwrap()]);
    assert!(request.to_lowercase().contains("authorization: bearer 0123456789abcdef\r\n"), "{request}");
    let config = folder.path().join("churnwatch.toml");
    std::fs::write(&config, "[http]\ntoken_file = \"token\"\n").unwrap();
    let (_, request) = asked("acme", &refused, &["--config", config.to_str().unwrap()]);
    assert!(request.to_lowercase().contains("authorization: bearer 0123456789abcdef\r\n"), "{request}");
}

#[test]
fn an_answer_that_is_no_explanation_is_refused() {
    let (output, _) = asked("acme", &response("404 Not Found", "<html>"), &[]);
    assert!(said(&output).contains("404 Not Found; is it churnwatch, of this version or newer?"));
    let (output, _) = asked("acme", &response("200 OK", "{}"), &[]);
    assert!(said(&output).contains("an explanation of another version"));
}
