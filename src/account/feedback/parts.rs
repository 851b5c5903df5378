//! The feedback section as changelog records: its entries, oldest first, cut into parts.

use super::answer::{Act, Answer};
use super::pin::Override;
use super::{Kept, State, insert_by};
use crate::account::section::split_version;
use crate::account::{CodecError, MAX_PART_BYTES, Section};
use crate::settings::StateVersion;

/// One thing that is kept, as it is written.
#[derive(serde::Serialize)]
enum EntryRef<'a> {
    Answer(&'a Answer),
    Act(&'a Act),
    Override(&'a Override),
}

/// The same as it is read.
#[derive(serde::Deserialize)]
enum Entry {
    Answer(Answer),
    Act(Act),
    Override(Override),
}

impl Section for State {
    fn parts(&self, version: StateVersion) -> Vec<(u16, Vec<u8>)> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let answers = self.answers().iter().map(EntryRef::Answer);
        let acts = self.acts().iter().map(EntryRef::Act);
        let overrides = self.overrides().iter().map(EntryRef::Override);
        for entry in answers.chain(acts).chain(overrides) {
            let bytes = postcard::to_stdvec(&entry).unwrap_or_default();
            match parts.last_mut() {
                Some(part) if part.len() + bytes.len() <= MAX_PART_BYTES => part.extend_from_slice(&bytes),
                _ => parts.push([&[version as u8], bytes.as_slice()].concat()),
            }
        }
        (0..).zip(parts).collect()
    }

    fn restore(&mut self, _part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let (_, mut rest) = split_version(bytes)?;
        let kept = self.0.get_or_insert_default();
        while !rest.is_empty() {
            let (entry, after) = postcard::take_from_bytes(rest).map_err(|_| CodecError::Corrupt("feedback"))?;
            kept.restore(entry);
            rest = after;
        }
        Ok(())
    }
}

impl Kept {
    fn restore(&mut self, entry: Entry) {
        match entry {
            Entry::Answer(answer) => self.answer(answer),
            Entry::Act(act) => self.act(act),
            Entry::Override(set) => insert_by(&mut self.overrides, set, Override::order),
        }
    }
}
