//! The pictures of docs/model.md.

use std::path::Path;

use super::{churnwatch, text};

const NAMES: [&str; 4] = ["roc.svg", "lift.svg", "reliability.svg", "components.svg"];

#[test]
fn the_pictures_of_the_documentation_are_what_its_commands_write() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/model.md")).unwrap();
    let commands = document.lines().skip_while(|line| !line.starts_with("    churnwatch simulate "));
    let commands: Vec<&str> = commands.take_while(|line| line.starts_with("    churnwatch ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("docs/model")).unwrap();
    for command in commands {
        let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        let done = churnwatch(folder.path(), &arguments);
        assert!(done.status.success(), "{command}: {}", text(&done.stderr));
    }
    for name in NAMES {
        let read = |folder: &Path| std::fs::read_to_string(folder.join("docs/model").join(name)).unwrap();
        assert!(document.contains(&format!("](model/{name})")), "docs/model.md does not show {name}");
        assert!(read(folder.path()) == read(root), "docs/model/{name} is out of date: run the commands of docs/model.md with --overwrite");
    }
}
