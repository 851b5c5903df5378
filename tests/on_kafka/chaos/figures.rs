//! The figures of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::check::Looked;
use super::fault::Kind;
use super::proxy::{Api, Proxy};

#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub campaigns: u64,
    pub kills: u64,
    pub records: u64,
    faults: BTreeMap<Kind, u64>,
    /// Kills at each named point.
    points: BTreeMap<String, u64>,
    /// How instances exited on their own.
    pub exits: BTreeMap<String, u64>,
    /// Requests that the proxy disturbed.
    disturbed: BTreeMap<String, u64>,
    committed: u64,
    aborted: u64,
    stamps: usize,
    changes: usize,
    changes_compared: usize,
    letters: usize,
    accounts: usize,
    tombstones: usize,
    restarted: Vec<Duration>,
    taken_over: Vec<Duration>,
}

impl Figures {
    pub fn count(&mut self, kind: Kind) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub fn faults(&self) -> usize {
        self.faults.values().map(|count| usize::try_from(*count).unwrap()).sum()
    }

    /// From a kill to progress of every task, with the instance restarted at once.
    pub fn restarted(&mut self, time: Duration) {
        self.restarted.push(time);
    }

    /// The same, with other instances taking over.
    pub fn taken_over(&mut self, time: Duration) {
        self.taken_over.push(time);
    }

    pub fn fallen(&mut self, point: &str) {
        *self.points.entry(point.to_owned()).or_default() += 1;
    }

    /// Totals of the check at the end of a campaign.
    pub fn looked(&mut self, looked: &Looked, proxy: &Proxy) {
        self.campaigns += 1;
        self.records += looked.records;
        self.committed += looked.transactions.committed;
        self.aborted += looked.transactions.aborted;
        self.stamps += looked.stamps;
        self.changes += looked.changes;
        self.changes_compared += looked.changes_compared;
        self.letters += looked.letters;
        self.accounts += looked.accounts;
        self.tombstones += looked.tombstones;
        self.disturbed = proxy.done();
    }

    /// Whether the proxy disturbed a request of this kind.
    pub fn has_disturbed(&self, api: Api) -> bool {
        let of_kind = format!("{api:?} ");
        self.disturbed.keys().any(|name| name.starts_with(&of_kind))
    }

    pub fn add(&mut self, other: Self) {
        self.campaigns += other.campaigns;
        self.kills += other.kills;
        self.records += other.records;
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.stamps += other.stamps;
        self.changes += other.changes;
        self.changes_compared += other.changes_compared;
        self.letters += other.letters;
        self.accounts += other.accounts;
        self.tombstones += other.tombstones;
        self.restarted.extend(other.restarted);
        self.taken_over.extend(other.taken_over);
        sum(&mut self.faults, other.faults);
        sum(&mut self.points, other.points);
        sum(&mut self.exits, other.exits);
        sum(&mut self.disturbed, other.disturbed);
    }
}

fn sum<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key).or_default() += count;
    }
}

fn shown<K: fmt::Debug>(counts: &BTreeMap<K, u64>) -> String {
    let shown: Vec<String> = counts.iter().map(|(key, count)| format!("{} {count}", format!("{key:?}").trim_matches('"'))).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

/// The times in seconds: count, median, 99th percentile and maximum.
fn times(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).map_or(0.0, Duration::as_secs_f64);
    format!("{}, p50 {:.1} s, p99 {:.1} s, max {:.1} s", sorted.len(), rank(50), rank(99), rank(100))
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "campaigns                  {}", self.campaigns)?;
        writeln!(f, "faults                     {}: {}", self.faults(), shown(&self.faults))?;
        writeln!(f, "kill -9 of instances       {}", self.kills)?;
        writeln!(f, "  of them at named points  {}", shown(&self.points))?;
        writeln!(f, "exits by themselves        {}", shown(&self.exits))?;
        writeln!(f, "requests disturbed         {}", shown(&self.disturbed))?;
        writeln!(f, "records read               {}", self.records)?;
        writeln!(f, "transactions               {} committed, {} aborted, {} stamps", self.committed, self.aborted, self.stamps)?;
        writeln!(f, "changes                    {}, {} of them compared with the reference", self.changes, self.changes_compared)?;
        writeln!(f, "dead letters               {}", self.letters)?;
        writeln!(f, "accounts compared          {}, {} published ones deleted", self.accounts, self.tombstones)?;
        writeln!(f, "kill to progress           restarted in place: {}", times(&self.restarted))?;
        write!(f, "                           taken over: {}", times(&self.taken_over))
    }
}
