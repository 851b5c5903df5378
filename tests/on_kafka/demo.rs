//! The demo as a user starts it: its own broker, simulated accounts that are scored and served.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long the demo may take to score its accounts on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

pub(super) struct Demo {
    process: Child,
    pub(super) address: SocketAddr,
}

impl Demo {
    /// Starts a demo with these options.
    pub(super) fn start(options: &[&str]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
        command.args(["demo", "--listen", &address.to_string()]).args(options).env("NO_COLOR", "1");
        Self { process: command.spawn().unwrap(), address }
    }

    /// Waits until the history has been read and time advances by itself.
    pub(super) fn wait_for_history(&mut self) {
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        self.until("/api/pipeline", |pipeline| pipeline["as_of"].as_str() > Some(today.as_str()));
    }

    /// Waits until it accepts connections.
    pub(super) fn wait_until_it_listens(&mut self) {
        self.poll("/livez", |body| body.starts_with("alive").then_some(()));
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }

    /// Polls until a JSON response satisfies `wanted`.
    fn until(&mut self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.poll(path, |body| serde_json::from_str(body).ok().filter(&wanted))
    }

    /// Polls until `read` finds in a response what it looks for.
    fn poll<T>(&mut self, path: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.get(path).and_then(|body| read(&body)) {
                return found;
            }
            assert!(self.process.try_wait().unwrap().is_none(), "the demo exited");
            assert!(begun.elapsed() < LIMIT, "{path} never returned the expected response");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prometheus' own linter passes.
fn assert_conventional(metrics: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().expect("promtool is missing: `./dev test` installs it (Debian: apt-get install prometheus)");
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_demo_scores_serves_and_counts_accounts_while_time_advances() {
    let mut demo = Demo::start(&["--accounts", "20", "--seed", "3"]);
    demo.wait_for_history();
    let list = demo.until("/api/accounts?sort=account&limit=50", |list| list["matched"].as_u64() >= Some(15));
    let first = &list["accounts"][0];
    assert!(first["score"].as_f64().is_some_and(|score| (0.0..=100.0).contains(&score)), "{first}");
    let account = demo.until(&format!("/api/accounts/{}", first["account_id"].as_str().unwrap()), |_| true);
    assert!(account["components"].as_array().is_some_and(|components| !components.is_empty()), "{account}");

    let pipeline = demo.until("/api/pipeline", |_| true);
    for stream in ["usage", "billing", "support", "feedback", "accounts"] {
        let count = |name: &str| pipeline[stream][name].as_u64().unwrap();
        assert_eq!(count("read"), count("applied") + count("ignored"), "{stream}: everything simulated is valid, {pipeline}");
    }
    // The accounts with their own series are selected periodically, not at each scrape.
    let with_accounts = |metrics: &str| metrics.contains("churnwatch_account_health_score{account_id=").then(|| metrics.to_owned());
    let metrics = demo.poll("/metrics", with_accounts);
    assert_conventional(&metrics);

    let portfolio = demo.until("/api/portfolio", |portfolio| portfolio["kpis"]["tickets_opened"]["value"].as_u64() > Some(0));
    assert_eq!((&portfolio["scope"], &portfolio["tasks_owned"], &portfolio["tasks_total"]), (&json!({}), &json!(4), &json!(4)));
    assert_eq!(portfolio["scopes"][0]["scope"]["segment"].as_str(), Some("enterprise"), "{portfolio}");

    let before = pipeline["as_of"].as_str().unwrap().to_owned();
    demo.until("/api/pipeline", |later| later["as_of"].as_str() > Some(before.as_str()));
}
