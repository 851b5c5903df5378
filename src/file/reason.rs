//! Why a file cannot be read, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Most edits between a name and the one suggested for it.
const EDITS_MAX: usize = 3;

/// Why a file cannot be read, as a sentence without its path.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        io::ErrorKind::IsADirectory => "it is a directory: name a file in it".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: let the user of this process read it".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is a file, not a directory: check the path".to_owned(),
        _ => error.to_string(),
    }
}

fn missing(path: &Path) -> String {
    let folder = folder_of(path);
    let Ok(shown) = folder.canonicalize() else { return format!("the directory {} does not exist: check the path", folder.display()) };
    match nearest(path, &folder) {
        Some(near) => format!("no such file in {}; did you mean `{near}`?", shown.display()),
        None => format!("no such file in {}: check the path", shown.display()),
    }
}

/// The directory that a path is in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")).to_owned()
}

/// The file in the same directory whose name is most similar.
fn nearest(path: &Path, folder: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let files = folder.read_dir().ok()?.filter_map(Result::ok).filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let near = names.map(|other| (strsim::damerau_levenshtein(&name, &other), other)).min()?;
    (near.0 <= EDITS_MAX.min(name.len() / 2)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(path: &Path) -> String {
        cannot_read(path, &std::fs::read(path).unwrap_err())
    }

    #[test]
    fn a_missing_file_comes_with_the_most_similar_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("churnwatch.toml"), "").unwrap();
        assert!(reason(&folder.path().join("churnwacth.toml")).ends_with("; did you mean `churnwatch.toml`?"));
        assert!(reason(&folder.path().join("usage.ndjson")).ends_with(": check the path"));
        assert!(reason(&folder.path().join("nowhere/usage.ndjson")).ends_with("nowhere does not exist: check the path"));
    }

    #[test]
    fn a_directory_is_called_one() {
        assert!(reason(tempfile::tempdir().unwrap().path()).starts_with("it is a directory"));
    }
}
