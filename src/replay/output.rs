//! Output files: one JSON object per line, to a path or to standard output. If the reader of standard output exits early, as `head`
//! does, the rest of that output is dropped and the other outputs are still written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::file::InputFile;
use super::reading::Reading;

/// A buffered file of lines.
pub struct Output(BufWriter<Box<dyn Write>>);

impl Output {
    /// Opens a path for writing; `-` is standard output.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let sink: Box<dyn Write> =
            if path == Path::new("-") { Box::new(IgnoreBrokenPipe(io::stdout())) } else { Box::new(File::create(path)?) };
        Ok(Self(BufWriter::with_capacity(1 << 20, sink)))
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&mut self, json: &[u8]) -> io::Result<()> {
        self.0.write_all(json)?;
        self.0.write_all(b"\n")
    }

    /// Flushes the buffer.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
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

#[derive(serde::Serialize)]
struct DeadLetterLine<'a> {
    file: std::borrow::Cow<'a, str>,
    line: u64,
    code: &'static str,
    reason: &'a str,
    record: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<usize>,
}

/// Writes a line per rejected record, in file order. Records longer than `record_bytes` are truncated, and their length is added.
///
/// # Errors
/// If a line cannot be written.
pub fn write_dead_letters(reading: &Reading, files: &[InputFile], record_bytes: usize, output: &mut Output) -> io::Result<()> {
    for letter in &reading.dead_letters {
        let Some(file) = files.get(usize::from(letter.line.file)) else { continue };
        let bytes = letter.line.bytes(files);
        let line = DeadLetterLine {
            file: file.path.to_string_lossy(),
            line: letter.line.number,
            code: letter.rejection.code.name(),
            reason: &letter.rejection.reason,
            record: String::from_utf8_lossy(bytes.get(..record_bytes).unwrap_or(bytes)),
            truncated: (bytes.len() > record_bytes).then_some(bytes.len()),
        };
        output.line(&serde_json::to_vec(&line)?)?;
    }
    Ok(())
}

/// Writes the counts of all streams as one line.
///
/// # Errors
/// If it cannot be written.
pub fn write_counts(reading: &Reading, output: &mut Output) -> io::Result<()> {
    output.line(&serde_json::to_vec(&reading.counts)?)
}
