//! Detects paths to the same file: an input must not be overwritten, and two outputs must not share a file.

use std::path::{Path, PathBuf};

use super::UsageError;

/// Standard input or output.
const STANDARD: &str = "-";

/// Extensions of compressed files, which only inputs may be.
const COMPRESSED: [&str; 2] = ["gz", "zst"];

/// Refuses two inputs from standard input, two outputs to one file or to standard output, a file that is both input and output, and an
/// output whose name says that it is compressed.
pub(super) fn refuse_clashes(sources: &[&Path], outputs: &[&Path]) -> Result<(), UsageError> {
    let standard = |paths: &[&Path]| paths.iter().filter(|path| **path == Path::new(STANDARD)).count();
    if standard(sources) > 1 {
        return Err(UsageError("only one stream can be read from standard input".into()));
    }
    if standard(outputs) > 1 {
        return Err(UsageError("only one output can go to standard output".into()));
    }
    let read: Vec<PathBuf> = sources.iter().filter_map(|path| identity(path)).collect();
    let mut written = Vec::new();
    for path in outputs {
        if let Some(extension) = path.extension().filter(|extension| COMPRESSED.iter().any(|compressed| extension == compressed)) {
            let (name, extension) = (path.display(), extension.display());
            return Err(UsageError(format!(
                "outputs are written uncompressed: name {name} without .{extension}, or pipe `-` to a compressor"
            )));
        }
        let Some(file) = identity(path) else { continue };
        if read.contains(&file) {
            return Err(UsageError(format!("{} is an input and cannot be an output too", path.display())));
        }
        if written.contains(&file) {
            return Err(UsageError(format!("{} is named for two outputs", path.display())));
        }
        written.push(file);
    }
    Ok(())
}

/// A file's identity, however its path is spelled; `None` for anything but a regular file, such as `/dev/null`.
fn identity(path: &Path) -> Option<PathBuf> {
    if path == Path::new(STANDARD) {
        return None;
    }
    if let Ok(found) = path.canonicalize() {
        return found.is_file().then_some(found);
    }
    // The file does not exist yet, but its folder does.
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sources: &[&Path], outputs: &[&Path]) -> Option<String> {
        refuse_clashes(sources, outputs).err().map(|error| error.0)
    }

    #[test]
    fn an_input_cannot_be_an_output_however_its_path_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let read = folder.path().join("usage.ndjson");
        std::fs::write(&read, "").unwrap();
        for written in [read.clone(), folder.path().join(".").join("usage.ndjson")] {
            assert!(refusal(&[&read], &[&written]).unwrap().ends_with("is an input and cannot be an output too"));
        }
        assert_eq!(refusal(&[&read], &[&folder.path().join("accounts.ndjson")]), None);
    }

    #[test]
    fn two_outputs_to_one_file_are_refused_whether_it_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        assert!(refusal(&[], &[&one, &one]).unwrap().ends_with("is named for two outputs"));
        std::fs::write(&one, "").unwrap();
        assert!(refusal(&[], &[&one, &one]).is_some());
        assert_eq!(refusal(&[], &[&one, &other]), None);
    }

    #[test]
    fn an_output_is_not_named_like_a_compressed_file() {
        for name in ["accounts.ndjson.gz", "accounts.zst"] {
            assert!(refusal(&[], &[Path::new(name)]).unwrap().starts_with("outputs are written uncompressed: name accounts"), "{name}");
        }
        assert_eq!(refusal(&[Path::new("usage.ndjson.gz")], &[Path::new("accounts.ndjson")]), None);
    }

    #[test]
    fn only_regular_files_and_the_standard_streams_are_exclusive() {
        let (null, standard) = (Path::new("/dev/null"), Path::new("-"));
        assert_eq!(refusal(&[null, standard], &[null, null, standard]), None);
        assert!(refusal(&[standard, standard], &[]).unwrap().contains("standard input"));
        assert!(refusal(&[], &[standard, standard]).unwrap().contains("standard output"));
    }
}
