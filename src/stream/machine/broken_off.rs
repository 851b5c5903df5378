//! Since when the restores of each task have been broken off before they ended. Every attempt reads records, so to the watchdog an endless
//! row of them looks like progress.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::stream::failure::Failure;

/// How long the restores of a task may be broken off, one after another.
const LIMIT: Duration = Duration::from_mins(5);
/// A task that was away for longer than this is a new one: another member had it meanwhile.
const AWAY_LIMIT: Duration = Duration::from_mins(1);

/// The tasks whose last restore was broken off.
#[derive(Debug, Default)]
pub(super) struct BrokenOff(BTreeMap<i32, Breaks>);

/// The breaks of one task since its state was last restored, or found to be current.
#[derive(Clone, Copy, Debug)]
struct Breaks {
    first: Instant,
    /// When the thread last wanted the task.
    wanted: Instant,
}

impl BrokenOff {
    /// These tasks are wanted. The clock of those that were away for long is reset.
    pub(super) fn wanted(&mut self, tasks: impl IntoIterator<Item = i32>, now: Instant) {
        self.0.retain(|_, breaks| now.saturating_duration_since(breaks.wanted) <= AWAY_LIMIT);
        for task in tasks {
            if let Some(breaks) = self.0.get_mut(&task) {
                breaks.wanted = now;
            }
        }
    }

    /// The restore of these tasks, or the comparison of their state, was broken off.
    ///
    /// # Errors
    /// If that has gone on for too long.
    pub(super) fn broken_off(&mut self, tasks: impl IntoIterator<Item = i32>, now: Instant) -> Result<(), Failure> {
        for task in tasks {
            let breaks = self.0.entry(task).or_insert(Breaks { first: now, wanted: now });
            breaks.wanted = now;
            let seconds = now.saturating_duration_since(breaks.first).as_secs();
            if seconds > LIMIT.as_secs() {
                let what = format!("for {seconds} s, rebalances have broken off every restore of task {task}");
                return Err(Failure::NoProgress { what });
            }
        }
        Ok(())
    }

    /// The state of a task is restored, or current.
    pub(super) fn ended(&mut self, task: i32) {
        self.0.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    const SECOND: Duration = Duration::from_secs(1);

    /// Rebalances every three seconds, each of which breaks off the restore of task 3; `between` runs after each. Returns the second of the
    /// failure, and its message.
    fn rebalanced(seconds: u32, between: impl Fn(&mut BrokenOff, u32)) -> Option<(u32, String)> {
        let (begun, mut broken_off) = (monotonic(), BrokenOff::default());
        (0..=seconds).step_by(3).find_map(|second| {
            let now = begun + SECOND * second;
            broken_off.wanted([3], now);
            let result = broken_off.broken_off([3], now);
            between(&mut broken_off, second);
            result.err().map(|failure| (second, format!("{}: {failure}", failure.code())))
        })
    }

    #[test]
    fn a_restore_that_is_broken_off_every_three_seconds_ends_the_process_after_five_minutes() {
        let (second, message) = rebalanced(3_600, |_, _| ()).unwrap();
        assert_eq!(second, 303);
        assert!(message.starts_with("no_progress: ") && message.contains("every restore of task 3"), "{message}");
    }

    #[test]
    fn one_that_ends_now_and_then_does_not() {
        assert_eq!(
            rebalanced(3_600, |broken_off, second| if second % 60 == 0 {
                broken_off.ended(3);
            }),
            None
        );
    }

    #[test]
    fn siblings_that_are_restored_do_not_hide_it() {
        assert!(rebalanced(600, |broken_off, _| broken_off.ended(2)).is_some());
    }

    #[test]
    fn a_task_that_other_members_had_for_minutes_has_its_full_time_when_it_comes_back() {
        let (begun, mut broken_off) = (monotonic(), BrokenOff::default());
        for minute in (0..60).step_by(2) {
            let now = begun + 60 * SECOND * minute;
            broken_off.wanted([3], now);
            broken_off.broken_off([3], now).unwrap();
        }
    }

    #[test]
    fn a_long_restore_that_is_broken_off_again_counts_as_a_whole() {
        let (begun, mut broken_off) = (monotonic(), BrokenOff::default());
        broken_off.broken_off([3], begun).unwrap();
        broken_off.wanted([3], begun + SECOND);
        broken_off.wanted([3], begun + 61 * SECOND);
        assert!(broken_off.broken_off([3], begun + 400 * SECOND).is_err());
    }
}
