//! Apache Kafka brokers (`KRaft`, single node) on free loopback ports: one shared by all tests of a binary, and private ones that a test
//! may configure, stop and restart.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::eventually;

const START_LIMIT: Duration = Duration::from_mins(2);

/// A broker. It ends with the process that started it.
pub struct Broker {
    port: u16,
    controller: u16,
    // The shell that supervises Java; when its standard input ends, it kills Java.
    watcher: Mutex<Option<Child>>,
    folder: tempfile::TempDir,
}

impl Broker {
    /// The broker of this test binary, started on first use.
    pub fn shared() -> &'static Self {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        BROKER.get_or_init(|| Self::start(|_, _| String::new(), ""))
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `host:port` of the controller, which speaks another part of the protocol.
    pub fn controller_address(&self) -> String {
        format!("127.0.0.1:{}", self.controller)
    }

    /// A broker with additional properties, derived from its port and its controller's, and options for formatting the storage.
    pub fn start(more: impl FnOnce(u16, u16) -> String, format_options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let broker = Self { port, controller, watcher: Mutex::default(), folder };
        let data = broker.file("data");
        std::fs::write(broker.file("server.properties"), server_properties(port, controller, &data) + &more(port, controller)).unwrap();
        let format = format!(
            "{java} kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c {properties} {format_options} >> {log} 2>&1",
            java = java("-Xmx128m -XX:TieredStopAtLevel=1"),
            properties = broker.file("server.properties").display(),
            log = broker.file("broker.log").display()
        );
        assert!(Command::new("sh").args(["-c", &format]).status().unwrap().success(), "{}", broker.words());
        broker.start_again();
        broker
    }

    /// Starts it on its existing data, and waits until it answers.
    pub fn start_again(&self) {
        let script = format!(
            "{run} kafka.Kafka {properties} >> {log} 2>&1 < /dev/null &\n\
             java=$!\n\
             echo $java > {pid}\n\
             exec 3<&0\n\
             (cat <&3 > /dev/null; kill -9 $java 2> /dev/null) &\n\
             wait $java",
            run = java("-Xms384m -Xmx512m -XX:TieredStopAtLevel=1"),
            properties = self.file("server.properties").display(),
            log = self.file("broker.log").display(),
            pid = self.file("broker.pid").display(),
        );
        let mut watcher = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", self.address()).set("log_level", "0").create().unwrap();
        eventually("the broker", START_LIMIT, || {
            assert!(watcher.try_wait().unwrap().is_none(), "the broker did not start:\n{}", self.words());
            client.fetch_metadata(None, Duration::from_millis(500)).ok().filter(|metadata| !metadata.brokers().is_empty())
        });
        *self.watcher.lock().unwrap() = Some(watcher);
    }

    /// Sends it a signal by name and waits for its exit.
    pub fn end(&self, signal: &str) {
        self.signal(signal);
        self.wait_for_end();
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.file("broker.pid")).unwrap();
        let _ = Command::new("kill").args([&format!("-{name}"), pid.trim()]).stderr(Stdio::null()).status().unwrap();
    }

    /// Waits until it has exited, for any reason.
    pub fn wait_for_end(&self) {
        let mut watcher = self.watcher.lock().unwrap().take().expect("a running broker");
        eventually("the end of the broker", START_LIMIT, || watcher.try_wait().unwrap());
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn words(&self) -> String {
        std::fs::read_to_string(self.file("broker.log")).unwrap_or_default()
    }
}

fn java(options: &str) -> String {
    format!("java {options} -cp '{}' -Dlog4j2.level=WARN", class_path())
}

/// The jars that `./dev kafka jars` fetches. The tests fail without them, because guarantees about Kafka are tested on Kafka.
fn class_path() -> String {
    let jars = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".dev/kafka/lib");
    let there = std::fs::read_dir(&jars).is_ok_and(|mut files| files.any(|file| is_kafka(&file.unwrap().path())));
    assert!(there, "no Kafka broker in {}: run `./dev kafka jars` first (needs java 17 and mvn)", jars.display());
    let java = Command::new("java").arg("-version").stderr(Stdio::null()).status();
    assert!(java.is_ok_and(|status| status.success()), "java 17 or newer is not installed; `./dev kafka jars` needs it too");
    format!("{}/*", jars.display())
}

fn is_kafka(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kafka_2.13-"))
}

/// A port of this machine that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn server_properties(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={data}\n\
         log.retention.ms=-1\n\
         auto.create.topics.enable=false\n\
         default.replication.factor=1\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         log.segment.delete.delay.ms=1000\n\
         log.cleaner.backoff.ms=500\n",
        data = data.display()
    )
}
