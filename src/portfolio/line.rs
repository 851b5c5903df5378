//! The KPI line: one JSON object for each scope of a portfolio.

use serde::Serialize;

use super::{Kpis, Portfolio, Scope};
use crate::settings::Settings;

#[derive(Serialize)]
struct Line<'a> {
    period: Shown,
    scope: &'a Scope,
    kpis: Kpis,
}

#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    from: String,
    to: String,
}

/// Plain data as JSON.
#[expect(clippy::expect_used, reason = "plain data into memory: an empty line in its place would be a silent loss")]
pub(super) fn json(line: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(line).expect("plain data is always encoded")
}

/// The lines of a portfolio, without line ends.
pub fn lines<'a>(portfolio: &'a Portfolio, settings: &'a Settings) -> impl Iterator<Item = Vec<u8>> {
    portfolio.kpis(settings).map(|(scope, kpis)| {
        let period = portfolio.period();
        let (from, to) = period.shown();
        let shown = Shown { kind: period.kind(), from: from.to_string(), to: to.to_string() };
        let line = Line { period: shown, scope, kpis };
        json(&line)
    })
}
