//! Since when the restores of each task have been interrupted. Every attempt reads records, so an endless series of them looks like progress
//! to the watchdog.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::stream::failure::Failure;

/// How long the restores of a task may be interrupted, one after another.
const LIMIT: Duration = Duration::from_mins(5);
/// A task that was away for longer than this is a new one: another member had it meanwhile.
const AWAY_LIMIT: Duration = Duration::from_mins(1);

/// The tasks whose last restore was interrupted.
#[derive(Debug, Default)]
pub(super) struct Interruptions(BTreeMap<i32, Interrupted>);

/// The interruptions of one task since its state was last restored, or found to be current.
#[derive(Clone, Copy, Debug)]
struct Interrupted {
    first: Instant,
    /// When the thread last wanted the task.
    wanted: Instant,
}

impl Interruptions {
    /// These tasks are wanted. The clock of those that were away for long is reset.
    pub(super) fn wanted(&mut self, tasks: impl IntoIterator<Item = i32>, now: Instant) {
        self.0.retain(|_, interrupted| now.saturating_duration_since(interrupted.wanted) <= AWAY_LIMIT);
        for task in tasks {
            if let Some(interrupted) = self.0.get_mut(&task) {
                interrupted.wanted = now;
            }
        }
    }

    /// The restore of these tasks, or the comparison of their state, was interrupted.
    ///
    /// # Errors
    /// If that has gone on for too long.
    pub(super) fn interrupted(&mut self, tasks: impl IntoIterator<Item = i32>, now: Instant) -> Result<(), Failure> {
        for task in tasks {
            let interrupted = self.0.entry(task).or_insert(Interrupted { first: now, wanted: now });
            interrupted.wanted = now;
            let seconds = now.saturating_duration_since(interrupted.first).as_secs();
            if seconds > LIMIT.as_secs() {
                let what = format!("for {seconds} s, rebalances have interrupted every restore of task {task}");
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

    /// Rebalances every three seconds, each of which interrupts the restore of task 3; `between` runs after each. Returns the second of the failure,
    /// and its message.
    fn rebalanced(seconds: u32, between: impl Fn(&mut Interruptions, u32)) -> Option<(u32, String)> {
        let (begun, mut interrupted) = (monotonic(), Interruptions::default());
        (0..=seconds).step_by(3).find_map(|second| {
            let now = begun + SECOND * second;
            interrupted.wanted([3], now);
            let result = interrupted.interrupted([3], now);
            between(&mut interrupted, second);
            result.err().map(|failure| (second, format!("{}: {failure}", failure.code())))
        })
    }

    #[test]
    fn a_restore_that_is_interrupted_every_three_seconds_ends_the_process_after_five_minutes() {
        let (second, message) = rebalanced(3_600, |_, _| ()).unwrap();
        assert_eq!(second, 303);
        assert!(message.starts_with("no_progress: ") && message.contains("every restore of task 3"), "{message}");
    }

    #[test]
    fn one_that_ends_now_and_then_does_not() {
        assert_eq!(
            rebalanced(3_600, |interrupted, second| if second % 60 == 0 {
                interrupted.ended(3);
            }),
            None
        );
    }

    #[test]
    fn siblings_that_are_restored_do_not_hide_it() {
        assert!(rebalanced(600, |interrupted, _| interrupted.ended(2)).is_some());
    }

    #[test]
    fn a_task_that_other_members_had_for_minutes_has_its_full_time_when_it_comes_back() {
        let (begun, mut interrupted) = (monotonic(), Interruptions::default());
        for minute in (0..60).step_by(2) {
            let now = begun + 60 * SECOND * minute;
            interrupted.wanted([3], now);
            interrupted.interrupted([3], now).unwrap();
        }
    }

    #[test]
    fn a_long_restore_that_is_interrupted_again_counts_as_a_whole() {
        let (begun, mut interrupted) = (monotonic(), Interruptions::default());
        interrupted.interrupted([3], begun).unwrap();
        interrupted.wanted([3], begun + SECOND);
        interrupted.wanted([3], begun + 61 * SECOND);
        assert!(interrupted.interrupted([3], begun + 400 * SECOND).is_err());
    }
}
