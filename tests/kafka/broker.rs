//! One Apache Kafka broker (`KRaft`, a single node) on free loopback ports, shared by the tests of a binary.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::eventually;

const START_LIMIT: Duration = Duration::from_mins(2);

/// A running broker. It ends with the process that started it.
pub struct Broker {
    port: u16,
    // Its standard input: the shell that watches over Java ends with it.
    _watcher: Mutex<Child>,
    _folder: tempfile::TempDir,
}

impl Broker {
    /// The broker of this test binary, started at its first use.
    pub fn shared() -> &'static Self {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        BROKER.get_or_init(|| Self::start(|_, _| String::new(), ""))
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A broker with more properties, which are made of its port and its controller's, and options of the storage's formatting.
    pub fn start(more: impl FnOnce(u16, u16) -> String, format_options: &str) -> Self {
        let class_path = class_path();
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let properties = folder.path().join("server.properties");
        std::fs::write(&properties, server_properties(port, controller, &folder.path().join("data")) + &more(port, controller)).unwrap();
        let log = folder.path().join("broker.log");
        let java = |heap: &str| format!("java {heap} -cp '{class_path}' -Dlog4j2.level=WARN");
        let properties = properties.display();
        let script = format!(
            "{format} kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c {properties} {format_options} >> {log} 2>&1 || exit 1\n\
             {run} kafka.Kafka {properties} >> {log} 2>&1 < /dev/null &\n\
             java=$!\n\
             cat > /dev/null\n\
             kill -9 $java",
            format = java("-Xmx128m -XX:TieredStopAtLevel=1"),
            run = java("-Xms384m -Xmx512m -XX:TieredStopAtLevel=1"),
            log = log.display(),
        );
        let mut watcher = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
        let broker = format!("127.0.0.1:{port}");
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &broker).set("log_level", "0").create().unwrap();
        eventually("the broker", START_LIMIT, || {
            let ended = watcher.try_wait().unwrap().is_some();
            assert!(!ended, "the broker did not start:\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            client.fetch_metadata(None, Duration::from_millis(500)).ok().filter(|metadata| !metadata.brokers().is_empty())
        });
        Self { port, _watcher: Mutex::new(watcher), _folder: folder }
    }
}

/// The jars that `./dev kafka jars` fetches. The tests fail without them: what is promised about Kafka is tested on Kafka.
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
         log.segment.delete.delay.ms=1000\n",
        data = data.display()
    )
}
