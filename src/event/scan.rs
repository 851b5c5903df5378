//! A single pass over JSON text: it validates everything, and hands out the text of the values that a reader asks for.
//!
//! It accepts what `serde_json` accepts. Most of a payload is skipped, so the time per record is that of skipping; this does little else:
//! no state machine per type, no error values, the ends of strings found for 64 bytes at once. Whoever gets `None` asks `serde_json` what is
//! wrong.

mod number;

use self::number::number_end;
use super::plain_text::PlainText;

/// Maximum nesting of objects and lists, including the outermost; as many bits as the stack of a skip has.
pub(super) const MAX_DEPTH: u32 = 128;

/// Scans a JSON text. Places in it are arguments and results rather than a part of the scanner: each step depends on the one before it, and
/// the way through memory would be the longest part of it.
pub(super) struct Scanner<'a> {
    text: &'a str,
    plain: PlainText<'a>,
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
        Self { text, plain: PlainText::new(text.as_bytes()), depth: 0, has_escapes: false, has_code_units: false }
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
            let bytes = self.text.as_bytes();
            let start = opened(bytes, at)?;
            let end = self.plain.end_of_run(start);
            let mut unescaped = String::new();
            let (plain_end, value) = if is_pair(bytes, end, *b"\":") {
                (Some(end), self.after_whitespace(end + 2))
            } else {
                self.unusual_key(start, end, &mut unescaped)?
            };
            let key = match plain_end {
                Some(end) => Key::Plain(bytes.get(start..end)?),
                None => Key::Unescaped(unescaped.as_bytes()),
            };
            // Called from one place only, so that it becomes a part of this loop.
            at = member(self, key, value)?;
            at = self.after_whitespace(at);
            match self.peek(at)? {
                b',' => at = self.after_whitespace(at + 1),
                b'}' => return self.close(at),
                _ => return None,
            }
        }
    }

    /// The end of a key, unless it has escapes, and the place of its value, if the key does not end at `end` with a colon right behind it.
    #[cold]
    fn unusual_key(&mut self, start: usize, end: usize, unescaped_key: &mut String) -> Option<(Option<usize>, usize)> {
        if self.peek(end)? == b'"' {
            return Some((Some(end), self.colon(end + 1)?));
        }
        let end = self.rest_of_string(end)?;
        *unescaped_key = unescaped(self.text.get(start - 1..end)?)?;
        Some((None, self.colon(end)?))
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
        let end = self.plain.end_of_run(at + 1);
        if is_pair(self.text.as_bytes(), end, *b"\":") { Some(self.after_whitespace(end + 2)) } else { self.rest_of_key(end) }
    }

    /// The same from the end of a run of plain text in the key, unless the key ends there with a colon right behind it.
    #[cold]
    fn rest_of_key(&mut self, end: usize) -> Option<usize> {
        let end = if self.peek(end)? == b'"' { end + 1 } else { self.rest_of_string(end)? };
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
        let end = self.plain.end_of_run(at + 1);
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
            at = self.plain.end_of_run(at);
        }
    }
}

/// Whether these two bytes come next.
#[inline]
fn is_pair(bytes: &[u8], at: usize, pair: [u8; 2]) -> bool {
    bytes.get(at..).and_then(<[u8]>::first_chunk) == Some(&pair)
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

/// The last member of this name of an object that is a whole text; `None` if there is none, or the text is no object.
pub(super) fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    let mut scanner = Scanner::new(json);
    scanner.object(scanner.start(), |scanner, key, at| {
        let (value, end) = scanner.value(at)?;
        if key == name.as_bytes() {
            found = Some(value);
        }
        Some(end)
    })?;
    found
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

#[cfg(test)]
mod tests;
