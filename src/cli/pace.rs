//! How fast simulated events are written.

use std::time::{Duration, Instant};

use crate::clock::{monotonic, now};
use crate::simulate::SimulatedRecord;
use crate::stop::Stop;
use crate::time::Timestamp;

/// How often a shutdown request is checked while waiting for an event's time.
const STEP: Duration = Duration::from_millis(100);

/// The pace of a simulation.
pub(super) enum Pace {
    /// As fast as possible.
    Unlimited,
    /// Events per second, counted from an instant.
    Rate {
        /// Events per second.
        per_second: u32,
        /// When the first event was written.
        begun: Instant,
        /// Events so far.
        sent: u64,
    },
    /// Each event once its time has come on the wall clock; past ones as fast as possible.
    RealTime {
        /// Ends the simulation.
        stop: Stop,
        /// Whether past events are still being written.
        in_history: bool,
    },
}

impl Pace {
    /// At most this many events per second, or any number.
    pub(super) fn at_rate(per_second: Option<u32>) -> Self {
        per_second.map_or(Self::Unlimited, |per_second| Self::Rate { per_second, begun: monotonic(), sent: 0 })
    }

    /// In real time until a shutdown is requested.
    pub(super) fn in_real_time(stop: Stop) -> Self {
        Self::RealTime { stop, in_history: true }
    }

    /// Delays records to this pace.
    pub(super) fn limit(mut self, records: impl Iterator<Item = SimulatedRecord>) -> impl Iterator<Item = SimulatedRecord> {
        records.take_while(move |record| self.admits(record.at))
    }

    /// Waits until an event may be written. `false`: the simulation ends before it.
    fn admits(&mut self, at: Timestamp) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Rate { per_second, begun, sent } => {
                let due = *begun + Duration::from_nanos(sent.saturating_mul(1_000_000_000) / u64::from(*per_second));
                std::thread::sleep(due.saturating_duration_since(monotonic()));
                *sent += 1;
                true
            }
            Self::RealTime { stop, in_history } => {
                if *in_history && at > now() {
                    *in_history = false;
                    tracing::info!("history written, continuing in real time");
                }
                while at > now() && !stop.is_requested() {
                    std::thread::sleep(STEP);
                }
                !stop.is_requested()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_events_are_written_at_once_and_a_future_one_not_before_its_time() {
        let stop = Stop::default();
        let mut pace = Pace::in_real_time(stop.clone());
        assert!(pace.admits(Timestamp(0)));
        stop.request();
        assert!(!pace.admits(now().plus(3_600_000)), "a shutdown ends the wait");
        assert!(!pace.admits(Timestamp(0)), "and the history");
    }

    #[test]
    fn a_rate_delays_each_event_after_the_first() {
        let mut pace = Pace::at_rate(Some(100));
        let begun = monotonic();
        assert!((0..3).all(|_| pace.admits(Timestamp(0))));
        assert!(begun.elapsed() >= Duration::from_millis(20), "the third of 100 per second is due after 20 ms");
    }
}
