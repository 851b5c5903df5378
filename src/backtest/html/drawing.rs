//! A finished drawing: part of the page, or a picture of its own.

use std::fmt::Write as _;

use super::legend::Entry;

/// Colours and strokes of plots; the page needs them too.
pub(super) const STYLE: &str = include_str!("plot.css");

/// Height of a row of the legend below a picture, and of the space above it.
const ROW: f64 = 20.0;

/// A finished drawing.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    /// Width and height.
    pub(super) size: (f64, f64),
    /// For readers who cannot see it.
    pub(super) description: String,
    /// The elements.
    pub(super) body: String,
}

impl Drawing {
    /// As an element of the page, which brings the style.
    pub(super) fn element(&self) -> String {
        let Self { size: (width, height), description, body } = self;
        format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{description}\">\n{body}</svg>\n")
    }

    /// As a file that needs no other: with its style and, in two columns below it, its legend.
    pub(super) fn picture(&self, legend: &[Entry]) -> String {
        let Self { size: (width, plot), description, body } = self;
        let rows = legend.len().div_ceil(2);
        let height = plot + if rows > 0 { ROW * (rows as f64 + 0.5) } else { 0.0 };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
             role=\"img\" aria-label=\"{description}\">\n<style>\n{STYLE}\
             svg {{ background: var(--surface); font-family: system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif; }}\n</style>\n{body}"
        );
        for (place, Entry { class, title, figure }) in legend.iter().enumerate() {
            let x = if place < rows { 12.0 } else { width / 2.0 + 12.0 };
            let y = plot + ROW * ((place % rows) as f64 + 0.5);
            let _ = writeln!(
                svg,
                "<line class=\"curve {class}\" x1=\"{x:.0}\" y1=\"{y:.0}\" x2=\"{:.0}\" y2=\"{y:.0}\"/>\n\
                 <text x=\"{:.0}\" y=\"{:.0}\">{title} <tspan font-weight=\"600\">{figure}</tspan></text>",
                x + 24.0,
                x + 32.0,
                y + 4.0
            );
        }
        svg + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_well_formed_needs_no_other_file_and_has_room_for_its_legend() {
        let drawing = Drawing { size: (480.0, 360.0), description: "curves".into(), body: "<line/>\n".into() };
        let entry = |title| Entry { class: "risk", title, figure: "0.8".into() };
        let picture = drawing.picture(&[entry("one"), entry("two"), entry("three")]);
        assert!(picture.contains("viewBox=\"0 0 480 410\"") && picture.contains(">three <tspan"), "{picture}");
        assert_eq!(picture.matches("http").count(), 1, "the name space alone");
        assert!(drawing.picture(&[]).contains("viewBox=\"0 0 480 360\""));
        assert!(drawing.element().starts_with("<svg viewBox=\"0 0 480 360\" role=\"img\" aria-label=\"curves\">\n<line/>"));
    }
}
