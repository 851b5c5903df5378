//! The report as a table for people.

use std::fmt;

use super::super::quality::{Bin, Quality};
use super::judge::Report;
use super::lead::LeadTime;
use super::part::Part;
use super::section::{Flag, Row, Section};
use crate::time::Timestamp;

/// Segments in the table; the JSON and the page have all of them.
const SHOWN_SEGMENTS: usize = 10;

/// The report as text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a Report);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let (begins, ends) = report.span;
        writeln!(f, "history {} to {}, churn within {} days, {} instants", date(begins), date(ends), report.horizon_days, report.instants)?;
        for (what, part) in [("earlier part", &report.train), ("held out", &report.test)] {
            writeln!(f, "{what:<13}{}", PartText(part))?;
        }
        left_out(report, f)?;
        rows(&report.all, f)?;
        flags(&report.all, f)?;
        lead_time(&report.all.lead_time, f)?;
        reliability(report.all.score(), f)?;
        segments(&report.segments, f)?;
        components(report, f)?;
        if report.is_fitted { coefficients(report, f) } else { Ok(()) }
    }
}

struct PartText<'a>(&'a Part);

impl fmt::Display for PartText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { points, churned, accounts, instants, .. } = self.0;
        let (points, churned, accounts) = (count(*points), count(*churned), count(*accounts));
        write!(f, "{points} points of {accounts} accounts, {churned} followed by churn")?;
        instants.map_or(Ok(()), |(first, last)| write!(f, ", {} to {}", date(first), date(last)))
    }
}

fn left_out(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let reasons = [
        (report.beyond as u64, "instants whose horizon ends after the history"),
        (report.between, "points whose horizon reaches into the held-out part"),
        (report.unscored, "points without a score"),
        (report.unused_labels.unwrap_or_default(), "labels of unknown accounts or later times"),
    ];
    let reasons: Vec<String> = reasons.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))).collect();
    if reasons.is_empty() { Ok(()) } else { writeln!(f, "left out     {}", reasons.join("; ")) }
}

fn rows(section: &Section, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{:<28}{:>7}  {:<15}{:>10}{:>9}", "", "AUC", "95 % interval", "top tenth", "Brier")?;
    for Row { predictor, quality } in &section.rows {
        let Quality { auc, auc_interval, top_decile_lift, brier, .. } = quality;
        let interval = auc_interval.map_or_else(String::new, |interval| format!("{:.3} to {:.3}", interval.low, interval.high));
        let lift = top_decile_lift.map_or_else(String::new, |lift| format!("{lift:.1} x"));
        let brier = brier.filter(|_| predictor.is_probability()).map_or_else(String::new, |brier| format!("{:.4}", brier.score));
        writeln!(f, "{:<28}{:>7}  {interval:<15}{lift:>10}{brier:>9}", predictor.title(), number(*auc))?;
    }
    let base = section.rows.first().and_then(|row| row.quality.brier);
    base.map_or(Ok(()), |brier| {
        writeln!(f, "{:<28}{:>7}  {:<15}{:>10}{:>9.4}", "base rate alone", "0.500", "", "1.0 x", brier.of_base_rate)
    })
}

fn flags(section: &Section, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{:<28}{:>9}{:>11}{:>9}", "flagged", "points", "precision", "recall")?;
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    for (kind, flags) in [("band", &section.bands), ("risk", &section.levels)] {
        for Flag { title, flagged, .. } in flags {
            let (precision, recall) = (share(flagged.precision), share(flagged.recall));
            writeln!(f, "{:<28}{:>9}{precision:>11}{recall:>9}", format!("{kind} {title}"), count(flagged.flagged))?;
        }
    }
    Ok(())
}

fn lead_time(lead: &LeadTime, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let LeadTime { left, warned, median_days, lower_quartile_days, upper_quartile_days } = *lead;
    match (median_days, lower_quartile_days, upper_quartile_days) {
        (Some(median), Some(lower), Some(upper)) => writeln!(
            f,
            "\nlead time: {warned} of {left} leaves were red before, for a median of {median:.0} days (half of them {lower:.0} to {upper:.0})"
        ),
        _ if left == 0 => writeln!(f, "\nlead time: no account left on a known date"),
        _ => writeln!(f, "\nlead time: none of {left} leaves was red before"),
    }
}

fn reliability(row: Option<&Row>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(row) = row.filter(|row| row.predictor.is_probability()) else { return Ok(()) };
    writeln!(f, "\n{:<20}{:>9}{:>11}{:>10}  95 % interval", "risk", "points", "predicted", "observed")?;
    for Bin { from, to, n, predicted, observed, interval, .. } in &row.quality.reliability {
        let range = format!("{from:.3} to {to:.3}");
        let interval = format!("{:.3} to {:.3}", interval.low, interval.high);
        writeln!(f, "{range:<20}{:>9}{predicted:>11.3}{observed:>10.3}  {interval}", count(*n))?;
    }
    Ok(())
}

fn segments(segments: &[Section], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if segments.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n{:<20}{:>9}{:>9}{:>8}  {:<15}{:>10}{:>7}{:>11}",
        "segment", "points", "churned", "AUC", "95 % interval", "top tenth", "red", "lead days"
    )?;
    for section in segments.iter().take(SHOWN_SEGMENTS) {
        let quality = section.score().map(|row| &row.quality);
        let auc = number(quality.and_then(|quality| quality.auc));
        let interval = quality.and_then(|quality| quality.auc_interval);
        let interval = interval.map_or_else(String::new, |interval| format!("{:.3} to {:.3}", interval.low, interval.high));
        let lift = quality.and_then(|quality| quality.top_decile_lift).map_or_else(String::new, |lift| format!("{lift:.1} x"));
        let red = section.bands.first().map_or(0, |flag| flag.flagged.flagged);
        let lead = section.lead_time.median_days.map_or_else(|| "-".to_owned(), |days| format!("{days:.0}"));
        let name: String = section.segment.as_deref().unwrap_or_default().chars().take(19).collect();
        let (points, churned) = (count(section.points), count(section.churned));
        writeln!(f, "{name:<20}{points:>9}{churned:>9}{auc:>8}  {interval:<15}{lift:>10}{:>7}{lead:>11}", count(red))?;
    }
    let more = segments.len().saturating_sub(SHOWN_SEGMENTS);
    if more > 0 { writeln!(f, "and {more} more") } else { Ok(()) }
}

fn components(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{:<20}{:>9}{:>9}{:>14}{:>12}", "component alone", "points", "AUC", "before churn", "otherwise")?;
    for component in &report.components {
        let mean = |mean: Option<f64>| mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"));
        let (before, otherwise) = (mean(component.mean_before_churn), mean(component.mean_otherwise));
        let name: String = component.component.chars().take(19).collect();
        writeln!(f, "{name:<20}{:>9}{:>9}{before:>14}{otherwise:>12}", count(component.present), number(component.auc))?;
    }
    Ok(())
}

fn coefficients(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{:<20}{:>12}{:>20}  95 % interval", "fitted", "coefficient", "odds per 10 points")?;
    for component in &report.components {
        let name: String = component.component.chars().take(19).collect();
        let interval =
            component.odds_ratio_interval.map_or_else(String::new, |interval| format!("{:.3} to {:.3}", interval.low, interval.high));
        let (coefficient, odds) = (number(component.coefficient), number(component.odds_ratio));
        writeln!(f, "{name:<20}{coefficient:>12}{odds:>20}  {interval}")?;
    }
    Ok(())
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn date(t: Timestamp) -> String {
    t.to_string().chars().take(10).collect()
}

fn count(n: u64) -> String {
    crate::score::number(n as f64, 0)
}
