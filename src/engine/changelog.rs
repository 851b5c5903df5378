//! A task as changelog records: its accounts' parts, its own lists, and the engine's part of the stamp.
//!
//! Keys: `0x01 section part(u16) account-id` and, for ranges of version 2, `0x03 section path(u64) account-id` for accounts;
//! `0x02 list number` for the task's own lists. Keys that begin with 0x00 are
//! the shell's.

use std::collections::BTreeSet;

use super::costs::CostEntry;
use super::waiting::WaitingRecord;
use super::{Counts, Task};
use crate::account::section::{decode, encode};
use crate::account::{Account, AccountKey, CodecError, PartNumber, SectionKind};
use crate::event::Stream;
use crate::settings::StateVersion;
use crate::stream_time::StreamTime;
use crate::time::Timestamp;

const OF_ACCOUNT: u8 = 1;
const OF_TASK: u8 = 2;
const OF_ACCOUNT_RANGE: u8 = 3;

/// The task's own lists.
const WAITING: u8 = b'w';
const DELETION: u8 = b'd';
const COST: u8 = b'c';
const COST_IDS: u8 = b'i';

/// What the changelog does not hold yet.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    accounts: Vec<AccountKey>,
    /// Records that the accounts will take, at least.
    account_records: usize,
    /// Keys of records that have to leave with their deleted accounts.
    gone: Vec<Vec<u8>>,
    pub(super) waiting: BTreeSet<u64>,
    pub(super) deletions: BTreeSet<u128>,
    pub(super) costs: BTreeSet<u64>,
}

impl Unwritten {
    /// Notes that an account of a key had `before` changed sections and has `after`.
    pub(super) fn note(&mut self, key: AccountKey, before: u32, after: u32) {
        if before == 0 && after > 0 {
            self.accounts.push(key);
        }
        self.account_records += after.saturating_sub(before) as usize;
    }

    /// Notes that an account is no more.
    pub(super) fn forget(&mut self, account: &Account) {
        self.gone.extend(account.written_parts().map(|(kind, part)| account_key(kind, part, account.id())));
    }

    fn records(&self) -> usize {
        self.account_records + self.gone.len() + self.waiting.len() + self.deletions.len() + self.costs.len()
    }
}

/// What the stamp holds of the engine.
#[derive(serde::Serialize, serde::Deserialize)]
struct EngineStamp {
    stream_time: StreamTime,
    counts: Counts,
    cost_segments: BTreeSet<(u8, Box<str>)>,
}

impl Task {
    /// About how many records [`Task::changelog`] would hand over now.
    #[must_use]
    pub fn unwritten_records(&self) -> usize {
        self.unwritten.records()
    }

    /// Hands over the records that bring the changelog up to the state, as key and value (`None` deletes), and counts them as written.
    pub fn changelog(&mut self, mut emit: impl FnMut(&[u8], Option<&[u8]>)) {
        let version = self.state_write_version();
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.gone.iter().for_each(|key| emit(key, None));
        let mut key_bytes = Vec::with_capacity(64);
        for key in &unwritten.accounts {
            self.view.accounts.change_each_of(*key, |account| {
                let id: Box<str> = account.id().into();
                account.take_changed_parts(version, |(kind, part, bytes)| {
                    write_account_key(&mut key_bytes, kind, part, &id);
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
        self.cost_ids.take_apart(Stream::Billing, false, version, &mut self.cost_id_digests, |part, bytes| {
            emit(&cost_ids_key(part), bytes.as_deref())
        });
    }

    /// The format in which it writes its state, and the shell the stamp around it.
    #[must_use]
    pub fn state_write_version(&self) -> StateVersion {
        self.settings.state_write_version
    }

    /// The engine's part of the stamp: clocks, counts, segments that costs named.
    #[must_use]
    pub fn stamp(&self) -> Vec<u8> {
        let stamp = EngineStamp { stream_time: self.stream_time, counts: self.counts.clone(), cost_segments: self.costs.named().clone() };
        encode(self.state_write_version(), &stamp)
    }

    /// Takes back one record of the changelog. Records of one key come in their order; the last one counts. Nothing is decoded before
    /// [`Task::finish_restore`], so that earlier versions of a key cost no more than a copy.
    pub fn restore(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => drop(self.restoring.insert(key.into(), value.into())),
            None => drop(self.restoring.remove(key)),
        }
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
        let kind = SectionKind::numbered(section).ok_or(CodecError::Corrupt("no such section"))?;
        let id = std::str::from_utf8(id).map_err(|_| CodecError::Corrupt("account id is not text"))?;
        let key = self.view.accounts.key_of(id);
        // Accounts that were taken in stay, whatever the limit is now.
        let restored = self.view.accounts.change_or_create(key, id, || true, |account| account.restore(kind, part, value));
        restored.unwrap_or(Ok(()))
    }

    fn restore_list(&mut self, list: u8, number: &[u8], value: &[u8]) -> Result<(), CodecError> {
        match list {
            WAITING => self.waiting.put(number_of(number)?, decode::<WaitingRecord>(value)?),
            DELETION => self.deletions.insert(hash_of(number)?, decode::<Timestamp>(value)?),
            COST => self.costs.put(number_of(number)?, decode::<CostEntry>(value)?),
            COST_IDS => self.cost_ids.restore(part_of(number)?, value, &mut self.cost_id_digests)?,
            _ => return Err(CodecError::Corrupt("no such list")),
        }
        Ok(())
    }

    /// Ends a restore with the engine's part of the stamp; `None` where the changelog holds none, which begins the task.
    ///
    /// # Errors
    /// When a record or the stamp is none that this program knows.
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
        let keys = self.view.accounts.keys();
        self.directory.add_accounts(keys.len());
        for key in keys {
            self.punctuation.add(key);
            // What each adds to the sums is known once it is scored.
            self.view.accounts.change_each_of(key, |account| account.unscored = true);
            self.unscored.push_back(key);
        }
        Ok(())
    }
}

fn account_key(kind: SectionKind, part: PartNumber, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(10 + id.len());
    write_account_key(&mut key, kind, part, id);
    key
}

fn write_account_key(key: &mut Vec<u8>, kind: SectionKind, part: PartNumber, id: &str) {
    key.clear();
    match part {
        PartNumber::Counted(count) => {
            key.extend_from_slice(&[OF_ACCOUNT, kind as u8]);
            key.extend_from_slice(&count.to_be_bytes());
        }
        PartNumber::Range(path) => {
            key.extend_from_slice(&[OF_ACCOUNT_RANGE, kind as u8]);
            key.extend_from_slice(&path.to_be_bytes());
        }
    }
    key.extend_from_slice(id.as_bytes());
}

fn task_key(list: u8, number: &[u8]) -> Vec<u8> {
    [&[OF_TASK, list], number].concat()
}

/// Ids of costs lie in parts as those of an account do.
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
