//! The tables of the page.

use std::fmt::Write as _;

use super::super::quality::{Interval, Quality};
use super::super::report::{Flag, Report, Section};
use super::escape::{escaped, shortened};
use super::legend::class;
use crate::score::number;

/// A table of everything that ranks accounts.
pub(super) fn predictors(report: &Report) -> String {
    let mut rows = String::new();
    for row in &report.all.rows {
        let Quality { auc, auc_interval, top_decile_lift, brier, .. } = &row.quality;
        let brier = brier.filter(|_| row.predictor.is_probability()).map_or_else(String::new, |brier| format!("{:.4}", brier.score));
        let kind = if row.predictor.is_baseline() { "" } else { " class=\"own\"" };
        let _ = writeln!(
            rows,
            "<tr{kind}><th scope=\"row\"><span class=\"swatch {}\"></span>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{brier}</td></tr>",
            class(&row.predictor),
            row.predictor.title(),
            three(*auc),
            between(*auc_interval),
            times(*top_decile_lift),
        );
    }
    if let Some(brier) = report.all.rows.first().and_then(|row| row.quality.brier) {
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><span class=\"swatch\"></span>base rate alone</th><td>0.500</td><td></td><td>1.0×</td><td>{:.4}</td></tr>",
            brier.of_base_rate
        );
    }
    table(&["", "AUC", "95 % interval", "lift, top tenth", "Brier"], &rows)
}

/// What each band and level flags.
pub(super) fn flags(section: &Section) -> String {
    let mut rows = String::new();
    for (kind, flags) in [("band", &section.bands), ("risk", &section.levels)] {
        for Flag { title, flagged, .. } in flags {
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\">{kind} {title}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                number(flagged.flagged as f64, 0),
                percent(flagged.precision),
                percents(flagged.precision_interval),
                percent(flagged.recall),
                percents(flagged.recall_interval),
            );
        }
    }
    table(&["flagged", "points", "precision", "95 % interval", "recall", "95 % interval"], &rows)
}

/// Every segment.
pub(super) fn segments(sections: &[Section]) -> String {
    let mut rows = String::new();
    for section in sections {
        let quality = section.score().map(|row| &row.quality);
        let best = section.rows.iter().filter(|row| row.predictor.is_baseline());
        let best = best.filter_map(|row| Some((row.quality.auc?, row.predictor.title()))).max_by(|one, other| one.0.total_cmp(&other.0));
        let best = best.map_or_else(String::new, |(auc, title)| format!("{auc:.3} {title}"));
        let red = section.bands.first().map(|flag| flag.flagged);
        let lead = &section.lead_time;
        let days = lead.median_days.map_or_else(|| "–".to_owned(), |days| format!("{days:.0} d"));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{best}</td><td>{}</td><td>{}</td><td>{}</td><td>{days}</td></tr>",
            shortened(section.segment.as_deref().unwrap_or_default(), 40),
            number(section.points as f64, 0),
            number(section.churned as f64, 0),
            three(quality.and_then(|quality| quality.auc)),
            between(quality.and_then(|quality| quality.auc_interval)),
            times(quality.and_then(|quality| quality.top_decile_lift)),
            percent(red.and_then(|red| red.precision)),
            percent(red.and_then(|red| red.recall)),
        );
    }
    let columns =
        ["segment", "points", "churned", "AUC", "95 % interval", "best baseline", "lift", "precision of red", "recall of red", "lead time"];
    table(&columns, &rows)
}

/// A list of warnings.
pub(super) fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings.iter().map(|warning| format!("<li>{}</li>\n", escaped(warning))).collect();
    format!("<section class=\"warnings\">\n<h2>Before you trust these figures</h2>\n<ul>\n{items}</ul>\n</section>\n")
}

/// The first column holds names, the others figures.
fn table(columns: &[&str], rows: &str) -> String {
    let head: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    format!("<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n")
}

pub(super) fn three(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

pub(super) fn between(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| format!("{:.3}–{:.3}", interval.low, interval.high))
}

pub(super) fn times(lift: Option<f64>) -> String {
    lift.map_or_else(|| "–".to_owned(), |lift| format!("{lift:.1}×"))
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn percents(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| format!("{:.0}–{:.0} %", 100.0 * interval.low, 100.0 * interval.high))
}
