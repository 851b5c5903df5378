//! Suggests the valid name that is nearest to an invalid one.

/// Most edits between a name and the one suggested for it.
const EDITS_MAX: usize = 3;

/// The name with the smallest edit distance (Damerau-Levenshtein), the first of several; `None` if none is similar.
pub(super) fn within_reach<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let reach = EDITS_MAX.min(written.chars().count() / 2);
    let nearest = names.into_iter().map(|name| (strsim::damerau_levenshtein(&written, name), name)).min_by_key(|(edits, _)| *edits);
    nearest.filter(|(edits, _)| *edits <= reach).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_with_the_fewest_edits_is_suggested() {
        assert_eq!(within_reach("intervall_ms", ["catch_up_interval_ms", "interval_ms"]), Some("interval_ms"));
        assert_eq!(within_reach("HTPT", ["health", "http"]), Some("http"));
    }

    #[test]
    fn nothing_is_suggested_for_a_name_that_is_like_no_other() {
        assert_eq!(within_reach("begin", ["earliest", "latest", "fail"]), None);
        assert_eq!(within_reach("x", ["y"]), None);
    }
}
