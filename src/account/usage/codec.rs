//! Usage as changelog records: one record, or, for large accounts, users and features in parts of their own by ranges of hashes.

use super::actors::{self, Actor};
use super::buckets::Buckets;
use super::earlier::EarlierDates;
use super::features::{self, Features, NamedFeature};
use super::people::{self, Link};
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
        let (users, links) = (self.users.as_slice(), self.links.all());
        if version == StateVersion::V1 {
            return split(users, PART_BYTES, |is_first, users| {
                if is_first { self.first(version, users, &[], |out| self.features.write(out)) } else { range(version, users, &[], |_| {}) }
            });
        }
        let features: Vec<NamedFeature<'_>> = self.features.iter().map(|(actor, name)| NamedFeature { actor: *actor, name }).collect();
        let items = ((users, features.as_slice()), links);
        split(items, PART_BYTES, |is_first, ((users, features), links): ((&[Actor], &[NamedFeature<'_>]), &[Link])| {
            let write_features = |out: &mut Writer| features::write(features, out);
            if is_first { self.first(version, users, links, write_features) } else { range(version, users, links, write_features) }
        })
    }

    fn least_version(&self) -> StateVersion {
        let fits = self.anonymous.get().is_none() && self.links.all().is_empty() && self.features.bytes() <= MAX_PART_BYTES / 2;
        if fits { StateVersion::V1 } else { StateVersion::V2 }
    }

    fn restore(&mut self, part: u64, bytes: &[u8]) -> Result<(), CodecError> {
        let (version, rest) = split_version(bytes)?;
        let mut bytes = Reader(rest);
        let (users, features, links) = if part == FIRST {
            let (users, features, links) = (std::mem::take(&mut self.users), std::mem::take(&mut self.features), self.links.all().to_vec());
            *self = read_first(&mut bytes).ok_or(CodecError::Corrupt("usage"))?;
            (users, features, links)
        } else {
            let users = actors::read(&mut bytes).ok_or(CodecError::Corrupt("users"))?;
            let features = if version == StateVersion::V1 { Some(Features::default()) } else { Features::read(&mut bytes) };
            let links = if bytes.0.is_empty() { Some(Vec::new()) } else { people::read(&mut bytes) };
            (users, features.ok_or(CodecError::Corrupt("features"))?, links.ok_or(CodecError::Corrupt("links"))?)
        };
        if !bytes.0.is_empty() {
            return Err(CodecError::Corrupt("bytes after usage"));
        }
        let fit =
            actors::merge(&mut self.users, users).is_some() & self.features.merge(&features).is_some() & self.links.merge(links).is_some();
        if fit { Ok(()) } else { Err(CodecError::Corrupt("parts of users, features or links overlap")) }
    }
}

impl Usage {
    fn first(&self, version: StateVersion, users: &[Actor], links: &[Link], write_features: impl FnOnce(&mut Writer)) -> Vec<u8> {
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
        self.write_rest(version, links, &mut out);
        out.0
    }
}

/// What only some accounts have, as flags in the byte before it. Version 1 has none of it.
const ANONYMOUS: u8 = 1;
const EARLIER: u8 = 2;
const LINKS: u8 = 4;

impl Usage {
    fn write_rest(&self, version: StateVersion, links: &[Link], out: &mut Writer) {
        let (anonymous, has_earlier) = (self.anonymous.get(), version != StateVersion::V1 && self.earlier.count > 0);
        let flag = |flag: u8, is_there: bool| if is_there { flag } else { 0 };
        let flags = flag(ANONYMOUS, anonymous.is_some()) | flag(EARLIER, has_earlier) | flag(LINKS, !links.is_empty());
        if flags == 0 {
            return;
        }
        out.0.push(flags);
        if let Some(anonymous) = anonymous {
            actors::write_one(anonymous, out);
        }
        if has_earlier {
            out.varint(u64::from(self.earlier.count));
            out.signed(i64::from(self.earlier.first.0));
        }
        if !links.is_empty() {
            people::write(links, out);
        }
    }

    fn read_rest(&mut self, bytes: &mut Reader<'_>) -> Option<()> {
        let flags = if bytes.0.is_empty() { 0 } else { bytes.byte()? };
        if flags & ANONYMOUS != 0 {
            self.anonymous.set(Some(actors::read_one(bytes)?));
        }
        if flags & EARLIER != 0 {
            self.earlier = read_earlier(bytes)?;
        }
        if flags & LINKS != 0 {
            self.links.merge(people::read(bytes)?)?;
        }
        (flags <= ANONYMOUS | EARLIER | LINKS).then_some(())
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
    let (last_activity, sessions) = (last_activity.into(), sessions.into());
    let mut usage = Usage { last_activity, newest_date, newest_hour, days, hours, sessions, users, features, ..Usage::default() };
    usage.read_rest(bytes)?;
    Some(usage)
}

fn read_earlier(bytes: &mut Reader<'_>) -> Option<EarlierDates> {
    let count = u32::try_from(bytes.varint()?).ok().filter(|count| *count > 0)?;
    Some(EarlierDates { count, first: date(bytes)? })
}

fn date(bytes: &mut Reader<'_>) -> Option<Date> {
    Some(Date(i32::try_from(bytes.signed()?).ok()?))
}

/// A range of users and, from version 2 on, of features.
fn range(version: StateVersion, users: &[Actor], links: &[Link], write_features: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer(vec![version_byte(version)]);
    actors::write(users, &mut out);
    write_features(&mut out);
    if !links.is_empty() {
        people::write(links, &mut out);
    }
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

impl Item for Link {
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
