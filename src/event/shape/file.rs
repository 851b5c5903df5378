//! The shape of a file of lines, from its start.

use serde_json::Value;

use super::Shape;
use super::value;
use crate::event::Stream;

/// The shape of a file that should hold one event of `stream` per line.
pub(super) fn shape(head: &[u8], stream: Stream) -> Option<Shape> {
    if let Some(shape) = value::announced(head) {
        return Some(shape);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match text.first() {
        Some(b'[') => Some(Shape::Array),
        Some(b'{') if breaks_off(line) && line.len() < text.len() && spans_lines(text) => Some(Shape::PrettyPrinted),
        _ => value::shape(line, stream),
    }
}

/// Whether the line is JSON that breaks off at its end.
fn breaks_off(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_err_and(|error| error.is_eof())
}

/// Whether the text starts with an object that ends on a later line, or beyond the part that was read.
fn spans_lines(text: &[u8]) -> bool {
    match serde_json::Deserializer::from_slice(text).into_iter::<Value>().next() {
        Some(Ok(_)) => true,
        Some(Err(error)) => error.is_eof(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: impl AsRef<[u8]>) -> Option<Shape> {
        shape(head.as_ref(), Stream::Usage)
    }

    #[test]
    fn an_array_is_named_whether_it_is_on_one_line_or_on_many() {
        assert_eq!(of(r#"[{"type":"feature_used"}]"#), Some(Shape::Array));
        assert_eq!(of("\n[\n  {\n    \"type\": \"feature_used\"\n  }\n]\n"), Some(Shape::Array));
    }

    #[test]
    fn pretty_printed_objects_are_named_even_if_the_first_is_cut_off() {
        let pretty = "{\n  \"type\": \"feature_used\",\n  \"feature\": \"f\"\n}\n{\n}\n";
        assert_eq!(of(pretty), Some(Shape::PrettyPrinted));
        assert_eq!(of(&pretty[..20]), Some(Shape::PrettyPrinted));
        assert_eq!(of(format!("\u{feff}{pretty}")), Some(Shape::PrettyPrinted));
    }

    #[test]
    fn lines_are_judged_by_the_first() {
        assert_eq!(of("{\"type\":\"feature_used\"}\n{\n"), None);
        assert_eq!(of("{\"type\":\"invoice_paid\"}\n"), Some(Shape::OtherStream(Stream::Billing, "invoice_paid")));
        assert_eq!(of("account_id,feature\nacme,report\n"), Some(Shape::Csv));
        assert_eq!(of("{\"type\":\"feature_used\"\n{\"type\":\"feature_used\"\n"), None, "a truncated line is not an object over lines");
        assert_eq!(of(""), Some(Shape::Empty));
        assert_eq!(of(b"\x1f\x8b\x08"), Some(Shape::Compressed("gzip")));
    }
}
