//! Which usage counts, and who it is attributed to (`[usage]`): patterns for features and users, and placeholder user names.
//!
//! In a pattern, `*` matches any text, `?` one character and `{a,b}` either alternative. Nothing else is special, and a name that equals
//! the pattern always matches. Matching is case-sensitive, and nothing is trimmed.

use std::collections::HashSet;

use regex::Regex;

/// Default of `usage.anonymous_users`: what a missing value looks like once it has been turned into text.
pub const DEFAULT_ANONYMOUS_USERS: [&str; 7] = ["undefined", "null", "none", "nan", "0", "anonymous", "[object Object]"];

/// Decides which feature uses and users count as product use.
#[derive(Clone, Debug, Default)]
pub struct UsageFilter {
    /// Features that count; `None`: all.
    pub active_features: Option<Patterns>,
    /// Features that do not count.
    pub ignore_features: Option<Patterns>,
    /// Users that do not count (service users).
    pub ignore_users: Option<Patterns>,
    /// Placeholder names: their use counts for the account but for no user.
    pub anonymous_users: Names,
}

/// Who a use is attributed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseBy<'a> {
    /// A user, by id.
    User(&'a str),
    /// No user: it counts for the account and its features only.
    Anonymous,
    /// An ignored user: it does not count.
    Ignored,
}

impl UsageFilter {
    /// Who a use is attributed to. A use without a user matches no pattern; patterns take precedence over anonymous users.
    #[must_use]
    pub fn use_by<'a>(&self, user: Option<&'a str>) -> UseBy<'a> {
        match user {
            None => UseBy::Anonymous,
            Some(user) if self.ignore_users.as_ref().is_some_and(|patterns| patterns.match_name(user)) => UseBy::Ignored,
            Some(user) if self.anonymous_users.contain(user) => UseBy::Anonymous,
            Some(user) => UseBy::User(user),
        }
    }

    /// Whether a feature counts.
    #[must_use]
    pub fn counts_feature(&self, feature: &str) -> bool {
        self.active_features.as_ref().is_none_or(|patterns| patterns.match_name(feature))
            && self.ignore_features.as_ref().is_none_or(|patterns| !patterns.match_name(feature))
    }
}

/// Compiled patterns.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    /// Every pattern verbatim: for most patterns the only name they match.
    literal: HashSet<String>,
    /// Patterns with `*`, `?` or `{a,b}`, combined into one expression.
    wild: Option<Regex>,
}

impl Patterns {
    /// Compiles patterns; `None` if there are none.
    ///
    /// # Errors
    /// If the patterns are too large to compile, which takes megabytes of them.
    pub fn compile(patterns: &[String]) -> Result<Option<Self>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let wild: Vec<String> = patterns.iter().filter(|pattern| pattern.contains(['*', '?', '{'])).map(|text| expression(text)).collect();
        let wild = (!wild.is_empty()).then(|| Regex::new(&format!("^(?s:{})$", wild.join("|")))).transpose();
        let wild = wild.map_err(|_| "the patterns are too large in total".to_owned())?;
        Ok(Some(Self { literal: patterns.iter().cloned().collect(), wild }))
    }

    /// Whether any pattern matches the whole name.
    #[must_use]
    pub fn match_name(&self, name: &str) -> bool {
        self.literal.contains(name) || self.wild.as_ref().is_some_and(|wild| wild.is_match(name))
    }
}

/// The regular expression for a pattern.
fn expression(pattern: &str) -> String {
    let groups = groups(pattern);
    let mut out = String::with_capacity(2 * pattern.len());
    for (at, character) in pattern.char_indices() {
        match character {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '{' if groups.contains(&at) => out.push_str("(?:"),
            ',' if groups.contains(&at) => out.push('|'),
            '}' if groups.contains(&at) => out.push(')'),
            _ => out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
        }
    }
    out
}

/// Positions of the braces and commas of `{a,b}`. Unmatched braces, and braces without a comma, are text: `/users/{id}` is a common name.
fn groups(pattern: &str) -> HashSet<usize> {
    let mut groups = HashSet::new();
    // Each open brace, and the commas after it.
    let mut open: Vec<Vec<usize>> = Vec::new();
    for (at, character) in pattern.char_indices() {
        match character {
            '{' => open.push(vec![at]),
            ',' => open.last_mut().into_iter().for_each(|group| group.push(at)),
            '}' => match open.pop() {
                Some(group) if group.len() > 1 => groups.extend(group.into_iter().chain([at])),
                _ => {}
            },
            _ => {}
        }
    }
    groups
}

/// Names that are compared case-insensitively.
#[derive(Clone, Debug)]
pub struct Names {
    lower_case: Vec<String>,
    /// Bit n is set if a name has n bytes (63: or more). Rules out nearly every user without a comparison.
    lengths: u64,
}

impl Names {
    /// These names.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let lower_case: Vec<String> = names.into_iter().map(str::to_lowercase).collect();
        let lengths = lower_case.iter().fold(0, |lengths, name| lengths | length_bit(name));
        Self { lower_case, lengths }
    }

    /// Whether a name is one of them.
    #[must_use]
    pub fn contain(&self, name: &str) -> bool {
        // Lower-casing a non-ASCII name can change its length.
        if name.is_ascii() {
            self.lengths & length_bit(name) != 0 && self.lower_case.iter().any(|known| known.eq_ignore_ascii_case(name))
        } else {
            self.lower_case.contains(&name.to_lowercase())
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new(DEFAULT_ANONYMOUS_USERS)
    }
}

fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Patterns::compile(&texts).unwrap().unwrap()
    }

    #[test]
    fn plain_text_matches_only_itself() {
        for text in ["[object Object]", "a.b", "(x)+", "^$", r"\d", "!bot", "a|b", "[!a]", "{", "}", "{a", "a,b", "{}", "a-z", "#x"] {
            assert!(patterns(&[text]).match_name(text), "{text}");
            for other in ["o", "j", "axb", "x", "", "5", "bot", "a", "b", "c", "Object"] {
                assert!(!patterns(&[text]).match_name(other), "{text} against {other}");
            }
        }
    }

    #[test]
    fn stars_and_question_marks_are_wildcards() {
        let matches = |pattern: &str, name: &str| patterns(&[pattern]).match_name(name);
        for (pattern, name) in
            [("svc-*", "svc-"), ("*", ""), ("*", "a/b\nc"), ("a?c", "a\u{e9}c"), ("?", "\u{1f600}"), ("*.x*", "1.x"), ("**", "a")]
        {
            assert!(matches(pattern, name), "{pattern} against {name}");
        }
        for (pattern, name) in [("svc-*", "SVC-1"), ("svc-*", " svc-1"), ("a?c", "ac"), ("?", ""), ("*.x", "1xx"), ("svc-*", "x svc-1")] {
            assert!(!matches(pattern, name), "{pattern} against {name}");
        }
    }

    #[test]
    fn braces_with_a_comma_are_alternatives() {
        let matches = |pattern: &str, name: &str| patterns(&[pattern]).match_name(name);
        for (pattern, name) in [
            ("{cron,batch}-?", "cron-1"),
            ("{cron,batch}-?", "batch-2"),
            ("{,x}y", "y"),
            ("{a,{b,c}d}", "cd"),
            ("{{a,b}", "{b"),
            ("{a*,b}", "a1"),
        ] {
            assert!(matches(pattern, name), "{pattern} against {name}");
        }
        for (pattern, name) in [("{cron,batch}-?", "cron,batch-1"), ("{a,{b,c}d}", "b"), ("/users/{id}", "/users/id"), ("{a,b}", "ab")] {
            assert!(!matches(pattern, name), "{pattern} against {name}");
        }
        assert!(matches("/users/{id}", "/users/{id}") && matches("/users/{id}/*", "/users/{id}/x"));
    }

    #[test]
    fn ignored_takes_precedence_and_a_use_without_a_user_matches_no_pattern() {
        let filter = UsageFilter { ignore_users: Some(patterns(&["undef*", "*bot*"])), ..UsageFilter::default() };
        assert_eq!(filter.use_by(Some("undefined")), UseBy::Ignored);
        assert_eq!(filter.use_by(Some("UNDEFINED")), UseBy::Anonymous);
        assert_eq!(filter.use_by(Some("null ")), UseBy::User("null "));
        assert_eq!(filter.use_by(None), UseBy::Anonymous);
        let all = UsageFilter { ignore_users: Some(patterns(&["*"])), ..UsageFilter::default() };
        assert_eq!(all.use_by(None), UseBy::Anonymous);
    }

    #[test]
    fn anonymous_users_match_whole_names_case_insensitively() {
        let names = Names::new(["Guest", "G\u{c4}ST"]);
        for name in ["guest", "GUEST", "g\u{e4}st"] {
            assert!(names.contain(name), "{name}");
        }
        for name in ["guest 2", "", "guests", "null", "gast"] {
            assert!(!names.contain(name), "{name}");
        }
        assert!(Names::default().contain("[OBJECT object]"));
    }

    #[test]
    fn features_must_be_active_and_not_ignored() {
        let filter = UsageFilter {
            active_features: Some(patterns(&["report*", "export"])),
            ignore_features: Some(patterns(&["report-internal"])),
            ..UsageFilter::default()
        };
        let counted = ["report", "report-internal", "export", "Export"].map(|feature| filter.counts_feature(feature));
        assert_eq!(counted, [true, false, true, false]);
    }
}
