//! A single pass over JSON text: it validates everything, and hands out the text of the values that a reader asks for.
//!
//! It accepts what `serde_json` accepts. Most of a payload is skipped, so the time per record is that of skipping; this does little else:
//! no state machine per type, no error values, eight bytes of a string at a time. Whoever gets `None` asks `serde_json` what is wrong.

/// Maximum nesting of objects and lists, including the outermost; as many bits as the stack of a skip has.
pub(super) const MAX_DEPTH: u32 = 128;

/// A place in JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Objects and lists around the place.
    depth: u32,
    /// Whether any string so far contains an escape.
    pub(super) has_escapes: bool,
}

/// What can be read from a value by one pass; no value is an error, but text that is not JSON is `None`.
///
/// It is filled in place, because objects of providers are large: returning them would copy each of them several times.
pub(super) trait Scan<'a>: Default {
    /// Reads the value at the scanner's place, which has no whitespace before it.
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()>;
}

impl<'a> Scan<'a> for &'a str {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        *self = scanner.value()?;
        Some(())
    }
}

/// Reads a whole text; whether any string in it contains an escape.
pub(super) fn fill<'a>(value: &mut impl Scan<'a>, text: &'a str) -> Option<bool> {
    let mut scanner = Scanner::new(text);
    value.scan(&mut scanner)?;
    scanner.end().then_some(scanner.has_escapes)
}

/// Reads a whole text.
pub(super) fn whole<'a, T: Scan<'a>>(text: &'a str) -> Option<T> {
    let mut value = T::default();
    fill(&mut value, text).map(|_| value)
}

impl<'a> Scanner<'a> {
    /// At the first value of a text.
    pub(super) fn new(text: &'a str) -> Self {
        let mut scanner = Self { text, at: 0, depth: 0, has_escapes: false };
        scanner.whitespace();
        scanner
    }

    /// Whether nothing but whitespace is left.
    pub(super) fn end(&mut self) -> bool {
        self.whitespace();
        self.at == self.text.len()
    }

    /// How many bytes of the text have been read.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// The next byte.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips a value; its text.
    #[inline]
    pub(super) fn value(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at)
    }

    /// Reads an object: `member` gets each key, without escapes, and must read its value.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Option<()>) -> Option<()> {
        self.open(b'{')?;
        if self.take(b'}') {
            return self.close();
        }
        loop {
            let start = self.at;
            let is_plain = self.skip_key()?;
            let written = self.text.get(start..self.at)?;
            self.colon()?;
            match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(key) if is_plain => member(self, key)?,
                _ => member(self, &unescaped(written)?)?,
            }
            self.whitespace();
            if self.take(b'}') {
                return self.close();
            }
            self.expect(b',')?;
            self.whitespace();
        }
    }

    /// Reads a list: `element` must read each value.
    #[inline]
    pub(super) fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.open(b'[')?;
        if self.take(b']') {
            return self.close();
        }
        loop {
            element(self)?;
            self.whitespace();
            if self.take(b']') {
                return self.close();
            }
            self.expect(b',')?;
            self.whitespace();
        }
    }

    /// Skips a value.
    #[inline]
    pub(super) fn skip(&mut self) -> Option<()> {
        if self.peek()? == b'"' { self.string().map(drop) } else { self.skip_any() }
    }

    fn skip_any(&mut self) -> Option<()> {
        // The innermost container is the lowest bit: 1 for an object, 0 for a list.
        let (mut containers, mut depth) = (0_u128, 0_u32);
        loop {
            match self.peek()? {
                b'"' => _ = self.string()?,
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    if self.depth + depth == MAX_DEPTH {
                        return None;
                    }
                    self.whitespace();
                    // The closing bracket of either comes two after the opening one.
                    if !self.take(open + 2) {
                        containers = containers << 1 | u128::from(open == b'{');
                        depth += 1;
                        if open == b'{' {
                            self.skip_key()?;
                            self.colon()?;
                        }
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => return None,
            }
            // A value has ended, and with it perhaps what it is in.
            loop {
                if depth == 0 {
                    return Some(());
                }
                self.whitespace();
                let in_object = containers & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        self.whitespace();
                        if in_object {
                            self.skip_key()?;
                            self.colon()?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return None,
                }
                self.at += 1;
                containers >>= 1;
                depth -= 1;
            }
        }
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Option<()> {
        self.expect(bracket)?;
        self.whitespace();
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "the end of an object or list")]
    fn close(&mut self) -> Option<()> {
        self.depth -= 1;
        Some(())
    }

    /// Skips a key; whether it has no escapes.
    #[inline]
    fn skip_key(&mut self) -> Option<bool> {
        if self.peek()? == b'"' { self.string() } else { None }
    }

    #[inline]
    fn colon(&mut self) -> Option<()> {
        self.whitespace();
        self.expect(b':')?;
        self.whitespace();
        Some(())
    }

    #[inline]
    fn whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn literal(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// A string from its opening quote on; whether it has no escapes.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let (mut at, mut is_plain) = (self.at + 1, true);
        loop {
            while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
                let special = special(u64::from_le_bytes(*chunk));
                if special != 0 {
                    at += special.trailing_zeros() as usize / 8;
                    break;
                }
                at += 8;
            }
            match bytes.get(at)? {
                b'"' => {
                    self.at = at + 1;
                    return Some(is_plain);
                }
                b'\\' => {
                    (self.has_escapes, is_plain) = (true, false);
                    at = escape_end(bytes, at)?;
                }
                0..=0x1f => return None,
                _ => at += 1,
            }
        }
    }

    /// A number, by the grammar of JSON.
    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(())
    }

    /// One or more digits.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// A key with escapes.
#[cold]
fn unescaped(written: &str) -> Option<String> {
    serde_json::from_str(written).ok()
}

/// The place after an escape that begins at `at`.
#[cold]
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
        scanner.object(|scanner, key| {
            members.push((key.to_owned(), scanner.value()?.to_owned()));
            Some(())
        })?;
        scanner.end().then_some(members)
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
        let has_escapes = |text| fill(&mut "", text).unwrap();
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
