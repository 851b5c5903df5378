//! A task and its changelog, driven the way the service drives them.

use std::collections::BTreeMap;
use std::sync::Arc;

use churnwatch::engine::{Input, Outcome, OutputRecord, PlainStore, RoundOptions, Task};
use churnwatch::event::{Format, Headers, Stream};
use churnwatch::score::Model;
use churnwatch::settings::Settings;
use churnwatch::time::Timestamp;
use serde_json::Value;

pub struct Driver {
    pub task: Task<PlainStore>,
    pub changelog: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Bytes of what the last round wrote to it.
    pub written: usize,
}

impl Driver {
    pub fn new() -> Self {
        Self::under(Model::default())
    }

    pub fn under(model: Model) -> Self {
        Self::with(Settings { model, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> Self {
        Self { task: Task::new(Arc::new(settings), PlainStore::default()), changelog: BTreeMap::new(), written: 0 }
    }

    /// Switches to another model.
    pub fn set_model(&mut self, model: Model) {
        self.task.set_settings(Arc::new(Settings { model, ..Settings::default() }));
    }

    pub fn feed(&mut self, stream: Stream, record: &Value, now: Timestamp) -> Outcome {
        let bytes = serde_json::to_vec(record).unwrap();
        let input = Input {
            stream,
            key: None,
            value: Some(&bytes),
            headers: Headers::NONE,
            timestamp: Some(now),
            format: &Format::Native,
            broker_timestamp: Some(now),
        };
        self.task.process(&input, now)
    }

    pub fn round(&mut self, now: Timestamp, options: &RoundOptions) -> Vec<OutputRecord> {
        let mut out = Vec::new();
        self.task.round(now, options, &mut out);
        let (changelog, mut written) = (&mut self.changelog, 0);
        self.task.changelog(|key, value| {
            written += key.len() + value.map_or(0, <[u8]>::len);
            match value {
                Some(value) => drop(changelog.insert(key.to_vec(), value.to_vec())),
                None => drop(changelog.remove(key)),
            }
        });
        self.written = written;
        out
    }

    /// A task restored from what was written, as after a restart.
    pub fn restart(&self) -> Self {
        self.restart_under(Model::default())
    }

    /// As after a restart with another model.
    pub fn restart_under(&self, model: Model) -> Self {
        self.restart_with(Settings { model, ..Settings::default() })
    }

    /// As after a restart with other settings.
    pub fn restart_with(&self, settings: Settings) -> Self {
        let mut driver = Self::with(settings);
        for (key, value) in &self.changelog {
            driver.task.restore(key, Some(value));
        }
        driver.task.finish_restore(Some(&self.task.stamp())).unwrap();
        driver.changelog = self.changelog.clone();
        driver
    }

    pub fn report(&self, now: Timestamp) -> Vec<Value> {
        let view = self.task.stream_time().view(now, &Settings::default());
        let mut ids = self.task.account_ids();
        ids.sort_unstable();
        let reports = ids.iter().filter_map(|id| self.task.report(id, &view));
        reports.map(|report| serde_json::from_slice(&report.0).unwrap()).collect()
    }
}
