//! The end of an alert's path: an HTTP server that keeps every notification that it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// One alert in a notification.
#[derive(Clone, Debug)]
pub struct Notified {
    /// The path that it was posted to.
    pub path: String,
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: Value,
    pub annotations: Value,
}

impl Notified {
    pub fn account(&self) -> &str {
        self.labels["account_id"].as_str().unwrap_or_default()
    }
}

pub struct Webhook {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Notified>>>,
}

impl Webhook {
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some((path, body)) = read(stream) {
                    kept.lock().unwrap().extend(alerts(&path, &body));
                }
            }
        });
        Self { address, received }
    }

    /// Everything received about this alert, in order.
    pub fn of(&self, alert: &str) -> Vec<Notified> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|notified| notified.labels["alertname"] == alert).cloned().collect()
    }
}

fn alerts(path: &str, body: &Value) -> Vec<Notified> {
    let alert = |alert: &Value| Notified {
        path: path.to_owned(),
        status: alert["status"].as_str().unwrap_or_default().to_owned(),
        labels: alert["labels"].clone(),
        annotations: alert["annotations"].clone(),
    };
    body["alerts"].as_array().map(|alerts| alerts.iter().map(alert).collect()).unwrap_or_default()
}

/// The path and the JSON body of a POST; answers 200 and closes the connection.
fn read(stream: TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}
