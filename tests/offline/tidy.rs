//! What the two halves promise of each other, looked for in the source.

use std::fs;
use std::path::{Path, PathBuf};

const PURE: [&str; 11] =
    ["time", "money", "event", "account", "metric", "score", "portfolio", "settings", "stream_time.rs", "engine", "partitioner.rs"];

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

#[test]
fn the_pure_half_knows_no_shell() {
    let files = files(&PURE);
    assert!(files.len() > 50);
    let found = offenders(
        &files,
        &["rdkafka", "tokio", "prometheus::", "tracing", "std::fs", "std::net", "std::thread", "crate::stream::", "crate::http"],
    );
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn one_file_reads_the_clock() {
    let files: Vec<_> = files(&["."]).into_iter().filter(|(path, _)| !path.ends_with("src/clock.rs")).collect();
    assert_eq!(offenders(&files, &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"]), Vec::<String>::new());
}

#[test]
fn one_module_calls_librdkafka() {
    let files: Vec<_> = files(&["."]).into_iter().filter(|(path, _)| !path.to_string_lossy().contains("src/kafka/")).collect();
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
    assert!(missing.is_empty(), "{explained} does not say what to do at {missing:?}");
}
