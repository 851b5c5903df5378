//! A slow reference for `replay`: it keeps every record of an account and computes each figure at t directly from its definition. It
//! shares no code with the program; `READINGS.md` records which reading of an ambiguous definition it uses.

pub mod account;
pub mod billing;
pub mod check;
mod cohort;
pub mod desk;
pub mod difference;
pub mod driver;
mod examples;
pub mod feedback;
pub mod fields;
pub mod history;
pub mod instant;
pub mod input;
pub mod kpi;
pub mod metric;
pub mod money;
mod pattern;
pub mod program;
pub mod score;
pub mod settings;
pub mod subscription;
pub mod support;
pub mod ticket;
pub mod usage;
pub mod service_kpis;
pub mod zone;

use std::collections::BTreeMap;

use account::Account;
use history::Change;
use input::{Counts, DeadLetter, Input, Record};
use kpi::{Kpis, Member, Period};
use metric::Metrics;
use score::Score;
use settings::Settings;
use zone::DAY;

/// The five streams, in the order of the outputs.
pub const STREAMS: [&str; 5] = ["usage", "billing", "support", "feedback", "accounts"];

/// The lines of each file, by stream.
pub type Files = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// The results of a replay as of T.
pub struct Replay {
    /// Counts by stream.
    pub counts: BTreeMap<&'static str, Counts>,
    /// Dead letters in file order, by stream.
    pub dead_letters: Vec<DeadLetter>,
    /// Every account with a line.
    pub accounts: BTreeMap<String, Line>,
    /// KPIs of the trailing 28 days, then of every complete month, by scope.
    pub kpis: Vec<(Period, Scopes)>,
    /// Cohort lines.
    pub cohorts: BTreeMap<cohort::Key, serde_json::Value>,
    /// Published changes by account, if requested.
    pub changes: BTreeMap<String, Vec<Change>>,
}

/// What to compute beyond metrics, scores and KPIs at T.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// KPIs of every complete calendar month.
    pub months: bool,
    /// The history of published changes.
    pub changes: bool,
}

/// KPIs by scope: kind and label, or none for all accounts.
pub type Scopes = BTreeMap<Vec<(&'static str, String)>, Kpis>;

/// An account's line.
pub struct Line {
    /// Its metrics.
    pub metrics: Metrics,
    /// Its only scoring.
    pub score: Score,
}

/// Replays `files` as of `t`.
pub fn replay(files: &Files, settings: &Settings, t: i64, extras: Extras) -> Replay {
    let input = input::read(files, settings, t);
    let deletions = deletions(&input.records, t);
    let mut members = members(files, settings, &input, &deletions, t);
    let mut changes = BTreeMap::new();
    for member in members.iter_mut().filter(|_| extras.changes) {
        let measure = |account: &Account<'_>| measured(files, &input, account);
        let (published, band) = history::changes(&model(settings), &member.account, files, measure);
        member.line.score.band = band;
        changes.insert(member.id.clone(), published);
    }
    let trailing = Period { from: t - 28 * DAY, to: t, month: false };
    let mut kpis = vec![(trailing, kpi::kpis(files, &members, &costs(&input.records, t), trailing))];
    let months = complete_months(settings, &input, t);
    let cohorts = cohort::cohorts(&members, &months);
    for month in months.into_iter().filter(|_| extras.months) {
        let then = input::read(files, settings, month.to);
        let members = self::members(files, settings, &then, &deletions, month.to);
        kpis.push((month, kpi::kpis(files, &members, &costs(&then.records, month.to), month)));
    }
    let accounts = members.into_iter().map(|member| (member.id, member.line)).collect();
    Replay { counts: input.counts, dead_letters: input.dead_letters, accounts, kpis, cohorts, changes }
}

/// The newest deletion of each account at or before `t`.
fn deletions(records: &[Record], t: i64) -> BTreeMap<String, i64> {
    let mut newest = BTreeMap::new();
    for record in records.iter().filter(|record| record.deletes() && record.at <= t) {
        let deleted = newest.entry(record.account.clone().unwrap()).or_insert(record.at);
        *deleted = record.at.max(*deleted);
    }
    newest
}

fn costs(records: &[Record], t: i64) -> Vec<&Record> {
    records.iter().filter(|record| record.kind == "cost_recorded" && record.at <= t).collect()
}

fn model(settings: &Settings) -> toml::Table {
    settings.model.unwrap_or(score::DEFAULT_MODEL).parse().unwrap()
}

/// The metrics of an account that are present.
fn measured(files: &Files, input: &Input, account: &Account<'_>) -> Metrics {
    let mut metrics = account.metrics();
    metrics.keep_observed(files, &input.earliest, account.t);
    metrics
}

/// Every account that has a line at `t`, by its id.
fn members<'a>(files: &Files, settings: &'a Settings, input: &'a Input, deletions: &BTreeMap<String, i64>, t: i64) -> Vec<Member<'a>> {
    let model = model(settings);
    let mut accounts: BTreeMap<&String, Vec<&Record>> = BTreeMap::new();
    for record in input.records.iter().filter(|record| record.at <= t) {
        let Some(account) = &record.account else { continue };
        if deletions.get(account).is_none_or(|deleted| record.at > *deleted) {
            accounts.entry(account).or_default().push(record);
        }
    }
    let member = |(id, mut records): (&String, Vec<&'a Record>)| {
        records.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let account = Account::new(records, settings, t);
        let metrics = measured(files, input, &account);
        let score = score::score(&model, &account, files, &metrics);
        Member { id: id.clone(), account, line: Line { metrics, score } }
    };
    accounts.into_iter().map(member).collect()
}

/// Every complete calendar month from that of the earliest record to `t`.
fn complete_months(settings: &Settings, input: &Input, t: i64) -> Vec<Period> {
    let Some(earliest) = input.earliest.values().min() else { return Vec::new() };
    let months = (0..).map(|ago| settings.zone.month(t, ago)).take_while(|(_, next)| next > earliest);
    let mut months: Vec<Period> = months.map(|(first, next)| Period { from: first - 1, to: next - 1, month: true }).collect();
    months.retain(|month| month.to <= t);
    months.reverse();
    months
}

#[cfg(test)]
mod tests {
    use super::{deletions, input, members};
    use crate::hostile::case;
    use crate::oracle::zone::DAY;

    #[test]
    fn the_reference_balances_mrr_and_outcomes() {
        for seed in 0..20 {
            let case = case(seed);
            let input = input::read(&case.files, &case.settings, case.t);
            for counts in input.counts.values() {
                let refused: u64 = counts.dead_letter.values().sum();
                assert_eq!(counts.read, counts.applied + counts.duplicate + counts.late + counts.ignored + refused, "seed {seed}");
            }
            let deletions = deletions(&input.records, case.t);
            for member in members(&case.files, &case.settings, &input, &deletions, case.t) {
                for (a, b) in [(28, 0), (91, 28), (400, 0)].map(|(a, b)| (case.t - a * DAY, case.t - b * DAY)) {
                    let moved: i64 = member.account.movements(a, b).iter().map(super::billing::Movement::signed).sum();
                    assert_eq!(member.account.mrr(a) + moved, member.account.mrr(b), "seed {seed}, account {}", member.id);
                }
            }
        }
    }
}
