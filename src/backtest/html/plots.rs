//! ROC, lift and reliability.

use super::super::quality::Bin;
use super::super::report::{Curves, Report};
use super::drawing::Drawing;
use super::frame::{Frame, ticks};
use super::legend::{Entry, class, legend};

/// A plot with how to read it.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    title: &'static str,
    text: String,
    drawing: Drawing,
    legend: Vec<Entry>,
    note: String,
}

impl Plot {
    pub(super) fn new(title: &'static str, text: impl Into<String>, drawing: Drawing) -> Self {
        Self { title, text: text.into(), drawing, legend: Vec::new(), note: String::new() }
    }

    /// As a part of the page.
    pub(super) fn figure(&self) -> String {
        let Self { title, text, drawing, legend: entries, note } = self;
        let (element, legend) = (drawing.element(), legend(entries));
        format!("<figure>\n<h3>{title}</h3>\n{element}{legend}{note}<figcaption>{text}</figcaption>\n</figure>\n")
    }

    /// As a file.
    pub(super) fn picture(&self) -> String {
        self.drawing.picture(&self.legend)
    }
}

/// The ROC curves of all predictors.
pub(super) fn roc(report: &Report) -> Plot {
    let mut frame = Frame::with_axes((0.0, 1.0), (0.0, 1.0));
    let shares = ticks(1.0);
    frame.x_ticks(&shares, percent);
    frame.y_ticks(&shares, percent);
    frame.titles("share of accounts that stayed, flagged", "share of accounts that left, flagged");
    frame.line("chance", [(0.0, 0.0), (1.0, 1.0)]);
    for Curves { predictor, roc, .. } in report.curves.iter().rev() {
        frame.line(&format!("curve {}", class(predictor)), roc.iter().copied());
    }
    let auc = |auc: Option<f64>| auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.3}"));
    let legend = report.all.rows.iter().map(|row| Entry::new(&row.predictor, auc(row.quality.auc))).collect();
    let text = "From left to right, more and more accounts are flagged, riskiest first. The higher the curve, the more of them were about to \
                leave; the diagonal is chance. The number is the area under the curve, AUC.";
    Plot { legend, ..Plot::new("Who was flagged", text, frame.drawing("ROC curves of the score and the baselines")) }
}

/// Lift by depth.
pub(super) fn lift(report: &Report) -> Plot {
    let highest = report.curves.iter().flat_map(|curves| curves.lift.iter().map(|(_, lift)| *lift)).fold(1.0, f64::max);
    let steps = ticks(highest);
    let mut frame = Frame::with_axes((0.0, 1.0), (0.0, steps.last().copied().unwrap_or(highest)));
    frame.x_ticks(&ticks(1.0), percent);
    frame.y_ticks(&steps, |lift| if lift > 0.0 { format!("{}×", (10.0 * lift).round() / 10.0) } else { "0".to_owned() });
    frame.titles("share of accounts contacted, riskiest first", "times the churn of all");
    frame.line("chance", [(0.0, 1.0), (1.0, 1.0)]);
    for Curves { predictor, lift, .. } in report.curves.iter().rev() {
        frame.line(&format!("curve {}", class(predictor)), lift.iter().copied());
    }
    let lift = |lift: Option<f64>| lift.map_or_else(|| "-".to_owned(), |lift| format!("{lift:.1}×"));
    let legend = report.all.rows.iter().map(|row| Entry::new(&row.predictor, lift(row.quality.top_decile_lift))).collect();
    let text = "If only the riskiest share is contacted: how many times more churn is among them than among all. The number is that of the \
                top tenth.";
    Plot { legend, ..Plot::new("Where to look first", text, frame.drawing("Lift of the score and the baselines by share contacted")) }
}

/// The reliability diagram of the risk.
pub(super) fn reliability(report: &Report) -> Option<Plot> {
    let row = report.all.score().filter(|row| row.predictor.is_probability())?;
    let bins = &row.quality.reliability;
    let highest = bins.iter().flat_map(|bin| [bin.predicted, bin.observed, bin.interval.high]).fold(0.05, f64::max).min(1.0);
    let steps = ticks(highest);
    let end = steps.last().copied().unwrap_or(1.0);
    let mut frame = Frame::with_axes((0.0, end), (0.0, end));
    let label = |share: f64| if end < 0.2 { format!("{:.1} %", 100.0 * share) } else { percent(share) };
    frame.x_ticks(&steps, label);
    frame.y_ticks(&steps, label);
    frame.titles("predicted risk", "share that left");
    frame.line("chance", [(0.0, 0.0), (end, end)]);
    for Bin { predicted, interval, .. } in bins {
        frame.line("whisker", [(*predicted, interval.low), (*predicted, interval.high)]);
    }
    frame.line("curve risk", bins.iter().map(|bin| (bin.predicted, bin.observed)));
    for Bin { n, churned, predicted, observed, .. } in bins {
        let text = format!("{churned} of {n} left, predicted {:.1} %", 100.0 * predicted);
        frame.dot("dot risk", (*predicted, *observed), 4.0, &text);
    }
    let text = "Tenths of the points by predicted risk. On the diagonal, a predicted 20 % came true in 20 % of cases; below it, risks were \
                too high. The whiskers are 95 % intervals.";
    let note = row.quality.brier.map_or_else(String::new, |brier| {
        format!(
            "<p class=\"figure-note\">Brier score {:.4}; always predicting the base rate gives {:.4}.</p>\n",
            brier.score, brier.of_base_rate
        )
    });
    Some(Plot { note, ..Plot::new("Whether a predicted risk comes true", text, frame.drawing("Reliability diagram of churn risk")) })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
