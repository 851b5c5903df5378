//! Prometheus with the configuration and rules of `deploy/prometheus`, faster and on other ports.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::program::{Running, encoded, free_address, get, replaced, root, text};
use crate::kafka::eventually;
use crate::kafka::scenario::LIMIT;

pub struct Prometheus {
    process: Running,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes and evaluates once per second, and sends alerts to `alertmanager`.
    pub fn start(target: SocketAddr, alertmanager: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = replaced(&text("deploy/prometheus/prometheus.yml"), "127.0.0.1:9400", &target.to_string());
        let config = replaced(&config, "127.0.0.1:9093", &alertmanager.to_string());
        let config = replaced(&config, "_interval: 15s", "_interval: 1s");
        let config = replaced(&config, "rules/*.yml", &root().join("deploy/prometheus/rules/*.yml").display().to_string());
        let path = folder.path().join("prometheus.yml");
        std::fs::write(&path, config).unwrap();
        let address = free_address();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=warn"])
            .stdout(Stdio::null());
        Self { process: Running::start(&mut command, "prometheus"), address, _folder: folder }
    }

    /// The answer of the API, which must be a success; `None` while the server is starting.
    fn api(&mut self, path: &str) -> Option<Value> {
        self.process.assert_alive();
        let answer: Value = serde_json::from_str(&get(self.address, path)?).ok()?;
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        Some(answer["data"].clone())
    }

    /// The series of an instant query now.
    pub fn query(&mut self, expression: &str) -> Option<Vec<Value>> {
        Some(self.api(&format!("/api/v1/query?query={}", encoded(expression)))?["result"].as_array()?.clone())
    }

    /// The error of a query, or why it has no series; `None` if it has some.
    pub fn fault(&self, expression: &str) -> Option<String> {
        let answer = get(self.address, &format!("/api/v1/query?query={}", encoded(expression))).unwrap_or_default();
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        match answer["data"]["result"].as_array() {
            Some(series) if series.is_empty() => Some("no series".to_owned()),
            Some(_) => None,
            None => Some(answer["error"].to_string()),
        }
    }

    /// Waits until a query has a series.
    pub fn wait_for(&mut self, expression: &str) -> Vec<Value> {
        eventually(expression, LIMIT, || self.query(expression).filter(|series| !series.is_empty()))
    }

    /// Waits until every rule has been evaluated on what was scraped up to now.
    pub fn wait_for_evaluation(&mut self) {
        let now = self.wait_for("time()")[1..].to_vec();
        assert!(now.len() == 1, "a scalar: {now:?}");
        let scraped = format!("min(timestamp(up)) > {}", now[0].as_str().unwrap());
        self.wait_for(&scraped);
        let evaluations = self.evaluations();
        assert!(!evaluations.is_empty(), "no rules are loaded");
        eventually("an evaluation of every rule", LIMIT, || {
            let later = self.evaluations();
            (later.len() == evaluations.len() && later.iter().zip(&evaluations).all(|(later, before)| later > before)).then_some(())
        });
    }

    /// When each group of rules was last evaluated.
    fn evaluations(&mut self) -> Vec<String> {
        let rules = self.api("/api/v1/rules").unwrap_or_default();
        let groups = rules["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().map(|group| group["lastEvaluation"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
