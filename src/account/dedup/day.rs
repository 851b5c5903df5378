//! The ids of one stream and day as bytes: the ids, followed by a footer that describes them.

use std::ops::Range;

use crate::account::digests::PartOwner;
use crate::account::parts::PartNumber;
use crate::account::section::MAX_PART_BYTES;
use crate::event::Stream;

/// Days that a part number can distinguish; more than are ever remembered at once.
const PART_DAYS: i32 = 1024;
/// Bits of [`Day::number_in_key`]: `PART_DAYS` days, 8 streams.
const DAY_NUMBER_BITS: u32 = 13;
/// Size of an id: the low 48 bits of a hash. With n ids of one account, stream and day, a new record is mistaken for a duplicate with a
/// probability of n / 2^48.
pub(super) const ID_BYTES: usize = 6;
/// Size of the footer: the day (3 bytes), then the number of ids, the marks and the stream in 19 + 2 + 3 bits.
pub(super) const FOOTER_BYTES: usize = 6;
/// Ids per day, at most, whatever the configured limit: as many as fit into a changelog record.
pub(super) const MAX_IDS: usize = (MAX_PART_BYTES - 16) / ID_BYTES;
/// Mark: the day has changed since it was last written.
pub(super) const DIRTY: u8 = 0x08;
/// Mark: the changelog holds the day in a record of its own.
pub(super) const SEPARATE: u8 = 0x10;

/// Largest day number that a footer can hold, before or after 1970-01-01: the year 24,937.
pub(super) const MAX_DAY: i32 = (1 << 23) - 1;
/// Bits below the count in a footer.
const STREAM_AND_MARKS_BITS: u32 = 5;
const STREAM_BITS: u8 = 0x07;

/// An id, most significant byte first.
pub(super) type Id = [u8; ID_BYTES];

/// One day and the location of its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub stream: Stream,
    /// UTC days since 1970-01-01.
    pub number: i32,
    pub marks: u8,
    /// The byte range of its ids.
    pub ids: Range<usize>,
}

impl Day {
    /// The day whose footer ends these bytes.
    pub fn at_end_of(bytes: &[u8]) -> Option<Self> {
        let (rest, footer) = bytes.split_last_chunk::<FOOTER_BYTES>()?;
        let [n0, n1, n2, low, middle, high] = *footer;
        let count = u32::from_le_bytes([low, middle, high, 0]) >> STREAM_AND_MARKS_BITS;
        let ids = rest.len().checked_sub(usize::try_from(count).ok()? * ID_BYTES)?..rest.len();
        Some(Self {
            stream: *Stream::ALL.get(usize::from(low & STREAM_BITS))?,
            // Shifted up and back down to extend the sign.
            number: i32::from_le_bytes([0, n0, n1, n2]) >> 8,
            marks: low & (DIRTY | SEPARATE),
            ids,
        })
    }

    /// The number of the day and stream in changelog keys.
    fn number_in_key(&self) -> u16 {
        let day = u16::try_from(self.number.rem_euclid(PART_DAYS)).unwrap_or_default();
        day * 8 + self.stream as u16
    }

    /// The owner of its parts.
    pub fn part_owner(&self) -> PartOwner {
        PartOwner::IdsOfDay(self.number_in_key())
    }

    /// The part that holds all its ids.
    pub fn whole(&self) -> PartNumber {
        PartNumber::Counted(self.number_in_key())
    }

    /// The part that holds a range of its ids: the path, at most 49 bits because ids have 48, followed by the number of the day.
    pub fn range(&self, path: u64) -> PartNumber {
        PartNumber::Range((path << DAY_NUMBER_BITS) | u64::from(self.number_in_key()))
    }

    /// The bytes that follow its ids.
    pub fn footer(&self) -> [u8; FOOTER_BYTES] {
        let [n0, n1, n2, _] = self.number.to_le_bytes();
        let count = u32::try_from(self.ids.len() / ID_BYTES).unwrap_or_default() << STREAM_AND_MARKS_BITS;
        let [low, middle, high, _] = count.to_le_bytes();
        [n0, n1, n2, low | self.marks | self.stream as u8, middle, high]
    }
}

/// The id of an identity.
pub(super) fn id_of(identity: u64) -> Id {
    let [_, _, id @ ..] = identity.to_be_bytes();
    id
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_footer_describes_its_day(number in -MAX_DAY..=MAX_DAY, stream in 0..5_usize, marks in 0..4_u8, count in 0..=MAX_IDS) {
            let marks = [0, DIRTY, SEPARATE, DIRTY | SEPARATE][usize::from(marks)];
            let day = Day { stream: Stream::ALL[stream], number, marks, ids: 0..count * ID_BYTES };
            let bytes = [vec![7; count * ID_BYTES], day.footer().to_vec()].concat();
            prop_assert_eq!(Day::at_end_of(&bytes), Some(day));
        }
    }
}
