//! `replay`: files instead of topics, the same engine, event time, deterministic to the byte.
//!
//! Two passes. The first reads every line in file order and judges it as a record that is read (late, duplicate, dead letter); the
//! second applies what counts in the order of event time and stops at every instant that is asked for. So unsorted input gives what
//! sorted input gives.
//!
//! Both use every core, and no output tells how many there are. Files are decoded in blocks of lines beside being read (`block`,
//! `digest`). Accounts are divided into partitions by the hashes of their ids; each is judged, applied and scored on a thread of its
//! own (`partition_reading`, `partition`), and what they publish is put into one order while it is written (`history`).

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
mod reading;
mod span;

use std::sync::Arc;

pub use comparison::{Comparisons, Crossing};
pub use file::InputFile;
pub use history::History;
pub use kpis::{write_cohorts, write_months, write_trailing};
pub use output::{Output, write_counts, write_dead_letters};
pub use parallel::Division;
pub use reading::{DeadLetter, Reading};

use crate::engine::OutputRecord;
use crate::event::{PerStream, Stream};
use crate::settings::Settings;
use crate::time::{Date, Timestamp};

/// What a replay is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The instant of the report.
    pub as_of: Timestamp,
    /// Score at the midnights of the reporting zone whose number is a multiple of this many days; `None`: once, at `as_of`.
    pub score_every: Option<u32>,
}

/// The settings of a replay over files of these streams: the others are not configured, and none is ever stale.
#[must_use]
pub fn settings_for(streams: &[Stream], mut settings: Settings) -> Arc<Settings> {
    settings.configured = PerStream::from_fn(|stream| streams.contains(&stream));
    settings.stale_after_ms = PerStream([None; 5]);
    Arc::new(settings)
}

/// Applies the history up to `request.as_of`, scored at every instant that the request names; changes go to `publish` as they happen.
/// Afterwards the history stands at `as_of`, every account scored.
///
/// # Errors
/// Whatever `publish` says.
pub fn score_history<E>(
    history: &mut History<'_>,
    request: &Request,
    settings: &Settings,
    publish: impl FnMut(OutputRecord) -> Result<(), E>,
) -> Result<(), E> {
    history.score(&scoring_instants(history.begins(), request, settings), publish)
}

/// Every midnight to score at from the first record on, and `as_of`.
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
    fn fewer_scorings_fall_on_dates_that_are_multiples() {
        let request = Request { as_of: at("1970-01-16T12:00:00Z"), score_every: Some(7) };
        let instants = scoring_instants(Some(at("1970-01-02T00:00:00Z")), &request, &Settings::default());
        assert_eq!(instants, [at("1970-01-08T00:00:00Z"), at("1970-01-15T00:00:00Z"), request.as_of]);
    }
}
