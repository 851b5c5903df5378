//! What becomes of one record, written into the open transaction of the repartition stage.

use std::time::Instant;

use super::accounts::warn_of_conflicts;
use super::origin::Origin;
use super::router::{Outgoing as RoutedEvent, Routed};
use super::stage::Stage;
use super::table::SharedAliases;
use crate::clock::{Deadline, monotonic};
use crate::engine::Outcome;
use crate::event::{Headers, Raw, Rejection};
use crate::kafka::{COMMIT_LIMIT, Outgoing, Record, TopicId, TransactionError, TransactionalProducer};
use crate::stream::dead_letter::DeadLetter;
use crate::stream::machine::load::Load;
use crate::stream::options::{InputTopic, Options};
use crate::stream::values::ReadRecord;

/// Writes what becomes of one record into the open transaction.
pub(super) struct Writer<'t> {
    pub(super) producer: &'t TransactionalProducer,
    pub(super) open: &'t mut Option<Instant>,
    pub(super) load: &'t mut Load,
    pub(super) headers: &'t mut Vec<(String, Option<Vec<u8>>)>,
    pub(super) internal: &'t str,
    /// The aliases topic.
    pub(super) aliases: &'t str,
    pub(super) options: &'t Options,
}

impl Writer<'_> {
    /// Writes the events of a record, or its dead letter. Returns its outcome, and whether that could be written.
    pub(super) fn record(
        mut self,
        read: &ReadRecord<'_>,
        topic: &InputTopic,
        stage: &Stage,
        routed: &mut Routed,
    ) -> (Outcome, Result<(), TransactionError>) {
        let record = read.record;
        let timestamp = record.timestamp;
        let raw = |value| Raw {
            stream: topic.stream,
            key: record.key,
            value,
            headers: Headers::of(&record),
            timestamp: timestamp.filter(|(_, by_producer)| *by_producer).map(|(timestamp, _)| timestamp),
            future_reference: Some(timestamp.map_or_else(|| self.options.clock.now(), |(timestamp, _)| timestamp)),
        };
        let result = read.value.clone().and_then(|value| {
            let table = stage.table().map(SharedAliases::table);
            stage.router.route(&raw(value), &topic.format, record.partition, table.as_deref(), routed)
        });
        match result {
            Ok(()) if routed.is_empty() => (Outcome::Ignored, Ok(())),
            Ok(()) => {
                let written = routed.events().try_for_each(|event| {
                    let origin = Origin { stream: event.stream, topic: &topic.name, partition: record.partition, offset: record.offset };
                    self.event(&event, &origin, timestamp.map(|(timestamp, _)| timestamp.millis()))
                });
                (Outcome::Applied, written.and_then(|()| self.declare(routed, record, stage)))
            }
            Err(rejection) => {
                let written = self.dead_letter(record, stage.topic_id(&topic.name), &rejection);
                (Outcome::DeadLetter(rejection), written)
            }
        }
    }

    fn event(&mut self, event: &RoutedEvent<'_>, origin: &Origin<'_>, timestamp: Option<i64>) -> Result<(), TransactionError> {
        if let Some((_, Some(value))) = self.headers.first_mut() {
            value.clear();
            origin.write(value);
        }
        let headers = std::mem::take(self.headers);
        let sent = self.send(&Outgoing {
            topic: self.internal,
            partition: Some(event.partition),
            key: event.account,
            value: Some(event.value),
            headers: &headers,
            timestamp,
            remember: false,
        });
        *self.headers = headers;
        sent
    }

    /// Writes what the events declare about aliases, and enters it into the table. Should the transaction fail, the table is ahead of the
    /// topic until the record is read again, which [`Declaration::of`] then does not take for outdated.
    ///
    /// [`Declaration::of`]: super::declaration::Declaration::of
    fn declare(&mut self, routed: &Routed, record: Record<'_>, stage: &Stage) -> Result<(), TransactionError> {
        let Some(table) = stage.table() else { return Ok(()) };
        for declaration in routed.declarations() {
            let (key, value) = (declaration.key((record.topic, record.partition)), declaration.value());
            let topic = self.aliases;
            self.send(&Outgoing {
                topic,
                partition: None,
                key: Some(&key),
                value: Some(&value),
                headers: &[],
                timestamp: None,
                remember: false,
            })?;
            let noted = table.change(|table| declaration.note(table));
            table.deletions().declared(declaration, &key);
            warn_of_conflicts(noted, (record.topic, record.partition, record.offset));
        }
        Ok(())
    }

    fn dead_letter(&mut self, record: Record<'_>, topic_id: Option<TopicId>, rejection: &Rejection) -> Result<(), TransactionError> {
        let letter = DeadLetter::of_stage(record, topic_id, rejection, self.options);
        let topic = self.options.dead_letters_topic.clone();
        self.send(&letter.outgoing(&topic))
    }

    fn send(&mut self, record: &Outgoing<'_>) -> Result<(), TransactionError> {
        let opened = if let Some(opened) = *self.open {
            opened
        } else {
            self.producer.begin()?;
            *self.open.insert(monotonic())
        };
        self.load.records += 1;
        self.load.bytes += record.size();
        self.producer.send(record, Deadline::from(opened, COMMIT_LIMIT))
    }
}
