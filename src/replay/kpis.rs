//! KPI lines: the trailing period at the end of a history, and every calendar month as if replayed as of its end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use super::file::InputFile;
use super::history::History;
use super::reading::Reading;
use super::{Request, scoring_instants};
use crate::file::Output;
use crate::portfolio::{Period, Portfolio, lines};
use crate::settings::Settings;
use crate::time::Timestamp;

/// Writes the KPIs of the 28 days up to `t`; the history must be at `t`, with every account scored.
///
/// # Errors
/// If a line cannot be written.
pub fn write_trailing(history: &History<'_>, t: Timestamp, settings: &Settings, output: &mut Output) -> io::Result<()> {
    let portfolio = history.portfolio(Period::trailing(t, &settings.zone), |slot, _| slot.last_score().copied());
    write(&portfolio, settings, output)
}

/// Writes the KPIs of every complete month at `request.as_of`, starting with the month of the earliest record.
///
/// # Errors
/// If a line cannot be written.
pub fn write_months(
    files: &[InputFile],
    reading: &Reading,
    request: &Request,
    settings: &Arc<Settings>,
    output: &mut Output,
) -> io::Result<()> {
    let mut months = Months { request, settings, scored: None };
    let mut history = History::new(files, reading, Arc::clone(settings));
    let Some(begins) = history.begins() else { return Ok(()) };
    for month in Period::complete_months(begins, request.as_of, &settings.zone) {
        let portfolio = if reading.depends_on_instant {
            let earlier = reading.as_of(files, month.to, settings);
            let mut months = Months { request, settings, scored: None };
            months.reach(&mut History::new(files, &earlier, Arc::clone(settings)), month)
        } else {
            months.reach(&mut history, month)
        };
        write(&portfolio, settings, output)?;
    }
    Ok(())
}

/// Writes the cohorts at `t`; the history must be at `t`.
///
/// # Errors
/// If a line cannot be written.
pub fn write_cohorts(history: &History<'_>, t: Timestamp, output: &mut Output) -> io::Result<()> {
    history.cohorts(t).lines().try_for_each(|line| output.line(&line))
}

/// Advances a history from month to month.
struct Months<'a> {
    request: &'a Request,
    settings: &'a Settings,
    /// The last instant of regular scoring.
    scored: Option<Timestamp>,
}

impl Months<'_> {
    /// Advances a history to the end of a month through the regular scoring instants. Scoring at the end itself is for the KPIs only and
    /// leaves bands unchanged, so later months do not depend on it.
    fn reach(&mut self, history: &mut History<'_>, month: Period) -> Portfolio {
        let request = Request { as_of: month.to, ..*self.request };
        let scored = self.scored;
        let mut instants = scoring_instants(history.begins(), &request, self.settings);
        instants.pop_if(|t| *t == month.to);
        instants.retain(|t| Some(*t) > scored);
        self.scored = instants.last().copied().or(scored);
        let Ok(()) = history.score(&instants, |_, _| Ok::<(), Infallible>(()));
        history.advance_to(month.to);
        let view = history.view(month.to);
        history.portfolio(month, |slot, metrics| Some(slot.score_at(metrics, &view, self.settings)))
    }
}

fn write(portfolio: &Portfolio, settings: &Settings, output: &mut Output) -> io::Result<()> {
    lines(portfolio, settings).try_for_each(|line| output.line(&line))
}
