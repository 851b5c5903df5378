//! Simulated records as NDJSON files: one per stream, plus the labels and the truth.

use std::io;
use std::path::{Path, PathBuf};

use super::customer::Label;
use super::record::SimulatedRecord;
use super::truth::{TRUTH_HEADER, Truth};
use crate::event::{PerStream, Stream};
use crate::file::{Existing, Output, WriteError};

/// The files of a run: `usage.ndjson` ... `accounts.ndjson`, `labels.ndjson` and `truth.csv` in one folder. They get their names once all
/// are complete.
pub struct Files {
    folder: PathBuf,
    streams: PerStream<Output>,
    labels: Output,
    truth: Output,
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
        let truth = Output::create(&folder.join("truth.csv"), existing)?;
        Ok(Self { folder: folder.to_owned(), streams, labels: start("labels")?, truth })
    }

    /// Adds a record to the file of its stream.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, record: &SimulatedRecord) -> Result<(), WriteError> {
        let path = || self.folder.join(format!("{}.ndjson", record.stream.name()));
        self.streams.of_mut(record.stream).line(record.json.as_bytes()).map_err(|error| WriteError::of(&path(), &error))
    }

    /// Writes the labels and the truth, and completes the files.
    ///
    /// # Errors
    /// If a file cannot be written completely.
    pub fn finish(self, labels: impl Iterator<Item = Label>, truth: impl Iterator<Item = Truth>) -> Result<(), WriteError> {
        let Self { folder, streams, labels: output, truth: truths } = self;
        let labels_path = folder.join("labels.ndjson");
        let output = with_labels(output, labels).map_err(|error| WriteError::of(&labels_path, &error))?;
        let truth_path = folder.join("truth.csv");
        let truths = with_truth(truths, truth).map_err(|error| WriteError::of(&truth_path, &error))?;
        streams.0.into_iter().try_for_each(Output::finish)?;
        output.finish()?;
        truths.finish()
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

/// Writes the truth about each account, week by week, as CSV.
///
/// # Errors
/// If the file cannot be written completely, or exists and must not be replaced.
pub fn write_truth(path: &Path, existing: Existing, truth: impl Iterator<Item = Truth>) -> Result<(), WriteError> {
    let output = Output::create(path, existing)?;
    with_truth(output, truth).map_err(|error| WriteError::of(path, &error))?.finish()
}

fn with_truth(mut output: Output, mut truth: impl Iterator<Item = Truth>) -> io::Result<Output> {
    output.line(TRUTH_HEADER.as_bytes())?;
    truth.try_for_each(|row| output.line(row.line().as_bytes()))?;
    Ok(output)
}

fn with_labels(mut output: Output, mut labels: impl Iterator<Item = Label>) -> io::Result<Output> {
    labels.try_for_each(|label| output.line(&serde_json::to_vec(&label)?))?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Generator, Options, truth};

    #[test]
    fn every_record_is_in_the_file_of_its_stream_and_every_account_has_a_label_and_its_truth() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { accounts: 3, days: 10, ..Options::default() };
        let mut files = Files::create(folder.path(), Existing::Refuse).unwrap();
        let mut generator = Generator::new(&options);
        let labels: Vec<Label> = generator.labels().collect();
        let count = generator.by_ref().map(|record| files.write(&record).unwrap()).count();
        files.finish(labels.into_iter(), truth(&options)).unwrap();
        let lines = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap().lines().count();
        let total: usize = Stream::ALL.iter().map(|stream| lines(&format!("{}.ndjson", stream.name()))).sum();
        assert_eq!((total, lines("labels.ndjson")), (count, 3));
        let truths = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
        assert_eq!(truths.lines().next(), Some("account_id,as_of,churned,true_probability"));
        assert_eq!(truths.lines().count() - 1, truth(&options).count());
    }
}
