//! Text from data, made safe in HTML and in attributes.

/// The text with `&`, `<`, `>` and quotes as entities, and without control characters.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// At most this many characters, the last an ellipsis if there were more; then escaped.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return escaped(text);
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    escaped(&kept) + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_data_stays_text() {
        assert_eq!(escaped("<script>\"a\" & 'b'\n"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39; ");
    }

    #[test]
    fn a_long_text_is_cut_before_it_is_escaped() {
        assert_eq!((shortened("a&bcd", 3), shortened("a&b", 3)), ("a&amp;…".to_owned(), "a&amp;b".to_owned()));
    }
}
