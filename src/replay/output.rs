//! Output files: one JSON a line, to a path or to standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::file::InputFile;
use super::reading::Reading;

/// A file of lines.
pub struct Output(BufWriter<Box<dyn Write>>);

impl Output {
    /// Opens a path for writing; `-` is standard output.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let sink: Box<dyn Write> = if path == Path::new("-") { Box::new(io::stdout()) } else { Box::new(File::create(path)?) };
        Ok(Self(BufWriter::with_capacity(1 << 20, sink)))
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, json: &[u8]) -> io::Result<()> {
        self.0.write_all(json)?;
        self.0.write_all(b"\n")
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
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

/// Writes a line for each refused record, in reading order. A record longer than `record_bytes` is cut there, its length beside it.
///
/// # Errors
/// When a line cannot be written.
pub fn write_dead_letters(reading: &Reading, files: &[InputFile], record_bytes: usize, output: &mut Output) -> io::Result<()> {
    for letter in &reading.dead_letters {
        let Some(file) = files.get(usize::from(letter.file)) else { continue };
        let bytes = letter.bytes(files);
        let line = DeadLetterLine {
            file: file.path.to_string_lossy(),
            line: letter.line,
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
/// When it cannot be written.
pub fn write_counts(reading: &Reading, output: &mut Output) -> io::Result<()> {
    output.line(&serde_json::to_vec(&reading.counts)?)
}
