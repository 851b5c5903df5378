//! A single pass over JSON text: it validates everything, and hands out the text of the values that a reader asks for.
//!
//! It accepts what `serde_json` accepts. Most of a payload is skipped, so the time per record is that of skipping; this does little else:
//! no state machine per type, no error values, eight bytes of a string at a time. Whoever gets `None` asks `serde_json` what is wrong.

/// Maximum nesting of objects and lists, including the outermost; as many bits as the stack of a skip has.
pub(super) const MAX_DEPTH: u32 = 128;

/// Scans a JSON text. Places in it are arguments and results rather than a part of the scanner: each step depends on the one before it, and
/// the way through memory would be the longest part of it.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Objects and lists around the place.
    depth: u32,
    /// Whether any string so far contains an escape.
    has_escapes: bool,
    /// Whether any of them is a code unit, `\u....`; such a one may be half of a character.
    has_code_units: bool,
}

/// What a whole text turned out to contain.
#[derive(Clone, Copy)]
pub(super) struct Escapes {
    pub(super) any: bool,
    pub(super) code_units: bool,
}

/// The UTF-8 of a key of an object, without escapes. Keys are only compared, and cutting text at characters would cost as much as that.
pub(super) enum Key<'a, 'k> {
    /// As it is in the text.
    Plain(&'a [u8]),
    Unescaped(&'k [u8]),
}

/// What can be read from a value by one pass; no value is an error, but text that is not JSON is `None`.
///
/// It is filled in place, because objects of providers are large: returning them would copy each of them several times.
pub(super) trait Scan<'a>: Default {
    /// Reads the value at this place, which has no whitespace before it. Returns the place after it.
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize>;
}

impl<'a> Scan<'a> for &'a str {
    fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Option<usize> {
        let end;
        (*self, end) = scanner.value(at)?;
        Some(end)
    }
}

/// Reads a whole text; what escapes its strings contain.
pub(super) fn fill<'a>(value: &mut impl Scan<'a>, text: &'a str) -> Option<Escapes> {
    let mut scanner = Scanner::new(text);
    let start = scanner.start();
    let end = value.scan(&mut scanner, start)?;
    scanner.is_end(end).then(|| scanner.escapes())
}

/// Reads a whole text.
pub(super) fn whole<'a, T: Scan<'a>>(text: &'a str) -> Option<T> {
    let mut value = T::default();
    fill(&mut value, text).map(|_| value)
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, depth: 0, has_escapes: false, has_code_units: false }
    }

    /// The place of the first value.
    pub(super) fn start(&self) -> usize {
        after_whitespace(self.text.as_bytes(), 0)
    }

    /// Whether nothing but whitespace is left.
    pub(super) fn is_end(&self, at: usize) -> bool {
        after_whitespace(self.text.as_bytes(), at) == self.text.len()
    }

    /// What escapes there have been so far.
    pub(super) const fn escapes(&self) -> Escapes {
        Escapes { any: self.has_escapes, code_units: self.has_code_units }
    }

    /// Whether there have been escapes so far. Starts over, so that the escapes of the next value can be seen alone.
    pub(super) const fn take_escapes(&mut self) -> bool {
        std::mem::replace(&mut self.has_escapes, false)
    }

    /// Puts back what [`Scanner::take_escapes`] returned, beside what has been seen since.
    pub(super) const fn restore_escapes(&mut self, taken: bool) {
        self.has_escapes |= taken;
    }

    /// The text from one place to another.
    pub(super) fn between(&self, start: usize, end: usize) -> Option<&'a str> {
        self.text.get(start..end)
    }

    /// The byte at a place.
    #[inline]
    pub(super) fn peek(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Skips a value. Returns its text, and the place after it.
    #[inline]
    pub(super) fn value(&mut self, at: usize) -> Option<(&'a str, usize)> {
        let end = self.skip(at)?;
        Some((self.text.get(at..end)?, end))
    }

    /// Reads an object: `member` gets each key, without escapes, and the place of its value, and returns the place after that. Returns the
    /// place after the object.
    #[inline]
    pub(super) fn object(&mut self, at: usize, mut member: impl FnMut(&mut Self, &[u8], usize) -> Option<usize>) -> Option<usize> {
        self.members(at, |scanner, key, at| match key {
            Key::Plain(key) | Key::Unescaped(key) => member(scanner, key, at),
        })
    }

    /// The same with keys that outlive the scan, unless they had to be unescaped.
    #[inline]
    pub(super) fn members(&mut self, at: usize, mut member: impl FnMut(&mut Self, Key<'a, '_>, usize) -> Option<usize>) -> Option<usize> {
        let mut at = self.open(at, b'{')?;
        if self.peek(at)? == b'}' {
            return self.close(at);
        }
        loop {
            let start = opened(self.text.as_bytes(), at)?;
            let end = run_end(self.text.as_bytes(), start);
            if self.peek(end)? == b'"' {
                let value = self.colon(end + 1)?;
                at = member(self, Key::Plain(self.text.as_bytes().get(start..end)?), value)?;
            } else {
                let end = self.rest_of_string(end)?;
                let (key, value) = (unescaped(self.text.get(at..end)?)?, self.colon(end)?);
                at = member(self, Key::Unescaped(key.as_bytes()), value)?;
            }
            at = self.after_whitespace(at);
            match self.peek(at)? {
                b',' => at = self.after_whitespace(at + 1),
                b'}' => return self.close(at),
                _ => return None,
            }
        }
    }

    /// Reads a list: `element` must read each value, and return the place after it. Returns the place after the list.
    #[inline]
    pub(super) fn list(&mut self, at: usize, mut element: impl FnMut(&mut Self, usize) -> Option<usize>) -> Option<usize> {
        let mut at = self.open(at, b'[')?;
        if self.peek(at)? == b']' {
            return self.close(at);
        }
        loop {
            at = element(self, at)?;
            at = self.after_whitespace(at);
            match self.peek(at)? {
                b',' => at = self.after_whitespace(at + 1),
                b']' => return self.close(at),
                _ => return None,
            }
        }
    }

    /// Skips a value. Returns the place after it.
    #[inline]
    pub(super) fn skip(&mut self, at: usize) -> Option<usize> {
        match self.peek(at)? {
            b'"' => self.string_end(at),
            b'{' | b'[' => self.nested_end(at),
            _ => scalar_end(self.text.as_bytes(), at),
        }
    }

    /// The place after an object or list.
    fn nested_end(&mut self, mut at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        // The innermost container is the lowest bit: 1 for an object, 0 for a list.
        let (mut containers, mut depth) = (0_u128, 0_u32);
        loop {
            match *bytes.get(at)? {
                b'"' => at = self.string_end(at)?,
                open @ (b'{' | b'[') => {
                    if self.depth + depth == MAX_DEPTH {
                        return None;
                    }
                    at = after_whitespace(bytes, at + 1);
                    // The closing bracket of either comes two after the opening one.
                    if *bytes.get(at)? == open + 2 {
                        at += 1;
                    } else {
                        containers = containers << 1 | u128::from(open == b'{');
                        depth += 1;
                        if open == b'{' {
                            at = self.key_end(at)?;
                        }
                        continue;
                    }
                }
                _ => at = scalar_end(bytes, at)?,
            }
            // A value has ended, and with it perhaps what it is in.
            loop {
                if depth == 0 {
                    return Some(at);
                }
                at = after_whitespace(bytes, at);
                let in_object = containers & 1 == 1;
                match *bytes.get(at)? {
                    b',' => {
                        at = after_whitespace(bytes, at + 1);
                        if in_object {
                            at = self.key_end(at)?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return None,
                }
                at += 1;
                containers >>= 1;
                depth -= 1;
            }
        }
    }

    /// The place after an opening bracket and whitespace.
    #[inline]
    fn open(&mut self, at: usize, bracket: u8) -> Option<usize> {
        self.depth += 1;
        (self.peek(at)? == bracket && self.depth <= MAX_DEPTH).then(|| self.after_whitespace(at + 1))
    }

    /// The place after a closing bracket.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "the end of an object or list")]
    fn close(&mut self, at: usize) -> Option<usize> {
        self.depth -= 1;
        Some(at + 1)
    }

    /// The place of the value whose key begins at `at`.
    #[inline]
    fn key_end(&mut self, at: usize) -> Option<usize> {
        opened(self.text.as_bytes(), at)?;
        let end = self.string_end(at)?;
        self.colon(end)
    }

    /// The place after a colon that comes at `at`, or after whitespace from there.
    #[inline]
    fn colon(&self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let at = after_whitespace(bytes, at);
        (bytes.get(at) == Some(&b':')).then(|| after_whitespace(bytes, at + 1))
    }

    #[inline]
    fn after_whitespace(&self, at: usize) -> usize {
        after_whitespace(self.text.as_bytes(), at)
    }

    /// The place after the string whose opening quote is at `at`.
    #[inline]
    fn string_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let end = run_end(bytes, at + 1);
        if bytes.get(end) == Some(&b'"') { Some(end + 1) } else { self.rest_of_string(end) }
    }

    /// The place after a string, from the end of a run of plain text in it that is not the end of the string.
    #[cold]
    fn rest_of_string(&mut self, mut at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at)? {
                b'"' => return Some(at + 1),
                b'\\' => {
                    self.has_escapes = true;
                    self.has_code_units |= bytes.get(at + 1) == Some(&b'u');
                    at = escape_end(bytes, at)?;
                }
                _ => return None,
            }
            at = run_end(bytes, at);
        }
    }
}

/// The place after the quote that a string begins with.
#[inline]
fn opened(bytes: &[u8], at: usize) -> Option<usize> {
    (*bytes.get(at)? == b'"').then_some(at + 1)
}

#[inline]
fn after_whitespace(bytes: &[u8], at: usize) -> usize {
    // All that may follow it is greater than whitespace, of which compact JSON has none.
    if bytes.get(at).is_some_and(|byte| *byte <= b' ') { whitespace_end(bytes, at) } else { at }
}

fn whitespace_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The content of a string as it is written, with its escapes; `None` if the value is no string.
#[inline]
pub(super) fn content(json: &str) -> Option<&str> {
    match json.as_bytes() {
        [b'"', .., b'"'] => json.get(1..json.len() - 1),
        _ => None,
    }
}

/// The place after a number, true, false or null.
#[inline]
fn scalar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    match rest.first()? {
        b'-' | b'0'..=b'9' => number_end(bytes, at),
        b't' => (rest.first_chunk()? == b"true").then_some(at + 4),
        b'f' => (rest.first_chunk()? == b"false").then_some(at + 5),
        b'n' => (rest.first_chunk()? == b"null").then_some(at + 4),
        _ => None,
    }
}

/// The place after a number, by the grammar of JSON.
#[inline]
fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
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
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    (at > start).then_some(at)
}

/// The place of the next quote, backslash or control character, or the end of the text: eight bytes at a time.
#[inline]
fn run_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let special = special(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(b' '..=b'!' | b'#'..=b'[' | b']'..) = bytes.get(at) {
        at += 1;
    }
    at
}

/// A key with escapes.
#[cold]
fn unescaped(written: &str) -> Option<String> {
    serde_json::from_str(written).ok()
}

/// The place after an escape that begins at `at`.
fn escape_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 6),
        _ => None,
    }
}

/// The highest bit of each byte that ends a run of plain text: a quote, a backslash or a control character. Bits above the lowest one may be
/// wrong, since a subtraction borrows from the next byte.
const fn special(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let (quote, backslash) = (word ^ (LOW * b'"' as u64), word ^ (LOW * b'\\' as u64));
    let found = (quote.wrapping_sub(LOW) & !quote) | (backslash.wrapping_sub(LOW) & !backslash) | (word.wrapping_sub(LOW * 0x20) & !word);
    found & (LOW * 0x80)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn members(text: &str) -> Option<Vec<(String, String)>> {
        let mut scanner = Scanner::new(text);
        let mut members = Vec::new();
        let end = scanner.object(scanner.start(), |scanner, key, at| {
            let (value, end) = scanner.value(at)?;
            members.push((String::from_utf8(key.to_vec()).unwrap(), value.to_owned()));
            Some(end)
        })?;
        scanner.is_end(end).then_some(members)
    }

    #[test]
    fn an_object_hands_out_its_keys_without_escapes_and_its_values_as_written() {
        let text = " {\"a\" : [1.50, {\"b\\u0022\":\"x\\\"]}\"} , null],\"k\\u0065y\":-0e+7 ,\"d\":{ },\"e\":[ ],\"a\":\"\u{e9}\" }\n";
        let members = members(text).unwrap();
        let found: Vec<_> = members.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let list = "[1.50, {\"b\\u0022\":\"x\\\"]}\"} , null]";
        assert_eq!(found, [("a", list), ("key", "-0e+7"), ("d", "{ }"), ("e", "[ ]"), ("a", "\"\u{e9}\"")]);
    }

    #[test]
    fn escapes_are_noted_wherever_they_are() {
        let has_escapes = |text| fill(&mut "", text).unwrap().any;
        assert!(!has_escapes(r#"{"a":["b",1]}"#));
        for text in [r#"{"a\n":1}"#, r#"{"a":["\u00e9"]}"#, r#""\\""#] {
            assert!(has_escapes(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_ends_the_scan() {
        let control = "\"\u{1}\"";
        for text in
            ["", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "nul", "\"", "1 2", "{}x", "01", "1.", ".5", "+1", "1e", "-", control]
        {
            assert!(whole::<&str>(text).is_none(), "{text}");
        }
        for text in [r#""\x""#, r#""\u12""#, r#""\u12g4""#, "[}", "{]", "tru", "[\"a\" \"b\"]"] {
            assert!(whole::<&str>(text).is_none(), "{text}");
        }
        assert!(whole::<&str>(&format!("{}{}", "[".repeat(128), "]".repeat(128))).is_some());
        assert!(whole::<&str>(&format!("{}{}", "[".repeat(129), "]".repeat(129))).is_none());
    }

    proptest::proptest! {
        #[test]
        fn it_accepts_what_serde_json_accepts(text in r#"([\[\]{},:"\\a1. eE+-]|true|null|"[a-z]{0,20}"|\\u00e9|\u{e9}|\u{1}){0,24}"#) {
            let valid = serde_json::from_str::<&RawValue>(&text).is_ok();
            proptest::prop_assert_eq!(whole::<&str>(&text).is_some(), valid);
        }

        #[test]
        fn a_broken_payload_is_found_wherever_it_is_broken(place in 0..200_usize, byte in "[\\x00-\\x7f]") {
            let mut text = r#"{"type":"track","event":"Course \"Clicked\"","properties":{"title":"Intro","n":[1,-2.5e3,null,true]},"userId":"u"}"#.to_owned();
            if place < text.len() {
                text.replace_range(place..=place, &byte);
            }
            let valid = serde_json::from_str::<&RawValue>(&text).is_ok();
            proptest::prop_assert_eq!(whole::<&str>(&text).is_some(), valid, "{}", text);
        }
    }
}
