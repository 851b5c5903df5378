//! Reads secrets from files and variables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::problem::Origin;
use crate::file::cannot_read;

/// The variables of the process.
pub(super) type Variables = BTreeMap<String, String>;

/// Size limit of a file, bytes; far more than any configuration or certificate chain needs.
const FILE_BYTES_MAX: u64 = 1_048_576;

/// The content of a file without its final line break. `origin`: where the file is referred to.
///
/// # Errors
/// If it cannot be read, is too large, not text, or empty. The message never contains the content.
pub(super) fn of_file(path: &Path, origin: &Origin) -> Result<String, String> {
    let path = resolve(path, origin);
    let text = read(&path).map_err(|reason| format!("cannot read {}: {reason}", path.display()))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if value.is_empty() { Err(format!("{} is empty: write the value into it", path.display())) } else { Ok(value.to_owned()) }
}

const FROM_FILE: &str = "file:";
const FROM_VARIABLE: &str = "env:";

/// Whether a value names the file (`file:PATH`) or the variable (`env:NAME`) that holds it.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with(FROM_FILE) || text.starts_with(FROM_VARIABLE)
}

/// The value that `file:PATH` or `env:NAME` refers to; `None` if the text is the value itself. `origin`: where the text is written.
pub(super) fn referenced(text: &str, origin: &Origin, variables: &Variables) -> Option<Result<String, String>> {
    match (text.strip_prefix(FROM_FILE), text.strip_prefix(FROM_VARIABLE)) {
        (Some(path), _) => Some(of_file(path.as_ref(), origin)),
        (_, Some(variable)) => Some(of_variable(variable, variables)),
        _ => None,
    }
}

/// The value of a variable.
///
/// # Errors
/// If it is not set, or empty.
fn of_variable(name: &str, variables: &Variables) -> Result<String, String> {
    match variables.get(name) {
        Some(value) if !value.is_empty() => Ok(value.clone()),
        Some(_) => Err(format!("the environment variable {name} is empty: set it for this process")),
        None => Err(format!("the environment variable {name} is not set: set it for this process")),
    }
}

/// Resolves a relative path against the directory of the file that refers to it, or else the working directory.
pub(super) fn resolve(path: &Path, origin: &Origin) -> PathBuf {
    match origin {
        Origin::File(file, _) => file.parent().unwrap_or(Path::new("")).join(path),
        _ => path.to_owned(),
    }
}

/// The text of a file of at most [`FILE_BYTES_MAX`].
///
/// # Errors
/// Why it cannot be read, without its path.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(path, &error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes, so it is probably another file"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text: check that it is the right file".to_owned())
}
