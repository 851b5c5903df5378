//! When a difference between offsets and stamp is taken to be real.
//!
//! Offsets and changelog are read one after the other, so a commit in between makes them differ. While this process restores a task that
//! the group has meanwhile given to another member, as after a pause longer than the session, that member commits all the time. So a
//! difference counts only if it is found again and again while nothing is committed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::commit_point::CommitPoint;
use crate::kafka::wait;

/// How often in a row a difference must be found at one commit point.
const TIMES: usize = 4;
/// How long a task may be committed by somebody else while this process restores it. The stream thread, if it can act at all, learns long
/// before that the task is no longer its own, and interrupts the restore.
const COMMITTED_ELSEWHERE: Duration = wait::OUTAGE;

/// The differences that one restore has found.
#[derive(Debug, Default)]
pub(super) struct Contradictions(BTreeMap<i32, Found>);

#[derive(Debug)]
struct Found {
    first: Instant,
    at: CommitPoint,
    times: usize,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Something may have been committed in between: read both again.
    ReadAgain,
    /// Offsets and state do contradict each other.
    Real,
    /// Another process has been committing for this long.
    CommittedElsewhere(Duration),
}

impl Contradictions {
    /// Notes that offsets and stamp of a task differ at this commit point.
    pub(super) fn found(&mut self, task: i32, at: &CommitPoint, now: Instant) -> Meaning {
        let found = self.0.entry(task).or_insert_with(|| Found { first: now, at: at.clone(), times: 0 });
        if found.at != *at {
            *found = Found { first: found.first, at: at.clone(), times: 0 };
        }
        found.times += 1;
        let since = now.duration_since(found.first);
        match found.times {
            TIMES.. => Meaning::Real,
            _ if since > COMMITTED_ELSEWHERE => Meaning::CommittedElsewhere(since),
            _ => Meaning::ReadAgain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn point(changelog_end: i64) -> CommitPoint {
        CommitPoint { group: vec![Some(155)], changelog_end }
    }

    #[test]
    fn a_difference_is_real_once_it_has_been_found_four_times_with_nothing_committed_in_between() {
        let (mut contradictions, now) = (Contradictions::default(), monotonic());
        let found: Vec<_> = (0..4).map(|_| contradictions.found(3, &point(100), now)).collect();
        assert_eq!(found, [Meaning::ReadAgain, Meaning::ReadAgain, Meaning::ReadAgain, Meaning::Real]);
        assert_eq!(contradictions.found(2, &point(100), now), Meaning::ReadAgain, "each task counts for itself");
    }

    #[test]
    fn while_another_member_commits_no_difference_is_real() {
        let (mut contradictions, now) = (Contradictions::default(), monotonic());
        for (second, end) in (0..60).zip(100..) {
            assert_eq!(contradictions.found(3, &point(end), now + Duration::from_secs(second)), Meaning::ReadAgain);
        }
        let late = Duration::from_secs(61);
        assert_eq!(contradictions.found(3, &point(200), now + late), Meaning::CommittedElsewhere(late), "but not for ever");
    }
}
