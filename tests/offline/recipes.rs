//! The configurations in docs/recipes are well-formed and follow the rules that the recipes state. They are not run.

use std::path::Path;

use serde_json::Value;

fn connectors() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes/connect");
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

#[test]
fn every_connector_reads_only_what_was_committed() {
    let connectors = connectors();
    assert_eq!(connectors.len(), 3);
    for (name, connector) in connectors {
        let config = connector["config"].as_object().unwrap();
        assert!(config.values().all(Value::is_string), "{name}: Connect wants text");
        assert_eq!(config["consumer.override.isolation.level"], "read_committed", "{name}");
        assert!(!connector["name"].as_str().unwrap().is_empty());
    }
}

#[test]
fn no_connector_holds_a_secret() {
    for (name, connector) in connectors() {
        for (key, value) in connector["config"].as_object().unwrap() {
            let is_secret = ["password", "keyfile", "secret"].iter().any(|word| key.contains(word));
            assert!(!is_secret || value.as_str().unwrap().starts_with("${file:"), "{name}: {key} is not read from a file");
        }
    }
}
