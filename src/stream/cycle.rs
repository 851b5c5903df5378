//! The commit cycle: what the tasks have read, decided and changed becomes one transaction.
//!
//! ```text
//!   round -> check sizes -> begin -> changes, dead letters, changelog, stamp of each task -> drain -> offsets -> commit
//! ```
//! The offsets are those of every input of every task that is written, moved or not: they are what shuts out a thread that the group
//! has written off, since the broker checks the membership that comes with them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failure::Failure;
use super::load::Load;
use super::options::Options;
use super::preflight::Inputs;
use super::stamp;
use super::task::Task;
use crate::clock::Deadline;
use crate::fault;
use crate::kafka::{Broken, Membership, Outgoing, TransactionalProducer};

/// Where transactions go.
pub(super) struct Destinations {
    /// `output.changes_topic`.
    changes: String,
    /// `output.dead_letters_topic`.
    dead_letters: String,
    /// The changelog.
    pub changelog: String,
    record_bytes_max: usize,
}

impl Destinations {
    /// From the options.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            changes: options.changes_topic.clone(),
            dead_letters: options.dead_letters_topic.clone(),
            changelog: options.changelog_topic(),
            record_bytes_max: options.properties.message_max_bytes(),
        }
    }

    /// Refuses changes that no producer would take, before a transaction is begun for them.
    pub(super) fn check<'a>(&self, tasks: impl Iterator<Item = &'a Task>) -> Result<(), Failure> {
        for change in tasks.flat_map(|task| &task.changes) {
            let bytes = change.size() + 512;
            if bytes > self.record_bytes_max {
                return Err(Failure::RecordTooLarge { topic: self.changes.clone(), bytes, limit: self.record_bytes_max });
            }
        }
        Ok(())
    }
}

/// What a transaction held, and where the changelogs end now.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// All records and bytes.
    pub load: Load,
    /// Changelog records and bytes among them.
    pub changelog: Load,
    /// By task.
    pub changelog_ends: BTreeMap<i32, i64>,
}

/// Writes these tasks in one transaction. When it fails, they are of no use any more: what they have counted as written is not.
pub(super) fn transact(
    producer: &TransactionalProducer,
    tasks: &mut [(&i32, &mut Task)],
    membership: &Membership,
    inputs: &Inputs,
    to: &Destinations,
    limit: Duration,
) -> Result<Written, Broken> {
    let deadline = Deadline::after(limit);
    let mut written = Written::default();
    fault::point("before-begin");
    producer.begin()?;
    for (_, task) in &mut *tasks {
        let mut writer = Writer { producer, deadline, written: &mut written, failed: None };
        writer.task(task, inputs, to);
        if let Some(broken) = writer.failed {
            return Err(broken);
        }
    }
    let offsets: Vec<_> = tasks.iter().flat_map(|(_, task)| task.offsets(inputs)).collect();
    let last = producer.commit(&offsets, &membership.metadata, deadline)?;
    fault::point("after-commit");
    // The commit marker takes the offset after the last record.
    written.changelog_ends = last.into_iter().map(|(partition, offset)| (partition, offset + 2)).collect();
    Ok(written)
}

struct Writer<'a> {
    producer: &'a TransactionalProducer,
    deadline: Deadline,
    written: &'a mut Written,
    failed: Option<Broken>,
}

impl Writer<'_> {
    fn task(&mut self, task: &mut Task, inputs: &Inputs, to: &Destinations) {
        let number = task.shared.number();
        for change in &task.changes {
            let headers: Vec<_> = change.headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.clone()))).collect();
            let (key, value) = (Some(change.key.as_bytes()), change.value.as_deref());
            self.send(&Outgoing { topic: &to.changes, partition: None, key, value, headers: &headers, remember: false });
        }
        for letter in &task.letters {
            self.send(&letter.outgoing(&to.dead_letters));
        }
        let stamp = task.stamp(inputs).encode(task.shared.engine.state_write_version());
        task.shared.engine.changelog(|key, value| {
            let left_out = matches!(key, [1, 1, ..] if fault::is_mutant("usage-not-written"))
                || matches!(key, [2, b'w', ..] if fault::is_mutant("waiting-not-written"))
                || matches!(key, [2, b'd', ..] if fault::is_mutant("deletions-not-written"));
            if !left_out {
                self.changelog(&to.changelog, number, key, value);
            }
        });
        self.changelog(&to.changelog, number, stamp::KEY, Some(&stamp));
    }

    fn changelog(&mut self, topic: &str, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let record = Outgoing { topic, partition: Some(partition), key: Some(key), value, headers: &[], remember: true };
        self.written.changelog.records += 1;
        self.written.changelog.bytes += record.size();
        self.send(&record);
    }

    /// Sends, unless something failed before.
    fn send(&mut self, record: &Outgoing<'_>) {
        self.written.load.records += 1;
        self.written.load.bytes += record.size();
        if self.failed.is_none() {
            self.failed = self.producer.send(record, self.deadline).err();
        }
    }
}
