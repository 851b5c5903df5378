//! How a score became a band.

use super::document::{Band, Border, Decision};
use super::scoring::Scoring;
use crate::score::{self, Position};
use crate::time::{HOUR_MS, Timestamp};

pub(super) fn of(scoring: &Scoring<'_, '_>) -> Band {
    let position = scoring.slot.score().position();
    let decided_by = decision(scoring, position);
    let borders = if decided_by == Decision::Hysteresis { borders(scoring, position) } else { Vec::new() };
    Band {
        before: position.band.name().to_owned(),
        after: scoring.status.band.name().to_owned(),
        decided_by,
        measured: scoring.assessment.measured,
        borders,
    }
}

fn decision(scoring: &Scoring<'_, '_>, position: Position) -> Decision {
    let assessment = scoring.assessment;
    if scoring.is_frozen() {
        Decision::Churned
    } else if assessment.override_effect.is_some() {
        Decision::Override
    } else if assessment.score.is_none() {
        Decision::NoScore
    } else if assessment.has_sole_rule() {
        Decision::SoleRule
    } else if matches!(position.band, score::Band::Unknown | score::Band::Churned) {
        Decision::FirstScore
    } else {
        Decision::Hysteresis
    }
}

fn borders(scoring: &Scoring<'_, '_>, position: Position) -> Vec<Border> {
    let bands = &scoring.settings().model.bands;
    let is_above = |band: score::Band| (matches!(band, score::Band::Green | score::Band::Yellow), band == score::Band::Green);
    let ((was_yellow, was_green), (is_yellow, is_green)) = (is_above(position.band), is_above(scoring.status.band));
    let (t, score) = (scoring.occasion.view.t, scoring.assessment.measured.unwrap_or_default());
    let border = |name: &str, border: f64, was_above: bool, is_above: bool, since: Option<Timestamp>| {
        let is_beyond = if was_above { score < border } else { score >= border };
        let since = is_beyond.then(|| since.unwrap_or(t));
        let crossing = if was_above { bands.worse } else { bands.better };
        Border {
            name: name.to_owned(),
            score: border,
            was_above,
            is_above,
            beyond_since: since.map(|since| since.to_string()),
            beyond_hours: since.map(|since| t.since(since) as f64 / HOUR_MS as f64),
            points: crossing.points,
            hours: crossing.hours,
            immediate: was_above && scoring.assessment.immediate_cap.is_some_and(|cap| cap < border),
        }
    };
    vec![
        border("yellow", bands.yellow, was_yellow, is_yellow, position.beyond_yellow()),
        border("green", bands.green, was_green, is_green, position.beyond_green()),
    ]
}
