//! Which usage counts, and whose it is (`[usage]`): patterns over feature and user names, and names that stand for nobody.
//!
//! In a pattern `*` is any text, `?` one character and `{a,b}` either text. Nothing else is special, so most names are patterns of
//! themselves; a name that equals its pattern always matches. Names are compared as they are: case counts, and nothing is trimmed.

use std::collections::HashSet;

use regex::Regex;

/// Users that stand for nobody unless `usage.anonymous_users` says otherwise: what a missing value looks like once it is text.
pub const DEFAULT_ANONYMOUS_USERS: [&str; 7] = ["undefined", "null", "none", "nan", "0", "anonymous", "[object Object]"];

/// Decides which feature uses and users count as product use.
#[derive(Clone, Debug, Default)]
pub struct UsageFilter {
    /// Features that count; `None`: all.
    pub active_features: Option<Patterns>,
    /// Features that do not.
    pub ignore_features: Option<Patterns>,
    /// Users that do not (service users).
    pub ignore_users: Option<Patterns>,
    /// Users that are nobody: their use counts, but for the account alone.
    pub anonymous_users: Names,
}

/// Whose use it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseBy<'a> {
    /// A user, by id.
    User(&'a str),
    /// Nobody: it counts for the account and its features.
    Nobody,
    /// A user whose use does not count.
    Ignored,
}

impl UsageFilter {
    /// Whose use it is. A use without a user fits no pattern; a pattern wins over the list of anonymous users.
    #[must_use]
    pub fn use_by<'a>(&self, user: Option<&'a str>) -> UseBy<'a> {
        match user {
            None => UseBy::Nobody,
            Some(user) if self.ignore_users.as_ref().is_some_and(|patterns| patterns.match_name(user)) => UseBy::Ignored,
            Some(user) if self.anonymous_users.contain(user) => UseBy::Nobody,
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
    /// Every pattern as it is written: the only names that most of them match.
    literal: HashSet<String>,
    /// Those with `*`, `?` or `{a,b}`, in one expression.
    wild: Option<Regex>,
}

impl Patterns {
    /// Compiles patterns; `None` where there are none.
    ///
    /// # Errors
    /// Says that the patterns are too large to be compiled, which takes megabytes of them.
    pub fn compile(patterns: &[String]) -> Result<Option<Self>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let wild: Vec<String> = patterns.iter().filter(|pattern| pattern.contains(['*', '?', '{'])).map(|text| expression(text)).collect();
        let wild = (!wild.is_empty()).then(|| Regex::new(&format!("^(?s:{})$", wild.join("|")))).transpose();
        let wild = wild.map_err(|_| "the patterns are too large together".to_owned())?;
        Ok(Some(Self { literal: patterns.iter().cloned().collect(), wild }))
    }

    /// Whether any of them matches a whole name.
    #[must_use]
    pub fn match_name(&self, name: &str) -> bool {
        self.literal.contains(name) || self.wild.as_ref().is_some_and(|wild| wild.is_match(name))
    }
}

/// The regular expression of a pattern.
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

/// Where the braces and commas of `{a,b}` are. A brace without its partner or without a comma is text: `/users/{id}` is a common name.
fn groups(pattern: &str) -> HashSet<usize> {
    let mut groups = HashSet::new();
    // Each open brace, and the commas since.
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

/// Names that are compared in any case.
#[derive(Clone, Debug)]
pub struct Names {
    lower_case: Vec<String>,
    /// Bit n: a name has n bytes. Rules out nearly every user without a comparison; longer names set the last bit.
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
        // The lower case of a name that is not ASCII may have another length.
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
    fn plain_text_matches_itself_alone() {
        for text in ["[object Object]", "a.b", "(x)+", "^$", r"\d", "!bot", "a|b", "[!a]", "{", "}", "{a", "a,b", "{}", "a-z", "#x"] {
            assert!(patterns(&[text]).match_name(text), "{text}");
            for other in ["o", "j", "axb", "x", "", "5", "bot", "a", "b", "c", "Object"] {
                assert!(!patterns(&[text]).match_name(other), "{text} against {other}");
            }
        }
    }

    #[test]
    fn stars_and_question_marks_stand_for_text() {
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
    fn braces_with_a_comma_stand_for_either() {
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
    fn ignored_comes_before_anonymous_and_a_use_without_a_user_fits_no_pattern() {
        let filter = UsageFilter { ignore_users: Some(patterns(&["undef*", "*bot*"])), ..UsageFilter::default() };
        assert_eq!(filter.use_by(Some("undefined")), UseBy::Ignored);
        assert_eq!(filter.use_by(Some("UNDEFINED")), UseBy::Nobody);
        assert_eq!(filter.use_by(Some("null ")), UseBy::User("null "));
        assert_eq!(filter.use_by(None), UseBy::Nobody);
        let all = UsageFilter { ignore_users: Some(patterns(&["*"])), ..UsageFilter::default() };
        assert_eq!(all.use_by(None), UseBy::Nobody);
    }

    #[test]
    fn anonymous_users_are_compared_whole_and_in_any_case() {
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
