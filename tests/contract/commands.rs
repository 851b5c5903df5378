//! The commands of the program that README.md and docs/ show.

use std::path::{Path, PathBuf};

/// A command as a reader would type it.
#[derive(Clone, Debug)]
pub struct Documented {
    /// File and line.
    pub place: String,
    /// The words after `churnwatch`, without comment, pipe and redirection.
    pub arguments: Vec<String>,
}

impl Documented {
    /// Whether it speaks to Kafka or to a running instance.
    pub fn needs_service(&self) -> bool {
        let has = |option: &str| self.arguments.iter().any(|argument| argument == option);
        match self.arguments.first().map(String::as_str) {
            Some("run" | "demo" | "topics" | "redrive" | "health" | "top") => true,
            Some("check") => !has("--sample"),
            Some("explain") => has("--url"),
            _ => false,
        }
    }

    /// The argument after an option.
    pub fn value(&self, option: &str) -> Option<&str> {
        let place = self.arguments.iter().position(|argument| argument == option)?;
        self.arguments.get(place + 1).map(String::as_str)
    }
}

/// Every command in a block of code, in order.
pub fn documented() -> Vec<Documented> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    markdown(&root.join("docs"), &mut files);
    files.sort();
    files.iter().flat_map(|file| commands_of(root, file)).collect()
}

fn markdown(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            markdown(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

fn commands_of(root: &Path, file: &Path) -> Vec<Documented> {
    let text = std::fs::read_to_string(file).unwrap();
    // A line that ends in a backslash goes on in the next one.
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut is_fenced = false;
    let mut place = 0;
    while let Some(line) = lines.get(place) {
        let number = place + 1;
        place += 1;
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        let mut command = line.trim().to_owned();
        while command.ends_with('\\') {
            command.pop();
            command.push_str(lines.get(place).unwrap_or(&"").trim());
            place += 1;
        }
        let rest = command.strip_prefix("target/release/").unwrap_or(&command).strip_prefix("churnwatch ");
        if let Some(rest) = rest.filter(|_| is_fenced || line.starts_with("    ")) {
            let name = file.strip_prefix(root).unwrap().display();
            found.push(Documented { place: format!("{name}:{number}"), arguments: words(rest) });
        }
    }
    found
}

fn words(text: &str) -> Vec<String> {
    let ends = |word: &&str| !["#", "|", ">", "2>"].contains(word);
    text.split_whitespace().take_while(ends).map(str::to_owned).collect()
}
