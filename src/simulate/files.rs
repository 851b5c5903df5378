//! Simulated records as NDJSON files: one per stream, plus the labels.

use std::io;
use std::path::{Path, PathBuf};

use super::customer::Label;
use super::record::SimulatedRecord;
use crate::event::{PerStream, Stream};
use crate::file::{Existing, Output, WriteError};

/// The files of a run: `usage.ndjson` ... `accounts.ndjson` and `labels.ndjson` in one folder. They get their names once all are complete.
pub struct Files {
    folder: PathBuf,
    streams: PerStream<Output>,
    labels: Output,
}

impl Files {
    /// Creates the folder if it is missing, and starts the files.
    ///
    /// # Errors
    /// If the folder or a file cannot be created, or a file exists and must not be replaced.
    pub fn create(folder: &Path, existing: Existing) -> Result<Self, WriteError> {
        std::fs::create_dir_all(folder).map_err(|error| WriteError::of(folder, &error))?;
        let start = |name: &str| Output::create(&folder.join(format!("{name}.ndjson")), existing);
        let [usage, billing, support, feedback, accounts] = Stream::ALL.map(|stream| start(stream.name()));
        let streams = PerStream([usage?, billing?, support?, feedback?, accounts?]);
        Ok(Self { folder: folder.to_owned(), streams, labels: start("labels")? })
    }

    /// Adds a record to the file of its stream.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, record: &SimulatedRecord) -> Result<(), WriteError> {
        let path = || self.folder.join(format!("{}.ndjson", record.stream.name()));
        self.streams.of_mut(record.stream).line(record.json.as_bytes()).map_err(|error| WriteError::of(&path(), &error))
    }

    /// Writes the labels and completes the files.
    ///
    /// # Errors
    /// If a file cannot be written completely.
    pub fn finish(self, labels: impl Iterator<Item = Label>) -> Result<(), WriteError> {
        let Self { folder, streams, labels: output } = self;
        let labels_path = folder.join("labels.ndjson");
        let output = with_labels(output, labels).map_err(|error| WriteError::of(&labels_path, &error))?;
        streams.0.into_iter().try_for_each(Output::finish)?;
        output.finish()
    }
}

/// Writes the true future of each account, one per line.
///
/// # Errors
/// If the file cannot be written completely, or exists and must not be replaced.
pub fn write_labels(path: &Path, existing: Existing, labels: impl Iterator<Item = Label>) -> Result<(), WriteError> {
    let output = Output::create(path, existing)?;
    with_labels(output, labels).map_err(|error| WriteError::of(path, &error))?.finish()
}

fn with_labels(mut output: Output, mut labels: impl Iterator<Item = Label>) -> io::Result<Output> {
    labels.try_for_each(|label| output.line(&serde_json::to_vec(&label)?))?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Generator, Options};

    #[test]
    fn every_record_is_in_the_file_of_its_stream_and_every_account_has_a_label() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { accounts: 3, days: 10, ..Options::default() };
        let mut files = Files::create(folder.path(), Existing::Refuse).unwrap();
        let mut generator = Generator::new(&options);
        let labels: Vec<Label> = generator.labels().collect();
        let count = generator.by_ref().map(|record| files.write(&record).unwrap()).count();
        files.finish(labels.into_iter()).unwrap();
        let lines = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap().lines().count();
        let total: usize = Stream::ALL.iter().map(|stream| lines(&format!("{}.ndjson", stream.name()))).sum();
        assert_eq!((total, lines("labels.ndjson")), (count, 3));
    }
}
