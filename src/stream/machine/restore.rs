//! Restores the state of tasks to match the group's committed offsets, while the stream thread runs its other tasks.
//!
//! ```text
//!   waiting -> verifying -> comparing held tasks -> look up (1, 2) -> settling (3) -> reading (4) -> resolving (5) -> answers -> waiting
//!                                                       ^                                                |
//!                                                       +------ offsets and stamp differ, read again ----+
//! ```
//! The order matters: any other could see half a transaction.
//! 1. Read the group's stable committed offsets: no open transaction is about to move them.
//! 2. Read the end of the changelog with a client that sees open transactions.
//! 3. Wait until the last stable offset reaches that end: every transaction that was open has ended.
//! 4. Read the changelog to its end.
//! 5. Find where the inputs' logs begin and end, and compare the stamp with the offsets of step 1. A transaction may have been committed
//!    in between, so on a mismatch start again at step 1; `contradiction.rs` says for how long.
//!
//! A restore outlasts a rebalance if one of its tasks is still wanted afterwards; otherwise frequent rebalances would keep it from ever
//! finishing. It does not wait for those that are not: their new owner may write to their changelogs faster than they are read here. What
//! it has read is then compared with what is committed by that time, like the state of any task that was held: at once, while a restore of
//! others goes on. One that is interrupted again and again ends the process (`interruptions.rs`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::commit_point::CommitPoint;
use super::event::{Answer, Answered, RestoreEffect, RestoreEvent};
use super::interruptions::Interruptions;
use super::job::{Job, LOG_EVERY, Step};
use super::look_up::LookUp;
use super::restored::Setting;
use super::tasks::Request;
use crate::directory::Directory;
use crate::fault;
use crate::stream::failure::Failure;
use crate::stream::inputs::Inputs;
use crate::stream::options::Options;
use crate::telemetry::Metrics;
use crate::threads::ThreadReport;

/// What it is doing.
enum Stage {
    Waiting,
    Verifying(Request),
    Comparing(Comparison),
    Restoring(Job),
}

/// The held tasks of a request, while it is found out what is committed.
struct Comparison {
    request: Request,
    look_up: LookUp,
}

/// Restores the tasks of one stream thread.
pub struct Restore {
    number: usize,
    setting: Setting,
    report: Arc<ThreadReport>,
    metrics: Arc<Metrics>,
    stage: Stage,
    /// The newest request, if nothing has been done about it.
    pending: Option<Request>,
    /// A newer request than the one whose restore goes on, while its held tasks are compared.
    overlapping: Option<Comparison>,
    /// The same once they are: what is left of it is served next.
    queued: Option<Request>,
    answers: VecDeque<Answer>,
    /// The last request for which each task was restored.
    restored: BTreeMap<i32, u64>,
    interruptions: Interruptions,
    /// Changelog records read so far.
    records: u64,
}

impl Restore {
    /// Nothing to restore yet for stream thread `number`.
    #[must_use]
    pub fn new(
        number: usize,
        options: &Arc<Options>,
        inputs: &Arc<Inputs>,
        directory: &Arc<Directory>,
        report: Arc<ThreadReport>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let setting = Setting {
            options: Arc::clone(options),
            inputs: Arc::clone(inputs),
            directory: Arc::clone(directory),
            changelog: options.changelog_topic(),
        };
        Self {
            number,
            setting,
            report,
            metrics,
            stage: Stage::Waiting,
            pending: None,
            overlapping: None,
            queued: None,
            answers: VecDeque::new(),
            restored: BTreeMap::new(),
            interruptions: Interruptions::default(),
            records: 0,
        }
    }

    /// The stream thread asks for these tasks. Earlier requests are obsolete.
    pub fn requested(&mut self, request: Request) {
        self.pending = Some(request);
        self.queued = None;
    }

    /// What to do next. A question is repeated until it has been answered.
    ///
    /// # Errors
    /// If a restore cannot succeed.
    pub fn next(&mut self, now: Instant) -> Result<RestoreEffect, Failure> {
        loop {
            if let Some(answer) = self.answers.pop_front() {
                return Ok(RestoreEffect::Answer(answer));
            }
            let effect = match &mut self.stage {
                Stage::Waiting => self.serve(now),
                Stage::Verifying(_) => Some(RestoreEffect::VerifyTopics),
                Stage::Comparing(comparison) if self.pending.is_none() => match comparison.look_up.next() {
                    Some(effect) => Some(effect),
                    None => self.compared(now),
                },
                Stage::Comparing(_) => self.interrupt(now)?,
                Stage::Restoring(_) => match self.look_at_newer_request(now)? {
                    Some(effect) => Some(effect),
                    None => self.go_on(now)?,
                },
            };
            if let Some(effect) = effect {
                return Ok(effect);
            }
        }
    }

    /// An effect has been answered.
    ///
    /// # Errors
    /// If the restore cannot succeed.
    pub fn handle(&mut self, event: RestoreEvent, now: Instant) -> Result<(), Failure> {
        let inputs = Arc::clone(&self.setting.inputs);
        if let Some(overlapping) = &mut self.overlapping {
            return overlapping.look_up.answered(event, &inputs, now);
        }
        match (&mut self.stage, event) {
            (Stage::Verifying(_), RestoreEvent::TopicsVerified) => self.verified(now),
            (Stage::Comparing(comparison), event) => comparison.look_up.answered(event, &inputs, now)?,
            (Stage::Restoring(job), event) => match (&mut job.step, event) {
                (Step::LookingUp(look_up), event) => look_up.answered(event, &inputs, now)?,
                (Step::Settling(_, settling), event) => settling.answered(event, &self.setting.changelog, now)?,
                (Step::Reading(points, states), RestoreEvent::Read) => {
                    let (points, mut states) = (std::mem::take(points), std::mem::take(states));
                    states.retain(|_, state| state.has_ended);
                    job.step = Step::Resolving(points, states, Vec::new());
                }
                (Step::Resolving(..), RestoreEvent::Limits { inputs, changelog_start }) => {
                    job.resolve(&inputs, changelog_start, &self.setting, now)?;
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// A committed record of a changelog that is being read.
    ///
    /// # Errors
    /// If it is a stamp that cannot be read.
    pub fn record(&mut self, task: i32, key: &[u8], value: Option<&[u8]>) -> Result<(), Failure> {
        self.records += 1;
        match &mut self.stage {
            Stage::Restoring(Job { step: Step::Reading(_, states), .. }) => {
                states.get_mut(&task).map_or(Ok(()), |state| state.record(key, value, &self.setting))
            }
            _ => Ok(()),
        }
    }

    /// The changelog of a task has been read to its end.
    pub fn end(&mut self, task: i32) {
        if let Stage::Restoring(Job { step: Step::Reading(_, states), .. }) = &mut self.stage
            && let Some(state) = states.get_mut(&task)
        {
            state.has_ended = true;
        }
    }

    /// Whether somebody waits for the end of the changelog of a task.
    #[must_use]
    pub fn awaits(&self, task: i32) -> bool {
        matches!(&self.stage, Stage::Restoring(job) if job.wanted.contains(&task))
    }

    /// Begins with the newest request, if there is one.
    fn serve(&mut self, now: Instant) -> Option<RestoreEffect> {
        let Some(mut request) = self.pending.take().or_else(|| self.queued.take()) else { return Some(RestoreEffect::Wait) };
        self.interruptions.wanted(request.tasks.keys().copied(), now);
        request.tasks.retain(|task, wanted| self.restored.get(task).is_none_or(|restored| *restored < wanted.asked));
        if !request.tasks.is_empty() {
            self.stage = Stage::Verifying(request);
        }
        None
    }

    /// The topics are unchanged: compares the held tasks first.
    fn verified(&mut self, now: Instant) {
        if let Stage::Verifying(request) = std::mem::replace(&mut self.stage, Stage::Waiting) {
            let look_up = LookUp::of(request.held().into_keys().collect(), now);
            self.stage = Stage::Comparing(Comparison { request, look_up });
        }
    }

    /// It is known what is committed for the held tasks of the request: restores what is left of it.
    fn compared(&mut self, now: Instant) -> Option<RestoreEffect> {
        let Stage::Comparing(comparison) = std::mem::replace(&mut self.stage, Stage::Waiting) else { return None };
        let request = self.compare(comparison);
        let missing: Vec<i32> = request.tasks.keys().copied().collect();
        if !missing.is_empty() {
            self.stage = Stage::Restoring(Job::of(request.number, missing, now));
        }
        None
    }

    /// Answers for the held tasks of a request; returns what must be restored.
    fn compare(&mut self, Comparison { mut request, look_up }: Comparison) -> Request {
        let committed = look_up.into_points();
        for (task, held) in request.held() {
            let state = if is_current(&held, committed.get(&task)) {
                request.tasks.remove(&task);
                self.interruptions.ended(task);
                Answered::Kept
            } else {
                request.tasks.entry(task).and_modify(|wanted| wanted.held = None);
                Answered::Outdated
            };
            self.answers.push_back(Answer { request: request.number, task, state });
        }
        request
    }

    /// Looks at a newer request while a restore goes on: compares the tasks that it holds, so that they run at once, and interrupts
    /// the restore if none of its tasks is wanted any more.
    fn look_at_newer_request(&mut self, now: Instant) -> Result<Option<RestoreEffect>, Failure> {
        self.log_progress(now);
        if self.overlapping.is_none()
            && let Some(request) = self.pending.take()
        {
            self.interruptions.wanted(request.tasks.keys().copied(), now);
            let look_up = LookUp::of(request.held().into_keys().collect(), now);
            self.overlapping = Some(Comparison { request, look_up });
        }
        let Some(overlapping) = self.overlapping.take() else { return Ok(None) };
        if let Some(effect) = overlapping.look_up.next() {
            self.overlapping = Some(overlapping);
            return Ok(Some(effect));
        }
        let request = self.compare(overlapping);
        let Stage::Restoring(job) = &mut self.stage else { return Ok(None) };
        job.wanted.retain(|task| request.tasks.contains_key(task) || fault::is_mutant("lost-tasks-awaited"));
        let is_wanted = !job.wanted.is_empty();
        if self.pending.is_none() {
            self.queued = Some(request);
        }
        if is_wanted { Ok(None) } else { self.interrupt(now) }
    }

    fn log_progress(&mut self, now: Instant) {
        self.report.restore_progress(self.records);
        if let Stage::Restoring(job) = &mut self.stage
            && now >= job.next_log
        {
            job.next_log = now + LOG_EVERY;
            tracing::info!(thread = self.number, tasks = ?job.wanted, records = self.records, "restoring");
        }
    }

    /// Nobody waits any more for what is being done.
    fn interrupt(&mut self, now: Instant) -> Result<Option<RestoreEffect>, Failure> {
        match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Comparing(Comparison { request, .. }) => self.interruptions.interrupted(request.tasks.into_keys(), now)?,
            Stage::Restoring(job) => {
                self.interruptions.interrupted(job.missing, now)?;
                if matches!(job.step, Step::Reading(..)) {
                    return Ok(Some(RestoreEffect::StopReading));
                }
            }
            Stage::Waiting | Stage::Verifying(_) => {}
        }
        Ok(None)
    }

    /// The next effect of a restore; `None` after a step without one.
    fn go_on(&mut self, now: Instant) -> Result<Option<RestoreEffect>, Failure> {
        let Stage::Restoring(job) = &mut self.stage else { return Ok(None) };
        let effect = job.next(&self.setting, now);
        if effect.is_none() && job.is_done() {
            self.finish(now)?;
        }
        Ok(effect)
    }

    /// Answers for everything that was restored.
    fn finish(&mut self, now: Instant) -> Result<(), Failure> {
        let Stage::Restoring(job) = std::mem::replace(&mut self.stage, Stage::Waiting) else { return Ok(()) };
        let lasted = now.saturating_duration_since(job.began);
        self.metrics.restored(lasted);
        let tasks: Vec<i32> = job.restored.keys().copied().collect();
        tracing::info!(thread = self.number, ?tasks, millis = lasted.as_millis(), "restored");
        let lost = job.missing.iter().copied().filter(|task| !job.restored.contains_key(task));
        self.interruptions.interrupted(lost, now)?;
        for (task, restored) in job.restored {
            self.restored.insert(task, job.request);
            self.interruptions.ended(task);
            self.answers.push_back(Answer { request: job.request, task, state: Answered::Restored(Box::new(restored)) });
        }
        Ok(())
    }
}

/// Whether state of the commit point `held` is that of what is committed.
fn is_current(held: &CommitPoint, committed: Option<&CommitPoint>) -> bool {
    let unchecked = fault::is_mutant("state-kept-after-abort") || fault::is_mutant("unclear-outcome-repeated");
    unchecked || Some(held) == committed
}
