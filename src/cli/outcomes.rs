//! What became of the records of a replay: a table by stream and, for each kind of problem, where it first occurred and what to do about
//! it.

use std::fmt;

use super::LogFormat;
use crate::engine::StreamCounts;
use crate::engine::bad_run::{BadRun, Thresholds};
use crate::event::{Code, Place, Shape, Stream};
use crate::replay::{DeadLetter, InputFile, Reading};
use crate::time::Timestamp;

/// Outcomes of the input files.
pub(super) struct Outcomes<'a> {
    /// The input files, one per stream.
    pub(super) files: &'a [InputFile],
    /// The result of reading them.
    pub(super) reading: &'a Reading,
}

/// What came of the accepted records.
pub(super) struct Totals {
    /// Accounts at the end.
    pub(super) accounts: usize,
    /// Changes written, or that would have been.
    pub(super) changes: u64,
    /// The time of scoring.
    pub(super) as_of: Timestamp,
}

/// A warning about the records of one file.
#[derive(Debug, PartialEq, Eq)]
struct Remark {
    file: String,
    line: Option<u64>,
    text: String,
}

impl Outcomes<'_> {
    /// Prints table, remarks and totals to standard error, in the log format; if quiet, only the remarks.
    pub(super) fn print(&self, format: LogFormat, quiet: bool, totals: Option<&Totals>) {
        match format {
            LogFormat::Text => {
                if !quiet {
                    eprint!("{self}");
                }
                self.remarks().iter().for_each(|remark| eprintln!("warning: {remark}"));
                if let Some(totals) = totals.filter(|_| !quiet) {
                    eprintln!("{totals}");
                }
            }
            LogFormat::Json => {
                self.files.iter().for_each(|file| log_counts(file.stream, self.counts(file)));
                for Remark { file, line, text } in self.remarks() {
                    tracing::warn!(file, line, remark = text, "records not applied");
                }
                if let Some(Totals { accounts, changes, as_of }) = totals {
                    tracing::info!(accounts, changes, %as_of, "replayed");
                }
            }
        }
    }

    /// Why the replay has failed although every file was read: nothing was applied, or most records of a stream are bad, which points to a
    /// wrong file or configuration rather than to bad data.
    pub(super) fn failure(&self, thresholds: Thresholds) -> Option<String> {
        if self.files.iter().all(|file| !self.counts(file).is_known()) {
            let read: u64 = self.files.iter().map(|file| self.counts(file).read).sum();
            let cause = self.remarks().first().map(ToString::to_string).unwrap_or_default();
            return Some(format!("none of the {read} records was applied: {cause}"));
        }
        self.files.iter().find_map(|file| {
            let finding = BadRun::of_replay(self.counts(file)).finding(thresholds)?;
            Some(format!(
                "{} of the {} {} records cannot be applied, most often because of {}. See --out-dead-letters; \
                 output.on_bad_run = \"dead_letter\" replays the others anyway",
                finding.bad,
                finding.read,
                file.stream.name(),
                finding.cause()
            ))
        })
    }

    fn counts(&self, file: &InputFile) -> &StreamCounts {
        self.reading.counts.of(file.stream)
    }

    fn remarks(&self) -> Vec<Remark> {
        (0_u8..).zip(self.files).flat_map(|(number, file)| self.remarks_on(number, file)).collect()
    }

    /// About the file as a whole if it holds no event of its stream; else about the first record of each kind that was not applied.
    fn remarks_on(&self, number: u8, file: &InputFile) -> Vec<Remark> {
        let counts = self.counts(file);
        let name = file.path.display().to_string();
        let whole = Shape::of_file(file.head(), file.stream)
            .and_then(|shape| shape.under(&file.format))
            .filter(|shape| !counts.is_known() && !matches!(shape, Shape::Untyped | Shape::UnknownType));
        if let Some(shape) = whole {
            return vec![Remark { file: name, line: None, text: shape.advice(Place::File) }];
        }
        let looks_like = |bytes: &[u8]| Shape::of_value(bytes, file.stream)?.under(&file.format).map(|shape| shape.advice(Place::File));
        let unknown = self.reading.first_ignored.iter().find(|line| line.file == number && file.format.is_native()).map(|line| {
            let advice = looks_like(line.bytes(self.files)).unwrap_or_else(|| Shape::UnknownType.advice(Place::File));
            Remark {
                file: name.clone(),
                line: Some(line.number),
                text: format!("{} of unknown type, ignored; {advice}", records(counts.ignored)),
            }
        });
        let rejected = counts.dead_letter.iter().map(|(code, count)| {
            let of_code = |letter: &&DeadLetter| letter.line.file == number && letter.rejection.code == code;
            let first = self.reading.dead_letters.iter().find(of_code);
            let advice =
                first.and_then(|letter| looks_like(letter.line.bytes(self.files))).unwrap_or_else(|| remedy(code, first).to_owned());
            let reason = first.map(|letter| format!(": {}", letter.rejection.reason)).unwrap_or_default();
            let text = format!("{} not applied, {}{reason}; {advice}", records(count), code.name());
            Remark { file: name.clone(), line: first.map(|letter| letter.line.number), text }
        });
        unknown.into_iter().chain(rejected).collect()
    }
}

/// In a replay, `--as-of` takes the place of the clock.
fn remedy(code: Code, first: Option<&DeadLetter>) -> &'static str {
    match code {
        Code::UnknownAccount => "declare the id in the aliases of its account, in the file of --accounts or of --aliases",
        Code::FutureTime => "choose a later --as-of, or correct the clock of the producer",
        code => first.map_or_else(|| code.remedy(), |letter| letter.rejection.remedy()),
    }
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

fn dead_letters(counts: &StreamCounts) -> u64 {
    counts.dead_letter.iter().map(|(_, count)| count).sum()
}

fn log_counts(stream: Stream, counts: &StreamCounts) {
    let StreamCounts { read, applied, duplicate, late, ignored, .. } = *counts;
    let codes: Vec<String> = counts.dead_letter.iter().map(|(code, count)| format!("{}: {count}", code.name())).collect();
    let (stream, dead_letters, codes) = (stream.name(), dead_letters(counts), codes.join(", "));
    tracing::info!(stream, read, applied, duplicate, late, ignored, dead_letters, codes, "records");
}

/// The table.
impl fmt::Display for Outcomes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<9}{:>12}{:>12}{:>12}{:>12}{:>12}{:>14}",
            "stream", "read", "applied", "duplicate", "late", "ignored", "dead letters"
        )?;
        for file in self.files {
            let StreamCounts { read, applied, duplicate, late, ignored, .. } = *self.counts(file);
            let (stream, letters) = (file.stream.name(), dead_letters(self.counts(file)));
            writeln!(f, "{stream:<9}{read:>12}{applied:>12}{duplicate:>12}{late:>12}{ignored:>12}{letters:>14}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accounts: {}, changes: {}, as of {}", self.accounts, self.changes, self.as_of)
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}
