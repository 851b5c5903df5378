//! Colours of predictors, and the legend of a plot.

use super::super::baselines::Measure;
use super::super::report::Predictor;

/// The class that gives a predictor its colour and stroke.
pub(super) const fn class(predictor: &Predictor) -> &'static str {
    match predictor {
        Predictor::Risk => "risk",
        Predictor::Health => "health",
        Predictor::Simple(baseline) => match baseline.measure {
            Measure::DaysSinceLast => "days",
            Measure::GapsSinceLast => "gaps",
            Measure::MrrChange => "mrr",
            Measure::Events28d => "use",
        },
        Predictor::Regression => "regression",
        Predictor::Truth => "truth",
    }
}

/// A line of a legend.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Colour and stroke.
    pub(super) class: &'static str,
    /// What it stands for.
    pub(super) title: &'static str,
    /// Its figure.
    pub(super) figure: String,
}

impl Entry {
    pub(super) fn new(predictor: &Predictor, figure: String) -> Self {
        Self { class: class(predictor), title: predictor.title(), figure }
    }
}

/// A legend of predictors, each with a figure.
pub(super) fn legend(entries: &[Entry]) -> String {
    let entry = |Entry { class, title, figure }: &Entry| {
        format!(
            "<li><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><line class=\"curve {class}\" x1=\"0\" y1=\"4\" x2=\"24\" y2=\"4\"/></svg> {title} <b>{figure}</b></li>\n",
        )
    };
    if entries.is_empty() {
        String::new()
    } else {
        format!("<ul class=\"legend\">\n{}</ul>\n", entries.iter().map(entry).collect::<String>())
    }
}
