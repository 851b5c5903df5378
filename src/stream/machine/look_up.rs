//! How to find out what is committed: steps 1 to 3 of a restore.

use std::collections::BTreeMap;
use std::time::Instant;

use super::commit_point::CommitPoint;
use super::event::{RestoreEffect, RestoreEvent, Unanswered};
use crate::kafka::wait;
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;

/// Steps 1 and 2: the group's stable offsets, then the ends of the changelogs.
#[derive(Debug)]
pub(in crate::stream) struct LookUp {
    tasks: Vec<i32>,
    began: Instant,
    offsets: Option<BTreeMap<(String, i32), i64>>,
    points: BTreeMap<i32, CommitPoint>,
}

impl LookUp {
    /// Begins with these tasks.
    pub(in crate::stream) fn of(tasks: Vec<i32>, now: Instant) -> Self {
        Self { tasks, began: now, offsets: None, points: BTreeMap::new() }
    }

    /// What to ask next; `None` once everything is known.
    pub(in crate::stream) fn next(&self) -> Option<RestoreEffect> {
        if self.offsets.is_none() && !self.tasks.is_empty() {
            return Some(RestoreEffect::FindOffsets(self.tasks.clone()));
        }
        self.next_task().map(RestoreEffect::FindEnd)
    }

    fn next_task(&self) -> Option<i32> {
        self.tasks.iter().copied().find(|task| !self.points.contains_key(task))
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// If the offsets cannot be read.
    pub(in crate::stream) fn answered(&mut self, event: RestoreEvent, inputs: &Inputs, now: Instant) -> Result<(), Failure> {
        match event {
            RestoreEvent::Offsets(Ok(offsets)) => self.offsets = Some(offsets),
            // As long as an open transaction is about to move an offset, the broker answers with an error.
            RestoreEvent::Offsets(Err(unanswered)) if unanswered.is_final(self.began, now) => {
                return Err(Failure::kafka("reading the group's committed offsets", &unanswered.error));
            }
            RestoreEvent::Offsets(Err(Unanswered { error, .. })) => {
                tracing::debug!(error, "the group's committed offsets are not stable yet");
            }
            RestoreEvent::End(changelog_end) => {
                if let (Some(task), Some(offsets)) = (self.next_task(), &self.offsets) {
                    let group = inputs.topics.iter().map(|input| offsets.get(&(input.name.clone(), task)).copied()).collect();
                    self.points.insert(task, CommitPoint { group, changelog_end });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The commit points of the tasks.
    pub(in crate::stream) fn into_points(self) -> BTreeMap<i32, CommitPoint> {
        self.points
    }
}

/// Step 3: waits until the transactions that were open at step 2 have ended.
#[derive(Debug)]
pub(in crate::stream) struct Settling {
    /// The tasks whose changelogs may still hold one, and where they ended; the last comes first.
    open: Vec<(i32, i64)>,
    began: Instant,
    pauses: bool,
}

impl Settling {
    /// Waits for the changelogs to become stable up to these ends.
    pub(in crate::stream) fn of(points: &BTreeMap<i32, CommitPoint>, now: Instant) -> Self {
        let open = points.iter().rev().map(|(task, point)| (*task, point.changelog_end)).collect();
        Self { open, began: now, pauses: false }
    }

    /// What to ask next; `None` once every changelog is stable.
    pub(in crate::stream) fn next(&mut self) -> Option<RestoreEffect> {
        if std::mem::take(&mut self.pauses) {
            return Some(RestoreEffect::Pause);
        }
        self.open.last().map(|(task, _)| RestoreEffect::FindStableEnd(*task))
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// If a transaction stays open for longer than any may, or the end cannot be read.
    pub(in crate::stream) fn answered(&mut self, event: RestoreEvent, changelog: &str, now: Instant) -> Result<(), Failure> {
        let (RestoreEvent::StableEnd(found), Some((task, end))) = (event, self.open.last().copied()) else { return Ok(()) };
        let waited = now.saturating_duration_since(self.began);
        match found {
            Ok(stable) if stable >= end => {
                self.open.pop();
                return Ok(());
            }
            Ok(_) if waited > wait::OPEN_TRANSACTION => {
                let (topic, seconds) = (changelog.to_owned(), wait::OPEN_TRANSACTION.as_secs());
                return Err(Failure::RestoreStuck { topic, partition: task, waiting_for: "a transaction has been open", seconds });
            }
            Ok(stable) => tracing::debug!(task, stable, end, "waiting for an open transaction in the changelog"),
            Err(unanswered) if unanswered.is_final(self.began, now) => {
                return Err(Failure::kafka(format!("asking for the end of {changelog} [{task}]"), &unanswered.error));
            }
            Err(Unanswered { error, .. }) => tracing::debug!(task, error, "cannot read the end of the changelog yet"),
        }
        self.pauses = true;
        Ok(())
    }
}
