//! Patterns of features and users: `*` is any text, `?` one character, `{a,b}` either; nothing else is special.

/// Whether a pattern matches a whole name.
pub fn fits(pattern: &str, name: &str) -> bool {
    pattern == name || spelled_out(pattern).iter().any(|plain| matches(&chars(plain), &chars(name)))
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Expands braces, innermost first, into patterns without braces.
fn spelled_out(pattern: &str) -> Vec<String> {
    let closes = pattern.match_indices('}').map(|(close, _)| close);
    let pairs = closes.filter_map(|close| Some((pattern[..close].rfind('{')?, close)));
    let Some((open, close)) = pairs.into_iter().find(|(open, close)| pattern[*open..*close].contains(',')) else {
        return vec![pattern.to_owned()];
    };
    let choices = pattern[open + 1..close].split(',');
    choices.flat_map(|choice| spelled_out(&format!("{}{choice}{}", &pattern[..open], &pattern[close + 1..]))).collect()
}

fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        ['?', rest @ ..] => !name.is_empty() && matches(rest, &name[1..]),
        [first, rest @ ..] => name.first() == Some(first) && matches(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn only_stars_question_marks_and_braces_are_special() {
        for (pattern, name) in [("[x]", "[x]"), ("a*", "a"), ("?", "\u{e9}"), ("{a,b}-*", "b-1"), ("{id}", "{id}"), ("a{,s}", "as")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("[x]", "x"), ("a*", "A1"), ("?", ""), ("{a,b}", "a,b"), ("{id}", "id"), ("a.c", "abc")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
