//! Remembers the ids of recent events to detect duplicates.

mod day;

use std::cmp::{Ordering, Reverse};

use day::{DIRTY, Day, FOOTER_BYTES, ID_BYTES, Id, MAX_DAY, MAX_IDS, SEPARATE, id_of};

use super::bytes::{Reader, Writer, make_room};
use super::digests::Digests;
use super::hash_search;
use super::parts::{self, Item, PartNumber};
use super::section::{CodecError, MAX_INLINE_BYTES, split_version};
use super::{Limit, LimitMeter};
use crate::event::Stream;
use crate::settings::{Settings, StateVersion};
use crate::time::{DAY_MS, Timestamp};

/// Up to this many ids of a stream are stored inline with its section, so that most records cost one changelog record. Beyond that, each
/// day is a record of its own, so that one more id does not rewrite a week of them.
const MAX_INLINE_IDS: usize = 64;
/// Size of a range of ids, at most: each new id rewrites its range.
const MAX_RANGE_BYTES: usize = 512 * ID_BYTES;
/// Spare capacity kept when days expire, in bytes: the next days need about as much, unless a busy period has ended.
const MAX_SPARE_BYTES: usize = 512;

/// Inline ids fit into their reserved bytes: an id, and the number and length of its day.
const _: () = assert!(MAX_INLINE_IDS * (ID_BYTES + 6) <= MAX_INLINE_BYTES);

/// The remembered ids by stream and UTC day of event time, in one allocation: for each day its sorted ids and a footer. Streams are in
/// descending and days in ascending order, so the newest day of usage comes last: nearly every lookup and insertion is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dedup {
    bytes: Vec<u8>,
}

impl Dedup {
    /// Remembers an identity; returns true if it is a duplicate. `newest` is the newest event time on the stream: days entirely before the
    /// dedup window are forgotten.
    pub fn remember(
        &mut self,
        stream: Stream,
        at: Timestamp,
        identity: u64,
        newest: Timestamp,
        settings: &Settings,
        limits: &mut LimitMeter,
    ) -> bool {
        let number = i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX).clamp(-MAX_DAY, MAX_DAY);
        let id = id_of(identity);
        let Some(day) = self.days().find(|day| day.stream == stream && day.number == number) else {
            let first_kept = newest.0.saturating_sub(settings.time.dedup_ms).div_euclid(DAY_MS);
            self.forget_before(first_kept, stream);
            self.put(stream, number, DIRTY, &id);
            return false;
        };
        let Err(place) = hash_search::search(self.ids(&day), identity << 16, |known| known.cmp(&id)) else { return true };
        let count = day.ids.len() / ID_BYTES;
        let at_limit = count >= settings.limits.ids_per_day.min(MAX_IDS);
        if at_limit {
            limits.reached(Limit::IdsPerDay);
        }
        match (at_limit, place == count) {
            (true, true) => {}
            // The greatest id is dropped.
            (true, false) => {
                let start = day.ids.start + place * ID_BYTES;
                self.bytes.copy_within(start..day.ids.end - ID_BYTES, start + ID_BYTES);
                self.write(start, &id);
                self.mark(&day, day.marks | DIRTY);
            }
            (false, _) => self.insert(&day, place, id),
        }
        false
    }

    /// The last byte; nearly all lookups and insertions are close to it.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.bytes.last().copied()
    }

    /// The days from the end: by stream, then newest first.
    fn days(&self) -> impl Iterator<Item = Day> {
        let mut end = self.bytes.len();
        std::iter::from_fn(move || {
            let day = self.day_before(end)?;
            end = day.ids.start;
            Some(day)
        })
    }

    fn day_before(&self, end: usize) -> Option<Day> {
        Day::at_end_of(self.bytes.get(..end)?)
    }

    fn ids(&self, day: &Day) -> &[Id] {
        self.bytes.get(day.ids.clone()).unwrap_or_default().as_chunks().0
    }

    /// Inserts a day at its position, unless it exists.
    fn put(&mut self, stream: Stream, number: i32, marks: u8, ids: &[u8]) {
        let place = |day: &Day| (day.stream as u8, Reverse(day.number)).cmp(&(stream as u8, Reverse(number)));
        let mut end = self.bytes.len();
        for day in self.days() {
            match place(&day) {
                Ordering::Less => end = day.ids.start,
                Ordering::Equal => return,
                Ordering::Greater => break,
            }
        }
        let day = Day { stream, number, marks, ids: 0..ids.len() };
        make_room(&mut self.bytes, ids.len() + FOOTER_BYTES);
        self.bytes.splice(end..end, ids.iter().copied().chain(day.footer()));
    }

    /// Inserts an id into a day at a position.
    fn insert(&mut self, day: &Day, place: usize, id: Id) {
        make_room(&mut self.bytes, ID_BYTES);
        let (start, bytes) = (day.ids.start + place * ID_BYTES, self.bytes.len());
        self.bytes.extend_from_slice(&id);
        self.bytes.copy_within(start..bytes, start + ID_BYTES);
        self.write(start, &id);
        self.mark(&Day { ids: day.ids.start..day.ids.end + ID_BYTES, ..day.clone() }, day.marks | DIRTY);
    }

    /// Rewrites the footer of a day with new marks.
    fn mark(&mut self, day: &Day, marks: u8) {
        self.write(day.ids.end, &Day { marks, ..day.clone() }.footer());
    }

    fn write(&mut self, start: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Forgets the days of a stream before `first_kept`. A day with a changelog record of its own stays, without ids, until that record is
    /// deleted.
    fn forget_before(&mut self, first_kept: i64, stream: Stream) {
        let mut end = self.bytes.len();
        while let Some(day) = self.day_before(end) {
            end = day.ids.start;
            if day.stream != stream || i64::from(day.number) >= first_kept || day.ids.is_empty() {
                continue;
            }
            if day.marks & SEPARATE == 0 {
                self.remove(&day);
            } else {
                self.bytes.drain(day.ids.clone());
                self.mark(&Day { ids: end..end, ..day }, DIRTY | SEPARATE);
            }
        }
        if self.bytes.capacity() - self.bytes.len() > MAX_SPARE_BYTES {
            self.bytes.shrink_to_fit();
        }
    }

    /// Forgets the days before that of the account's deletion, and that the changelog holds any. The ids of the day itself stay: those of
    /// records up to the deletion are never looked up again.
    pub(super) fn forget_until(&mut self, deleted_at: Timestamp) {
        let first_kept = deleted_at.0.div_euclid(DAY_MS);
        let mut end = self.bytes.len();
        while let Some(day) = self.day_before(end) {
            end = day.ids.start;
            if i64::from(day.number) < first_kept || day.ids.is_empty() {
                self.remove(&day);
            } else {
                self.mark(&day, DIRTY);
            }
        }
        self.bytes.shrink_to_fit();
    }

    /// Removes a day; earlier bytes do not move.
    fn remove(&mut self, day: &Day) {
        self.bytes.drain(day.ids.start..day.ids.end + FOOTER_BYTES);
    }

    /// Whether the ids of a stream are few enough to be stored inline with its section.
    #[must_use]
    pub fn fit_inline(&self, stream: Stream) -> bool {
        self.of(stream).map(|day| day.ids.len() / ID_BYTES).sum::<usize>() <= MAX_INLINE_IDS
    }

    /// Whether any id of a stream is remembered.
    #[must_use]
    pub fn has_any(&self, stream: Stream) -> bool {
        self.of(stream).next().is_some()
    }

    fn of(&self, stream: Stream) -> impl Iterator<Item = Day> {
        self.days().filter(move |day| day.stream == stream && !day.ids.is_empty())
    }

    /// Writes the ids of a stream, which must be few; [`Dedup::take_day_parts`] marks them as written.
    pub(super) fn write_inline(&self, stream: Stream, out: &mut Writer) {
        self.of(stream).for_each(|day| self.write_day(&day, out));
    }

    /// Writes a day and its ids.
    fn write_day(&self, day: &Day, out: &mut Writer) {
        out.signed(i64::from(day.number));
        out.text(self.bytes.get(day.ids.clone()).unwrap_or_default());
    }

    /// Reads a day, or a range of its ids, and merges it with the known ids of that day.
    fn read_day(&mut self, stream: Stream, marks: u8, bytes: &mut Reader<'_>) -> Option<Day> {
        let number = i32::try_from(bytes.signed()?).ok().filter(|number| number.abs() <= MAX_DAY)?;
        let (ids, rest) = bytes.text()?.as_chunks::<ID_BYTES>();
        if ids.is_empty() || !rest.is_empty() {
            return None;
        }
        let mut ids = ids.to_vec();
        let known = self.days().find(|day| day.stream == stream && day.number == number);
        if let Some(known) = known {
            ids.extend_from_slice(self.ids(&known));
            ids.sort_unstable();
            self.remove(&known);
        }
        if ids.len() > MAX_IDS || !ids.is_sorted_by(|one, next| one < next) {
            return None;
        }
        self.put(stream, number, marks, ids.as_flattened());
        Some(Day { stream, number, marks, ids: 0..0 })
    }

    /// Restores what [`Dedup::write_inline`] wrote.
    pub(super) fn restore_inline(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), CodecError> {
        let mut bytes = Reader(bytes);
        while !bytes.0.is_empty() {
            self.read_day(stream, 0, &mut bytes).map(drop).ok_or(CodecError::Corrupt("remembered ids"))?;
        }
        Ok(())
    }

    /// Emits the changed day parts of a stream, with their bytes (`None` deletes): days written separately, and records that are obsolete
    /// because the ids are now stored inline. Marks the whole stream as written.
    pub fn take_day_parts(
        &mut self,
        stream: Stream,
        inline: bool,
        version: StateVersion,
        digests: &mut Digests,
        mut take: impl FnMut(PartNumber, Option<Vec<u8>>),
    ) {
        let mut end = self.bytes.len();
        while let Some(day) = self.day_before(end) {
            end = day.ids.start;
            if day.stream != stream {
                continue;
            }
            let (was_separate, is_dirty) = (day.marks & SEPARATE != 0, day.marks & DIRTY != 0);
            let separate = !inline && !day.ids.is_empty();
            if separate && (is_dirty || !was_separate) || was_separate && !separate {
                let parts = if separate { self.parts_of(&day, version) } else { Vec::new() };
                digests.replace(day.part_owner(), was_separate.then(|| day.whole()), parts, &mut take);
            }
            if day.ids.is_empty() {
                self.remove(&day);
            } else {
                self.mark(&day, if separate { SEPARATE } else { 0 });
            }
        }
    }

    /// The changelog records of one day: a single record, or from version 2 one per range if it has many ids.
    fn parts_of(&self, day: &Day, version: StateVersion) -> Vec<(PartNumber, Vec<u8>)> {
        let ids = self.ids(day);
        match version {
            StateVersion::V2 if ids.len() * ID_BYTES > MAX_RANGE_BYTES => {
                let ranges = parts::cut(ids, MAX_RANGE_BYTES).into_iter();
                ranges.map(|(path, range)| (day.range(path), record(day, version, range))).collect()
            }
            _ => vec![(day.whole(), record(day, version, ids))],
        }
    }

    /// The parts to delete from the changelog together with the account.
    pub fn parts(&self, digests: &Digests) -> impl Iterator<Item = PartNumber> {
        self.days().filter(|day| day.marks & SEPARATE != 0).flat_map(|day| {
            let mut parts: Vec<PartNumber> = digests.parts(day.part_owner()).collect();
            if parts.is_empty() {
                parts.push(day.whole());
            }
            parts
        })
    }

    /// Restores one part; parts may come in any order.
    ///
    /// # Errors
    /// When the bytes are not a valid part.
    pub fn restore(&mut self, part: PartNumber, bytes: &[u8], digests: &mut Digests) -> Result<(), CodecError> {
        let mut bytes = Reader(split_version(bytes)?.1);
        let stream = bytes.byte().and_then(|number| Stream::ALL.get(usize::from(number)).copied());
        let read = stream.and_then(|stream| self.read_day(stream, SEPARATE, &mut bytes)).filter(|_| bytes.0.is_empty());
        let day = read.ok_or(CodecError::Corrupt("remembered ids"))?;
        if part != day.whole() {
            digests.add(day.part_owner(), part);
        }
        Ok(())
    }
}

/// A day, or a range of its ids, as a changelog record.
fn record(day: &Day, version: StateVersion, ids: &[Id]) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(16 + ids.len() * ID_BYTES));
    out.0.extend_from_slice(&[version as u8, day.stream as u8]);
    out.signed(i64::from(day.number));
    out.text(ids.as_flattened());
    out.0
}

impl Item for Id {
    fn hash(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(self).for_each(|(byte, of_id)| *byte = *of_id);
        u64::from_be_bytes(bytes)
    }

    fn bytes(&self) -> usize {
        ID_BYTES
    }
}

#[cfg(test)]
mod tests;
