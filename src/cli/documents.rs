//! The commands in the documents are commands that the program takes.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::Cli;

/// README.md and every page in docs.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut pages, mut folders) = (vec![root.join("README.md")], vec![root.join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The commands in indented lines of a page, without comments and redirections.
fn commands(page: &str) -> Vec<Vec<String>> {
    let text = page.replace("\\\n", " ");
    let lines = text.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.split('#').next().unwrap_or_default());
    let words = lines.map(|line| line.split_whitespace().take_while(|word| !word.starts_with('>')).map(str::to_owned).collect());
    words.filter(|words: &Vec<String>| words.first().is_some_and(|first| first.rsplit('/').next() == Some("churnwatch"))).collect()
}

#[test]
fn every_command_in_the_documents_is_one_that_the_program_takes() {
    let mut count = 0;
    for path in documents() {
        for command in commands(&std::fs::read_to_string(&path).unwrap()) {
            if let Err(error) = Cli::try_parse_from(&command) {
                panic!("{}: {}: {error}", path.display(), command.join(" "));
            }
            count += 1;
        }
    }
    assert!(count > 10, "only {count} commands were found");
}
