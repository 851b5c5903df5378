//! Checks the source for the rules of the two halves.

use std::fs;
use std::path::{Path, PathBuf};

mod imports;

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

fn files(roots: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for root in roots {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(root), &mut found);
    }
    assert!(!found.is_empty());
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn offenders(files: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let lines = files.iter().flat_map(|(path, text)| text.lines().map(move |line| (path, line)));
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(path, line)| format!("{}: {}", path.display(), line.trim()))
        .collect()
}

/// The modules of lib.rs in its order: those of the pure half, and all.
fn modules() -> (Vec<String>, Vec<String>) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let names = |text: &str| {
        let names = text.lines().filter_map(|line| line.strip_prefix("pub mod "));
        names.map(|rest| rest.split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (pure, _) = text.split_once("// The shell").expect("lib.rs says where the shell begins");
    (names(pure), names(&text))
}

/// The files of a module.
fn files_of(module: &str) -> Vec<(PathBuf, String)> {
    let is_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module).with_extension("rs").exists();
    files(&[&if is_file { format!("{module}.rs") } else { module.to_owned() }])
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn the_pure_half_has_no_io_no_locks_and_no_shared_state() {
    let (pure, _) = modules();
    let files: Vec<_> = pure.iter().flat_map(|module| files_of(module)).collect();
    assert!(files.len() > 50);
    let outside = ["rdkafka", "tokio", "prometheus::", "tracing", "std::fs", "std::net", "std::thread"];
    assert_eq!(offenders(&files, &outside), Vec::<String>::new());
    // LazyLock is allowed: it holds a constant and never blocks after its first use.
    let shared = ["Mutex", "RwLock", "Condvar", "Atomic", "sync::mpsc", "DashMap", "dashmap", "RefCell"];
    assert_eq!(offenders(&files, &shared), Vec::<String>::new());
}

#[test]
fn the_machines_of_the_stream_threads_have_no_io_and_no_clock() {
    let mut files: Vec<_> = files(&["stream/machine"]).into_iter().filter(|(path, _)| !path.ends_with("tests.rs")).collect();
    for (_, text) in &mut files {
        text.truncate(text.find("#[cfg(test)]").unwrap_or(text.len()));
    }
    assert!(files.len() > 15);
    let outside =
        ["rdkafka", "tokio", "prometheus::", "std::fs", "std::net", "std::thread", "sync::mpsc", "crate::clock", "crate::registry"];
    assert_eq!(offenders(&files, &outside), Vec::<String>::new());
    // Of the module of the clients, only plain values.
    let values = ["COMMIT_LIMIT", "Commit", "NextOffset", "Outgoing", "Record", "TopicId", "TransactionError", "wait"];
    let imports = files.iter().flat_map(|(_, text)| text.split("use crate::kafka::").skip(1));
    let names = imports.filter_map(|rest| rest.split(';').next()).flat_map(|names| names.split(|c: char| c != '_' && !c.is_alphanumeric()));
    let others: Vec<&str> = names.filter(|name| !name.is_empty() && !values.contains(name)).collect();
    assert_eq!(others, Vec::<&str>::new());
    let drivers = ["super::thread", "super::restoring", "super::committed", "stream::thread", "stream::restoring", "stream::committed"];
    assert_eq!(offenders(&files, &drivers), Vec::<String>::new());
}

#[test]
fn every_module_imports_only_from_those_above_it() {
    let (pure, all) = modules();
    assert!(pure.len() > 8 && all.len() > pure.len() + 8, "{all:?}");
    let mut upward = Vec::new();
    for (place, module) in all.iter().enumerate() {
        for (path, text) in files_of(module) {
            for line in code(&text) {
                let imported =
                    line.split("crate::").skip(1).filter_map(|rest| rest.split(|c: char| c != '_' && !c.is_alphanumeric()).next());
                let above = |name: &str| all.iter().position(|module| module == name).is_some_and(|other| other > place);
                if imported.clone().any(above) || line.contains("crate::{") {
                    upward.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert_eq!(upward, Vec::<String>::new());
}

#[test]
fn no_two_files_import_each_other() {
    let (_, all) = modules();
    let files: Vec<_> = all.iter().flat_map(|module| files_of(module)).collect();
    let imports = imports::Imports::of(&files);
    assert!(imports.count() > 600, "{} imports", imports.count());
    assert_eq!(imports.mutual(), Vec::<String>::new());
}

#[test]
fn one_file_reads_the_clock() {
    let files: Vec<_> = files(&["."]).into_iter().filter(|(path, _)| !path.ends_with("src/clock.rs")).collect();
    assert_eq!(offenders(&files, &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"]), Vec::<String>::new());
}

#[test]
fn one_module_calls_librdkafka() {
    let files: Vec<_> = files(&["."]).into_iter().filter(|(path, _)| !path.iter().any(|folder| folder == "kafka")).collect();
    let words = ["rdkafka::", "rdkafka_sys", "MockCluster"];
    assert_eq!(offenders(&files, &words), Vec::<String>::new());
}

#[test]
fn no_file_names_unfinished_work() {
    assert_eq!(offenders(&files(&["."]), &["todo!(", "unimplemented!("]), Vec::<String>::new());
}

#[test]
fn every_exit_code_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (source, explained) = ("src/stream/failure.rs", "docs/reliability.md");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let (failures, text) = (read(source), read(explained));
    let codes: Vec<&str> = failures.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() > 15, "{codes:?}");
    let missing: Vec<_> = codes.iter().filter(|code| !text.contains(&format!("| `{code}` |"))).collect();
    assert!(missing.is_empty(), "{explained} does not explain {missing:?}");
}
