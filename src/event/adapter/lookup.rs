//! One value inside a JSON text, by its path: for paths that are known only from the configuration.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The JSON text at a path of keys separated by dots; `None` if it leads nowhere, or the text is not JSON.
pub(super) fn lookup<'a>(json: &'a str, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(json, member)
}

/// The last member of this name.
pub(super) fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    if !json.trim_ascii_start().starts_with('{') {
        return None;
    }
    serde_json::Deserializer::from_str(json).deserialize_map(Member(name)).ok()?
}

struct Member<'n>(&'n str);

impl<'a> Visitor<'a> for Member<'_> {
    type Value = Option<&'a str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'a, str>>()? {
            if key == self.0 {
                found = Some(map.next_value::<&'a RawValue>()?.get());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn a_path_leads_through_objects_to_any_value() {
        let json = r#" {"a":{"b":[1],"b":{"c":"x"}},"d":null}"#;
        assert_eq!(lookup(json, "a.b.c"), Some("\"x\""));
        assert_eq!(lookup(json, "d"), Some("null"));
        for nowhere in ["a.c", "a.b.c.d", "d.e", "", "a."] {
            assert_eq!(lookup(json, nowhere), None, "{nowhere}");
        }
        assert_eq!(lookup("[]", "a"), None);
        assert_eq!(lookup("{", "a"), None);
    }
}
