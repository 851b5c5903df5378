//! NDJSON input files: plain, `.gz` or `.zst`, or `-` for standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::block::{Block, Blocks};
use super::parallel::{Division, in_order};
use crate::event::Stream;
use crate::settings::Settings;

/// A file of one stream, decompressed into memory because replay reads it twice: in file order and in event-time order.
#[derive(Debug)]
pub struct InputFile {
    /// The stream that it carries.
    pub stream: Stream,
    /// Its path as given; `-` is standard input.
    pub path: PathBuf,
    /// Its lines, in order.
    pub(super) blocks: Vec<Block>,
}

impl InputFile {
    /// Reads a whole file, decoding in parallel. `progress` receives the number of bytes read, before decompression.
    ///
    /// # Errors
    /// If the file cannot be opened, read or decompressed, or a line is 4 GiB or longer.
    pub fn read(stream: Stream, path: &Path, settings: &Settings, division: Division, progress: impl FnMut(u64)) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::of(stream, path, io::stdin().lock(), settings, division);
        }
        let file = Metered { input: File::open(path)?, progress };
        match path.extension().and_then(OsStr::to_str) {
            Some("gz") => Self::of(stream, path, flate2::read::MultiGzDecoder::new(file), settings, division),
            Some("zst" | "zstd") => Self::of(stream, path, zstd::Decoder::new(file)?, settings, division),
            _ => Self::of(stream, path, file, settings, division),
        }
    }

    /// A file with this path and the lines of `unpacked`.
    ///
    /// # Errors
    /// If they cannot be read, or a line is 4 GiB or longer.
    pub fn of(stream: Stream, path: &Path, unpacked: impl Read, settings: &Settings, division: Division) -> io::Result<Self> {
        let mut blocks = Vec::new();
        let context = settings.decode_context();
        let digested = |bytes: io::Result<Vec<u8>>| Ok(Block::new(stream, bytes?, &context));
        in_order(division.threads, Blocks::new(unpacked, division.block_bytes), digested, |block: io::Result<Block>| {
            blocks.push(block?);
            Ok::<(), io::Error>(())
        })?;
        Ok(Self { stream, path: path.to_owned(), blocks })
    }

    /// Whether it holds no line but blank ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().all(|block| block.digests().is_empty())
    }

    /// Frees the digests, once no further reading will follow.
    pub fn forget_digests(&mut self) {
        self.blocks.iter_mut().for_each(Block::forget_digests);
    }
}

/// Reports how much was read.
struct Metered<R, P> {
    input: R,
    progress: P,
}

impl<R: Read, P: FnMut(u64)> Read for Metered<R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        (self.progress)(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_are_decompressed_by_extension() {
        let folder = tempfile::tempdir().unwrap();
        let gz = folder.path().join("a.ndjson.gz");
        let mut encoder = flate2::write::GzEncoder::new(File::create(&gz).unwrap(), flate2::Compression::fast());
        encoder.write_all(b"x\ny\n").unwrap();
        encoder.finish().unwrap();
        let zst = folder.path().join("a.ndjson.zst");
        std::fs::write(&zst, zstd::encode_all(&b"x\ny\n"[..], 1).unwrap()).unwrap();
        for path in [gz, zst] {
            let mut metered = 0;
            let settings = Settings::default();
            let file = InputFile::read(Stream::Usage, &path, &settings, Division::of_machine(), |bytes| metered += bytes).unwrap();
            assert_eq!(file.blocks.iter().map(|block| block.digests().len()).sum::<usize>(), 2);
            assert_eq!(metered, path.metadata().unwrap().len());
        }
    }
}
