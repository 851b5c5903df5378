//! Simulated records as NDJSON files: one per stream, plus the labels.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::customer::Label;
use super::record::SimulatedRecord;
use crate::event::{PerStream, Stream};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The files of a run: `usage.ndjson` ... `accounts.ndjson` and `labels.ndjson` in one folder.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    streams: PerStream<BufWriter<File>>,
}

impl Files {
    /// Creates the folder if it is missing, and the files, truncating existing ones.
    ///
    /// # Errors
    /// If the folder or a file cannot be created.
    pub fn create(folder: &Path) -> Result<Self, WriteError> {
        std::fs::create_dir_all(folder).map_err(|source| WriteError { path: folder.to_owned(), source })?;
        let [usage, billing, support, feedback, accounts] = Stream::ALL.map(|stream| create(&stream_path(folder, stream)));
        Ok(Self { folder: folder.to_owned(), streams: PerStream([usage?, billing?, support?, feedback?, accounts?]) })
    }

    /// Adds a record to the file of its stream.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, record: &SimulatedRecord) -> Result<(), WriteError> {
        let file = self.streams.of_mut(record.stream);
        writeln!(file, "{}", record.json).map_err(|source| WriteError { path: stream_path(&self.folder, record.stream), source })
    }

    /// Writes the labels and closes the files.
    ///
    /// # Errors
    /// If a file cannot be written completely.
    pub fn finish(mut self, labels: impl Iterator<Item = Label>) -> Result<(), WriteError> {
        for (stream, file) in self.streams.iter_mut() {
            file.flush().map_err(|source| WriteError { path: stream_path(&self.folder, stream), source })?;
        }
        write_labels(&self.folder.join("labels.ndjson"), labels)
    }
}

/// Writes the true future of each account, one per line.
///
/// # Errors
/// If the file cannot be written completely.
pub fn write_labels(path: &Path, mut labels: impl Iterator<Item = Label>) -> Result<(), WriteError> {
    let mut file = create(path)?;
    let written = labels.try_for_each(|label| {
        serde_json::to_writer(&mut file, &label)?;
        writeln!(file)
    });
    written.and_then(|()| file.flush()).map_err(|source| WriteError { path: path.to_owned(), source })
}

fn stream_path(folder: &Path, stream: Stream) -> PathBuf {
    folder.join(format!("{}.ndjson", stream.name()))
}

fn create(path: &Path) -> Result<BufWriter<File>, WriteError> {
    let file = File::create(path).map_err(|source| WriteError { path: path.to_owned(), source })?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Generator, Options};

    #[test]
    fn every_record_is_in_the_file_of_its_stream_and_every_account_has_a_label() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { accounts: 3, days: 10, ..Options::default() };
        let mut files = Files::create(folder.path()).unwrap();
        let mut generator = Generator::new(&options);
        let labels: Vec<Label> = generator.labels().collect();
        let count = generator.by_ref().map(|record| files.write(&record).unwrap()).count();
        files.finish(labels.into_iter()).unwrap();
        let lines = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap().lines().count();
        let total: usize = Stream::ALL.iter().map(|stream| lines(&format!("{}.ndjson", stream.name()))).sum();
        assert_eq!((total, lines("labels.ndjson")), (count, 3));
    }
}
