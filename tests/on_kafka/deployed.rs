//! What deploy/ starts: the same binary, arguments, configuration, signals and probes as in a container, a pod or a unit, run as another
//! user from a directory that it cannot write to.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use churnwatch::event::Stream;
use serde_json::Value;

use crate::kafka::client;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{eventually, input::simulated};

/// The user of the image.
const USER: &str = "65532";
/// Where the configuration is in the image, the pod and the unit.
const ETC: &str = "/etc/churnwatch";

fn deploy(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(name: &str) -> Value {
    serde_saphyr::from_str(&deploy(&format!("kubernetes/base/{name}.yaml"))).unwrap()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The list after an instruction of the Dockerfile.
fn instruction(name: &str) -> Vec<String> {
    let file = deploy("docker/Dockerfile").replace("\\\n", " ");
    let line = file.lines().rfind(|line| line.starts_with(name)).unwrap().to_owned();
    texts(&serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap())
}

/// A directory like that of the image: the binary, and a configuration that only its owner can write.
struct Image {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Image {
    fn new(scenario: &Scenario, configuration: &str) -> Self {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let place = |name: &str, mode| {
            let path = folder.path().join(name);
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        std::fs::copy(env!("CARGO_BIN_EXE_churnwatch"), folder.path().join("churnwatch")).unwrap();
        std::fs::write(folder.path().join("churnwatch.toml"), configuration).unwrap();
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/model.toml"), folder.path().join("model.toml")).unwrap();
        for (name, mode) in [("churnwatch", 0o555), ("churnwatch.toml", 0o444), ("model.toml", 0o444), (".", 0o555)] {
            place(name, mode);
        }
        let application = &scenario.application;
        let set = |key: &str, value: &str| (format!("CHURNWATCH_{key}"), value.to_owned());
        let mut variables = vec![
            set("APPLICATION__ID", &application.id),
            set("APPLICATION__THREADS", "1"),
            set("KAFKA__BOOTSTRAP_SERVERS", &scenario.broker.address()),
            set("KAFKA__REPLICATION_FACTOR", "1"),
            set("OUTPUT__CHANGES_TOPIC", &application.changes),
            set("OUTPUT__DEAD_LETTERS_TOPIC", &application.dead_letters),
            set("HTTP__LISTEN", "127.0.0.1:0"),
        ];
        for stream in Stream::ALL {
            variables.push(set(&format!("STREAMS__{}__TOPICS", stream.name().to_uppercase()), &scenario.topics.of(stream)));
        }
        Self { folder, variables }
    }

    /// The binary with these arguments, as `USER` where the tests may change users.
    fn command(&self, arguments: &[String]) -> Command {
        let binary = self.folder.path().join("churnwatch");
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]).arg(binary);
            command
        } else {
            Command::new(binary)
        };
        let here = self.folder.path().display().to_string();
        command.args(arguments.iter().map(|argument| argument.replace(ETC, &here)));
        command.env_clear().envs(self.variables.iter().cloned()).current_dir(self.folder.path());
        command
    }
}

/// Starts a service with these arguments, asks its probes, and stops it.
fn serves(image: &Image, scenario: &Scenario, arguments: &[String], probes: &[String]) {
    let mut service = scenario.application.start_command(image.command(arguments));
    scenario.wait_for_end(&mut service);
    for probe in probes {
        eventually(probe, LIMIT, || service.get(probe).starts_with("HTTP/1.1 200").then_some(()));
    }
    let health = image.command(&["health".to_owned(), "--url".to_owned(), format!("http://{}", service.address())]);
    assert!({ health }.status().unwrap().success());
    service.terminate();
}

#[test]
fn the_pod_of_the_stateful_set_runs_once_the_job_has_created_the_topics() {
    let scenario = Scenario::new("pod", 2, &simulated(3, 5, 5));
    let mut image = Image::new(&scenario, &deploy("kubernetes/base/churnwatch.toml"));
    let job = &manifest("topics-job")["spec"]["template"]["spec"]["containers"][0];
    let pod = &manifest("stateful-set")["spec"]["template"]["spec"]["containers"][0];
    for variable in pod["env"].as_array().unwrap() {
        let value = match (variable["valueFrom"]["fieldRef"]["fieldPath"].as_str(), variable["value"].as_str()) {
            (Some("metadata.name"), None) => "churnwatch-0".to_owned(),
            (Some("status.podIP"), None) => "10.1.2.3".to_owned(),
            // Kubernetes inserts the variables before this one.
            (None, Some(value)) => {
                image.variables.iter().fold(value.to_owned(), |value, (name, known)| value.replace(&format!("$({name})"), known))
            }
            _ => panic!("{variable}"),
        };
        assert!(!value.contains("$("), "{variable}");
        image.variables.push((variable["name"].as_str().unwrap().to_owned(), value));
    }
    let output = image.command(&texts(&job["args"])).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(client::partitions(scenario.broker, &scenario.application.changelog), 2);
    let probes =
        ["startupProbe", "livenessProbe", "readinessProbe"].map(|probe| pod[probe]["httpGet"]["path"].as_str().unwrap().to_owned());
    serves(&image, &scenario, &texts(&pod["args"]), &probes);
}

#[test]
fn the_image_runs_with_its_own_configuration_and_its_health_check_has_the_same() {
    let scenario = Scenario::new("image", 2, &simulated(4, 5, 5));
    let image = Image::new(&scenario, &deploy("docker/churnwatch.toml"));
    let (entry, arguments, health) = (instruction("ENTRYPOINT"), instruction("CMD"), instruction("HEALTHCHECK"));
    assert_eq!(health[0], entry[0]);
    serves(&image, &scenario, &arguments, &[]);
    let mut stopped = image.command(&health[1..]);
    assert_eq!(stopped.status().unwrap().code(), Some(1), "a stopped service is not healthy");
}

#[test]
fn the_command_of_the_unit_runs() {
    let unit = deploy("systemd/churnwatch.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let arguments: Vec<String> = line.split(' ').skip(1).map(str::to_owned).collect();
    let scenario = Scenario::new("unit", 2, &simulated(5, 5, 5));
    serves(&Image::new(&scenario, &deploy("docker/churnwatch.toml")), &scenario, &arguments, &[]);
}
