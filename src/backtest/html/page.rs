//! The page as a whole.

use super::super::report::{LeadTime, Part, Report};
use super::components::components;
use super::drawing;
use super::escape::escaped;
use super::plots;
use super::spells::leavers;
use super::tables::{between, flags, percent, predictors, segments, three, times, warnings};
use crate::score::number;
use crate::time::Timestamp;

const STYLE: &str = include_str!("style.css");

/// The report as HTML.
#[must_use]
pub fn page(report: &Report) -> String {
    let sections = [
        section("Beside what is simpler", &format!("{}{}", predictors(report), PREDICTORS)),
        format!(
            "<div class=\"plots\">\n{}{}{}{}</div>\n",
            plots::roc(report).figure(),
            plots::lift(report).figure(),
            plots::reliability(report).map(|plot| plot.figure()).unwrap_or_default(),
            components(report).figure()
        ),
        section("What a list of flagged accounts catches", &format!("{}{}", flags(&report.all), FLAGS)),
        section("Accounts that left", &format!("{LEAVERS}{}", leavers(report))),
        if report.segments.is_empty() { String::new() } else { section("By segment", &segments(&report.segments)) },
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Backtest of {model}</title>\n<style>\n{PLOTS}{STYLE}</style>\n</head>\n<body>\n<main>\n{head}{cards}{warnings}{body}</main>\n</body>\n</html>\n",
        PLOTS = drawing::STYLE,
        model = escaped(&report.model.0),
        head = head(report),
        cards = cards(report),
        warnings = warnings(&report.warnings),
        body = sections.concat(),
    )
}

/// File names of [`pictures`].
pub const PICTURES: [&str; 4] = ["roc.svg", "lift.svg", "reliability.svg", "components.svg"];

/// The plots of the report as files, by name: each an SVG that needs no other file. A report without risks has no reliability.
#[must_use]
pub fn pictures(report: &Report) -> Vec<(&'static str, String)> {
    let plots = [Some(plots::roc(report)), Some(plots::lift(report)), plots::reliability(report), Some(components(report))];
    PICTURES.into_iter().zip(plots).filter_map(|(name, plot)| Some((name, plot?.picture()))).collect()
}

const PREDICTORS: &str = "<p class=\"note\">All rows rank the same held-out points. AUC is the chance that an account that left ranks above \
one that stayed: 0.5 is guessing, 1 perfect. Intervals come from resampling accounts. Lift is how many times more churn the riskiest tenth \
has than all. The Brier score is the mean squared error of a probability; lower is better. Where a simple measure is absent, its median \
stands for it; the regression learned from the earlier part.</p>\n";

const FLAGS: &str = "<p class=\"note\">Precision: of the flagged points, the share that left. Recall: of those that left, the share that was \
flagged.</p>\n";

const LEAVERS: &str = "<p class=\"note\">Ten at most, picked at random among those that left during the held-out part. The line is health; the dashed \
one is the day on which the account left.</p>\n";

fn head(report: &Report) -> String {
    let (begins, ends) = report.span;
    let (name, hash) = (&report.model.0, &report.model.1);
    let fitted = if report.is_fitted { ", fitted to the earlier part" } else { "" };
    let hash: String = hash.chars().take("sha256:".len() + 12).collect();
    format!(
        "<header>\n<h1>Did the score see churn coming?</h1>\n<p>Model <b>{}</b> <code>{}</code>{fitted}. History {} to {}. An account counts \
         as churned if it left within {} days. Nothing later than an instant was known to its score.</p>\n<dl class=\"parts\">\n{}{}</dl>\n{}</header>\n",
        escaped(name),
        escaped(&hash),
        date(begins),
        date(ends),
        report.horizon_days,
        part("Earlier part", &report.train),
        part("Held out", &report.test),
        left_out(report),
    )
}

fn part(name: &str, part: &Part) -> String {
    let Part { points, churned, accounts, instants, .. } = *part;
    let (points, churned, accounts) = (number(points as f64, 0), number(churned as f64, 0), number(accounts as f64, 0));
    let instants = instants.map_or_else(String::new, |(first, last)| format!("{} to {}: ", date(first), date(last)));
    format!("<div><dt>{name}</dt><dd>{instants}{points} points of {accounts} accounts, {churned} followed by churn</dd></div>\n")
}

fn left_out(report: &Report) -> String {
    let reasons = [
        (report.beyond as u64, "instants whose horizon ends after the history"),
        (report.between, "points whose horizon reaches into the held-out part"),
        (report.unscored, "points without a score"),
        (report.unused_labels.unwrap_or_default(), "labels of unknown accounts or later times"),
    ];
    let reasons = reasons.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", number(*n as f64, 0)));
    let reasons: Vec<String> = reasons.collect();
    if reasons.is_empty() { String::new() } else { format!("<p class=\"note\">Left out: {}.</p>\n", reasons.join("; ")) }
}

/// The figures to remember.
fn cards(report: &Report) -> String {
    let quality = report.all.score().map(|row| &row.quality);
    let auc = quality.and_then(|quality| quality.auc);
    let best = report.all.rows.iter().filter(|row| row.predictor.is_baseline());
    let best = best.filter_map(|row| Some((row.quality.auc?, row.predictor.title()))).max_by(|one, other| one.0.total_cmp(&other.0));
    let best = best.map_or_else(String::new, |(auc, title)| format!("best baseline {auc:.3}: {title}"));
    let interval = between(quality.and_then(|quality| quality.auc_interval));
    let red = report.all.bands.first().map(|flag| flag.flagged);
    let LeadTime { left, warned, median_days, .. } = report.all.lead_time;
    let days = median_days.map_or_else(|| "–".to_owned(), |days| format!("{days:.0} days"));
    let ceiling = report.all.ceiling().and_then(|row| row.quality.auc).map(|auc| format!(", ceiling {auc:.3}")).unwrap_or_default();
    let cards = [
        ("AUC", three(auc), format!("{interval}{ceiling}<br>{best}")),
        ("Lift of the top tenth", times(quality.and_then(|quality| quality.top_decile_lift)), "times the churn of all".to_owned()),
        (
            "Red accounts that left",
            percent(red.and_then(|red| red.precision)),
            format!("and {} of those that left were red", percent(red.and_then(|red| red.recall))),
        ),
        (
            "Warning",
            days,
            format!("median from first red to leaving; {} of {} were red before", number(warned as f64, 0), number(left as f64, 0)),
        ),
    ];
    let card = |(title, figure, note): &(&str, String, String)| {
        format!("<div class=\"card\"><h2>{title}</h2><p class=\"figure\">{figure}</p><p>{note}</p></div>\n")
    };
    format!("<div class=\"cards\">\n{}</div>\n", cards.iter().map(card).collect::<String>())
}

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{body}</section>\n")
}

fn date(t: Timestamp) -> String {
    t.to_string().chars().take(10).collect()
}
