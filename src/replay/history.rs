//! The second pass: the records that count, applied in the order of event time up to one instant after another.

use std::sync::Arc;

use super::file::InputFile;
use super::reading::{Accepted, Reading, raw};
use crate::engine::{Alternative, Comparison, Directory, OutputRecord, Task};
use crate::event::{self, Decoded, Event};
use crate::score::Model;
use crate::settings::{Settings, View};
use crate::time::Timestamp;

/// The state of all accounts as it grows with time.
#[derive(Debug)]
pub struct History<'a> {
    files: &'a [InputFile],
    reading: &'a Reading,
    settings: Arc<Settings>,
    task: Task,
    alternative: Option<Alternative>,
    next: usize,
}

impl<'a> History<'a> {
    /// The history before the first record.
    #[must_use]
    pub fn new(files: &'a [InputFile], reading: &'a Reading, settings: Arc<Settings>) -> Self {
        let directory = Arc::new(Directory::new(Arc::clone(&settings)));
        let task = Task::new(0, Arc::clone(&settings), directory);
        Self { files, reading, settings, task, alternative: None, next: 0 }
    }

    /// From now on accounts are scored by another model too.
    pub fn compare_with(&mut self, model: Model) {
        self.alternative = Some(Alternative::new(&self.settings, model));
    }

    /// Scores every account at `t`, which the history has reached; what is published is added to `changes`.
    pub(super) fn score_at(&mut self, t: Timestamp, changes: &mut Vec<OutputRecord>) {
        let view = self.view(t);
        self.task.score_all(&view, changes);
        if let Some(alternative) = &mut self.alternative {
            alternative.score_all(&self.task, &view);
        }
    }

    /// How every account stands by both models; empty without another one.
    #[must_use]
    pub fn comparisons(&self) -> Vec<Comparison> {
        self.alternative.as_ref().map(|alternative| alternative.compare(&self.task)).unwrap_or_default()
    }

    /// Applies every record up to `t`. Records of lives that ended with a deletion are in no figure, and left out.
    pub fn advance_to(&mut self, t: Timestamp) {
        while let Some(accepted) = self.reading.accepted.get(self.next).filter(|accepted| accepted.at <= t) {
            self.next += 1;
            self.apply(accepted);
        }
    }

    fn apply(&mut self, accepted: &Accepted) {
        let Self { files, reading, settings, task, .. } = self;
        let Some(file) = files.get(usize::from(accepted.file)) else { return };
        let raw = raw(file.stream, accepted.bytes(files), None);
        let Ok(Decoded::Record(record)) = event::decode(&raw, &event::DecodeContext::new(settings)) else { return };
        match (&record.event, record.account.as_deref()) {
            (Event::Cost(cost), _) => task.add_cost(record.occurred_at, cost, record.occurred_at),
            (_, Some(account)) if !reading.is_deleted(account, accepted.at) => task.apply(&record, accepted.lateness),
            _ => {}
        }
    }

    /// Event time of the first record; `None` without any.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.reading.accepted.first().map(|accepted| accepted.at)
    }

    /// How the streams look at `t`; in files none is ever stale.
    #[must_use]
    pub fn view(&self, t: Timestamp) -> View {
        self.reading.judge.view(t, &self.settings)
    }

    /// The accounts and costs up to the instant reached.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// The same, to score them.
    pub const fn task_mut(&mut self) -> &mut Task {
        &mut self.task
    }
}
