//! Feeds the counts of a task into the counters: the increase since the last committed cycle.

use std::collections::BTreeMap;

use super::metrics::{Metrics, RecordOutcome, warn_of_list_prices};
use crate::account::{Limit, LimitMeter};
use crate::engine::{StreamCounts, Summary};
use crate::event::Stream;

/// The part of a task's counts that the counters already include.
///
/// A task's counts go back to the beginning of its changelog, the counters only to the start of the process, so restored counts are not
/// added again. Call it for committed cycles only: a task whose transaction failed is restored and counts the same records again.
#[derive(Debug)]
pub struct TaskMeter {
    counted: Summary,
}

impl TaskMeter {
    /// Starts from the counts of a restored task.
    #[must_use]
    pub fn new(restored: &Summary) -> Self {
        Self { counted: restored.clone() }
    }

    /// Adds what is new in the summary of a committed cycle.
    pub fn committed(&mut self, summary: &Summary, metrics: &Metrics) {
        for stream in Stream::ALL {
            count_records(stream, self.counted.counts.of(stream), summary.counts.of(stream), metrics);
        }
        count_limits(&self.counted.limits, &summary.limits, metrics);
        self.count_changes(summary, metrics);
        self.counted = summary.clone();
    }

    fn count_changes(&self, summary: &Summary, metrics: &Metrics) {
        let (before, now) = (&self.counted.published, &summary.published);
        for (cause, count) in now.changes() {
            let known = before.changes().find(|(other, _)| *other == cause).map_or(0, |(_, count)| count);
            metrics.changes(cause.name(), count.saturating_sub(known));
        }
        let known: BTreeMap<_, u64> = before.band_changes().map(|(from, to, segment, count)| ((from, to, segment), count)).collect();
        for (from, to, segment, count) in now.band_changes() {
            let known = known.get(&(from, to, segment)).copied().unwrap_or(0);
            let segment = Some(segment).filter(|segment| !segment.is_empty());
            metrics.band_changes(from.name(), to.name(), segment, count.saturating_sub(known));
        }
    }
}

fn count_records(stream: Stream, before: &StreamCounts, now: &StreamCounts, metrics: &Metrics) {
    let dead_letters = |counts: &StreamCounts| counts.dead_letter.iter().map(|(_, count)| count).sum();
    let by_outcome = |counts: &StreamCounts| [counts.applied, counts.duplicate, counts.late, counts.ignored, dead_letters(counts)];
    for ((outcome, before), now) in RecordOutcome::ALL.into_iter().zip(by_outcome(before)).zip(by_outcome(now)) {
        metrics.records(stream, outcome, now.saturating_sub(before));
    }
    for (code, count) in now.dead_letter.iter() {
        let known = before.dead_letter.iter().find(|(other, _)| *other == code).map_or(0, |(_, count)| count);
        metrics.dead_letters(stream, code, count.saturating_sub(known));
    }
}

fn count_limits(before: &LimitMeter, now: &LimitMeter, metrics: &Metrics) {
    for ((limit, now), (_, before)) in now.iter().zip(before.iter()) {
        metrics.limit_reached(limit, now.saturating_sub(before));
        if limit == Limit::UnexpandedDiscounts && before == 0 && now > 0 {
            warn_of_list_prices();
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;
    use crate::engine::{self, Counts};
    use crate::event::{Code, Rejection};

    fn summary(applied: usize, bad: usize) -> Summary {
        let mut counts = Counts::default();
        for _ in 0..applied {
            counts.count(Stream::Usage, &engine::Outcome::Applied);
        }
        for _ in 0..bad {
            counts.count(Stream::Usage, &engine::Outcome::DeadLetter(Rejection::new(Code::InvalidJson, "no JSON")));
        }
        Summary { counts, ..Summary::default() }
    }

    #[test]
    fn only_the_increase_is_counted() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 50).unwrap();
        let mut meter = TaskMeter::new(&summary(100, 10));
        let mut next = summary(103, 11);
        next.limits.reached(Limit::Users);
        meter.committed(&next, &metrics);
        meter.committed(&next, &metrics);
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        for line in [
            "churnwatch_records_total{outcome=\"applied\",stream=\"usage\"} 3\n",
            "churnwatch_records_total{outcome=\"dead_letter\",stream=\"usage\"} 1\n",
            "churnwatch_dead_letters_total{code=\"invalid_json\",stream=\"usage\"} 1\n",
            "churnwatch_limit_reached_total{limit=\"users\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
