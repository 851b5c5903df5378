//! An engine task whose accounts are visible to readers.

use std::sync::Arc;

use super::{Directory, SharedStore, TaskView};
use crate::engine::{OutputRecord, RoundOptions, RoundReport, Task};
use crate::time::Timestamp;

/// A task of this instance. Dropping it discards its state and removes it from the directory.
#[derive(Debug)]
pub struct SharedTask {
    /// The engine's task. Call [`SharedTask::round`], not its own `round`, so that readers see the changes.
    pub engine: Task<SharedStore>,
}

impl SharedTask {
    /// An empty task; [`SharedTask::show`] makes it visible to readers.
    #[must_use]
    pub fn new(number: i32, directory: Arc<Directory>) -> Self {
        Self { engine: Task::new(directory.settings(), SharedStore::new(number, directory)) }
    }

    /// Makes the task visible to readers; call it after the restore.
    pub fn show(&self) {
        self.publish_summary();
        self.directory().show(Arc::clone(self.view()));
    }

    /// The partition number.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.view().number
    }

    /// What readers see.
    #[must_use]
    pub const fn view(&self) -> &Arc<TaskView> {
        self.engine.store().view()
    }

    /// Runs one round of the engine with the current settings and shows readers its changes.
    pub fn round(&mut self, now: Timestamp, options: &RoundOptions, out: &mut Vec<OutputRecord>) -> RoundReport {
        self.engine.set_settings(self.directory().settings());
        let before = out.len();
        let report = self.engine.round(now, options, out);
        self.view().keep(out.get(before..).unwrap_or_default());
        self.publish_summary();
        report
    }

    fn publish_summary(&self) {
        *self.view().summary() = self.engine.summary();
    }

    const fn directory(&self) -> &Arc<Directory> {
        self.engine.store().directory()
    }
}
