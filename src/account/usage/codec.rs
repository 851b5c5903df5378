//! Usage as changelog records: one record, or, for large accounts, users and features in parts of their own by ranges of hashes.

use super::actors::{self, Actor};
use super::buckets::Buckets;
use super::earlier::EarlierDates;
use super::features::{self, Features, NamedFeature};
use super::{SessionDay, Usage};
use crate::account::bytes::{Reader, Writer};
use crate::account::parts::{Item, SectionPart, split};
use crate::account::section::{CodecError, MAX_PART_BYTES, Section};
use crate::settings::StateVersion;
use crate::time::{Date, Timestamp};

/// The byte that stands for version 1 in this section: byte 1 was a layout that no release ever wrote.
const FIRST_VERSION_BYTE: u8 = 2;
/// Users and features are stored in the first part up to this many bytes (16 per user); beyond that they are split into ranges of this
/// size. Smaller than in other sections: nine in ten records are usage, and each changes one user and one feature.
const PART_BYTES: usize = 4096;

const FIRST: u64 = 0;

/// Initial capacity: enough for most usage sections.
const TYPICAL_BYTES: usize = 1024;

impl Section for Usage {
    fn parts(&self, version: StateVersion) -> Vec<SectionPart> {
        if *self == Self::default() {
            return Vec::new();
        }
        let users = self.users.as_slice();
        if version == StateVersion::V1 {
            return split(users, PART_BYTES, |is_first, users| {
                if is_first { self.first(version, users, |out| self.features.write(out)) } else { range(version, users, |_| {}) }
            });
        }
        let features: Vec<NamedFeature<'_>> = self.features.iter().map(|(actor, name)| NamedFeature { actor: *actor, name }).collect();
        split((users, features.as_slice()), PART_BYTES, |is_first, (users, features): (&[Actor], &[NamedFeature<'_>])| {
            let write_features = |out: &mut Writer| features::write(features, out);
            if is_first { self.first(version, users, write_features) } else { range(version, users, write_features) }
        })
    }

    fn least_version(&self) -> StateVersion {
        let fits = self.anonymous.get().is_none() && self.features.bytes() <= MAX_PART_BYTES / 2;
        if fits { StateVersion::V1 } else { StateVersion::V2 }
    }

    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (version, rest) = split_version(bytes)?;
        let mut bytes = Reader(rest);
        let (users, features) = if part == FIRST {
            let apart = (std::mem::take(&mut self.users), std::mem::take(&mut self.features));
            *self = read_first(&mut bytes).ok_or(CodecError::Corrupt("usage"))?;
            apart
        } else {
            let users = actors::read(&mut bytes).ok_or(CodecError::Corrupt("users"))?;
            let features = if version == StateVersion::V1 { Some(Features::default()) } else { Features::read(&mut bytes) };
            (users, features.ok_or(CodecError::Corrupt("features"))?)
        };
        if !bytes.0.is_empty() {
            return Err(CodecError::Corrupt("bytes after usage"));
        }
        let fit = actors::merge(&mut self.users, users).is_some() & self.features.merge(&features).is_some();
        if fit { Ok(()) } else { Err(CodecError::Corrupt("parts of users or features overlap")) }
    }
}

impl Usage {
    fn first(&self, version: StateVersion, users: &[Actor], write_features: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(TYPICAL_BYTES));
        let last_activity = self.last_activity();
        out.0.extend_from_slice(&[version_byte(version), u8::from(last_activity.is_some())]);
        out.signed(last_activity.map_or(0, Timestamp::millis));
        out.signed(i64::from(self.newest_date.0));
        out.signed(i64::from(self.newest_hour));
        self.days.write(&mut out);
        self.hours.write(&mut out);
        out.varint(self.sessions.len() as u64);
        for day in &*self.sessions {
            out.signed(i64::from(day.date.0));
            out.varint(u64::from(day.count));
            out.varint(day.total_ns);
        }
        actors::write(users, &mut out);
        write_features(&mut out);
        if let Some(anonymous) = self.anonymous.get() {
            actors::write_one(anonymous, &mut out);
        }
        if version != StateVersion::V1 && self.earlier.count > 0 {
            out.varint(u64::from(self.earlier.count));
            out.signed(i64::from(self.earlier.first.0));
        }
        out.0
    }
}

fn read_first(bytes: &mut Reader<'_>) -> Option<Usage> {
    let active = bytes.byte()? != 0;
    let last_activity = Some(Timestamp(bytes.signed()?)).filter(|_| active);
    let newest_date = date(bytes)?;
    let newest_hour = i32::try_from(bytes.signed()?).ok()?;
    let (days, hours) = (Buckets::read(bytes)?, Buckets::read(bytes)?);
    let sessions = bytes
        .many(3, |bytes| Some(SessionDay { date: date(bytes)?, count: u32::try_from(bytes.varint()?).ok()?, total_ns: bytes.varint()? }))?;
    let (users, features) = (actors::read(bytes)?, Features::read(bytes)?);
    // Earlier dates take fewer bytes than an actor, so the length tells which of the two follow.
    let anonymous = if bytes.0.len() < size_of::<Actor>() { None } else { Some(actors::read_one(bytes)?) };
    let earlier = if bytes.0.is_empty() { EarlierDates::default() } else { read_earlier(bytes)? };
    let (last_activity, sessions, anonymous) = (last_activity.into(), sessions.into(), anonymous.into());
    Some(Usage { last_activity, newest_date, newest_hour, days, earlier, hours, sessions, users, anonymous, features })
}

fn read_earlier(bytes: &mut Reader<'_>) -> Option<EarlierDates> {
    let count = u32::try_from(bytes.varint()?).ok().filter(|count| *count > 0)?;
    Some(EarlierDates { count, first: date(bytes)? })
}

fn date(bytes: &mut Reader<'_>) -> Option<Date> {
    Some(Date(i32::try_from(bytes.signed()?).ok()?))
}

/// A range of users and, from version 2 on, of features.
fn range(version: StateVersion, users: &[Actor], write_features: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer(vec![version_byte(version)]);
    actors::write(users, &mut out);
    write_features(&mut out);
    out.0
}

impl Item for Actor {
    fn hash(&self) -> u64 {
        self.top_hash()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

const fn version_byte(version: StateVersion) -> u8 {
    version as u8 - StateVersion::V1 as u8 + FIRST_VERSION_BYTE
}

fn split_version(bytes: &[u8]) -> Result<(StateVersion, &[u8]), CodecError> {
    let (byte, rest) = bytes.split_first().ok_or(CodecError::Corrupt("unknown version"))?;
    match StateVersion::ALL.into_iter().find(|version| version_byte(*version) == *byte) {
        Some(version) => Ok((version, rest)),
        None if *byte < FIRST_VERSION_BYTE => Err(CodecError::Corrupt("unknown version")),
        None => Err(CodecError::NewerVersion(*byte)),
    }
}
