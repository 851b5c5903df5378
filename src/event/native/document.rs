//! Checks on a value as a whole, before any field is read: size, framing, UTF-8, nesting.

use super::framing::unframed;
use crate::event::scan;
use crate::event::{Code, Rejection};

/// Maximum nesting of arrays and objects, including the outermost object.
const MAX_DEPTH: usize = scan::MAX_DEPTH as usize;

/// The value as text, without framing and byte-order mark. Rejects with `too_large`, `invalid_json` if the framing needs a schema, or
/// `invalid_utf8`, in this order. Whoever scans the text finds out whether it is nested too deep, and asks [`check_depth`] only if the scan
/// fails.
pub(in crate::event) fn text_of_any_depth(value: &[u8], record_bytes: usize) -> Result<&str, Rejection> {
    if value.len() > record_bytes {
        return Err(Rejection::new(Code::TooLarge, format!("has {} bytes, at most {record_bytes} are allowed", value.len())));
    }
    let value = unframed(value)?;
    let text = std::str::from_utf8(value)
        .map_err(|error| Rejection::new(Code::InvalidUtf8, format!("not valid UTF-8 from byte {}", error.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Rejects with `too_deep`.
pub(in crate::event) fn check_depth(text: &str) -> Result<(), Rejection> {
    if is_too_deep(text.as_bytes()) { Err(Rejection::new(Code::TooDeep, format!("nested deeper than {MAX_DEPTH}"))) } else { Ok(()) }
}

fn is_too_deep(text: &[u8]) -> bool {
    // Counting brackets is several times cheaper than tracking strings, and nearly every record has only a handful.
    let mut brackets = memchr::memchr2_iter(b'{', b'[', text);
    brackets.nth(MAX_DEPTH).is_some() && is_nested_deeper(text)
}

/// Tracks brackets outside strings. The text need not be JSON: unmatched closing brackets are ignored.
fn is_nested_deeper(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' if depth == MAX_DEPTH => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Whether a string in otherwise valid JSON contains a lone surrogate, which UTF-8 cannot encode.
pub(in crate::event) fn has_lone_surrogate(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let Some((_, escape)) = memchr::memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        rest = match (code_unit(escape), escape.split_at_checked(6).map(|(_, after)| after)) {
            (Some(0xd800..=0xdbff), Some(after)) if matches!(code_unit(after), Some(0xdc00..=0xdfff)) => after.get(6..).unwrap_or_default(),
            (Some(0xd800..=0xdfff), _) => return true,
            _ => escape.get(2..).unwrap_or_default(),
        };
    }
    false
}

/// The code unit of a `\uXXXX` escape at the start of `escape`.
fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decode_bytes, record, refusal};
    use super::*;
    use crate::event::{Decoded, Stream};

    fn code(value: &[u8]) -> Code {
        decode_bytes(Stream::Usage, value).unwrap_err().code
    }

    fn nested(depth: usize) -> String {
        let inner = depth - 1;
        format!(r#"{{"type":"other","x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    }

    #[test]
    fn size_is_checked_before_anything_else() {
        assert_eq!(code(&[0xff; 4097]), Code::TooLarge);
        assert_eq!(code(&[0xff; 4096]), Code::InvalidUtf8);
        assert_eq!(code(&vec![b'['; 100_000_000]), Code::TooLarge);
    }

    #[test]
    fn a_value_of_exactly_the_limit_is_accepted() {
        let text = format!("{:<4096}", r#"{"type":"other"}"#);
        assert_eq!(decode_bytes(Stream::Usage, text.as_bytes()), Ok(Decoded::Ignored));
    }

    #[test]
    fn utf8_is_checked_before_depth_and_depth_before_json() {
        let mut deep = "[".repeat(200).into_bytes();
        assert_eq!(code(&deep), Code::TooDeep);
        deep.push(0xff);
        assert_eq!(code(&deep), Code::InvalidUtf8);
    }

    #[test]
    fn nesting_of_128_is_accepted_and_of_129_rejected() {
        assert_eq!(decode_bytes(Stream::Usage, nested(128).as_bytes()), Ok(Decoded::Ignored));
        assert_eq!(refusal(Stream::Usage, &nested(129)).0, Code::TooDeep);
        assert!(is_too_deep("[".repeat(10_000).as_bytes()));
    }

    #[test]
    fn brackets_side_by_side_or_in_strings_do_not_nest() {
        let flat = format!(r#"{{"type":"other","x":[{}0]}}"#, "[],".repeat(500));
        assert_eq!(decode_bytes(Stream::Usage, flat.as_bytes()), Ok(Decoded::Ignored));
        let quoted = format!(r#"{{"type":"other","x":"\\\"{}"}}"#, "[".repeat(500));
        assert_eq!(decode_bytes(Stream::Usage, quoted.as_bytes()), Ok(Decoded::Ignored));
    }

    #[test]
    fn one_byte_order_mark_is_removed() {
        let text = "\u{feff}{\"type\":\"feature_used\",\"occurred_at\":1,\"user_id\":\"u\",\"feature\":\"f\"}";
        assert_eq!(record(Stream::Usage, text).type_name, "feature_used");
        assert_eq!(code("\u{feff}\u{feff}{}".as_bytes()), Code::InvalidJson);
        assert_eq!(code("\u{feff}".as_bytes()), Code::InvalidJson);
    }

    #[test]
    fn a_lone_surrogate_is_found_anywhere() {
        for text in [r#"{"type":"\ud800"}"#, r#"{"x":["\udc00"]}"#, r#"{"x":"\ud800\ud800"}"#, r#"{"\ud800":1}"#, r#""\udfff""#] {
            assert_eq!(code(text.as_bytes()), Code::InvalidJson, "{text}");
        }
        assert!(!has_lone_surrogate(r#""\ud83d\ude00 \\ud800 \u00e9 \\""#));
        assert!(has_lone_surrogate(r#""\\\ud800""#));
    }
}
