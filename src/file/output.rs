//! Output files of lines, to a path or to standard output.
//!
//! A regular file is written beside its path and renamed when it is complete, so a full disk or a failure leaves no partial file and does
//! not change an existing one. Devices and pipes are written directly. If the reader of standard output exits early, as `head` does, the
//! rest of that output is dropped and the other outputs are still written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::reason::folder_of;

/// What happens to a file that already exists where an output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is left alone, and the output is refused.
    Refuse,
    /// It is replaced once the output is complete.
    Overwrite,
}

impl Existing {
    /// As `--overwrite` says.
    #[must_use]
    pub const fn if_overwriting(overwrite: bool) -> Self {
        if overwrite { Self::Overwrite } else { Self::Refuse }
    }
}

/// An output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is a file already.
    #[error("{} already exists: add --overwrite to replace it, or name another file", .0.display())]
    Exists(PathBuf),
    /// Anything else.
    #[error("cannot write {}: {reason}", shown(path))]
    Failed {
        /// The file or directory.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
}

impl WriteError {
    /// A failure of the operating system.
    pub(crate) fn of(path: &Path, error: &io::Error) -> Self {
        Self::Failed { path: path.to_owned(), reason: reason(path, error) }
    }
}

/// An output of lines. Unless it is finished, nothing of it remains.
pub struct Output {
    writer: BufWriter<Box<dyn Write>>,
    path: PathBuf,
    part: Option<Part>,
}

impl Output {
    /// Starts an output; `-` is standard output.
    ///
    /// # Errors
    /// If there is a file that must not be replaced, or the file cannot be created.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        let failed = |error: &io::Error| WriteError::of(path, error);
        let (sink, part): (Box<dyn Write>, _) = match Target::of(path) {
            Target::Standard => (Box::new(IgnoreBrokenPipe(io::stdout())), None),
            Target::Direct => (Box::new(File::create(path).map_err(|error| failed(&error))?), None),
            Target::File(target) => {
                refuse(path, &target, existing)?;
                let part = Part::beside(target);
                let file = File::create(&part.path).map_err(|error| failed(&error))?;
                (Box::new(file), Some(part))
            }
        };
        Ok(Self { writer: BufWriter::with_capacity(1 << 20, sink), path: path.to_owned(), part })
    }

    /// Writes a whole output, if there is to be one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(path: Option<&Path>, existing: Existing, write: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<(), WriteError> {
        let Some(path) = path else { return Ok(()) };
        let mut output = Self::create(path, existing)?;
        write(&mut output).map_err(|error| WriteError::of(path, &error))?;
        output.finish()
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&mut self, json: &[u8]) -> io::Result<()> {
        self.writer.write_all(json)?;
        self.writer.write_all(b"\n")
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.writer.write_all(text)
    }

    /// Writes what is buffered, and gives the file its name.
    ///
    /// # Errors
    /// If that fails; nothing of the output remains.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let flushed = self.writer.flush();
        let named = flushed.and_then(|()| self.part.take().map_or(Ok(()), Part::complete));
        named.map_err(|error| WriteError::of(&self.path, &error))
    }
}

/// Refuses an output whose file exists and must not be replaced; cheap enough to check before long work.
///
/// # Errors
/// [`WriteError::Exists`].
pub fn refuse_existing(path: &Path, existing: Existing) -> Result<(), WriteError> {
    match Target::of(path) {
        Target::File(target) => refuse(path, &target, existing),
        Target::Standard | Target::Direct => Ok(()),
    }
}

fn refuse(path: &Path, target: &Path, existing: Existing) -> Result<(), WriteError> {
    if existing == Existing::Refuse && target.is_file() { Err(WriteError::Exists(path.to_owned())) } else { Ok(()) }
}

/// Where an output goes.
enum Target {
    Standard,
    /// A device, a pipe or a directory; only the last fails.
    Direct,
    /// A regular file, with symbolic links resolved.
    File(PathBuf),
}

impl Target {
    fn of(path: &Path) -> Self {
        // These name open files of the process; renaming something over them would miss those.
        const OPEN_FILES: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
        if path == Path::new("-") {
            return Self::Standard;
        }
        if OPEN_FILES.iter().any(|open| path.starts_with(open)) {
            return Self::Direct;
        }
        match path.canonicalize() {
            Ok(found) if found.is_file() => Self::File(found),
            Ok(_) => Self::Direct,
            Err(_) => Self::File(path.to_owned()),
        }
    }
}

/// A file on its way to its final name. Dropped before that, it is deleted.
struct Part {
    path: PathBuf,
    target: PathBuf,
    complete: bool,
}

impl Part {
    fn beside(target: PathBuf) -> Self {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        Self { path: target.with_file_name(name), target, complete: false }
    }

    fn complete(mut self) -> io::Result<()> {
        std::fs::rename(&self.path, &self.target)?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.complete {
            // If even this fails, the name of the file still says what it is.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The name of an output in a message.
fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard output".to_owned() } else { path.display().to_string() }
}

/// Why a file cannot be written, and what to do about it.
fn reason(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            "the disk is full: free some space or name a path on another disk; nothing was left behind".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: let the user of this process write there, or name another directory".to_owned()
        }
        io::ErrorKind::IsADirectory => "it is a directory: name a file in it".to_owned(),
        io::ErrorKind::NotFound => format!("the directory {} does not exist: create it first", folder_of(path).display()),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "it, or a part of its path, is a file, not a directory: check the path".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A writer that discards output once its reader has gone.
struct IgnoreBrokenPipe<W>(W);

impl<W: Write> Write for IgnoreBrokenPipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_broken_pipe(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_broken_pipe(self.0.flush(), ())
    }
}

fn unless_broken_pipe<T>(result: io::Result<T>, dropped: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(dropped),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::create(&path, Existing::Refuse).unwrap();
        output.line(b"x").unwrap();
        assert!(!path.exists());
        output.finish().unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), names(folder.path())), (b"x\n".to_vec(), vec!["out".to_owned()]));
    }

    #[test]
    fn an_output_that_is_not_finished_leaves_nothing_and_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "old").unwrap();
        let mut output = Output::create(&path, Existing::Overwrite).unwrap();
        output.line(&vec![b'x'; 3 << 20]).unwrap();
        drop(output);
        assert_eq!((std::fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["out".to_owned()]));
    }

    #[test]
    fn an_existing_file_is_replaced_only_on_request_and_links_stay_links() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out"), folder.path().join("link"));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("out", &link).unwrap();
        for path in [&path, &link] {
            assert!(matches!(refuse_existing(path, Existing::Refuse), Err(WriteError::Exists(_))));
            assert!(Output::create(path, Existing::Refuse).err().unwrap().to_string().contains("--overwrite"));
        }
        Output::create(&link, Existing::Overwrite).unwrap().finish().unwrap();
        assert!(link.is_symlink() && std::fs::read(&path).unwrap().is_empty());
    }

    #[test]
    fn devices_are_written_directly() {
        for path in ["/dev/null", "-"] {
            refuse_existing(Path::new(path), Existing::Refuse).unwrap();
            Output::create(Path::new(path), Existing::Refuse).unwrap().finish().unwrap();
        }
        let full = Output::create(Path::new("/dev/full"), Existing::Refuse).and_then(|mut output| {
            output.line(b"x").unwrap();
            output.finish()
        });
        assert!(full.unwrap_err().to_string().starts_with("cannot write /dev/full: the disk is full"));
    }
}
