//! A schema registry (Apicurio, which speaks Confluent's interface), plain and behind TLS with a password.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::broker::free_port;
use super::eventually;
use super::secured::Certificates;
use super::supervised::supervised;

/// The password behind TLS; it must never be visible anywhere.
pub const PASSWORD: &str = "canary-51b7e0c2aa-registry";
/// The user behind TLS.
pub const USER: &str = "churnwatch";

const START_LIMIT: Duration = Duration::from_mins(2);

/// A registry that keeps its schemas in memory. It ends with the process that started it.
pub struct Registry {
    port: u16,
    url: String,
    folder: tempfile::TempDir,
    front: OnceLock<Front>,
    _watcher: Child,
}

/// What stands in front of the registry: TLS, and a password.
struct Front {
    port: u16,
    certificates: Certificates,
    _watcher: Child,
}

impl Registry {
    /// The registry of this test binary, started on first use.
    pub fn shared() -> &'static Self {
        static REGISTRY: OnceLock<Registry> = OnceLock::new();
        REGISTRY.get_or_init(Self::start)
    }

    /// A registry of its own.
    pub fn start() -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let command = format!(
            "env QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT={port} java -Xmx256m -XX:TieredStopAtLevel=1 -jar {}",
            program().display()
        );
        let log = folder.path().join("log");
        let mut watcher = supervised(&command, &log, &folder.path().join("pid"));
        let url = format!("http://127.0.0.1:{port}/apis/ccompat/v7");
        eventually("the schema registry", START_LIMIT, || {
            let ended = watcher.try_wait().unwrap().is_some();
            assert!(!ended, "the schema registry did not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            ureq::get(format!("{url}/subjects")).call().ok()
        });
        Self { port, url, folder, front: OnceLock::new(), _watcher: watcher }
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.file("pid")).unwrap();
        assert!(Command::new("kill").args([&format!("-{name}"), pid.trim()]).status().unwrap().success());
    }

    /// Confluent's interface.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The same behind TLS, for [`USER`] with [`PASSWORD`].
    pub fn tls_url(&self) -> String {
        format!("https://localhost:{}/apis/ccompat/v7", self.front().port)
    }

    /// The certificate of the authority that vouches for [`Self::tls_url`], or of one that does not: `ca.pem` or `stranger.pem`.
    pub fn certificate(&self, name: &str) -> String {
        self.front().certificates.path(name).display().to_string()
    }

    /// Registers a schema with references (name, subject); returns its id.
    pub fn register(&self, subject: &str, language: &str, schema: &str, references: &[(&str, &str)]) -> u32 {
        let references: Vec<Value> =
            references.iter().map(|(name, subject)| json!({"name": name, "subject": subject, "version": 1})).collect();
        let body = json!({"schema": schema, "schemaType": language, "references": references}).to_string();
        let request = ureq::post(format!("{}/subjects/{subject}/versions", self.url()));
        let mut answer = request.header("Content-Type", "application/vnd.schemaregistry.v1+json").send(body).expect("a registered schema");
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        u32::try_from(answer["id"].as_u64().expect("an id")).unwrap()
    }

    fn front(&self) -> &Front {
        self.front.get_or_init(|| {
            let (port, certificates) = (free_port(), Certificates::new());
            let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/registry_front.py");
            let command = format!(
                "python3 {} {port} {} {} {USER}:{PASSWORD}",
                script.display(),
                self.port,
                certificates.path("server-store.pem").display()
            );
            let watcher = supervised(&command, &self.file("front.log"), &self.file("front.pid"));
            eventually("the registry behind TLS", START_LIMIT, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
            Front { port, certificates, _watcher: watcher }
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The program that `./dev kafka jars` fetches. The tests fail without it.
fn program() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".dev/registry");
    let is_program = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("-runner.jar"));
    let found = std::fs::read_dir(&folder).ok().and_then(|files| files.map(|file| file.unwrap().path()).find(is_program));
    found.unwrap_or_else(|| panic!("no schema registry in {}: run `./dev kafka jars` first (needs java 17 and mvn)", folder.display()))
}
