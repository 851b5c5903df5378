//! Every output of a replay, for a given number of threads and block size.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use churnwatch::event::Stream;
use churnwatch::file::{Existing, Output};
use churnwatch::replay::{self, Comparisons, Division, History, InputFile, Reading, Request};
use churnwatch::score::Model;
use churnwatch::settings::Settings;
use churnwatch::time::{DAY_MS, Timestamp};

use crate::oracle::Files;

/// Histories longer than this are scored in coarser steps, ms.
const LONG_HISTORY_MS: i64 = 3 * 366 * DAY_MS;

/// The outputs by name. Without `as_of`, the replay is as of the newest record; there is no output without a valid record.
pub fn outputs(
    folder: &Path,
    files: &Files,
    settings: &Settings,
    as_of: Option<Timestamp>,
    division: Division,
) -> BTreeMap<&'static str, Vec<u8>> {
    let streams: Vec<Stream> = Stream::ALL.into_iter().filter(|stream| files.contains_key(stream.name())).collect();
    let settings = replay::settings_for(&streams, settings.clone());
    let file = |stream: &Stream| {
        let lines = files[stream.name()].join(&b'\n');
        InputFile::of((*stream, &Arc::default()), Path::new(stream.name()), &*lines, &settings, division).unwrap()
    };
    let files: Vec<InputFile> = streams.iter().map(file).collect();
    let mut written = Written { folder, outputs: BTreeMap::new() };
    // Without a valid record there is nothing to replay as of.
    let Some((oldest, newest)) = Reading::span(&files) else { return written.outputs };
    let t = as_of.unwrap_or(newest);
    // One hostile instant stretches a history over decades: it is then scored in coarser steps and without months, to save time.
    let is_long = t.since(oldest) > LONG_HISTORY_MS;
    let reading = Reading::of(&files, t, &settings, division.threads);
    written.write("dead letters", |output| replay::write_dead_letters(&reading, &files, settings.limits.record_bytes, output));
    written.write("counts", |output| replay::write_counts(&reading, output));
    let request = Request { as_of: t, score_every: Some(if is_long { 364 } else { 7 }) };
    let mut history = History::new(&files, &reading, Arc::clone(&settings));
    let other = Model { name: "other".to_owned(), ..Model::default() };
    history.compare_with(&other);
    written.write("changes", |output| {
        replay::score_history(&mut history, &request, &settings, |_, change| output.line(&change.value.unwrap_or_default()))
    });
    let (currency, accounts) = (settings.money.rates.reporting(), history.comparisons());
    let comparisons = Comparisons { as_of: t, currency, from: &settings.model, to: &other, accounts: &accounts };
    written.write("comparison", |output| comparisons.write(output));
    written.write("accounts", |output| history.reports(t, |report| output.line(&report.0)));
    written.write("cohorts", |output| replay::write_cohorts(&history, t, output));
    written.write("kpis", |output| {
        if !is_long {
            replay::write_months(&files, &reading, &request, &settings, output)?;
        }
        replay::write_trailing(&history, t, &settings, output)
    });
    written.outputs
}

struct Written<'a> {
    folder: &'a Path,
    outputs: BTreeMap<&'static str, Vec<u8>>,
}

impl Written<'_> {
    fn write(&mut self, name: &'static str, write: impl FnOnce(&mut Output) -> io::Result<()>) {
        let path = self.folder.join(name);
        let mut output = Output::create(&path, Existing::Overwrite).unwrap();
        write(&mut output).unwrap();
        output.finish().unwrap();
        self.outputs.insert(name, fs::read(&path).unwrap());
    }
}
