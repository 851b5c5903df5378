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

/// A legend of predictors, each with a figure.
pub(super) fn legend<'a>(entries: impl Iterator<Item = (&'a Predictor, String)>) -> String {
    let entry = |(predictor, figure): (&Predictor, String)| {
        format!(
            "<li><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><line class=\"curve {}\" x1=\"0\" y1=\"4\" x2=\"24\" y2=\"4\"/></svg> {} <b>{figure}</b></li>\n",
            class(predictor),
            predictor.title()
        )
    };
    format!("<ul class=\"legend\">\n{}</ul>\n", entries.map(entry).collect::<String>())
}
