//! Rows of a CSV file (RFC 4180): quoted fields, `\n` or `\r\n`, with or without a byte-order mark.

/// The rows of a text, without blank lines, each with the number of the line that it starts on.
pub(super) struct Rows<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }

    /// Takes one field; `None` in its place if its quotes do not end or something follows them. The second value tells whether the row
    /// goes on.
    fn field(&mut self) -> (Option<String>, bool) {
        let text = if let Some(quoted) = self.rest.strip_prefix('"') {
            let mut text = String::new();
            let mut rest = quoted;
            loop {
                let Some((before, after)) = rest.split_once('"') else {
                    self.rest = "";
                    return (None, false);
                };
                text.push_str(before);
                let Some(more) = after.strip_prefix('"') else {
                    self.rest = after;
                    break;
                };
                text.push('"');
                rest = more;
            }
            self.line += text.matches('\n').count();
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (between, rest) = self.rest.split_at(end);
            self.rest = rest;
            Some(text).filter(|_| between.trim().is_empty())
        } else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at(end);
            self.rest = rest;
            Some(text.trim().to_owned())
        };
        let goes_on = self.rest.starts_with(',');
        self.rest = self.rest.get(1..).unwrap_or_default();
        (text, goes_on)
    }
}

impl Iterator for Rows<'_> {
    /// The line number, and the fields; `None` if a field is not well formed.
    type Item = (usize, Option<Vec<String>>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            let mut fields = Some(Vec::new());
            loop {
                let (field, goes_on) = self.field();
                fields = fields.zip(field).map(|(mut fields, field)| {
                    fields.push(field);
                    fields
                });
                if !goes_on {
                    break;
                }
            }
            self.line += 1;
            if fields.as_ref().is_none_or(|fields| fields.iter().any(|field| !field.is_empty())) {
                return Some((line, fields));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(usize, Option<Vec<String>>)> {
        Rows::new(text).collect()
    }

    fn row(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn fields_are_trimmed_and_blank_lines_are_no_rows() {
        assert_eq!(rows("\u{feff}a, b\r\n\r\n1,\n"), [(1, Some(row(&["a", "b"]))), (3, Some(row(&["1", ""])))]);
        assert_eq!(rows(""), []);
    }

    #[test]
    fn a_quoted_field_keeps_commas_quotes_and_ends_of_line() {
        assert_eq!(rows("\"a,\"\"b\"\"\nc\",d\ne"), [(1, Some(row(&["a,\"b\"\nc", "d"]))), (3, Some(row(&["e"])))]);
    }

    #[test]
    fn a_row_whose_quotes_do_not_match_is_not_well_formed() {
        assert_eq!(rows("\"a\"b,c\nd"), [(1, None), (2, Some(row(&["d"])))]);
        assert_eq!(rows("x\n\"a,b\n"), [(1, Some(row(&["x"]))), (2, None)]);
    }
}
