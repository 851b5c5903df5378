//! The read side of a running instance: the directory of its tasks, and what its stream threads report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::refreshed::Refreshed;
use super::source::{
    AccountRow, Live, PortfolioCell, Readiness, RepartitionStatus, Source, StreamStatus, TaskPhase, TaskStatus, ThreadStatus,
};
use super::track_record::TrackRecord;
use crate::breakdown::Breakdown;
use crate::clock::Clock;
use crate::directory::{Directory, TaskView};
use crate::engine::{AccountDetails, AccountHistory, Counts, Slot};
use crate::event::{Code, Stream};
use crate::kafka::Members;
use crate::metric::{Stage, View};
use crate::portfolio::{BandSums, Cohorts, PortfolioHistory};
use crate::score::Band;
use crate::threads::{InputMetadata, ThreadReport, Threads};
use crate::time::Timestamp;

/// How long a request for the cohorts or the history waits for them: a million accounts take a second or two.
const PASS_WAIT: Duration = Duration::from_secs(10);

/// A running instance.
#[derive(Debug)]
pub struct Instance {
    directory: Arc<Directory>,
    threads: Threads,
    members: Members,
    clock: Clock,
    live: Arc<Refreshed<Live>>,
    cohorts: Arc<Refreshed<Cohorts>>,
    history: Arc<Refreshed<PortfolioHistory>>,
}

impl Instance {
    /// The read side for these stream threads.
    #[must_use]
    pub fn new(directory: Arc<Directory>, threads: Threads, members: Members, clock: Clock) -> Self {
        let (tasks, time) = (Arc::clone(&directory), clock.clone());
        let live = Refreshed::new(move || Live { portfolio: tasks.portfolio(time.now()), settings: tasks.settings() });
        let (tasks, time) = (Arc::clone(&directory), clock.clone());
        let cohorts = Refreshed::new(move || tasks.cohorts(time.now()));
        let (tasks, time) = (Arc::clone(&directory), clock.clone());
        let history = Refreshed::new(move || tasks.portfolio_history(time.now()));
        Self { directory, threads, members, clock, live, cohorts, history }
    }

    fn task(&self, task: &TaskView, now: Timestamp) -> TaskStatus {
        let settings = self.directory.settings();
        let summary = task.summary();
        let view = summary.stream_time.view(now, &settings);
        let streams = summary.stream_time.clocks().iter();
        TaskStatus {
            task: task.number,
            phase: TaskPhase::Running,
            catching_up: false,
            accounts: task.accounts.count() as u64,
            lag_records: None,
            streams: streams
                .filter(|(stream, _)| view.stream(*stream).configured)
                .map(|(stream, clock)| StreamStatus {
                    stream,
                    time: clock.newest,
                    observed_since: clock.observed_since,
                    stale: is_stale(&view, stream),
                })
                .collect(),
            counts: summary.counts.clone(),
            reasons: reasons(&summary.reasons),
        }
    }

    /// Adds what only the threads know: tasks that are not restored, and how far each task has read.
    fn complete(&self, tasks: &mut BTreeMap<i32, TaskStatus>) {
        for thread in self.threads.reports() {
            let thread = thread.read();
            for (number, state) in &thread.tasks {
                if let Some(task) = tasks.get_mut(number) {
                    task.catching_up = state.catching_up;
                    task.lag_records = lag(&state.inputs);
                }
            }
            let waiting = |numbers: &[i32], phase| numbers.iter().map(move |number| (*number, phase)).collect::<Vec<_>>();
            for (number, phase) in
                waiting(&thread.restoring, TaskPhase::Restoring).into_iter().chain(waiting(&thread.parked, TaskPhase::Parked))
            {
                tasks.entry(number).or_insert_with(|| not_running(number, phase));
            }
        }
    }
}

impl Source for Instance {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn visit(&self, visit: &mut dyn FnMut(&AccountRow<'_>)) {
        for task in self.directory.tasks() {
            task.accounts.visit(|slot| {
                if let Some(row) = row(slot) {
                    visit(&row);
                }
            });
        }
    }

    fn account(&self, account_id: &str) -> Option<Value> {
        let report = self.directory.account_report(account_id, self.now())?;
        serde_json::from_slice(&report.0).ok()
    }

    fn breakdown(&self, account_id: &str) -> Option<Breakdown> {
        self.directory.breakdown(account_id, self.now())
    }

    fn account_history(&self, account_id: &str) -> Option<AccountHistory> {
        self.directory.account_history(account_id, self.now())
    }

    fn account_details(&self, account_id: &str) -> Option<AccountDetails> {
        self.directory.account_details(account_id, self.now())
    }

    fn recent_changes(&self, limit: usize) -> Vec<Value> {
        self.directory.recent_changes(limit)
    }

    fn portfolio_history(&self) -> Arc<PortfolioHistory> {
        self.history.get_within(PASS_WAIT)
    }

    fn portfolio(&self) -> Vec<PortfolioCell> {
        let mut cells: BTreeMap<(Option<String>, Band), PortfolioCell> = BTreeMap::new();
        for task in self.directory.tasks() {
            for (segment, band, sums) in task.portfolio().bands() {
                if sums.accounts() > 0 {
                    let key = (segment.map(str::to_owned), band);
                    let empty = || PortfolioCell { segment: key.0.clone(), band: band.name(), ..PortfolioCell::default() };
                    add(cells.entry(key.clone()).or_insert_with(empty), &sums);
                }
            }
        }
        cells.into_values().collect()
    }

    fn track_record(&self) -> Option<TrackRecord> {
        let tallies: Vec<_> = self.directory.tasks().iter().map(|task| task.summary().predictions.clone()).collect();
        TrackRecord::of(&self.directory.settings().model, &tallies)
    }

    fn live(&self) -> Arc<Live> {
        self.live.get()
    }

    fn cohorts(&self) -> Arc<Cohorts> {
        self.cohorts.get_within(PASS_WAIT)
    }

    fn currency(&self) -> (String, u32) {
        let currency = self.directory.settings().money.rates.reporting();
        (currency.code().to_owned(), currency.exponent())
    }

    fn tasks(&self) -> Vec<TaskStatus> {
        let now = self.now();
        let mut tasks = self.directory.tasks().iter().map(|task| (task.number, self.task(task, now))).collect();
        self.complete(&mut tasks);
        tasks.into_values().collect()
    }

    fn threads(&self) -> Vec<ThreadStatus> {
        let status = |(number, report): (usize, &Arc<ThreadReport>)| {
            let thread = report.read();
            ThreadStatus {
                thread: number,
                restoring: thread.restoring.clone(),
                restored_records: thread.restored_records,
                transactions: thread.transactions,
                commit_seconds: thread.commit_time.as_secs_f64(),
                committed_at: thread.committed_at,
            }
        };
        self.threads.reports().iter().enumerate().map(status).collect()
    }

    fn repartition(&self) -> Vec<RepartitionStatus> {
        let mut topics: BTreeMap<String, RepartitionStatus> = BTreeMap::new();
        for thread in self.threads.repartition() {
            for input in thread.read().tasks.values().flat_map(|task| &task.inputs) {
                let none = || RepartitionStatus { topic: input.topic.clone(), partitions: 0, lag_records: Some(0) };
                let status = topics.entry(input.topic.clone()).or_insert_with(none);
                status.partitions += 1;
                status.lag_records = status.lag_records.zip(input.lag).map(|(sum, lag)| sum + lag);
            }
        }
        topics.into_values().collect()
    }

    fn tasks_total(&self) -> Option<usize> {
        Some(self.threads.tasks_total())
    }

    fn members(&self) -> Vec<String> {
        self.members.list()
    }

    fn readiness(&self) -> Readiness {
        let waiting_for = self.threads.waiting_for();
        Readiness { ready: waiting_for.is_empty(), waiting_for, no_contact_since: self.threads.contact().lost_since() }
    }

    fn stuck(&self) -> Option<String> {
        self.threads.stuck().map(|(name, seconds)| format!("{name} has been in one step for {seconds} s"))
    }
}

/// An account as last scored; `None` if it has never been scored.
fn row(slot: &Slot) -> Option<AccountRow<'_>> {
    let score = slot.last_score()?;
    let profile = slot.account.profile();
    Some(AccountRow {
        account_id: slot.id(),
        name: profile.and_then(|profile| profile.name.as_deref()),
        segment: profile.and_then(|profile| profile.segment.as_deref()),
        plan: profile.and_then(|profile| profile.plan.as_deref()),
        csm: profile.and_then(|profile| profile.csm.as_deref()),
        stage: score.stage.map(Stage::name),
        band: score.band.name(),
        score: score.health,
        risk: score.risk.map(|risk| risk.probability),
        level: score.risk.map(|risk| risk.level.name()),
        mrr_minor: Some(score.mrr_minor),
        worsened_at: slot.score().worsened_at(),
        sequence: slot.score().sequence(),
        driver: slot.live_entry().driver.as_deref().map(|driver| &*driver.0),
    })
}

fn reasons(newest: &BTreeMap<(Stream, Code), Box<str>>) -> BTreeMap<&'static str, BTreeMap<&'static str, String>> {
    let mut by_stream: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for ((stream, code), reason) in newest {
        by_stream.entry(stream.name()).or_default().insert(code.name(), reason.to_string());
    }
    by_stream
}

fn is_stale(view: &View, stream: Stream) -> bool {
    view.stream(stream).t < view.t
}

fn add(cell: &mut PortfolioCell, sums: &BandSums) {
    cell.accounts += sums.accounts();
    cell.mrr_minor = cell.mrr_minor.saturating_add(i64::try_from(sums.mrr_minor()).unwrap_or(i64::MAX));
    // A churned account keeps its last risk, though that no longer describes it.
    if let Some(minor) = sums.mrr_at_risk_minor().filter(|_| cell.band != Band::Churned.name()) {
        cell.mrr_at_risk_minor = Some(cell.mrr_at_risk_minor.unwrap_or(0.0) + minor);
    }
    cell.score_sum += sums.score_sum();
    cell.scored += sums.scored();
}

fn lag(inputs: &[InputMetadata]) -> Option<u64> {
    inputs.iter().map(|input| input.lag).sum()
}

fn not_running(task: i32, phase: TaskPhase) -> TaskStatus {
    TaskStatus {
        task,
        phase,
        catching_up: false,
        accounts: 0,
        lag_records: None,
        streams: Vec::new(),
        counts: Counts::default(),
        reasons: BTreeMap::new(),
    }
}
