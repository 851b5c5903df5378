//! NDJSON input files: plain, `.gz` or `.zst`, or `-` for standard input.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{Block, Blocks};
use super::digest::{Kind, Source};
use super::parallel::{Division, in_order};
use crate::alias::Aliases;
use crate::event::{Format, Place, Rejection, Shape, Stream};
use crate::settings::Settings;

/// How much of a file shows what it is.
const HEAD_BYTES: usize = 64 * 1024;
/// How much of it shows a compression format.
const MAGIC_BYTES: u64 = 16;

/// A file of one stream, decompressed into memory because replay reads it twice: in file order and in event-time order.
#[derive(Debug)]
pub struct InputFile {
    /// The stream that it carries.
    pub stream: Stream,
    /// The format of its lines.
    pub format: Arc<Format>,
    /// Its path as given; `-` is standard input.
    pub path: PathBuf,
    /// What accounts are called elsewhere, if its records are resolved.
    aliases: Option<Arc<Aliases>>,
    /// Its lines, in order.
    pub(super) blocks: Vec<Block>,
}

impl InputFile {
    /// Reads a whole file, decoding in parallel. `progress` receives the number of bytes read, before decompression.
    ///
    /// # Errors
    /// If the file cannot be opened, read or decompressed, or a line is 4 GiB or longer.
    pub fn read(
        (stream, format): (Stream, &Arc<Format>),
        path: &Path,
        settings: &Settings,
        division: Division,
        progress: impl FnMut(u64),
    ) -> io::Result<Self> {
        let is_standard = path == Path::new("-");
        let source: Box<dyn Read> = if is_standard { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
        Self::of((stream, format), path, lines(path, Metered { input: source, progress }, stream)?, settings, division)
    }

    /// A file with this path and the lines of `unpacked`.
    ///
    /// # Errors
    /// If they cannot be read, or a line is 4 GiB or longer.
    pub fn of(
        (stream, format): (Stream, &Arc<Format>),
        path: &Path,
        unpacked: impl Read,
        settings: &Settings,
        division: Division,
    ) -> io::Result<Self> {
        let mut blocks = Vec::new();
        let context = settings.decode_context();
        let digested = |bytes: io::Result<Vec<u8>>| Ok(Block::new(Source { stream, format, aliases: None }, bytes?, &context));
        in_order(division.threads, Blocks::new(unpacked, division.block_bytes), digested, |block: io::Result<Block>| {
            blocks.push(block?);
            Ok::<(), io::Error>(())
        })?;
        Ok(Self { stream, format: Arc::clone(format), path: path.to_owned(), aliases: None, blocks })
    }

    /// Where its lines come from.
    #[must_use]
    pub(super) fn source(&self) -> Source<'_> {
        Source { stream: self.stream, format: &self.format, aliases: self.aliases.as_deref() }
    }

    /// Resolves its records from now on.
    pub(super) fn resolve(&mut self, aliases: &Arc<Aliases>, settings: &Settings, division: Division) {
        self.aliases = Some(Arc::clone(aliases));
        let (context, blocks) = (settings.decode_context(), std::mem::take(&mut self.blocks));
        let (source, mut resolved) = (self.source(), Vec::with_capacity(blocks.len()));
        let digested = |mut block: Block| {
            block.digest(source, &context);
            block
        };
        let Ok(()) = in_order(division.threads, blocks.into_iter(), digested, |block| {
            resolved.push(block);
            Ok::<(), Infallible>(())
        });
        self.blocks = resolved;
    }

    /// The first line that is not a valid record, and why.
    #[must_use]
    pub fn first_refused(&self, settings: &Settings) -> Option<(u64, Rejection)> {
        let context = settings.decode_context();
        let mut before = 0;
        for block in &self.blocks {
            for digest in block.digests().iter().filter(|digest| digest.kind == Kind::Refused) {
                let line = block.line(digest.span);
                if let Err(rejection) = self.source().decode(line, None, &context) {
                    return Some((before + u64::from(digest.lines_before) + 1, rejection));
                }
            }
            before += u64::from(block.lines());
        }
        None
    }

    /// The first kilobytes.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.blocks.first().map_or(&[], |block| block.head(HEAD_BYTES))
    }

    /// Frees the digests, once no further reading will follow.
    pub fn forget_digests(&mut self) {
        self.blocks.iter_mut().for_each(Block::forget_digests);
    }
}

/// The lines of a file as its name announces them: `.gz` and `.zst` are decompressed.
///
/// # Errors
/// If the first bytes show something else than the name, which would otherwise be read as rubbish.
pub fn lines<'a>(path: &Path, mut source: impl Read + 'a, stream: Stream) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    source.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
    let found = match Shape::of_file(&start, stream) {
        Some(Shape::Compressed(name)) => Some(name),
        _ => None,
    };
    let named = match path.extension().and_then(OsStr::to_str) {
        Some("gz") => Some("gzip"),
        Some("zst" | "zstd") => Some("zstd"),
        _ => None,
    };
    let is_empty = start.is_empty();
    let source = io::Cursor::new(start).chain(source);
    match (named, found) {
        _ if is_empty => Ok(Box::new(source)),
        (Some("gzip"), Some("gzip")) => Ok(Box::new(Unpacked(flate2::read::MultiGzDecoder::new(source), "gzip"))),
        (Some("zstd"), Some("zstd")) => Ok(Box::new(Unpacked(zstd::Decoder::new(source)?, "zstd"))),
        (None, None) => Ok(Box::new(source)),
        (Some(named), None) => Err(mismatch(format!("not compressed with {named}, although its name says so: rename it"))),
        (_, Some(found)) => Err(mismatch(Shape::Compressed(found).advice(Place::File))),
    }
}

fn mismatch(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Decompressed bytes, by the name of the format.
struct Unpacked<R>(R, &'static str);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        self.0.read(buffer).map_err(|error| match error.kind() {
            UnexpectedEof | InvalidData | InvalidInput | Other => {
                mismatch(format!("cut off or damaged {name} data ({error}): copy the file again, and try `{name} -t FILE`", name = self.1))
            }
            _ => error,
        })
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

    fn read(path: &Path, bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let mut lines = lines(path, bytes, Stream::Usage).map_err(|error| error.to_string())?;
        lines.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn a_file_that_is_not_what_its_name_says_is_refused_with_what_it_is() {
        let (plain, zst) = (&b"{}\n"[..], zstd::encode_all(&b"{}\n"[..], 1).unwrap());
        let gz = &b"\x1f\x8b\x08\0rest"[..];
        assert_eq!(read(Path::new("a.ndjson"), plain).unwrap(), "{}\n");
        assert_eq!(read(Path::new("a.zst"), &zst).unwrap(), "{}\n");
        assert_eq!(read(Path::new("a.gz"), b"").unwrap(), "", "an empty file holds no record, whatever its name");
        for path in ["a.ndjson", "-", "a.zst"] {
            assert!(read(Path::new(path), gz).unwrap_err().starts_with("compressed with gzip: "), "{path}");
        }
        assert!(read(Path::new("a.gz"), &zst).unwrap_err().starts_with("compressed with zstd: "));
        assert!(read(Path::new("a.zst"), plain).unwrap_err().starts_with("not compressed with zstd"));
        assert!(read(Path::new("a.gz"), plain).unwrap_err().starts_with("not compressed with gzip"));
    }

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
            let file =
                InputFile::read((Stream::Usage, &Arc::default()), &path, &settings, Division::of_machine(), |bytes| metered += bytes)
                    .unwrap();
            assert_eq!(file.blocks.iter().map(|block| block.digests().len()).sum::<usize>(), 2);
            assert_eq!(file.head(), b"x\ny\n");
            assert_eq!(metered, path.metadata().unwrap().len());
        }
    }
}
