//! Usage as changelog records: everything in one, and the users in parts of their own where they are many.

use super::actors::{self, Actor};
use super::buckets::Buckets;
use super::features::Features;
use super::{SessionDay, State};
use crate::account::bytes::{Reader, Writer};
use crate::account::section::{CodecError, Section, of_version};
use crate::time::{Date, Timestamp};

/// The format of all parts.
const VERSION: u8 = 1;
/// Users of one part: 28 bytes each at most.
const USERS_A_PART: usize = 8_000;
/// Users up to this many travel with the rest.
const USERS_TOGETHER: usize = 1_000;

const WHOLE: u16 = 0;

/// Bytes of most usage sections.
const TYPICAL_BYTES: usize = 1024;

impl Section for State {
    fn parts(&self) -> Vec<(u16, Vec<u8>)> {
        if *self == Self::default() {
            return Vec::new();
        }
        if self.users.len() <= USERS_TOGETHER {
            return vec![(WHOLE, self.whole(&self.users))];
        }
        let users = self.users.chunks(USERS_A_PART).map(|users| part_of_users(users, self.base()));
        (WHOLE..).zip(std::iter::once(self.whole(&[])).chain(users)).collect()
    }

    fn restore(&mut self, part: u16, bytes: &[u8]) -> Result<(), CodecError> {
        let mut bytes = Reader(of_version(VERSION, bytes)?);
        let mut users = std::mem::take(&mut self.users);
        if part == WHOLE {
            *self = read_whole(&mut bytes).ok_or(CodecError::Corrupt("usage"))?;
        } else {
            users.extend(read_part_of_users(&mut bytes).ok_or(CodecError::Corrupt("users"))?);
        }
        if !bytes.0.is_empty() {
            return Err(CodecError::Corrupt("bytes after usage"));
        }
        self.users.append(&mut users);
        self.users.sort_unstable_by_key(|user| user.hash);
        Ok(())
    }
}

impl State {
    /// The instant that times of actors are written against: no actor was active later.
    fn base(&self) -> Timestamp {
        self.last_activity.unwrap_or(Timestamp(0))
    }

    fn whole(&self, users: &[Actor]) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(TYPICAL_BYTES));
        out.0.extend_from_slice(&[VERSION, u8::from(self.last_activity.is_some())]);
        out.signed(self.base().0);
        out.signed(i64::from(self.newest_date.0));
        out.signed(i64::from(self.newest_hour));
        self.days.write(&mut out);
        self.hours.write(&mut out);
        out.varint(self.sessions.len() as u64);
        for day in &self.sessions {
            out.signed(i64::from(day.date.0));
            out.varint(u64::from(day.count));
            out.varint(day.total_ns);
        }
        write_users(users, self.base(), &mut out);
        self.features.write(self.base(), &mut out);
        out.0
    }
}

fn read_whole(bytes: &mut Reader<'_>) -> Option<State> {
    let active = bytes.byte()? != 0;
    let base = Timestamp(bytes.signed()?);
    let newest_date = date(bytes)?;
    let newest_hour = i32::try_from(bytes.signed()?).ok()?;
    let (days, hours) = (Buckets::read(bytes)?, Buckets::read(bytes)?);
    let sessions = bytes
        .many(3, |bytes| Some(SessionDay { date: date(bytes)?, count: u32::try_from(bytes.varint()?).ok()?, total_ns: bytes.varint()? }))?;
    let users = read_users(base, bytes)?;
    let features = Features::read(base, bytes)?;
    Some(State { last_activity: active.then_some(base), newest_date, newest_hour, days, hours, sessions, users, features })
}

fn date(bytes: &mut Reader<'_>) -> Option<Date> {
    Some(Date(i32::try_from(bytes.signed()?).ok()?))
}

fn write_users(users: &[Actor], base: Timestamp, out: &mut Writer) {
    out.varint(users.len() as u64);
    for user in users {
        user.write(base, out);
    }
}

fn read_users(base: Timestamp, bytes: &mut Reader<'_>) -> Option<Vec<Actor>> {
    bytes.many(actors::LEAST_BYTES, |bytes| Actor::read(base, bytes))
}

fn part_of_users(users: &[Actor], base: Timestamp) -> Vec<u8> {
    let mut out = Writer(vec![VERSION]);
    out.signed(base.0);
    write_users(users, base, &mut out);
    out.0
}

fn read_part_of_users(bytes: &mut Reader<'_>) -> Option<Vec<Actor>> {
    let base = Timestamp(bytes.signed()?);
    read_users(base, bytes)
}
