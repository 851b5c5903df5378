//! The account ids that are most like one that is unknown.

/// Ids that are named, at most.
const NAMED: usize = 3;

/// Collects the ids with the fewest edits (Damerau-Levenshtein) from one that is unknown.
#[derive(Clone, Debug)]
pub struct Nearest {
    wanted: String,
    reach: usize,
    found: Vec<(usize, String)>,
}

impl Nearest {
    /// The search for ids like this one: at most half of its characters may differ, and at most three.
    #[must_use]
    pub fn to(wanted: &str) -> Self {
        let wanted = wanted.to_lowercase();
        let reach = (wanted.chars().count() / 2).min(3);
        Self { wanted, reach, found: Vec::new() }
    }

    /// Considers an id.
    pub fn consider(&mut self, id: &str) {
        // Cheap, and it spares nearly all of a million ids the rest.
        if id.len().abs_diff(self.wanted.len()) > 4 * self.reach.max(1) {
            return;
        }
        let lower = id.to_lowercase();
        let is_part = self.wanted.len() >= 3 && lower.contains(&self.wanted);
        let edits = if is_part { 0 } else { strsim::damerau_levenshtein(&lower, &self.wanted) };
        if edits > self.reach {
            return;
        }
        let place = self.found.partition_point(|(other, name)| (*other, name.as_str()) < (edits, id));
        self.found.insert(place, (edits, id.to_owned()));
        self.found.truncate(NAMED);
    }

    /// The nearest ids, nearest first; empty if none is like it.
    #[must_use]
    pub fn into_ids(self) -> Vec<String> {
        self.found.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(wanted: &str) -> Vec<String> {
        let mut nearest = Nearest::to(wanted);
        for id in ["acme", "acme-eu", "Globex", "acne", "zeta", "initech"] {
            nearest.consider(id);
        }
        nearest.into_ids()
    }

    #[test]
    fn the_ids_with_the_fewest_edits_come_first() {
        assert_eq!(nearest("acmee"), ["acme", "acme-eu", "acne"]);
        assert_eq!(nearest("ACME"), ["acme", "acme-eu", "acne"]);
        assert_eq!(nearest("globx"), ["Globex"]);
    }

    #[test]
    fn an_id_that_is_like_none_has_no_nearest() {
        assert_eq!(nearest("umbrella-corporation"), Vec::<String>::new());
        assert_eq!(nearest("x"), Vec::<String>::new());
    }
}
