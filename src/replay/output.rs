//! The output lines of the first pass: dead letters and counts.

use std::io;

use super::file::InputFile;
use super::reading::Reading;
use crate::file::Output;

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
