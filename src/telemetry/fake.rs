//! A fake read side with made-up accounts, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::source::{AccountRow, Live, PortfolioCell, Readiness, Source, TaskStatus};
use super::top::OwnedRow;
use super::track_record::TrackRecord;
use crate::account::LimitMeter;
use crate::breakdown::Breakdown;
use crate::engine::{AccountDetails, AccountHistory, Slot};
use crate::event::{Event, Record, UsageEvent, UsageKind};
use crate::metric::View;
use crate::portfolio::{Cohorts, CompleteMonths, HistoryDates, Period, Portfolio, PortfolioHistory};
use crate::settings::Settings;
use crate::stream_time::Lateness;
use crate::time::Timestamp;

/// A read side that returns what it is given.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) now: Timestamp,
    pub(crate) rows: Vec<OwnedRow>,
    pub(crate) cells: Vec<PortfolioCell>,
    pub(crate) tasks: Vec<TaskStatus>,
    pub(crate) readiness: Readiness,
    pub(crate) track_record: Option<TrackRecord>,
    /// Passes over all accounts.
    pub(crate) passes: AtomicUsize,
    /// Reports of single accounts.
    pub(crate) reports: AtomicUsize,
    pub(crate) is_passing: AtomicBool,
}

impl Default for Fake {
    fn default() -> Self {
        let readiness = Readiness { ready: true, ..Readiness::default() };
        Self {
            now: Timestamp(1_767_571_200_000),
            rows: Vec::new(),
            cells: Vec::new(),
            tasks: Vec::new(),
            readiness,
            track_record: None,
            passes: AtomicUsize::new(0),
            reports: AtomicUsize::new(0),
            is_passing: AtomicBool::new(false),
        }
    }
}

/// An account; its band follows from the score.
pub(crate) fn row(account_id: &str, score: f64, risk: f64, mrr_minor: i64) -> OwnedRow {
    OwnedRow {
        account_id: account_id.to_owned(),
        name: Some(format!("Name of {account_id}")),
        segment: Some("smb".to_owned()),
        plan: Some("team".to_owned()),
        csm: Some("dana".to_owned()),
        stage: Some("adopted"),
        band: if score >= 70.0 {
            "green"
        } else if score >= 40.0 {
            "yellow"
        } else {
            "red"
        },
        score: Some(score),
        risk: Some(risk),
        level: Some(if risk < 0.1 {
            "low"
        } else if risk < 0.3 {
            "medium"
        } else {
            "high"
        }),
        mrr_minor: Some(mrr_minor),
        worsened_at: None,
        sequence: 1,
        driver: None,
    }
}

impl Source for Fake {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn visit(&self, visit: &mut dyn FnMut(&AccountRow<'_>)) {
        self.passes.fetch_add(1, Ordering::SeqCst);
        self.is_passing.store(true, Ordering::SeqCst);
        for row in &self.rows {
            visit(&AccountRow {
                account_id: &row.account_id,
                name: row.name.as_deref(),
                segment: row.segment.as_deref(),
                plan: row.plan.as_deref(),
                csm: row.csm.as_deref(),
                stage: row.stage,
                band: row.band,
                score: row.score,
                risk: row.risk,
                level: row.level,
                mrr_minor: row.mrr_minor,
                worsened_at: row.worsened_at,
                sequence: row.sequence,
                driver: row.driver.as_deref(),
            });
        }
        self.is_passing.store(false, Ordering::SeqCst);
    }

    fn track_record(&self) -> Option<TrackRecord> {
        self.track_record.clone()
    }

    fn account(&self, account_id: &str) -> Option<Value> {
        assert!(!self.is_passing.load(Ordering::SeqCst), "a report is computed while accounts are locked");
        self.reports.fetch_add(1, Ordering::SeqCst);
        let row = self.rows.iter().find(|row| row.account_id == account_id)?;
        Some(
            json!({"account_id": row.account_id, "health": {"score": row.score, "band": row.band}, "drivers": ["made up"], "reasons": ["made up, too"]}),
        )
    }

    fn breakdown(&self, account_id: &str) -> Option<Breakdown> {
        let row = self.rows.iter().find(|row| row.account_id == account_id)?;
        let mut slot = Slot::new(account_id);
        let used =
            Event::Usage(UsageEvent { user_id: None, anonymous_id: None, kind: UsageKind::Feature { feature: "f".into(), count: 1 } });
        let record = Record {
            account: Some(row.account_id.as_str().into()),
            account_system: None,
            id: None,
            type_name: "feature_used",
            occurred_at: self.now,
            payload_time: true,
            cut_text: false,
            unexpanded_discount: false,
            event: used,
        };
        slot.account.apply(&record, Lateness::InTime, &Settings::default(), &mut LimitMeter::default());
        Breakdown::of(&slot, &View::complete(self.now), &Settings::default())
    }

    fn account_history(&self, account_id: &str) -> Option<AccountHistory> {
        self.rows.iter().find(|row| row.account_id == account_id)?;
        Some(Slot::new(account_id).history_until(&View::complete(self.now), &Settings::default()))
    }

    fn account_details(&self, account_id: &str) -> Option<AccountDetails> {
        self.rows.iter().find(|row| row.account_id == account_id)?;
        Some(Slot::new(account_id).details(&View::complete(self.now), &Settings::default()))
    }

    fn recent_changes(&self, limit: usize) -> Vec<Value> {
        let change = |row: &OwnedRow| json!({"account_id": row.account_id, "as_of": self.now.to_string(), "drivers": ["made up"]});
        self.rows.iter().take(limit).map(change).collect()
    }

    fn portfolio_history(&self) -> Arc<PortfolioHistory> {
        Arc::new(PortfolioHistory::new(HistoryDates::until(self.now, &Settings::default().zone), 0))
    }

    fn portfolio(&self) -> Vec<PortfolioCell> {
        self.cells.clone()
    }

    fn live(&self) -> Arc<Live> {
        let settings = Arc::new(Settings::default());
        Arc::new(Live { portfolio: Portfolio::new(Period::trailing(self.now, &settings.zone)), settings })
    }

    fn cohorts(&self) -> Arc<Cohorts> {
        Arc::new(Cohorts::new(CompleteMonths::new(None, self.now, &Settings::default().zone), 0))
    }

    fn currency(&self) -> (String, u32) {
        ("USD".to_owned(), 2)
    }

    fn tasks(&self) -> Vec<TaskStatus> {
        self.tasks.clone()
    }

    fn tasks_total(&self) -> Option<usize> {
        Some(4)
    }

    fn members(&self) -> Vec<String> {
        vec!["churnwatch-a".to_owned(), "churnwatch-b".to_owned()]
    }

    fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }
}
