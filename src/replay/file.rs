//! Input files of NDJSON: plain, `.gz` or `.zst`, or `-` for standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::event::Stream;

/// One stream's file, unpacked into memory: replay reads it twice, once in file order and once in the order of event time.
#[derive(Debug)]
pub struct InputFile {
    /// The stream that it carries.
    pub stream: Stream,
    /// Its path as given; `-` is standard input.
    pub path: PathBuf,
    bytes: Vec<u8>,
}

/// A line of an input file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Number from 1.
    pub number: u64,
    /// Where it begins, in bytes.
    pub start: usize,
    /// The line without its end.
    pub bytes: &'a [u8],
}

impl InputFile {
    /// Reads a file whole.
    ///
    /// # Errors
    /// When the file cannot be opened, read or unpacked.
    pub fn read(stream: Stream, path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        if path == Path::new("-") {
            io::stdin().lock().read_to_end(&mut bytes)?;
        } else {
            let mut file = File::open(path)?;
            match path.extension().and_then(OsStr::to_str) {
                Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes)?,
                Some("zst" | "zstd") => zstd::Decoder::new(file)?.read_to_end(&mut bytes)?,
                _ => file.read_to_end(&mut bytes)?,
            };
        }
        Ok(Self { stream, path: path.to_owned(), bytes })
    }

    /// A file of these bytes, for tests and examples.
    #[must_use]
    pub fn of_bytes(stream: Stream, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { stream, path: path.into(), bytes: bytes.into() }
    }

    /// Bytes of the unpacked file.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The lines, without blank ones, which are no records.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        let mut number = 0;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, begin) = (rest.get(..length).unwrap_or_default(), start);
            start += length + 1;
            number += 1;
            Some(Line { number, start: begin, bytes: line.strip_suffix(b"\r").unwrap_or(line) })
        })
        .filter(|line| !line.bytes.iter().all(u8::is_ascii_whitespace))
    }

    /// The bytes of a line that [`InputFile::lines`] gave.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.get(start..start + length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn blank_lines_are_no_records_and_still_count_as_lines() {
        let file = InputFile::of_bytes(Stream::Usage, "x", "a\r\n \n\nb");
        let lines: Vec<_> = file.lines().map(|line| (line.number, line.bytes.to_vec())).collect();
        assert_eq!(lines, [(1, b"a".to_vec()), (4, b"b".to_vec())]);
        let last = file.lines().last().unwrap();
        assert_eq!(file.slice(last.start, last.bytes.len()), b"b");
    }

    #[test]
    fn packed_files_are_unpacked_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        let gz = folder.path().join("a.ndjson.gz");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&gz).unwrap(), flate2::Compression::fast());
        encoder.write_all(b"x\ny\n").unwrap();
        encoder.finish().unwrap();
        let zst = folder.path().join("a.ndjson.zst");
        std::fs::write(&zst, zstd::encode_all(&b"x\ny\n"[..], 1).unwrap()).unwrap();
        for path in [gz, zst] {
            assert_eq!(InputFile::read(Stream::Usage, &path).unwrap().lines().count(), 2);
        }
    }
}
