//! What would make an account green: the smallest changes of a single metric, found on the curves and checked by scoring again.
//!
//! Between two points of a curve and two thresholds of rules, the score is linear in a metric. So it is enough to look at these points and
//! where the line between two of them crosses the target.

use super::document::{Green, Step};
use super::possible::{can_change, is_whole, linked, range, set};
use super::scoring::Scoring;
use crate::metric::{Metric, Metrics};
use crate::score::{self, Assessment, Band, Subject, quantity};

/// Most single changes that are listed.
const MAX_STEPS: usize = 5;
/// How far past a threshold a value is tried, relative to the threshold.
const BESIDE: f64 = 1e-6;

pub(super) fn of(scoring: &Scoring<'_, '_>) -> Green {
    let bands = &scoring.settings().model.bands;
    let target = bands.green;
    let mut green = Green {
        target,
        at_once: target + bands.better.points,
        hours: bands.better.hours,
        note: note(scoring),
        single: Vec::new(),
        together: Vec::new(),
        best: None,
    };
    let needs_search =
        scoring.status.band != Band::Green && !scoring.is_frozen() && scoring.assessment.measured.is_some_and(|now| now < target);
    if needs_search {
        let search = Search { scoring, target };
        let start = scoring.subject.metrics;
        green.single = search.single(start);
        green.best = search.best(start).map(|(step, _)| step.score);
        if green.single.is_empty() {
            green.together = search.together(start);
            green.best = green.together.last().map(|step| step.score).or(green.best);
            if green.best.is_none_or(|best| best < target) {
                green.together.clear();
            }
        }
    }
    green
}

/// What no metric can change.
fn note(scoring: &Scoring<'_, '_>) -> Option<String> {
    let (status, assessment, bands) = (&scoring.status, scoring.assessment, &scoring.settings().model.bands);
    if scoring.is_frozen() {
        return Some("the account has churned: it is scored again once it pays again".into());
    }
    if let Some(pinned) = &scoring.subject.health_override {
        let measured = assessment.measured.map_or("there would be no score".into(), |score| format!("health would be {score:.1}"));
        let who = if pinned.value >= bands.green { "is pinned" } else { "must end: it is pinned" };
        return Some(format!("the override {who} to {} until {}; without it {measured}", pinned.value, pinned.until));
    }
    if status.score.is_none() {
        return Some("there is no score yet: too few components have a value".into());
    }
    if status.band == Band::Green {
        return Some("it is green".into());
    }
    let is_high = assessment.score.is_some_and(|score| score >= bands.green);
    is_high.then(|| format!("its score is high enough: it turns green after {} h at {} or more", bands.better.hours, bands.green))
}

/// The rank of candidate metrics. Of two caps, each hides what ending the other one gains, so their number counts as well.
#[derive(Clone, Copy)]
struct Worth {
    score: f64,
    /// Rules in force that cap the score below the target.
    caps: usize,
}

impl Worth {
    /// Whether it is better by more than `points`, or as good with fewer caps.
    fn exceeds(self, other: Self, points: f64) -> bool {
        self.score > other.score + points || (self.score > other.score - 1e-9 && self.caps < other.caps)
    }
}

/// Metrics after a change of one of them, and of those that move with it.
fn changed(metrics: &Metrics, metric: Metric, value: f64) -> Metrics {
    let mut after = metrics.clone();
    set(&mut after, metric, value);
    after
}

struct Search<'r, 's, 'a> {
    scoring: &'r Scoring<'s, 'a>,
    target: f64,
}

impl Search<'_, '_, '_> {
    /// For each metric the change to the nearest value that suffices, smallest change first.
    fn single(&self, start: &Metrics) -> Vec<Step> {
        let mut steps: Vec<(f64, Step)> = Vec::new();
        for metric in self.metrics(start) {
            let Some(now) = start.number(metric) else { continue };
            let enough = self.candidates(start, metric).into_iter().filter(|value| self.score(start, metric, *value) >= self.target);
            let nearest = enough.min_by(|one, other| (one - now).abs().total_cmp(&(other - now).abs()));
            steps.extend(nearest.map(|value| (self.effort(start, metric, value), self.step(start, metric, value))));
        }
        steps.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        steps.into_iter().take(MAX_STEPS).map(|(_, step)| step).collect()
    }

    /// Changes to the best value, one metric after the other, the one that gains most first; the last one only as far as needed.
    fn together(&self, start: &Metrics) -> Vec<Step> {
        let (mut metrics, mut steps) = (start.clone(), Vec::<Step>::new());
        while let Some((step, better)) = self.best(&metrics) {
            if !self.worth(&better).exceeds(self.worth(&metrics), 0.05) || steps.len() >= 2 * MAX_STEPS {
                break;
            }
            if let Some(last) = self.single(&metrics).into_iter().next() {
                steps.push(last);
                break;
            }
            metrics = better;
            steps.push(step);
        }
        steps
    }

    /// The change of one metric that gains most, and the metrics after it.
    fn best(&self, start: &Metrics) -> Option<(Step, Metrics)> {
        let mut best: Option<(Worth, Metric, f64)> = None;
        for metric in self.metrics(start) {
            let Some(now) = start.number(metric) else { continue };
            for value in self.candidates(start, metric) {
                let worth = self.worth(&changed(start, metric, value));
                let is_better = best.is_none_or(|(found, of, at)| {
                    worth.exceeds(found, 1e-9) || (of == metric && !found.exceeds(worth, 1e-9) && (value - now).abs() < (at - now).abs())
                });
                if is_better {
                    best = Some((worth, metric, value));
                }
            }
        }
        let (_, metric, value) = best?;
        Some((self.step(start, metric, value), changed(start, metric, value)))
    }

    /// The metrics of the components and of the rules in force, one for each group that moves together.
    fn metrics(&self, start: &Metrics) -> Vec<Metric> {
        let parts = self.scoring.assessment.components.iter().filter(|part| part.weight > 0.0).map(|part| part.metric);
        let rules = self.scoring.assessment.rules.iter().filter(|effect| effect.cap_health().is_some()).filter_map(|effect| effect.rule);
        let conditions = rules.flat_map(|rule| rule.condition.comparisons().iter().map(|comparison| comparison.metric));
        // What is past due is settled by paying: then no invoice has failed.
        let payable = |metric| if metric == Metric::DaysPastDue { Metric::PaymentFailuresOpen } else { metric };
        let mut found: Vec<Metric> = Vec::new();
        for metric in parts.chain(conditions).map(payable).filter(|metric| can_change(*metric) && start.number(*metric).is_some()) {
            if !linked(metric).any(|other| found.contains(&other)) {
                found.push(metric);
            }
        }
        found
    }

    /// The values of a metric at which the score may reach the target or its best.
    fn candidates(&self, start: &Metrics, metric: Metric) -> Vec<f64> {
        let (least, most) = range(metric);
        let mut points = self.points(start, metric);
        points.extend([least, most].into_iter().filter(|end| end.is_finite()));
        points.retain(|value| (least..=most).contains(value));
        points.sort_by(f64::total_cmp);
        points.dedup();
        let beside = |value: f64, sign: f64| value + sign * BESIDE * value.abs().max(1.0);
        let mut found: Vec<f64> = points.iter().flat_map(|value| [*value, beside(*value, -1.0), beside(*value, 1.0)]).collect();
        for (left, right) in points.iter().zip(points.iter().skip(1)) {
            let (left, right) = (beside(*left, 1.0), beside(*right, -1.0));
            let (low, high) = (self.score(start, metric, left), self.score(start, metric, right));
            if (low < self.target) != (high < self.target) {
                found.push(left + (right - left) * ((self.target + 1e-9 - low) / (high - low)));
            }
        }
        if is_whole(metric) {
            found = found.into_iter().flat_map(|value| [value.floor(), value.ceil()]).collect();
        }
        found.retain(|value| (least..=most).contains(value));
        found
    }

    /// The points of curves and rules on a metric, including those on metrics that move with it, in its own unit.
    fn points(&self, start: &Metrics, metric: Metric) -> Vec<f64> {
        let model = &self.scoring.settings().model;
        let Some(now) = start.number(metric) else { return Vec::new() };
        let mut points = vec![now];
        for other in linked(metric) {
            let Some(value) = start.number(other) else { continue };
            let own_unit = |point: f64| if other == metric { Some(point) } else { (value != 0.0).then(|| point * now / value) };
            let weighted = model.components.iter().filter(|component| component.weight > 0.0);
            let sources = weighted.flat_map(|component| &component.sources).filter(|source| source.metric == other);
            points.extend(sources.flat_map(|source| source.curve.points()).filter_map(|[x, _]| own_unit(*x)));
            let comparisons = model.rules.iter().flat_map(|rule| rule.condition.comparisons());
            points.extend(comparisons.filter(|comparison| comparison.metric == other).filter_map(|comparison| own_unit(comparison.number)));
        }
        points
    }

    fn step(&self, start: &Metrics, metric: Metric, value: f64) -> Step {
        let currency = self.scoring.settings().money.rates.reporting();
        let from = start.number(metric).unwrap_or_default();
        let after = changed(start, metric, value);
        let rules =
            |metrics: &Metrics| self.assessed(metrics, |now| now.rules.iter().map(|rule| rule.name.to_string()).collect::<Vec<_>>());
        let remaining = rules(&after);
        let gone = metric == Metric::PaymentFailuresOpen && value == 0.0;
        let sentence = if gone {
            "every failed invoice is paid".to_owned()
        } else {
            score::change_of(metric, from, value, currency)
                .unwrap_or_else(|| format!("{} stays {}", metric.name(), quantity(metric, from, currency)))
        };
        Step {
            metric: metric.name().to_owned(),
            from,
            to: value,
            sentence,
            ends: rules(start).into_iter().filter(|name| !remaining.contains(name)).collect(),
            score: self.score_of(&after),
        }
    }

    /// How large a change is: how far the scores of components move.
    fn effort(&self, start: &Metrics, metric: Metric, value: f64) -> f64 {
        let after = changed(start, metric, value);
        let weighted =
            |now: &Assessment<'_>| now.components.iter().filter(|part| part.weight > 0.0).map(|part| part.score).collect::<Vec<f64>>();
        let scores = |metrics: &Metrics| self.assessed(metrics, weighted);
        scores(start).iter().zip(scores(&after)).map(|(before, after)| (after - before).abs()).sum()
    }

    fn score(&self, start: &Metrics, metric: Metric, value: f64) -> f64 {
        self.score_of(&changed(start, metric, value))
    }

    fn worth(&self, metrics: &Metrics) -> Worth {
        self.assessed(metrics, |now| Worth {
            score: now.measured.unwrap_or_default(),
            caps: now.rules.iter().filter(|effect| effect.cap_health().is_some_and(|cap| cap < self.target)).count(),
        })
    }

    fn score_of(&self, metrics: &Metrics) -> f64 {
        self.assessed(metrics, |now| now.measured.unwrap_or_default())
    }

    fn assessed<R>(&self, metrics: &Metrics, read: impl FnOnce(&Assessment<'_>) -> R) -> R {
        let subject = Subject { metrics, other_instants: None, health_override: None, ..*self.scoring.subject };
        read(&score::assess(&self.scoring.settings().model, &subject))
    }
}
