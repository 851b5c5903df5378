//! `replay`: the same engine over files instead of topics, in event time, deterministic to the byte.
//!
//! If accounts are known by aliases, those that the files declare are looked up first (`aliases`). Then it makes two passes. The first reads every line in file order and classifies it as the engine would (late, duplicate, dead letter).
//! The second applies the accepted records in event-time order and scores at every requested instant, so unsorted input gives the same
//! output as sorted input.
//!
//! Both passes use every core without affecting the output. Files are decoded in blocks of lines while they are read (`block`,
//! `digest`). Accounts are partitioned by a hash of their id; each partition is classified, applied and scored on its own thread
//! (`partition_reading`, `partition`), and the results are merged in order as they are written (`history`).

mod aliases;
mod block;
mod comparison;
mod digest;
mod file;
mod history;
mod kpis;
mod output;
mod parallel;
mod partition;
mod partition_reading;
mod past;
mod reading;
mod span;

use std::convert::Infallible;
use std::sync::Arc;

pub use aliases::{aliases_of, resolve};
pub use comparison::{Comparisons, Crossing, SegmentChange, Share};
pub use file::{InputFile, lines};
pub use history::History;
pub use kpis::{write_cohorts, write_months, write_trailing};
pub use output::{write_counts, write_dead_letters};
pub use parallel::Division;
pub use past::past;
pub use reading::{DeadLetter, Line, Reading};

use crate::breakdown::Breakdown;
use crate::engine::OutputRecord;
use crate::event::{PerStream, Stream};
use crate::settings::Settings;
use crate::time::{Date, Timestamp};

/// The options of a replay.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The instant of the report.
    pub as_of: Timestamp,
    /// Score at midnight of every date (in days since 1970-01-01) that is a multiple of this; `None`: once, at `as_of`.
    pub score_every: Option<u32>,
}

/// The settings of a replay over files of these streams: other streams count as not configured, and no stream is ever stale.
#[must_use]
pub fn settings_for(streams: &[Stream], mut settings: Settings) -> Arc<Settings> {
    settings.configured = PerStream::from_fn(|stream| streams.contains(&stream));
    settings.stale_after_ms = PerStream([None; 5]);
    Arc::new(settings)
}

/// Advances the history to `request.as_of`, scoring every account at each requested instant and finally at `as_of`. Changes go to
/// `publish` as they happen, with their instants.
///
/// # Errors
/// The first error of `publish`.
pub fn score_history<E>(
    history: &mut History<'_>,
    request: &Request,
    settings: &Settings,
    publish: impl FnMut(Timestamp, OutputRecord) -> Result<(), E>,
) -> Result<(), E> {
    history.score(&scoring_instants(history.begins(), request, settings), publish)
}

/// The breakdown of an account's score at `request.as_of`, after a history of scoring at each requested instant before it; the score at
/// `as_of` is compared with the last change published until then. `None` if there is no such account.
#[must_use]
pub fn breakdown(files: &[InputFile], account_id: &str, request: &Request, settings: &Arc<Settings>) -> Option<Breakdown> {
    let reading = Reading::of_account(files, request.as_of, settings, account_id);
    let mut history = History::new(files, &reading, Arc::clone(settings));
    let instants = scoring_instants(history.begins(), request, settings);
    let mut last_change = None;
    let before = instants.split_last().map_or(&[][..], |(_, before)| before);
    let Ok(()) = history.score(before, |_, change| {
        last_change = change.value.filter(|_| change.key == account_id);
        Ok::<(), Infallible>(())
    });
    history.advance_to(request.as_of);
    let breakdown = history.breakdown(account_id, request.as_of)?;
    Some(breakdown.with_last_change(last_change.and_then(|change| serde_json::from_slice(&change).ok())))
}

/// The requested midnights after the first record, then `as_of`.
fn scoring_instants(begins: Option<Timestamp>, request: &Request, settings: &Settings) -> Vec<Timestamp> {
    let mut instants = Vec::new();
    if let (Some(begins), Some(every)) = (begins, request.score_every.and_then(|days| i32::try_from(days).ok())) {
        let zone = &settings.zone;
        let first = zone.date_of(begins).0;
        let multiple = first + (every - first.rem_euclid(every)) % every;
        let midnights = (0..).map(|n| zone.start_of(Date(multiple + n * every)));
        instants.extend(midnights.skip_while(|t| *t < begins).take_while(|t| *t < request.as_of));
    }
    instants.push(request.as_of);
    instants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_history_is_scored_at_midnights_and_at_its_end() {
        let request = Request { as_of: at("2026-01-03T12:00:00Z"), score_every: Some(1) };
        let instants = scoring_instants(Some(at("2026-01-01T08:00:00Z")), &request, &Settings::default());
        assert_eq!(instants, [at("2026-01-02T00:00:00Z"), at("2026-01-03T00:00:00Z"), at("2026-01-03T12:00:00Z")]);
        let once = Request { score_every: None, ..request };
        assert_eq!(scoring_instants(Some(at("2026-01-01T08:00:00Z")), &once, &Settings::default()), [request.as_of]);
    }

    #[test]
    fn less_frequent_scoring_falls_on_multiples() {
        let request = Request { as_of: at("1970-01-16T12:00:00Z"), score_every: Some(7) };
        let instants = scoring_instants(Some(at("1970-01-02T00:00:00Z")), &request, &Settings::default());
        assert_eq!(instants, [at("1970-01-08T00:00:00Z"), at("1970-01-15T00:00:00Z"), request.as_of]);
    }
}
