//! A task as changelog records: the parts of its accounts, its own lists, and the engine's part of the stamp.

use std::collections::BTreeSet;

use super::changelog_key::{CORE, HISTORY, OF_ACCOUNT, OF_ACCOUNT_RANGE, OF_TASK, task_key, write_account_key};
use super::waiting::WaitingRecord;
use super::{CostEntry, Counts, Store, Task};
use crate::account::section::{decode, encode};
use crate::account::{AccountKey, CodecError, PartNumber, SectionKind};
use crate::event::Stream;
use crate::settings::StateVersion;
use crate::stream_time::StreamTime;
use crate::time::Timestamp;

/// The task's own lists.
const WAITING: u8 = b'w';
const DELETION: u8 = b'd';
const COST: u8 = b'c';
const COST_IDS: u8 = b'i';
const PREDICTIONS: u8 = b'p';
const TALLY: u8 = b't';

/// The engine's part of the stamp.
#[derive(serde::Serialize, serde::Deserialize)]
struct EngineStamp {
    stream_time: StreamTime,
    counts: Counts,
    cost_segments: BTreeSet<(u8, Box<str>)>,
}

impl<S: Store> Task<S> {
    /// Roughly how many records [`Task::changelog`] would emit now.
    #[must_use]
    pub fn unwritten_records(&self) -> usize {
        self.unwritten.records() + usize::from(self.predictions.is_tally_changed())
    }

    /// Emits the records that bring the changelog up to date, as key and value (`None` deletes), and marks them as written.
    pub fn changelog(&mut self, mut emit: impl FnMut(&[u8], Option<&[u8]>)) {
        let version = self.state_write_version();
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.gone.iter().for_each(|key| emit(key, None));
        let mut key_bytes = Vec::with_capacity(64);
        for key in &unwritten.accounts {
            self.store.change_each_of(*key, |slot, _| {
                let id: Box<str> = slot.id().into();
                if let Some(core) = slot.take_changed_core(version) {
                    write_account_key(&mut key_bytes, CORE, PartNumber::FIRST, &id);
                    emit(&key_bytes, Some(&core));
                }
                if let Some(history) = slot.take_changed_history(version) {
                    write_account_key(&mut key_bytes, HISTORY, PartNumber::FIRST, &id);
                    emit(&key_bytes, Some(&history));
                }
                slot.account.take_changed_parts(version, |(kind, part, bytes)| {
                    write_account_key(&mut key_bytes, kind as u8, part, &id);
                    emit(&key_bytes, bytes.as_deref());
                });
            });
        }
        for number in &unwritten.waiting {
            let value = self.waiting.get(*number).map(|record| encode(version, record));
            emit(&task_key(WAITING, &number.to_be_bytes()), value.as_deref());
        }
        for hash in &unwritten.deletions {
            let value = self.deletions.get(*hash).map(|at| encode(version, &at));
            emit(&task_key(DELETION, &hash.to_be_bytes()), value.as_deref());
        }
        for number in &unwritten.costs {
            let value = self.costs.get(*number).map(|entry| encode(version, entry));
            emit(&task_key(COST, &number.to_be_bytes()), value.as_deref());
        }
        for hash in &unwritten.predictions {
            let value = self.predictions.encode(*hash, version);
            emit(&task_key(PREDICTIONS, &hash.to_be_bytes()), value.as_deref());
        }
        if let Some(tally) = self.predictions.take_changed_tally(version) {
            emit(&task_key(TALLY, &[]), Some(&tally));
        }
        self.cost_ids.take_day_parts(Stream::Billing, false, version, &mut self.cost_id_digests, |part, bytes| {
            emit(&cost_ids_key(part), bytes.as_deref());
        });
    }

    /// The format version of the state, and of the stamp that the shell writes around it.
    #[must_use]
    pub fn state_write_version(&self) -> StateVersion {
        self.settings.state_write_version
    }

    /// The engine's part of the stamp: clocks, counts, and the segments named by costs.
    #[must_use]
    pub fn stamp(&self) -> Vec<u8> {
        let stamp = EngineStamp { stream_time: self.stream_time, counts: self.counts.clone(), cost_segments: self.costs.named().clone() };
        encode(self.state_write_version(), &stamp)
    }

    /// Buffers one changelog record. Records of one key arrive in order, and the last one counts. Decoding waits for
    /// [`Task::finish_restore`], so superseded values cost no more than a copy.
    pub fn restore(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => drop(self.restoring.insert(key.into(), value.into())),
            None => drop(self.restoring.remove(key)),
        }
    }

    /// The keys of the buffered records: of all live records, once the changelog has been read to its end.
    pub fn restoring_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.restoring.keys().map(|key| &**key)
    }

    fn restore_record(&mut self, key: &[u8], value: &[u8]) -> Result<(), CodecError> {
        match key {
            [OF_ACCOUNT, section, number @ ..] => {
                let (count, id) = number.split_first_chunk().ok_or(CodecError::Corrupt("no part number"))?;
                self.restore_part(*section, PartNumber::Counted(u16::from_be_bytes(*count)), id, value)
            }
            [OF_ACCOUNT_RANGE, section, number @ ..] => {
                let (path, id) = number.split_first_chunk().ok_or(CodecError::Corrupt("no part number"))?;
                self.restore_part(*section, PartNumber::Range(u64::from_be_bytes(*path)), id, value)
            }
            [OF_TASK, list, number @ ..] => self.restore_list(*list, number, value),
            _ => Err(CodecError::Corrupt("no such key")),
        }
    }

    fn restore_part(&mut self, section: u8, part: PartNumber, id: &[u8], value: &[u8]) -> Result<(), CodecError> {
        let id = std::str::from_utf8(id).map_err(|_| CodecError::Corrupt("account id is not text"))?;
        // Existing accounts are kept even if the limit has been lowered since.
        let restored = self.store.change_or_create(AccountKey::of(id), id, usize::MAX, |slot| match section {
            CORE => slot.restore_core(value),
            HISTORY => slot.restore_history(value),
            section => {
                let kind = SectionKind::numbered(section).ok_or(CodecError::Corrupt("no such section"))?;
                slot.account.restore(kind, part, value)
            }
        });
        restored.unwrap_or(Ok(()))
    }

    fn restore_list(&mut self, list: u8, number: &[u8], value: &[u8]) -> Result<(), CodecError> {
        match list {
            WAITING => self.waiting.put(number_of(number)?, decode::<WaitingRecord>(value)?),
            DELETION => self.deletions.insert(hash_of(number)?, decode::<Timestamp>(value)?),
            COST => self.costs.put(number_of(number)?, decode::<CostEntry>(value)?),
            PREDICTIONS => self.predictions.restore(hash_of(number)?, value)?,
            TALLY => self.predictions.restore_tally(value)?,
            COST_IDS => self.cost_ids.restore(part_of(number)?, value, &mut self.cost_id_digests)?,
            _ => return Err(CodecError::Corrupt("no such list")),
        }
        Ok(())
    }

    /// Finishes a restore with the engine's part of the stamp; `None` if the changelog has no stamp: the task is new.
    ///
    /// # Errors
    /// When a record or the stamp cannot be decoded.
    pub fn finish_restore(&mut self, stamp: Option<&[u8]>) -> Result<(), CodecError> {
        if let Some(bytes) = stamp {
            let stamp: EngineStamp = decode(bytes)?;
            self.stream_time = stamp.stream_time;
            self.counts = stamp.counts;
            self.costs.set_named(stamp.cost_segments);
        }
        for (key, value) in std::mem::take(&mut self.restoring) {
            self.restore_record(&key, &value)?;
        }
        for key in self.store.keys() {
            self.punctuation.add(key);
            // An account's contribution to the live sums is unknown until it is scored.
            self.store.change_each_of(key, |slot, _| (slot.unscored, slot.is_punctuated) = (true, true));
            self.unscored.push_back(key);
        }
        Ok(())
    }
}

/// Ids of costs are split into parts like those of an account.
fn cost_ids_key(part: PartNumber) -> Vec<u8> {
    match part {
        PartNumber::Counted(count) => task_key(COST_IDS, &count.to_be_bytes()),
        PartNumber::Range(path) => task_key(COST_IDS, &path.to_be_bytes()),
    }
}

fn part_of(number: &[u8]) -> Result<PartNumber, CodecError> {
    let counted = number.try_into().map(|count| PartNumber::Counted(u16::from_be_bytes(count)));
    let range = number.try_into().map(|path| PartNumber::Range(u64::from_be_bytes(path)));
    counted.or(range).map_err(|_| CodecError::Corrupt("no part number"))
}

fn number_of(bytes: &[u8]) -> Result<u64, CodecError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| CodecError::Corrupt("no number"))
}

fn hash_of(bytes: &[u8]) -> Result<u128, CodecError> {
    bytes.try_into().map(u128::from_be_bytes).map_err(|_| CodecError::Corrupt("no hash"))
}
