//! Usage as changelog records: everything in one, and the users in parts of their own, by ranges of their hashes, where they are many.

use super::actors::{self, Actor};
use super::buckets::Buckets;
use super::features::Features;
use super::{SessionDay, State};
use crate::account::bytes::{Reader, Writer};
use crate::account::ranges;
use crate::account::section::{CodecError, Section};
use crate::settings::StateVersion;
use crate::time::{Date, Timestamp};

/// The version byte of version 1 here, which was the second layout of this section before the first release of any.
const FIRST_VERSION_BYTE: u8 = 2;
/// Users up to this many, 16 bytes each, travel with the rest, or are a part: a use writes those of one.
const USERS_TOGETHER: usize = 256;

const WHOLE: u16 = 0;

/// Bytes of most usage sections.
const TYPICAL_BYTES: usize = 1024;

impl Section for State {
    fn parts(&self, version: StateVersion) -> Vec<(u16, Vec<u8>)> {
        if *self == Self::default() {
            return Vec::new();
        }
        if self.users.len() <= USERS_TOGETHER {
            return vec![(WHOLE, self.whole(version, &self.users))];
        }
        let ranges = ranges::cut(&self.users, |user| user.top_hash(), |range| range.len() <= USERS_TOGETHER);
        (WHOLE..)
            .zip(std::iter::once(self.whole(version, &[])).chain(ranges.into_iter().map(|users| part_of_users(version, users))))
            .collect()
    }

    fn least_version(&self) -> StateVersion {
        if self.nobody.is_some() { StateVersion::V2 } else { StateVersion::V1 }
    }

    fn restore(&mut self, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let mut bytes = Reader(split_version(bytes)?.1);
        let users = if part == WHOLE {
            let apart = std::mem::take(&mut self.users);
            *self = read_whole(&mut bytes).ok_or(CodecError::Corrupt("usage"))?;
            apart
        } else {
            actors::read(&mut bytes).ok_or(CodecError::Corrupt("users"))?
        };
        if !bytes.0.is_empty() {
            return Err(CodecError::Corrupt("bytes after usage"));
        }
        if actors::merge(&mut self.users, users) { Ok(()) } else { Err(CodecError::Corrupt("parts of users overlap")) }
    }
}

impl State {
    fn whole(&self, version: StateVersion, users: &[Actor]) -> Vec<u8> {
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
        self.features.write(&mut out);
        if let Some(nobody) = self.nobody {
            actors::write_one(nobody, &mut out);
        }
        out.0
    }
}

fn read_whole(bytes: &mut Reader<'_>) -> Option<State> {
    let active = bytes.byte()? != 0;
    let last_activity = Some(Timestamp(bytes.signed()?)).filter(|_| active);
    let newest_date = date(bytes)?;
    let newest_hour = i32::try_from(bytes.signed()?).ok()?;
    let (days, hours) = (Buckets::read(bytes)?, Buckets::read(bytes)?);
    let sessions = bytes
        .many(3, |bytes| Some(SessionDay { date: date(bytes)?, count: u32::try_from(bytes.varint()?).ok()?, total_ns: bytes.varint()? }))?;
    let (users, features) = (actors::read(bytes)?, Features::read(bytes)?);
    let nobody = if bytes.0.is_empty() { None } else { Some(actors::read_one(bytes)?) };
    let (last_activity, sessions) = (last_activity.into(), sessions.into());
    Some(State { last_activity, newest_date, newest_hour, days, hours, sessions, users, nobody, features })
}

fn date(bytes: &mut Reader<'_>) -> Option<Date> {
    Some(Date(i32::try_from(bytes.signed()?).ok()?))
}

fn part_of_users(version: StateVersion, users: &[Actor]) -> Vec<u8> {
    let mut out = Writer(vec![version_byte(version)]);
    actors::write(users, &mut out);
    out.0
}

const fn version_byte(version: StateVersion) -> u8 {
    version as u8 - StateVersion::V1 as u8 + FIRST_VERSION_BYTE
}

fn split_version(bytes: &[u8]) -> Result<(StateVersion, &[u8]), CodecError> {
    let (byte, rest) = bytes.split_first().ok_or(CodecError::Corrupt("no known version"))?;
    match StateVersion::ALL.into_iter().find(|version| version_byte(*version) == *byte) {
        Some(version) => Ok((version, rest)),
        None if *byte < FIRST_VERSION_BYTE => Err(CodecError::Corrupt("no known version")),
        None => Err(CodecError::NewerVersion(*byte)),
    }
}
