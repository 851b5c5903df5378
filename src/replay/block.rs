//! Blocks of whole lines, decoded one block at a time.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use super::digest::{Digest, Source};
use super::span::Span;
use crate::event::DecodeContext;

/// A block of lines with their digests.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    lines: u32,
    digests: Vec<Digest>,
}

impl Block {
    /// Decodes whole lines of less than 4 GiB in total.
    pub fn new(source: Source<'_>, bytes: Vec<u8>, context: &DecodeContext) -> Self {
        let mut block = Self { bytes, lines: 0, digests: Vec::new() };
        block.digest(source, context);
        block
    }

    /// Decodes the lines again, after what their source says of them has changed.
    #[expect(clippy::cast_possible_truncation, reason = "spans are below 4 GiB")]
    pub fn digest(&mut self, source: Source<'_>, context: &DecodeContext) {
        let bytes = &self.bytes;
        let mut digests = Vec::with_capacity(bytes.len() / TYPICAL_LINE_BYTES);
        let (mut lines, mut start) = (0, 0);
        while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.iter().all(u8::is_ascii_whitespace) {
                let span = Span { start: start as u32, length: line.len() as u32 };
                Digest::add(&mut digests, source, line, span, lines, context);
            }
            start += end + 1;
            lines += 1;
        }
        (self.lines, self.digests) = (lines, digests);
    }

    /// Number of lines, including blank ones.
    pub const fn lines(&self) -> u32 {
        self.lines
    }

    /// The digests of all lines that are not blank.
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// The bytes of the first lines, at most `length`.
    pub fn head(&self, length: usize) -> &[u8] {
        self.bytes.get(..length).unwrap_or(&self.bytes)
    }

    /// Frees the digests and keeps the lines.
    pub fn forget_digests(&mut self) {
        self.digests = Vec::new();
    }

    /// The bytes of a line.
    pub fn line(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.bytes.get(start..start + span.length as usize).unwrap_or_default()
    }
}

/// Assumed line length when reserving memory for digests.
const TYPICAL_LINE_BYTES: usize = 200;

/// Splits a file into blocks of whole lines, of about `bytes` each.
pub struct Blocks<R> {
    input: R,
    bytes: NonZeroUsize,
    /// The start of a line that continues in the next block.
    begun: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    pub const fn new(input: R, bytes: NonZeroUsize) -> Self {
        Self { input, bytes, begun: Vec::new() }
    }

    /// The next whole lines; empty at the end of the file.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut block = Vec::with_capacity(self.bytes.get() + self.begun.len());
        block.append(&mut self.begun);
        loop {
            let read = self.input.by_ref().take(self.bytes.get() as u64).read_to_end(&mut block)?;
            if block.len() > u32::MAX as usize {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is 4 GiB or longer"));
            }
            if read == 0 {
                return Ok(block);
            }
            let new = block.len() - read;
            if let Some(end) = memchr::memrchr(b'\n', block.get(new..).unwrap_or_default()) {
                self.begun = block.split_off(new + end + 1);
                return Ok(block);
            }
        }
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().map(|block| (!block.is_empty()).then_some(block)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Format, Stream};
    use crate::settings::Settings;

    fn blocks(text: &str, bytes: usize) -> Vec<Block> {
        let settings = Settings::default();
        let blocks = Blocks::new(text.as_bytes(), NonZeroUsize::new(bytes).unwrap());
        blocks
            .map(|bytes| {
                Block::new(
                    Source { stream: Stream::Usage, format: &Format::Native, aliases: None },
                    bytes.unwrap(),
                    &settings.decode_context(),
                )
            })
            .collect()
    }

    #[test]
    fn blank_lines_are_not_records_but_count_as_lines() {
        for bytes in 1..12 {
            let (mut lines, mut found) = (0, Vec::new());
            for block in blocks("a\r\n \n\nbcd\r\n\ne", bytes) {
                let line = |digest: &Digest| {
                    let text = String::from_utf8_lossy(block.line(digest.span)).into_owned();
                    (lines + digest.lines_before + 1, text)
                };
                found.extend(block.digests().iter().map(line));
                lines += block.lines();
            }
            assert_eq!(found, [(1, "a".to_owned()), (4, "bcd".to_owned()), (6, "e".to_owned())], "in blocks of {bytes}");
            assert_eq!(lines, 6, "in blocks of {bytes}");
        }
    }

    #[test]
    fn an_empty_file_has_no_blocks() {
        assert!(blocks("", 4).is_empty());
        assert_eq!(blocks("\n", 4).iter().map(Block::lines).sum::<u32>(), 1);
    }
}
