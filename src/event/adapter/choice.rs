//! Several formats on one topic: a header or a field of each record decides.

use super::lookup::lookup;
use crate::event::native::Raw;

/// A condition on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// On a header, by its name.
    Header(String, Test),
    /// On a field of the JSON value, by its path: keys separated by dots.
    Field(String, Test),
}

/// What is asked of a header or field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there, and not null.
    Present,
    /// It is this text, or a number written like this.
    Equals(String),
    /// It starts with this text.
    StartsWith(String),
}

impl Condition {
    /// Whether a record fulfils it.
    #[must_use]
    pub fn holds(&self, raw: &Raw<'_>) -> bool {
        match self {
            Self::Header(name, test) => raw.headers.text(name).is_some_and(|value| test.holds(value)),
            Self::Field(path, test) => field(raw, path).is_some_and(|json| json != "null" && test.holds_for_json(json)),
        }
    }

    /// Whether it looks at headers.
    #[must_use]
    pub const fn reads_headers(&self) -> bool {
        matches!(self, Self::Header(..))
    }
}

fn field<'a>(raw: &Raw<'a>, path: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(raw.value?).ok()?;
    lookup(text.strip_prefix('\u{feff}').unwrap_or(text), path)
}

impl Test {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Present => true,
            Self::Equals(text) => value == text,
            Self::StartsWith(start) => value.starts_with(start.as_str()),
        }
    }

    fn holds_for_json(&self, json: &str) -> bool {
        if !json.starts_with('"') {
            return self.holds(json);
        }
        serde_json::from_str::<String>(json).is_ok_and(|text| self.holds(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Headers, Stream};

    fn holds(condition: &Condition, value: &str) -> bool {
        let headers = vec![("type".to_owned(), b"track".to_vec())];
        let (value, headers) = (Some(value.as_bytes()), Headers::of(&headers));
        condition.holds(&Raw { stream: Stream::Usage, key: None, value, headers, timestamp: None, future_reference: None })
    }

    #[test]
    fn a_header_is_compared_whole_by_its_start_or_not_at_all() {
        let header = |name: &str, test| Condition::Header(name.to_owned(), test);
        assert!(holds(&header("type", Test::Equals("track".into())), "{}"));
        assert!(holds(&header("type", Test::StartsWith("tr".into())), "{}"));
        assert!(holds(&header("type", Test::Present), "{}"));
        assert!(!holds(&header("type", Test::Equals("tr".into())), "{}"));
        assert!(!holds(&header("other", Test::Present), "{}"));
    }

    #[test]
    fn a_field_is_compared_as_text_or_as_its_number_is_written() {
        let field = |test| Condition::Field("schema.version".to_owned(), test);
        for version in ["2", "\"2\"", "\"\\u0032\""] {
            assert!(holds(&field(Test::Equals("2".into())), &format!("\u{feff}{{\"schema\":{{\"version\":{version}}}}}")), "{version}");
        }
        assert!(!holds(&field(Test::Present), r#"{"schema":{"version":null}}"#));
        assert!(!holds(&field(Test::Present), "not JSON"));
    }
}
