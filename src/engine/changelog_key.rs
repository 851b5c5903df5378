//! The keys of a task's changelog records.
//!
//! `0x01 section part(u16) account-id` for accounts, `0x03 section path(u64) account-id` for hash ranges in version 2, and
//! `0x02 list number` for the task's own lists. Keys that begin with 0x00 belong to the shell.

use crate::account::PartNumber;

pub(super) const OF_ACCOUNT: u8 = 1;
pub(super) const OF_TASK: u8 = 2;
pub(super) const OF_ACCOUNT_RANGE: u8 = 3;

/// The section of an account's core record: first seen, last published score, band state. The account's own sections count from 1.
pub(super) const CORE: u8 = 0;

/// The section of an account's scores on past dates, which version 1 does not have.
pub(super) const HISTORY: u8 = 16;

pub(super) fn account_key(section: u8, part: PartNumber, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(10 + id.len());
    write_account_key(&mut key, section, part, id);
    key
}

pub(super) fn write_account_key(key: &mut Vec<u8>, section: u8, part: PartNumber, id: &str) {
    key.clear();
    match part {
        PartNumber::Counted(count) => {
            key.extend_from_slice(&[OF_ACCOUNT, section]);
            key.extend_from_slice(&count.to_be_bytes());
        }
        PartNumber::Range(path) => {
            key.extend_from_slice(&[OF_ACCOUNT_RANGE, section]);
            key.extend_from_slice(&path.to_be_bytes());
        }
    }
    key.extend_from_slice(id.as_bytes());
}

pub(super) fn task_key(list: u8, number: &[u8]) -> Vec<u8> {
    [&[OF_TASK, list], number].concat()
}
