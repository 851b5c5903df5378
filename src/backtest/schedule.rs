//! When a history is scored, and at which of these instants accounts become points.

use std::collections::{BTreeMap, BTreeSet};

use super::labels::{Labels, Outcome};
use crate::metric::{Metric, View};
use crate::score::Model;
use crate::time::{DAY_MS, Date, Timestamp, Zone};

/// Longest pause between scorings, days: bands move with time, and lead times are as exact as the scorings are frequent.
const SCORING_DAYS: u32 = 7;

/// Which accounts become points at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None: accounts are only scored, so that bands and lead times are known.
    Nothing,
    /// Every account that is alive.
    Everyone,
    /// Those that the labels name.
    Labelled,
}

/// An instant of scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scoring {
    /// The instant.
    pub t: Timestamp,
    /// Which accounts become points.
    pub takes: Takes,
    /// Whether every account is scored, or only those that become points.
    pub scores_everyone: bool,
}

/// The instants of a backtest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Ascending.
    pub scorings: Vec<Scoring>,
    /// Instants left out because what happened after them is not known to the end of the horizon.
    pub beyond: usize,
    /// Instants of labels left out because they are later than the history.
    pub after_end: usize,
}

/// The history that a schedule covers.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The first record.
    pub begins: Timestamp,
    /// The end.
    pub ends: Timestamp,
    /// The reporting time zone.
    pub zone: &'a Zone,
}

impl Schedule {
    /// Points every `every_days` from the first midnight at which `model` can score. `view` is the state of the streams at an instant.
    #[must_use]
    pub fn regular(span: Span<'_>, every_days: u32, horizon_days: u32, model: &Model, view: impl Fn(Timestamp) -> View) -> Self {
        let pause = (1..=SCORING_DAYS).rev().find(|days| every_days.is_multiple_of(*days)).unwrap_or(1);
        let Some(first) = first_scorable(span, model, &view) else { return Self::default() };
        let mut schedule = Self::default();
        for (n, t) in (0_u32..).zip(midnights(span, first, pause)) {
            let is_point = (n * pause).is_multiple_of(every_days);
            let is_known = t.plus(i64::from(horizon_days) * DAY_MS) <= span.ends;
            schedule.beyond += usize::from(is_point && !is_known);
            let takes = if is_point && is_known { Takes::Everyone } else { Takes::Nothing };
            schedule.scorings.push(Scoring { t, takes, scores_everyone: true });
        }
        schedule
    }

    /// Points where labels say so. In between, every account is scored every week, so that bands are those of an account that is watched.
    #[must_use]
    pub fn of_labels(points: &BTreeMap<Timestamp, BTreeMap<Box<str>, Outcome>>, span: Span<'_>) -> Self {
        let first = span.zone.date_of(span.begins);
        let weekly: BTreeSet<Timestamp> = midnights(span, first, SCORING_DAYS).filter(|t| *t >= span.begins).collect();
        let labelled = points.keys().copied().filter(|t| *t <= span.ends);
        let instants: BTreeSet<Timestamp> = weekly.iter().copied().chain(labelled).collect();
        let scoring = |t: Timestamp| {
            let takes = if points.contains_key(&t) { Takes::Labelled } else { Takes::Nothing };
            Scoring { t, takes, scores_everyone: weekly.contains(&t) }
        };
        Self {
            scorings: instants.into_iter().map(scoring).collect(),
            beyond: 0,
            after_end: points.keys().filter(|t| **t > span.ends).count(),
        }
    }

    /// The schedule for labels, or for what billing tells.
    #[must_use]
    pub fn of(
        labels: Option<&Labels>,
        span: Span<'_>,
        every_days: u32,
        horizon_days: u32,
        model: &Model,
        view: impl Fn(Timestamp) -> View,
    ) -> Self {
        match labels {
            Some(Labels::Points(points)) => Self::of_labels(points, span),
            Some(Labels::Leaves(_)) | None => Self::regular(span, every_days, horizon_days, model, view),
        }
    }

    /// The instants at which accounts become points.
    pub fn points(&self) -> impl Iterator<Item = Timestamp> {
        self.scorings.iter().filter(|scoring| scoring.takes != Takes::Nothing).map(|scoring| scoring.t)
    }
}

/// Every `pause` days from the start of `first` to the end of the span.
fn midnights(span: Span<'_>, first: Date, pause: u32) -> impl Iterator<Item = Timestamp> {
    let pause = i32::try_from(pause).unwrap_or(1).max(1);
    (0_i32..).map(move |n| span.zone.start_of(Date(first.0.saturating_add(n.saturating_mul(pause))))).take_while(move |t| *t <= span.ends)
}

/// The first date at whose start the streams have been observed for long enough to score an account that has every metric.
fn first_scorable(span: Span<'_>, model: &Model, view: &impl Fn(Timestamp) -> View) -> Option<Date> {
    let first = span.zone.date_of(span.begins);
    let dates = (first.0..).map(Date).take_while(|date| span.zone.start_of(*date) <= span.ends);
    dates
        .map(|date| (date, span.zone.start_of(date)))
        .find(|(_, t)| *t >= span.begins && is_scorable(model, &view(*t)))
        .map(|(date, _)| date)
}

/// Whether the components of the last profile whose metrics can have a value at `view` weigh enough for a score.
fn is_scorable(model: &Model, view: &View) -> bool {
    let (mut could, mut configured) = (0.0, 0.0);
    for component in model.components_of(model.profiles.last()) {
        let usable = |metric: Metric| metric.has_streams(|stream| view.stream(stream).configured);
        let is_observed = |metric: Metric| view.unobserved_days(metric).is_none() && view.stream(metric.stream()).observed_since.is_some();
        // A metric that needs a second stream is one per user.
        let per_user = |metric: Metric| !metric.has_streams(|stream| stream == metric.stream());
        let observed = |metric: Metric| is_observed(metric) && (!per_user(metric) || is_observed(Metric::Mau));
        let metrics = || component.sources.iter().map(|source| source.metric);
        if metrics().any(usable) {
            configured += component.weight;
        }
        if metrics().any(|metric| usable(metric) && observed(metric)) {
            could += component.weight;
        }
    }
    could > 0.0 && could / configured >= model.min_coverage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PerStream, Stream};
    use crate::metric::StreamView;

    const BEGINS: Timestamp = Timestamp(20_454 * DAY_MS); // 2026-01-01

    fn day(n: i64) -> Timestamp {
        BEGINS.plus(n * DAY_MS)
    }

    /// Usage alone, observed since the beginning.
    fn view(t: Timestamp) -> View {
        let streams = PerStream::from_fn(|stream| StreamView {
            t,
            observed_since: (stream == Stream::Usage).then_some(BEGINS),
            configured: stream == Stream::Usage,
        });
        View { t, streams }
    }

    fn regular(every: u32, horizon: u32, days: i64) -> Schedule {
        let span = Span { begins: BEGINS, ends: day(days), zone: &Zone::utc() };
        Schedule::regular(span, every, horizon, &Model::default(), view)
    }

    #[test]
    fn points_start_as_soon_as_a_score_is_possible_and_end_a_horizon_before_the_end() {
        // Recency weighs 20 of 65 at once; features and seats, 25 more, need 28 days.
        let schedule = regular(28, 90, 365);
        assert_eq!(schedule.points().collect::<Vec<_>>(), (1..=9).map(|n| day(28 * n)).collect::<Vec<_>>());
        assert_eq!(schedule.beyond, 4); // days 280, 308, 336, 364
        assert_eq!(schedule.scorings.len(), 49);
        assert_eq!(schedule.scorings.last().map(|scoring| (scoring.t, scoring.takes)), Some((day(364), Takes::Nothing)));
        assert_eq!(regular(28, 337, 365).points().collect::<Vec<_>>(), [day(28)]);
    }

    #[test]
    fn scorings_divide_the_pause_between_points() {
        let pause = |every| {
            let schedule = regular(every, 30, 200);
            schedule.scorings[1].t.since(schedule.scorings[0].t) / DAY_MS
        };
        assert_eq!([28, 30, 10, 7, 1, 11].map(pause), [7, 6, 5, 7, 1, 1]);
    }

    #[test]
    fn a_history_that_is_too_short_has_no_points() {
        assert_eq!(regular(28, 90, 20), Schedule::default());
        let schedule = regular(28, 90, 60);
        assert_eq!((schedule.points().count(), schedule.beyond), (0, 2));
    }

    #[test]
    fn labels_set_the_instants_and_accounts_are_scored_weekly_in_between() {
        let outcome = Outcome { churned: true, true_probability: None };
        let rows = |t: Timestamp| (t, BTreeMap::from([("a".into(), outcome)]));
        let points = BTreeMap::from([rows(day(3)), rows(day(7)), rows(day(99))]);
        let span = Span { begins: BEGINS, ends: day(15), zone: &Zone::utc() };
        let schedule = Schedule::of_labels(&points, span);
        let scorings: Vec<_> = schedule.scorings.iter().map(|scoring| (scoring.t, scoring.takes, scoring.scores_everyone)).collect();
        let expected = [
            (day(0), Takes::Nothing, true),
            (day(3), Takes::Labelled, false),
            (day(7), Takes::Labelled, true),
            (day(14), Takes::Nothing, true),
        ];
        assert_eq!((scorings.as_slice(), schedule.after_end), (&expected[..], 1));
    }
}
