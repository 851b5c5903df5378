//! The true probability that an account leaves soon, given its hidden condition: the best that any prediction can do.
//!
//! The condition is whether the account is in decline, for how long and how deep; whether it has decided to leave; how well the product fits
//! it; and whether it is one of those that grow, swing with the season or began with a trial. What is still open is averaged over, with the
//! chances by which futures are drawn.

use super::decline::Depth;
use super::future::{Decline, HORIZON_DAYS, sudden_per_day};
use super::kind::Kind;
use super::options::Options;
use super::story::Story;
use crate::time::{DAY_MS, Timestamp};

/// Points of the tables: whole days from 0 to the horizon.
const POINTS: usize = 91;

/// The probabilities of one run.
#[derive(Debug)]
pub struct Outlook {
    start: Timestamp,
    /// The first and the last day on which a decline may begin.
    declines: (f64, f64),
    /// The probability that an account leaves suddenly within the horizon.
    sudden: f64,
    /// The kinds that look alike until they decline, with their shares.
    ordinary: Vec<(Kind, f64)>,
    /// For each of them, by days: the integral of the probability that it has left that long after its decline began.
    left: Vec<[f64; POINTS]>,
}

impl Outlook {
    /// The probabilities of a run.
    pub fn new(options: &Options) -> Self {
        let shares = Kind::ALL.into_iter().zip(options.mix.map(f64::from));
        let ordinary: Vec<(Kind, f64)> = shares.filter(|(kind, _)| kind.declines() || *kind == Kind::Healthy).collect();
        Self {
            start: options.start,
            declines: (f64::from(options.quiet_days), f64::from(options.story_days)),
            sudden: 1.0 - (-sudden_per_day(options) * horizon()).exp(),
            left: ordinary.iter().map(|(kind, _)| integrated(*kind)).collect(),
            ordinary,
        }
    }

    /// The probability that an account with this story, a customer at `at`, leaves within the horizon.
    pub fn probability(&self, story: &Story, poor_fit: bool, at: Timestamp) -> f64 {
        let future = &story.future;
        if let Some(leaving) = future.leaving.filter(|leaving| leaving.decided_at <= at) {
            return if days(leaving.leaves_at.since(at)) <= horizon() { 1.0 } else { self.sudden };
        }
        let declines = match future.decline {
            Some(decline) if decline.recovers_at.is_some_and(|recovers| recovers <= at) => 0.0,
            Some(decline) if decline.begins_at <= at => in_decline(&decline, story.kind, at),
            _ if self.ordinary.iter().any(|(kind, _)| *kind == story.kind) => self.before_decline(poor_fit, days(at.since(self.start))),
            _ => 0.0,
        };
        1.0 - (1.0 - declines) * (1.0 - self.sudden)
    }

    /// The probability that an ordinary account that has not declined by `day` declines and leaves within the horizon: the average over all
    /// kinds that look like it.
    fn before_decline(&self, poor_fit: bool, day: f64) -> f64 {
        let (first, last) = self.declines;
        let wait = (first - day).max(0.0);
        let rest = (last - day - wait).max(0.0);
        let (mut alike, mut leave) = (0.0, 0.0);
        for ((kind, share), left) in self.ordinary.iter().zip(&self.left) {
            let fit = if poor_fit { kind.poor_fit() } else { 1.0 - kind.poor_fit() };
            let not_yet = if kind.declines() { rest / (last - first) } else { 1.0 };
            let weight = share * fit * not_yet;
            alike += weight;
            if kind.declines() && rest > 0.0 {
                // The decline begins at any time of the rest, all equally likely.
                leave += weight * (at(left, horizon() - wait) - at(left, horizon() - wait - rest)) / rest;
            }
        }
        if alike > 0.0 { leave / alike } else { 0.0 }
    }
}

fn in_decline(decline: &Decline, kind: Kind, now: Timestamp) -> f64 {
    let passed = now.since(decline.begins_at);
    let weeks = u32::try_from(passed / (7 * DAY_MS)).unwrap_or(u32::MAX - 1);
    leaves_within(kind, decline.depth, days(passed) + horizon(), weeks)
}

/// The probability that an account of this kind has left `days` after its decline began, given that `weeks` have passed without a decision.
fn leaves_within(kind: Kind, depth: Depth, days: f64, weeks: u32) -> f64 {
    if kind.always_recovers() { 0.0 } else { depth.leaves_within(days, weeks, kind.stops_paying()) }
}

/// The integral of the probability of having left, over the days since the decline began.
fn integrated(kind: Kind) -> [f64; POINTS] {
    let left_by = |day: f64| {
        let depths = Depth::ALL.into_iter().zip(kind.depths());
        depths.map(|(depth, share)| share * leaves_within(kind, depth, day, 0)).sum::<f64>()
    };
    let (mut sum, mut day) = (0.0, 0.0);
    std::array::from_fn(|point| {
        if point > 0 {
            sum += f64::midpoint(left_by(day), left_by(day + 1.0));
            day += 1.0;
        }
        sum
    })
}

/// A table at a number of days, 0 before its beginning.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days of a horizon")]
fn at(table: &[f64; POINTS], day: f64) -> f64 {
    let day = day.clamp(0.0, horizon());
    let value = |point: usize| table.get(point).or(table.last()).copied().unwrap_or(0.0);
    let (below, part) = (day.floor(), day.fract());
    (1.0 - part) * value(below as usize) + part * value(below as usize + 1)
}

#[expect(clippy::cast_precision_loss, reason = "days of a horizon")]
const fn horizon() -> f64 {
    HORIZON_DAYS as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
fn days(millis: i64) -> f64 {
    millis as f64 / DAY_MS as f64
}
