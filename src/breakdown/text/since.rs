//! Why now: what moved the score since the last published change, and that change itself.

use serde_json::Value;

use super::super::document::{Breakdown, Since};
use super::health::score_of;
use super::page::{Page, exact, said, signed, sum};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    page.section("WHY NOW: what changed since the last published change");
    match &breakdown.since {
        Some(since) => write_since(breakdown, since, page),
        None => page.item("nothing has been published yet; the drivers compare with the account 28 d earlier"),
    }
    if let Some(change) = &breakdown.last_change {
        write_change(change, page);
    }
}

fn write_since(breakdown: &Breakdown, since: &Since, page: &mut Page) {
    let (before, now) = (score_of(since.score), score_of(breakdown.health.score));
    let bands = format!("health {before} -> {now}, band {} -> {}", since.band, breakdown.health.band);
    page.item(&format!("change {} of {}: {bands}", since.sequence, since.as_of));
    if since.other_model {
        page.labelled("", "it was made by another model");
    }
    for moved in &since.moves {
        let is_named = moved.sentence.starts_with(&moved.name);
        let sentence = if is_named { moved.sentence.clone() } else { format!("{}: {}", moved.name, moved.sentence) };
        page.labelled(&signed(moved.points), &sentence);
    }
    match since.score.zip(breakdown.health.score).filter(|_| !breakdown.health.frozen) {
        Some(_) if since.moves.is_empty() => page.labelled("", "nothing has moved the score since"),
        Some((before, now)) => {
            let moves = sum(since.moves.iter().map(|moved| moved.points));
            page.labelled("health", &format!("{} + ({moves}) = {}", exact(before), exact(now)));
        }
        None => page.labelled("", "the two scores cannot be compared"),
    }
}

/// The last published change, from its record.
fn write_change(change: &Value, page: &mut Page) {
    let text = |pointer: &str| change.pointer(pointer).and_then(Value::as_str).unwrap_or("none").to_owned();
    let number = |pointer: &str| change.pointer(pointer).and_then(Value::as_f64);
    page.item(&format!("that change, published {} because of {}", text("/as_of"), text("/cause")));
    let scores = |from: &str, to: &str| format!("{} -> {}", score_of(number(from)), score_of(number(to)));
    let bands = format!("band {} -> {}", text("/health/previous_band"), text("/health/band"));
    page.labelled("health", &format!("{}, {bands}", scores("/health/previous", "/health/score")));
    let list = |pointer: &str| change.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    list("/drivers").iter().filter_map(Value::as_str).for_each(|driver| page.labelled("driver", driver));
    let moved = moves_of(change);
    for (name, points) in moved {
        page.labelled(&signed(points), &name);
    }
    let risks = |pointer: &str| number(pointer).map_or_else(|| "none".to_owned(), |risk| said(risk, 3));
    page.labelled("risk", &format!("{} -> {}", risks("/risk/previous"), risks("/risk/probability")));
}

/// The deltas of a change record that moved something, largest first.
fn moves_of(change: &Value) -> Vec<(String, f64)> {
    let of = |list: &str, delta: &str| -> Vec<(String, f64)> {
        let entries = change.get(list).and_then(Value::as_array);
        let entry = |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.get(delta)?.as_f64()?));
        entries.into_iter().flatten().filter_map(entry).collect()
    };
    let alone = |name: &str, field: &str| Some((name.to_owned(), change.get(field)?.as_f64()?));
    let mut moves = of("components", "contribution_delta");
    moves.extend(of("rule_deltas", "delta"));
    moves.extend(alone("renormalisation", "renormalisation_delta"));
    moves.extend(alone("override", "override_delta"));
    moves.retain(|(_, points)| *points != 0.0);
    moves.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
    moves
}
