//! Lines of text that wrap.

/// Columns of the text.
pub const WIDTH: usize = 100;
/// Where a text begins that has a label.
const LABEL: usize = 17;
/// Decimals in arithmetic.
const DECIMALS: usize = 6;

/// The text written so far.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// A heading, after an empty line.
    pub(super) fn section(&mut self, heading: &str) {
        self.0.push('\n');
        self.wrapped("", heading, 0);
    }

    pub(super) fn line(&mut self, text: &str) {
        self.wrapped("", text, 4);
    }

    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("  ", text, 6);
    }

    /// A text beside a label; what does not fit goes below it.
    pub(super) fn labelled(&mut self, label: &str, text: &str) {
        let label = format!("    {label:<width$}", width = LABEL - 4);
        self.wrapped(&label, text, LABEL);
    }

    /// A line as it is.
    pub(super) fn raw(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn wrapped(&mut self, start: &str, text: &str, hanging: usize) {
        let mut line = start.to_owned();
        let mut is_empty = true;
        for word in text.split(' ') {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.raw(&line);
                line = " ".repeat(hanging);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.raw(&line);
    }
}

/// A number with as many decimals as arithmetic needs, without trailing zeros.
pub(super) fn exact(value: f64) -> String {
    said(value, DECIMALS)
}

/// A number that is multiplied by a slope, with so many decimals that the product is exact too.
pub(super) fn exact_times(value: f64, slope: f64) -> String {
    // Six decimals of the product: one more of the number for each power of ten of the slope.
    let more = (0..6).take_while(|power| slope.abs() > 10_f64.powi(*power)).count();
    said(value, DECIMALS + more)
}

/// A number with some decimals, without trailing zeros.
pub(super) fn said(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// With its sign.
pub(super) fn signed(value: f64) -> String {
    let text = exact(value);
    if value > 0.0 && text != "0" { format!("+{text}") } else { text }
}

/// In brackets if it is negative, to be subtracted.
pub(super) fn operand(value: f64) -> String {
    let text = exact(value);
    if text.starts_with('-') { format!("({text})") } else { text }
}

/// A sum, term by term.
pub(super) fn sum(terms: impl Iterator<Item = f64>) -> String {
    let terms: Vec<String> = terms.map(operand).collect();
    if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
}
