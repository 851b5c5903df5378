//! Apache Kafka (`KRaft`) on free loopback ports: a broker shared by all tests of a binary, and private ones, alone or in a cluster, that
//! a test may configure, stop and restart.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;

use super::eventually;
use super::supervised::supervised;

const START_LIMIT: Duration = Duration::from_mins(2);
/// Partitions of each internal topic.
pub const INTERNAL_PARTITIONS: i32 = 4;
const METADATA_LIMIT: Duration = Duration::from_secs(2);
const HEAP_ALONE: &str = "-Xms384m -Xmx512m";
const HEAP_IN_CLUSTER: &str = "-Xms192m -Xmx384m";

/// A broker, or a cluster of them. It ends with the process that started it.
pub struct Broker {
    nodes: Vec<Node>,
}

/// One broker, which is a controller as well.
pub struct Node {
    /// `node.id`, from 1.
    pub id: i32,
    pub port: u16,
    pub controller: u16,
    heap: &'static str,
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

    /// A broker with additional properties, derived from its port and its controller's, and options for formatting the storage.
    pub fn start(more: impl FnOnce(u16, u16) -> String, format_options: &str) -> Self {
        let node = Node::new(1, HEAP_ALONE);
        node.format(&(alone(&node) + &more(node.port, node.controller)), format_options);
        let broker = Self { nodes: vec![node] };
        broker.start_again();
        broker
    }

    /// A cluster that keeps all topics on each of its brokers, and writes nothing that only one of them has.
    pub fn cluster(count: i32, more: impl Fn(&Node) -> String) -> Self {
        let nodes: Vec<Node> = (1..=count).map(|id| Node::new(id, HEAP_IN_CLUSTER)).collect();
        let voters: Vec<String> = nodes.iter().map(|node| format!("{}@127.0.0.1:{}", node.id, node.controller)).collect();
        std::thread::scope(|scope| {
            for node in &nodes {
                let properties = in_cluster(node, count, &voters.join(",")) + &more(node);
                scope.spawn(move || node.format(&properties, ""));
            }
        });
        let broker = Self { nodes };
        broker.start_again();
        broker
    }

    /// `host:port`, separated by commas.
    pub fn address(&self) -> String {
        self.nodes.iter().map(Node::address).collect::<Vec<_>>().join(",")
    }

    /// `host:port` of the first controller, which speaks another part of the protocol.
    pub fn controller_address(&self) -> String {
        format!("127.0.0.1:{}", self.nodes[0].controller)
    }

    /// How many brokers keep each topic.
    pub fn replicas(&self) -> i32 {
        i32::try_from(self.nodes.len()).unwrap()
    }

    /// Starts all brokers that are down on their existing data, and waits until they answer.
    pub fn start_again(&self) {
        for node in self.nodes.iter().filter(|node| !node.is_running()) {
            node.launch();
        }
        self.nodes.iter().for_each(Node::wait_for_start);
    }

    /// Sends all brokers a signal by name and waits for their exit.
    pub fn end(&self, signal: &str) {
        let running = || self.nodes.iter().filter(|node| node.is_running());
        running().for_each(|node| node.signal(signal));
        running().for_each(Node::wait_for_end);
    }

    /// The broker that leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> &Node {
        let client = self.client();
        eventually("a leader", START_LIMIT, || {
            let metadata = client.fetch_metadata(Some(topic), METADATA_LIMIT).ok()?;
            let leader = metadata.topics().first()?.partitions().iter().find(|found| found.id() == partition)?.leader();
            self.nodes.iter().find(|node| node.id == leader)
        })
    }

    /// Waits until every replica of every partition is in sync: until then, the loss of another broker may stop the cluster.
    pub fn wait_until_in_sync(&self) {
        let client = self.client();
        eventually("replicas in sync", START_LIMIT, || {
            let metadata = client.fetch_metadata(None, METADATA_LIMIT).ok()?;
            let mut partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
            (metadata.brokers().len() == self.nodes.len() && partitions.all(|found| found.isr().len() == found.replicas().len()))
                .then_some(())
        });
    }

    fn client(&self) -> BaseConsumer {
        ClientConfig::new().set("bootstrap.servers", self.address()).set("log_level", "0").create().unwrap()
    }

    /// Sends all brokers a signal by name.
    pub fn signal(&self, name: &str) {
        self.nodes.iter().for_each(|node| node.signal(name));
    }

    /// Waits until all brokers have exited, for any reason.
    pub fn wait_for_end(&self) {
        self.nodes.iter().for_each(Node::wait_for_end);
    }
}

impl Node {
    fn new(id: i32, heap: &'static str) -> Self {
        Self { id, port: free_port(), controller: free_port(), heap, watcher: Mutex::default(), folder: tempfile::tempdir().unwrap() }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn is_running(&self) -> bool {
        self.watcher.lock().unwrap().is_some()
    }

    fn format(&self, properties: &str, options: &str) {
        std::fs::write(self.file("server.properties"), properties).unwrap();
        let format = format!(
            "{java} kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c {properties} {options} >> {log} 2>&1",
            java = java("-Xmx128m -XX:TieredStopAtLevel=1"),
            properties = self.file("server.properties").display(),
            log = self.file("broker.log").display()
        );
        assert!(Command::new("sh").args(["-c", &format]).status().unwrap().success(), "{}", self.words());
    }

    fn launch(&self) {
        let heap = format!("{} -XX:TieredStopAtLevel=1", self.heap);
        let command = format!("{} kafka.Kafka {}", java(&heap), self.file("server.properties").display());
        let watcher = supervised(&command, &self.file("broker.log"), &self.file("broker.pid"));
        *self.watcher.lock().unwrap() = Some(watcher);
    }

    fn wait_for_start(&self) {
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", self.address()).set("log_level", "0").create().unwrap();
        eventually("the broker", START_LIMIT, || {
            let ended = self.watcher.lock().unwrap().as_mut().is_none_or(|watcher| watcher.try_wait().unwrap().is_some());
            assert!(!ended, "the broker did not start:\n{}", self.words());
            client.fetch_metadata(None, Duration::from_millis(500)).ok().filter(|metadata| !metadata.brokers().is_empty())
        });
    }

    /// Starts it on its existing data, and waits until it answers.
    pub fn start_again(&self) {
        self.launch();
        self.wait_for_start();
    }

    /// Sends it a signal by name and waits for its exit.
    pub fn end(&self, signal: &str) {
        self.signal(signal);
        self.wait_for_end();
    }

    fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.file("broker.pid")).unwrap();
        let _ = Command::new("kill").args([&format!("-{name}"), pid.trim()]).stderr(Stdio::null()).status().unwrap();
    }

    fn wait_for_end(&self) {
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

/// The properties of a broker that is alone.
fn alone(node: &Node) -> String {
    server_properties(node, &format!("1@127.0.0.1:{}", node.controller))
        + "default.replication.factor=1\n\
           offsets.topic.replication.factor=1\n\
           transaction.state.log.replication.factor=1\n\
           transaction.state.log.min.isr=1\n\
           share.coordinator.state.topic.replication.factor=1\n\
           share.coordinator.state.topic.min.isr=1\n"
}

/// The properties of a broker in a cluster. Failures are noticed within seconds, and leaders move back within seconds, which is one more
/// election.
fn in_cluster(node: &Node, count: i32, voters: &str) -> String {
    let enough = count / 2 + 1;
    server_properties(node, voters)
        + &format!(
            "default.replication.factor={count}\n\
             min.insync.replicas={enough}\n\
             offsets.topic.replication.factor={count}\n\
             transaction.state.log.replication.factor={count}\n\
             transaction.state.log.min.isr={enough}\n\
             share.coordinator.state.topic.replication.factor={count}\n\
             share.coordinator.state.topic.min.isr={enough}\n\
             broker.session.timeout.ms=4000\n\
             broker.heartbeat.interval.ms=500\n\
             replica.lag.time.max.ms=5000\n\
             leader.imbalance.check.interval.seconds=5\n\
             leader.imbalance.per.broker.percentage=0\n"
        )
}

fn server_properties(node: &Node, voters: &str) -> String {
    let (id, port, controller) = (node.id, node.port, node.controller);
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.listener.names=CONTROLLER\n\
         controller.quorum.voters={voters}\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
         log.dirs={data}\n\
         log.retention.ms=-1\n\
         auto.create.topics.enable=false\n\
         offsets.topic.num.partitions={INTERNAL_PARTITIONS}\n\
         transaction.state.log.num.partitions={INTERNAL_PARTITIONS}\n\
         transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         log.segment.delete.delay.ms=1000\n\
         log.cleaner.backoff.ms=500\n",
        data = node.data().display()
    )
}
