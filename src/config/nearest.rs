//! Suggests the valid name that is nearest to an invalid one.

/// The name with the smallest edit distance (Damerau-Levenshtein); the first of several.
pub(super) fn of<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    names.into_iter().min_by_key(|name| strsim::damerau_levenshtein(&written, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_with_the_fewest_edits_is_suggested() {
        assert_eq!(of("intervall_ms", ["catch_up_interval_ms", "interval_ms"]), Some("interval_ms"));
        assert_eq!(of("HTPT", ["health", "http"]), Some("http"));
        assert_eq!(of("x", []), None);
    }
}
