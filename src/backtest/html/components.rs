//! Which component foretold what.

use super::super::report::{ComponentAlone, Report};
use super::drawing::Drawing;
use super::escape::shortened;
use super::plots::Plot;

/// Height of a bar with its space.
const ROW: f64 = 26.0;
/// Left and right end of the bars.
const BARS: (f64, f64) = (150.0, 420.0);

/// Bars of the AUC of each component alone, with odds ratios if the model was fitted.
pub(super) fn components(report: &Report) -> Plot {
    let fitted = report.components.iter().any(|component| component.odds_ratio.is_some());
    let width = if fitted { 640.0 } else { 500.0 };
    let height = ROW * (report.components.len() as f64 + 1.0) + 8.0;
    let place = |auc: f64| BARS.0 + auc * (BARS.1 - BARS.0);
    let mut body = String::new();
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (x, class) = (place(tick), if (tick - 0.5_f64).abs() < 0.1 { "chance" } else { "grid" });
        body += &format!("<line class=\"{class}\" x1=\"{x:.1}\" y1=\"22\" x2=\"{x:.1}\" y2=\"{height:.0}\"/>\n");
        body += &format!("<text class=\"tick\" x=\"{x:.1}\" y=\"14\" text-anchor=\"middle\">{tick}</text>\n");
    }
    if fitted {
        body += "<text class=\"tick\" x=\"632\" y=\"14\" text-anchor=\"end\">odds per 10 points</text>\n";
    }
    for (row, component) in report.components.iter().enumerate() {
        body += &bar(component, ROW * (row as f64 + 1.0), place);
    }
    let drawing = Drawing { size: (width, height), description: "AUC of each component alone".into(), body };
    let odds = " The odds are those of churn after ten points of score more, all other components equal: below 1, a better score goes with \
                less churn.";
    let text = format!(
        "The AUC that each component reaches alone, where it is present: right of the middle, low scores came before churn; left of it, high \
         ones did, and the component or its curve points the wrong way.{}",
        if fitted { odds } else { "" }
    );
    Plot::new("Which component foretold what", text, drawing)
}

fn bar(component: &ComponentAlone, top: f64, place: impl Fn(f64) -> f64) -> String {
    let ComponentAlone { component: name, present, auc, odds_ratio, odds_ratio_interval, .. } = component;
    let baseline = top + 17.0;
    let mut body = format!("<text class=\"label\" x=\"142\" y=\"{baseline:.1}\" text-anchor=\"end\">{}</text>\n", shortened(name, 18));
    if let Some(auc) = auc {
        let (from, to) = (place(0.5).min(place(*auc)), place(0.5).max(place(*auc)));
        let class = if *auc >= 0.5 { "bar" } else { "bar wrong" };
        let width = (to - from).max(1.0);
        body += &format!(
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{present} points</title></rect>\n",
            top + 4.0,
            ROW - 8.0
        );
        body += &format!("<text class=\"value\" x=\"430\" y=\"{baseline:.1}\">{auc:.3}</text>\n");
    } else {
        body += &format!("<text class=\"value\" x=\"430\" y=\"{baseline:.1}\">absent</text>\n");
    }
    if let Some(ratio) = odds_ratio {
        let interval = odds_ratio_interval.map_or_else(String::new, |interval| format!(" ({:.2}–{:.2})", interval.low, interval.high));
        body += &format!("<text class=\"value\" x=\"632\" y=\"{baseline:.1}\" text-anchor=\"end\">{ratio:.2}{interval}</text>\n");
    }
    body
}
