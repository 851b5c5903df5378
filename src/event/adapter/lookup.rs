//! One value inside a JSON text, by its path: for paths that are known only from the configuration.

use crate::event::scan;

/// The JSON text at a path of keys separated by dots; `None` if it leads nowhere, or the text is not JSON.
pub(super) fn lookup<'a>(json: &'a str, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(json, scan::member)
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
