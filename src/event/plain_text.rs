//! Where runs of plain text end in a JSON text: at quotes, backslashes and control characters, found for 64 bytes at once.
//!
//! A scan that searches each string from where the last one ended waits for one search before the next can begin. The marks of a block do
//! not depend on where a search begins, so the processor computes them ahead, and a search is two operations on a word.

/// Bytes per block: as many as a word has bits.
const BLOCK: usize = 64;

/// The marks of one block of a text, as far as the scan has come.
pub(super) struct PlainText<'a> {
    bytes: &'a [u8],
    /// The place of the block.
    start: usize,
    /// A bit for each of its bytes that ends a run; all that lie behind the text do.
    ends: u64,
}

impl<'a> PlainText<'a> {
    /// Nothing has been searched yet; the first block comes next.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0_usize.wrapping_sub(BLOCK), ends: 0 }
    }

    /// The place of the next quote, backslash or control character, or the end of the text.
    #[inline]
    pub(super) fn end_of_run(&mut self, mut at: usize) -> usize {
        loop {
            let offset = at.wrapping_sub(self.start);
            if offset < BLOCK {
                let ends = self.ends >> offset;
                if ends != 0 {
                    return at + ends.trailing_zeros() as usize;
                }
                at = self.start + BLOCK;
            }
            // A search nearly always goes on in the next block. That its place does not depend on `at` is what lets it be read ahead.
            if at.wrapping_sub(self.start) < 2 * BLOCK { self.read(self.start.wrapping_add(BLOCK)) } else { self.jump(at) }
        }
    }

    /// To a block further away, or back to an earlier one.
    #[cold]
    fn jump(&mut self, at: usize) {
        self.read(at - at % BLOCK);
    }

    // Out of line, so that searches are small enough to be part of the loops that make them.
    #[inline(never)]
    fn read(&mut self, start: usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        self.start = start;
        self.ends = match rest.first_chunk() {
            Some(block) => ends(block),
            None => self.last(rest),
        };
    }

    /// The marks of the last block, which is shorter than the others.
    fn last(&self, rest: &[u8]) -> u64 {
        // Of the last 64 bytes of a text that has as many, those before the block are shifted out, and zeros behind it become marks.
        if let Some(block) = self.bytes.last_chunk() {
            let missing = BLOCK - rest.len();
            return !(!ends(block)).checked_shr(u32::try_from(missing).unwrap_or(u32::MAX)).unwrap_or_default();
        }
        let mut block = [0; BLOCK];
        for (byte, known) in block.iter_mut().zip(rest) {
            *byte = *known;
        }
        ends(&block)
    }
}

/// A bit for each quote, backslash and control character.
#[cfg(target_arch = "x86_64")]
#[inline]
fn ends(block: &[u8; BLOCK]) -> u64 {
    let (pieces, _) = block.as_chunks::<16>();
    // SAFETY: SSE2 is part of the target.
    #[expect(unsafe_code, reason = "only functions marked with SSE2 may call this one safely, though every x86-64 processor has it")]
    let marks = |piece: &[u8; 16]| u64::from(unsafe { ends_of_16(piece) });
    pieces.iter().rev().fold(0, |ends, piece| ends << 16 | marks(piece))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn ends_of_16(piece: &[u8; 16]) -> u16 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
    const QUOTE: i8 = b'"'.cast_signed();
    const BACKSLASH: i8 = b'\\'.cast_signed();
    const LAST_CONTROL: i8 = 0x1f;
    // SAFETY: it reads 16 bytes, at any alignment.
    #[expect(unsafe_code, reason = "there is no safe way to load bytes at once")]
    let bytes = unsafe { _mm_loadu_si128(piece.as_ptr().cast()) };
    let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(QUOTE));
    let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(BACKSLASH));
    let controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(LAST_CONTROL)), bytes);
    let [low, high, ..] = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls)).to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// The same without instructions for many bytes at once.
#[cfg(any(not(target_arch = "x86_64"), test))]
fn ends_by_words(block: &[u8; BLOCK]) -> u64 {
    /// Moves the highest bit of each byte into the highest byte.
    const GATHER: u64 = 0x0002_0408_1020_4081;
    let (words, _) = block.as_chunks::<8>();
    let marks = |word: &[u8; 8]| special(u64::from_le_bytes(*word)).wrapping_mul(GATHER) >> 56;
    words.iter().rev().fold(0, |ends, word| ends << 8 | marks(word))
}

#[cfg(not(target_arch = "x86_64"))]
use ends_by_words as ends;

/// The highest bit of each byte that ends a run.
#[cfg(any(not(target_arch = "x86_64"), test))]
const fn special(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    /// The highest bit of each byte that is 0: no carry leaves a byte, as none of the sums exceeds 0xff.
    const fn zeros(word: u64) -> u64 {
        !(((word & !HIGH) + !HIGH) | word) & HIGH
    }
    // A control character has none of the three highest bits.
    zeros(word ^ (LOW * b'"' as u64)) | zeros(word ^ (LOW * b'\\' as u64)) | zeros(word & (LOW * 0xe0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected(bytes: &[u8], at: usize) -> usize {
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        bytes.iter().skip(at).position(is_end).map_or(bytes.len(), |after| at + after)
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 60 => Just(b'x'), 1 => Just(0x1f), 1 => Just(0x20)];
        prop::collection::vec(byte, 0..400)
    }

    proptest! {
        #[test]
        fn every_end_is_found_in_any_order(bytes in texts(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
            let mut text = PlainText::new(&bytes);
            for at in 0..=bytes.len() {
                prop_assert_eq!(text.end_of_run(at), expected(&bytes, at));
            }
            for at in places.iter().map(|place| place.index(bytes.len() + 1)) {
                prop_assert_eq!(text.end_of_run(at), expected(&bytes, at));
            }
        }

        #[test]
        fn all_processors_find_the_same(bytes in prop::collection::vec(any::<u8>(), BLOCK)) {
            let block = bytes.first_chunk().unwrap();
            prop_assert_eq!(ends_by_words(block), ends(block));
        }
    }
}
