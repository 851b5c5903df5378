//! The frame of a plot: its scales, axes and grid, as SVG.

use std::fmt::Write as _;

use super::drawing::Drawing;

/// A plot with linear scales.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Size of the picture.
    size: (f64, f64),
    /// Margins left, top, right and bottom.
    margins: [f64; 4],
    /// Range of the horizontal scale.
    x: (f64, f64),
    /// Range of the vertical scale.
    y: (f64, f64),
    body: String,
}

impl Frame {
    pub(super) fn new(size: (f64, f64), margins: [f64; 4], x: (f64, f64), y: (f64, f64)) -> Self {
        Self { size, margins, x, y, body: String::new() }
    }

    /// A plot with room for ticks and titles of both axes.
    pub(super) fn with_axes(x: (f64, f64), y: (f64, f64)) -> Self {
        Self::new((480.0, 360.0), [64.0, 12.0, 24.0, 44.0], x, y)
    }

    /// The picture's place of a value on the horizontal scale.
    pub(super) fn px(&self, value: f64) -> f64 {
        let [left, _, right, _] = self.margins;
        left + (value - self.x.0) / (self.x.1 - self.x.0) * (self.size.0 - left - right)
    }

    /// The picture's place of a value on the vertical scale.
    pub(super) fn py(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = self.margins;
        self.size.1 - bottom - (value - self.y.0) / (self.y.1 - self.y.0) * (self.size.1 - top - bottom)
    }

    /// Grid lines and tick labels at these values of the horizontal scale.
    pub(super) fn x_ticks(&mut self, ticks: &[f64], label: impl Fn(f64) -> String) {
        let (top, bottom) = (self.py(self.y.1), self.py(self.y.0));
        for tick in ticks {
            let x = self.px(*tick);
            self.put(&format!(r#"<line class="grid" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}"/>"#));
            self.put(&format!(r#"<text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, bottom + 16.0, label(*tick)));
        }
    }

    /// The same for the vertical scale.
    pub(super) fn y_ticks(&mut self, ticks: &[f64], label: impl Fn(f64) -> String) {
        let (left, right) = (self.px(self.x.0), self.px(self.x.1));
        for tick in ticks {
            let y = self.py(*tick);
            self.put(&format!(r#"<line class="grid" x1="{left:.1}" y1="{y:.1}" x2="{right:.1}" y2="{y:.1}"/>"#));
            self.put(&format!(r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, left - 7.0, y + 4.0, label(*tick)));
        }
    }

    /// Titles of both axes.
    pub(super) fn titles(&mut self, x: &str, y: &str) {
        let (middle_x, middle_y) =
            (f64::midpoint(self.px(self.x.0), self.px(self.x.1)), f64::midpoint(self.py(self.y.0), self.py(self.y.1)));
        self.put(&format!(r#"<text class="axis" x="{middle_x:.1}" y="{:.1}" text-anchor="middle">{x}</text>"#, self.size.1 - 8.0));
        self.put(&format!(r#"<text class="axis" transform="translate(13 {middle_y:.1}) rotate(-90)" text-anchor="middle">{y}</text>"#));
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut places = String::new();
        for (x, y) in points {
            let _ = write!(places, "{:.1},{:.1} ", self.px(x), self.py(y));
        }
        self.put(&format!(r#"<polyline class="{class}" points="{}"/>"#, places.trim_end()));
    }

    /// A rectangle between two corners.
    pub(super) fn area(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (left, right) = (self.px(from.0).min(self.px(to.0)), self.px(from.0).max(self.px(to.0)));
        let (top, bottom) = (self.py(from.1).min(self.py(to.1)), self.py(from.1).max(self.py(to.1)));
        let (width, height) = (right - left, bottom - top);
        self.put(&format!(r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}"/>"#));
    }

    /// A dot with a text that appears when it is pointed at; the text is escaped already.
    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, text: &str) {
        let (x, y) = (self.px(x), self.py(y));
        self.put(&format!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"><title>{text}</title></circle>"#));
    }

    /// Adds markup.
    pub(super) fn put(&mut self, markup: &str) {
        self.body.push_str(markup);
        self.body.push('\n');
    }

    /// The picture; `description` is for readers who cannot see it.
    pub(super) fn drawing(self, description: &str) -> Drawing {
        Drawing { size: self.size, description: description.to_owned(), body: self.body }
    }
}

/// Round steps from 0 to at least `most`: the ticks of a scale, four to eight of them.
pub(super) fn ticks(most: f64) -> Vec<f64> {
    let raw = (most / 5.0).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= raw * 0.999).unwrap_or(raw);
    let mut ticks = vec![0.0];
    while let Some(last) = ticks.last().filter(|last| **last < most * 0.999 && ticks.len() < 12) {
        ticks.push(((last + step) / step).round() * step);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_map_their_ends_to_the_margins() {
        let frame = Frame::new((100.0, 50.0), [10.0, 5.0, 10.0, 5.0], (0.0, 2.0), (1.0, 3.0));
        assert_eq!((frame.px(0.0), frame.px(2.0), frame.py(1.0), frame.py(3.0)), (10.0, 90.0, 45.0, 5.0));
    }

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(1.0), [0.0, 0.2, 0.4, 3.0 * 0.2, 0.8, 1.0]);
        assert_eq!(ticks(7.3), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert!(ticks(0.0).len() < 13);
    }
}
