//! Progress of long work on standard error: a bar with rate and time left on a terminal, a log line every few seconds elsewhere.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::monotonic;

/// Pause between log lines.
const PAUSE: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Days,
}

/// The progress of one piece of work.
pub(super) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    bar: Option<ProgressBar>,
    begun: Instant,
    logged: Instant,
}

impl Progress {
    /// Work that has just begun.
    pub(super) fn new(what: &'static str, total: u64, unit: Unit, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| bar(what, total, unit));
        let begun = monotonic();
        Self { what, total, done: 0, bar, begun, logged: begun }
    }

    /// More is done.
    pub(super) fn advance(&mut self, by: u64) {
        self.reach(self.done.saturating_add(by));
    }

    /// This much is done.
    pub(super) fn reach(&mut self, done: u64) {
        self.done = done.max(self.done);
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        } else if self.logged.elapsed() >= PAUSE {
            self.logged = monotonic();
            let (rate, left) = rate_and_seconds_left(self.done, self.total, self.begun.elapsed());
            tracing::info!(done = self.done, total = self.total, per_second = rate, seconds_left = left, "{}", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: u64, unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{msg} {bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
        Unit::Days => "{msg} {bar:40} day {pos} of {len}, {per_sec}, {eta} left",
    };
    let bar = ProgressBar::new(total).with_message(what);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Whole units per second so far, and how many seconds the rest takes at that rate.
fn rate_and_seconds_left(done: u64, total: u64, elapsed: Duration) -> (u64, Option<u64>) {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = done.saturating_mul(1000) / millis;
    let left = total.saturating_sub(done).saturating_mul(millis) / 1000;
    (rate, left.checked_div(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_follow_from_what_is_done() {
        assert_eq!(rate_and_seconds_left(200, 1000, Duration::from_secs(20)), (10, Some(80)));
        assert_eq!(rate_and_seconds_left(0, 1000, Duration::from_secs(20)), (0, None));
        assert_eq!(rate_and_seconds_left(5, 5, Duration::ZERO), (5000, Some(0)));
    }

    #[test]
    fn progress_never_goes_back() {
        let mut progress = Progress::new("reading", 10, Unit::Days, true);
        progress.reach(5);
        progress.reach(3);
        progress.advance(1);
        assert_eq!(progress.done, 6);
    }
}
