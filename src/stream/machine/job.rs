//! Steps 1 to 5 of a restore, for the tasks of one request: see `restore.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::commit_point::CommitPoint;
use super::contradiction::{Contradictions, Meaning};
use super::event::RestoreEffect;
use super::look_up::{LookUp, Settling};
use super::offsets;
use super::restored::{ReadState, Restored, Setting};
use crate::stream::failure::Failure;

/// How often the log says how far a restore has come.
pub(super) const LOG_EVERY: Duration = Duration::from_secs(10);

/// The tasks that are read from the changelog, until each has an answer.
pub(super) struct Job {
    /// The number of the request.
    pub(super) request: u64,
    pub(super) missing: Vec<i32>,
    /// Those that somebody still waits for.
    pub(super) wanted: BTreeSet<i32>,
    contradictions: Contradictions,
    pub(super) restored: BTreeMap<i32, Restored>,
    pub(super) began: Instant,
    pub(super) next_log: Instant,
    pub(super) step: Step,
}

/// Where an attempt of a job is.
pub(super) enum Step {
    LookingUp(LookUp),
    Settling(Points, Settling),
    Reading(Points, BTreeMap<i32, ReadState>),
    Resolving(Points, BTreeMap<i32, ReadState>, Vec<i32>),
}

pub(super) type Points = BTreeMap<i32, CommitPoint>;

impl Job {
    pub(super) fn of(request: u64, missing: Vec<i32>, now: Instant) -> Self {
        Self {
            request,
            wanted: missing.iter().copied().collect(),
            contradictions: Contradictions::default(),
            restored: BTreeMap::new(),
            began: now,
            next_log: now + LOG_EVERY,
            step: Step::LookingUp(LookUp::of(missing.clone(), now)),
            missing,
        }
    }

    /// What to do next; `None` if the step has changed instead, or nothing is left to do.
    pub(super) fn next(&mut self, setting: &Setting, now: Instant) -> Option<RestoreEffect> {
        match &mut self.step {
            Step::LookingUp(look_up) => {
                if let Some(effect) = look_up.next() {
                    return Some(effect);
                }
                let points = std::mem::replace(look_up, LookUp::of(Vec::new(), now)).into_points();
                let settling = Settling::of(&points, now);
                self.step = Step::Settling(points, settling);
                None
            }
            Step::Settling(points, settling) => {
                if let Some(effect) = settling.next() {
                    return Some(effect);
                }
                let points = std::mem::take(points);
                let tasks: Vec<i32> = points.keys().copied().collect();
                let states = tasks.iter().map(|task| (*task, ReadState::new(*task, setting))).collect();
                self.step = Step::Reading(points, states);
                Some(RestoreEffect::Read(tasks))
            }
            Step::Reading(..) => Some(RestoreEffect::ReadOn),
            Step::Resolving(_, states, contradictory) => {
                if let Some(task) = states.keys().next() {
                    return Some(RestoreEffect::FindLimits(*task));
                }
                contradictory.retain(|task| self.wanted.contains(task));
                if !contradictory.is_empty() {
                    let left = std::mem::take(contradictory);
                    tracing::info!(tasks = ?left, "offsets and state differ, reading both again");
                    self.step = Step::LookingUp(LookUp::of(left, now));
                }
                None
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(&self.step, Step::Resolving(_, states, contradictory) if states.is_empty() && contradictory.is_empty())
    }

    /// Step 5 for the next task.
    pub(super) fn resolve(&mut self, limits: &[(i64, i64)], changelog_start: i64, setting: &Setting, now: Instant) -> Result<(), Failure> {
        let Step::Resolving(points, states, contradictory) = &mut self.step else { return Ok(()) };
        let Some((task, state)) = states.pop_first().filter(|(task, _)| self.wanted.contains(task)) else { return Ok(()) };
        let Some(commit_point) = points.get(&task) else { return Ok(()) };
        let known = state.known(limits, commit_point, &setting.inputs);
        let differ = known.iter().any(offsets::contradict);
        match differ.then(|| self.contradictions.found(task, commit_point, now)) {
            Some(Meaning::ReadAgain) => contradictory.push(task),
            Some(Meaning::CommittedElsewhere(time)) => return Err(committed_elsewhere(task, time)),
            Some(Meaning::Real) | None => {
                let restored = state.finish(&known, commit_point.clone(), changelog_start, setting)?;
                self.restored.insert(task, restored);
            }
        }
        Ok(())
    }
}

fn committed_elsewhere(task: i32, time: Duration) -> Failure {
    let seconds = time.as_secs();
    Failure::NoProgress {
        what: format!("for {seconds} s another process has been committing task {task}, which the group has assigned to this one"),
    }
}
