//! The second pass over one partition: applies its accepted records in event-time order, up to one instant after another.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::file::InputFile;
use super::partition_reading::{Accepted, PartitionReading};
use crate::engine::{AlternativeModel, OutputRecord, PlainStore, ScoringOrder, Task};
use crate::event::{DecodeContext, Event, Record};
use crate::metric::View;
use crate::settings::Settings;
use crate::time::Timestamp;

/// Changes per batch.
const BATCH: usize = 256;

/// A change, with the index of its scoring instant.
pub type Published = (usize, OutputRecord);

/// The accounts of one partition as they advance through time.
#[derive(Debug)]
pub struct Partition<'a> {
    files: &'a [InputFile],
    reading: &'a PartitionReading,
    context: DecodeContext,
    pub task: Task<PlainStore>,
    pub alternative: Option<AlternativeModel>,
    order: ScoringOrder,
    next: usize,
}

impl<'a> Partition<'a> {
    /// The partition before its first record.
    pub fn new(files: &'a [InputFile], reading: &'a PartitionReading, settings: &Arc<Settings>) -> Self {
        let task = Task::new(Arc::clone(settings), PlainStore::default());
        Self { files, reading, context: settings.decode_context(), task, alternative: None, order: ScoringOrder::default(), next: 0 }
    }

    /// Scores every account at each instant and sends the changes in batches, ordered by instant and account. Stops early if the
    /// receiver is gone.
    pub fn score(&mut self, views: &[View], publish: &SyncSender<Vec<Published>>) {
        for (place, view) in views.iter().enumerate() {
            self.advance_to(view.t);
            let (mut batch, mut taken) = (Vec::with_capacity(BATCH), true);
            self.task.score_all(&mut self.order, view, |change| {
                batch.push((place, change));
                if batch.len() == BATCH {
                    taken = publish.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok();
                }
            });
            if let Some(alternative) = &mut self.alternative {
                alternative.score_all(&self.task, view);
            }
            if !taken || publish.send(batch).is_err() {
                return;
            }
        }
    }

    /// Applies every record up to `t`, except those from before a deletion of their account, which count nowhere.
    pub fn advance_to(&mut self, t: Timestamp) {
        while let Some(accepted) = self.reading.accepted.get(self.next).filter(|accepted| accepted.at <= t) {
            self.next += 1;
            self.apply(accepted);
        }
    }

    /// Passes every record up to `t` to `read` in event-time order, except those from before a deletion of their account.
    pub fn records(&self, t: Timestamp, mut read: impl FnMut(&Record<'_>)) {
        for accepted in self.reading.accepted.iter().take_while(|accepted| accepted.at <= t) {
            let Some((file, bytes, index)) = accepted.record(self.files) else { continue };
            let Ok(decoded) = file.source().decode(bytes, None, &self.context) else { continue };
            let Some(record) = decoded.records().get(index) else { continue };
            if record.account.as_deref().is_some_and(|account| !self.reading.is_deleted(account, accepted.at)) {
                read(record);
            }
        }
    }

    fn apply(&mut self, accepted: &Accepted) {
        let Self { files, reading, context, task, .. } = self;
        let Some((file, bytes, index)) = accepted.record(files) else { return };
        let Ok(decoded) = file.source().decode(bytes, None, context) else { return };
        let Some(record) = decoded.records().get(index) else { return };
        match (&record.event, record.account.as_deref()) {
            (Event::Cost(cost), _) => task.add_cost(record.occurred_at, cost, record.occurred_at),
            (_, Some(account)) if !reading.is_deleted(account, accepted.at) => task.apply(record, accepted.lateness),
            _ => {}
        }
    }
}
