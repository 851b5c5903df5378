//! From the score to the band.

use super::super::document::{Border, Breakdown, Decision};
use super::page::{Page, exact, said};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    let band = &breakdown.band;
    page.section("BAND");
    let why = match band.decided_by {
        Decision::Hysteresis => "by its borders, which it crosses far enough past them or after long enough beyond them",
        Decision::FirstScore => "a first score has no hysteresis",
        Decision::SoleRule => "a rule alone gives the score, and the band follows at once",
        Decision::Override => "the band follows the pinned health at once",
        Decision::NoScore => "there is no score",
        Decision::Churned => "the account has churned, and its last score is kept",
    };
    page.item(&format!("before this scoring {}, now {}: {why}", band.before, band.after));
    if let Some(score) = band.measured.filter(|_| !band.borders.is_empty()) {
        band.borders.iter().for_each(|border| page.labelled(&border.name, &crossing(border, score)));
    }
}

fn crossing(border: &Border, score: f64) -> String {
    let at = exact(border.score);
    let side = |above: bool| if above { "above" } else { "below" };
    let was = side(border.was_above);
    let (Some(since), Some(hours)) = (&border.beyond_since, border.beyond_hours) else {
        return format!("border {at}: was {was}, and {} is {was}", exact(score));
    };
    let past = if border.was_above { border.score - score } else { score - border.score };
    let verdict = if border.is_above == border.was_above { format!("stays {was}") } else { format!("now {}", side(border.is_above)) };
    let immediate = if border.immediate { "; a rule crosses it without waiting" } else { "" };
    format!(
        "border {at}: was {was}, and {} is {} past it (crosses at {}), beyond it since {since}, {} h (crosses at {} h){immediate}: {verdict}",
        exact(score),
        exact(past),
        exact(border.points),
        said(hours, 1),
        exact(border.hours),
    )
}
