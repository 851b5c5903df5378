//! The shipped binary as a child process.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use churnwatch::event::Stream;

use super::broker::Broker;
use super::input::Topics;
use super::{eventually, in_time, unique};

/// An application: everything that several runs of the service share.
pub struct Application {
    pub id: String,
    pub changes: String,
    pub dead_letters: String,
    pub changelog: String,
    broker: String,
    replicas: i32,
    inputs: String,
    folder: tempfile::TempDir,
    /// Additional options of `run`.
    pub arguments: Vec<String>,
    /// Additional environment variables.
    pub variables: Vec<(String, String)>,
}

impl Application {
    pub fn new(broker: &Broker, topics: &Topics) -> Self {
        let id = unique("app");
        let mut inputs = String::new();
        for stream in Stream::ALL {
            write!(inputs, "[streams.{}]\ntopics = [\"{}\"]\n", stream.name(), topics.of(stream)).unwrap();
        }
        Self {
            changes: format!("{id}-health"),
            dead_letters: format!("{id}-dead-letters"),
            changelog: format!("churnwatch-{id}-changelog"),
            id,
            broker: broker.address(),
            replicas: broker.replicas(),
            inputs,
            folder: tempfile::tempdir().unwrap(),
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// With `--set key=value`.
    pub fn set(&mut self, key: &str, value: &str) {
        self.arguments.extend(["--set".to_owned(), format!("{key}={value}")]);
    }

    fn config(&self) -> PathBuf {
        let path = self.folder.path().join("churnwatch.toml");
        let text = format!(
            "[application]\nid = \"{}\"\n[kafka]\nbootstrap_servers = \"{}\"\nreplication_factor = {}\n\
             [output]\nchanges_topic = \"{}\"\ndead_letters_topic = \"{}\"\n\
             [kafka.properties]\n\"session.timeout.ms\" = \"6000\"\n\"heartbeat.interval.ms\" = \"1000\"\n\
             [commit]\ninterval_ms = 100\ncatch_up_interval_ms = 300\n[http]\nlisten = \"127.0.0.1:0\"\n{}",
            self.id, self.broker, self.replicas, self.changes, self.dead_letters, self.inputs
        );
        // Another instance may be reading it.
        if !std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            std::fs::write(&path, text).unwrap();
        }
        path
    }

    /// Writes a file next to the configuration and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Rewrites the configuration file while an instance is running.
    pub fn rewrite(&self) {
        self.config();
    }

    /// Runs another command of the binary to completion, with the same configuration.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        self.command_of(arguments).output().unwrap()
    }

    /// Starts another command of the binary, with the same configuration.
    pub fn start_command_of(&self, arguments: &[&str], variables: &[(&str, String)]) -> Service {
        let mut command = self.command_of(arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        self.start_command(command)
    }

    fn command_of(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
        command.args(arguments).arg("--config").arg(self.config()).args(&self.arguments).envs(self.variables.iter().cloned());
        command
    }

    /// Starts an instance.
    pub fn start(&self) -> Service {
        self.start_with(&[], &[])
    }

    /// Starts an instance with additional options and environment variables.
    pub fn start_with(&self, arguments: &[String], variables: &[(&str, String)]) -> Service {
        let mut command = self.run_by(Path::new(env!("CARGO_BIN_EXE_churnwatch")), arguments);
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        self.start_command(command)
    }

    /// The command `run` of a binary, with this application's configuration.
    pub fn run_by(&self, binary: &Path, arguments: &[String]) -> Command {
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(self.config()).args(&self.arguments).args(arguments);
        command.envs(self.variables.iter().cloned());
        command
    }

    /// Starts an instance by a command of the caller's, which decides everything but where the output goes.
    pub fn start_command(&self, mut command: Command) -> Service {
        let log = self.folder.path().join(format!("{}.log", unique("run")));
        command.stdin(Stdio::null()).stdout(File::create(log.with_extension("out")).unwrap()).stderr(File::create(&log).unwrap());
        Service { child: command.spawn().unwrap(), log }
    }
}

/// One running instance; killed when dropped.
pub struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Its standard output so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.log.with_extension("out")).unwrap()
    }

    /// Where its HTTP server listens. Waits for it to do so.
    pub fn address(&self) -> String {
        eventually("the HTTP server", Duration::from_mins(1), || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains("page, API and metrics"))?;
            // In either log format.
            let address = line.split_once("address=").or_else(|| line.split_once("\"address\":\""))?.1;
            Some(address.split('"').next()?.trim().to_owned())
        })
    }

    /// The response to a GET, head and body. Waits for the server to listen.
    pub fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(self.address()).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Waits until every task runs.
    pub fn wait_until_ready(&self) {
        eventually("readiness", Duration::from_secs(90), || self.get("/readyz").starts_with("HTTP/1.1 200").then_some(()));
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends another signal by name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Sends SIGTERM and expects the exit within the guaranteed ten seconds.
    pub fn terminate(mut self) -> String {
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(12));
        assert!(status.success(), "{status}:\n{}", self.log());
        self.log()
    }

    /// Waits for its exit.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        in_time(limit, || self.child.try_wait().unwrap()).unwrap_or_else(|| panic!("it has not ended within {limit:?}:\n{}", self.log()))
    }

    /// Waits for its exit, which must have status 1.
    pub fn wait_for_failure(mut self) -> String {
        let status = self.wait(Duration::from_mins(1));
        let log = self.log();
        assert_eq!(status.code(), Some(1), "{log}");
        log
    }

    /// Waits for its exit, which must have status 1 and this failure code.
    pub fn fails_with(self, code: &str) -> String {
        let log = self.wait_for_failure();
        assert!(log.lines().last().is_some_and(|line| line.contains(code)), "the last line does not name {code}:\n{log}");
        log
    }

    /// The CPU time that it has taken so far, in user and kernel mode. For benches.
    #[allow(dead_code, reason = "tests do not measure")]
    pub fn cpu_seconds(&self) -> f64 {
        /// Linux counts in hundredths of a second, whatever its own clock.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the process is in parentheses and may contain spaces.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS_PER_SECOND
    }

    /// Its exit status, if it has exited.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Panics if it has exited on its own.
    pub fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the service has ended: {status}\n{}", self.log());
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of a service of the failed test:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
