//! `/api/pipeline/history`: how far behind this instance was, how fast it read and how long its commits took, over the last hour.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::blocking::off_thread;
use crate::clock::monotonic;
use crate::telemetry::{Source, TaskStatus, ThreadStatus};

/// Time between two points.
const INTERVAL: Duration = Duration::from_secs(5);
/// Points of an hour.
const POINTS_MAX: usize = 720;

/// The last hour of an instance, or the time since its start if that is shorter.
#[derive(Clone, Debug, Default)]
pub struct PipelineHistory(Arc<Mutex<Series>>);

#[derive(Debug, Default)]
struct Series {
    points: VecDeque<Point>,
    last: Option<Totals>,
}

/// What had been read and committed at an instant.
#[derive(Debug)]
struct Totals {
    at: Instant,
    /// Records read, by task.
    read: BTreeMap<i32, u64>,
    /// Transactions committed by all threads, and the seconds that they took.
    commits: u64,
    commit_seconds: f64,
}

/// The figures of one interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    lag: Option<u64>,
    records_per_second: f64,
    /// Mean duration of its commits; `None` without one.
    commit_millis: Option<f64>,
}

impl PipelineHistory {
    /// Takes a point per interval until the runtime ends.
    pub async fn watch(self, source: Arc<dyn Source>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (history, source) = (self.clone(), Arc::clone(&source));
            off_thread(move || history.record(&source.tasks(), &source.threads(), monotonic())).await;
        }
    }

    fn record(&self, tasks: &[TaskStatus], threads: &[ThreadStatus], at: Instant) {
        let now = Totals {
            at,
            read: tasks.iter().map(|task| (task.task, task.counts.read())).collect(),
            commits: threads.iter().map(|thread| thread.transactions).sum(),
            commit_seconds: threads.iter().map(|thread| thread.commit_seconds).sum(),
        };
        let mut series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = series.last.replace(now) {
            let lag = lag_records(tasks);
            let point = series.last.as_ref().map(|now| Point { lag, ..Point::between(&before, now) });
            series.points.extend(point);
            let surplus = series.points.len().saturating_sub(POINTS_MAX);
            series.points.drain(..surplus);
        }
    }

    /// The points, oldest first.
    pub fn json(&self) -> Value {
        let series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let points = || series.points.iter();
        json!({
            "every_seconds": INTERVAL.as_secs(),
            "lag_records": points().map(|point| point.lag).collect::<Vec<_>>(),
            "records_per_second": points().map(|point| point.records_per_second).collect::<Vec<_>>(),
            "commit_millis": points().map(|point| point.commit_millis).collect::<Vec<_>>(),
        })
    }
}

/// The sum over all tasks; `None` while it is unknown, and without tasks.
fn lag_records(tasks: &[TaskStatus]) -> Option<u64> {
    if tasks.is_empty() { None } else { tasks.iter().map(|task| task.lag_records).sum() }
}

impl Point {
    /// A task that is new here brings the counts of its whole life with it, so only tasks that were here before count.
    #[expect(clippy::cast_precision_loss, reason = "a rate is a float")]
    fn between(before: &Totals, now: &Totals) -> Self {
        let read = |(task, count): (&i32, &u64)| before.read.get(task).map_or(0, |earlier| count.saturating_sub(*earlier));
        let seconds = now.at.saturating_duration_since(before.at).as_secs_f64();
        let commits = now.commits.saturating_sub(before.commits);
        Self {
            lag: None,
            records_per_second: if seconds > 0.0 { now.read.iter().map(read).sum::<u64>() as f64 / seconds } else { 0.0 },
            commit_millis: (commits > 0).then(|| 1000.0 * (now.commit_seconds - before.commit_seconds) / commits as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Counts, Outcome};
    use crate::event::Stream;
    use crate::telemetry::TaskPhase;

    fn task(number: i32, read: u64, lag: u64) -> TaskStatus {
        let mut counts = Counts::default();
        (0..read).for_each(|_| counts.count(Stream::Usage, &Outcome::Applied));
        TaskStatus {
            task: number,
            phase: TaskPhase::Running,
            catching_up: false,
            accounts: 1,
            lag_records: Some(lag),
            streams: Vec::new(),
            counts,
            reasons: BTreeMap::new(),
        }
    }

    fn thread(transactions: u64, commit_seconds: f64) -> ThreadStatus {
        ThreadStatus { transactions, commit_seconds, ..ThreadStatus::default() }
    }

    #[test]
    fn a_point_counts_what_was_read_and_committed_since_the_one_before() {
        let (history, begun) = (PipelineHistory::default(), monotonic());
        history.record(&[task(0, 1_000, 70)], &[thread(10, 1.0)], begun);
        assert_eq!(history.json()["lag_records"], json!([]), "one sample makes no point");
        history.record(&[task(0, 1_600, 20), task(1, 9_000, 5)], &[thread(12, 1.5)], begun + Duration::from_secs(6));
        history.record(&[task(1, 9_060, 0)], &[thread(12, 1.5)], begun + Duration::from_secs(12));
        let json = history.json();
        assert_eq!(json["lag_records"], json!([25, 0]));
        assert_eq!(json["records_per_second"], json!([100.0, 10.0]), "task 1 was read elsewhere before");
        assert_eq!(json["commit_millis"], json!([250.0, null]));
    }

    #[test]
    fn an_instance_without_tasks_has_no_lag() {
        let (history, begun) = (PipelineHistory::default(), monotonic());
        history.record(&[], &[], begun);
        history.record(&[], &[], begun + INTERVAL);
        assert_eq!(history.json()["lag_records"], json!([null]));
    }

    #[test]
    fn an_hour_is_kept() {
        let (history, begun) = (PipelineHistory::default(), monotonic());
        for second in 0..1_000 {
            history.record(&[task(0, second, 0)], &[], begun + Duration::from_secs(second));
        }
        assert_eq!(history.json()["lag_records"].as_array().unwrap().len(), POINTS_MAX);
    }
}
