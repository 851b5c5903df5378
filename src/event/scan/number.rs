//! Where numbers end, by the grammar of JSON.

/// The place after a number, by the grammar of JSON.
#[inline]
pub(super) fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(bytes.get(at) == Some(&b'-'));
    let end = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits_end(bytes, at)? };
    match bytes.get(end) {
        Some(b'.' | b'e' | b'E') => fraction_end(bytes, end),
        _ => Some(end),
    }
}

/// The place after a number, from the end of its whole part.
fn fraction_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits_end(bytes, at)?;
    }
    Some(at)
}

/// The place after one or more digits.
#[inline]
fn digits_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let others = other_than_digits(u64::from_le_bytes(*chunk));
        if others != 0 {
            at += others.trailing_zeros() as usize / 8;
            return (at > start).then_some(at);
        }
        at += 8;
    }
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    (at > start).then_some(at)
}

/// Bits in each byte that is no digit. Those above the lowest such byte may be wrong, since a sum carries into the next byte.
const fn other_than_digits(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    // Digits are 0x30 to 0x39, so that their upper half is 3, and still is with 6 more.
    let with_more = word.wrapping_add(LOW * 6);
    ((word & (LOW * 0xf0)) ^ (LOW * 0x30)) | ((with_more & (LOW * 0xf0)) ^ (LOW * 0x30))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn digits_end_where_they_end(digits in "[0-9]{0,30}", after in "\\PC{0,12}") {
            let text = format!("{digits}{after}");
            let expected = text.bytes().take_while(u8::is_ascii_digit).count();
            proptest::prop_assert_eq!(digits_end(text.as_bytes(), 0), (expected > 0).then_some(expected));
        }
    }
}
