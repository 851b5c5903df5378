//! The responses of the API.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::blocking::failed;
use super::error::ApiError;
use crate::account::Nearest;
use crate::engine::Counts;
use crate::event::Stream;
use crate::metric::Metric;
use crate::portfolio::{Scope, lines};
use crate::telemetry::Source;
use crate::time::Timestamp;

/// Most segments, plans and CSMs in a response, sorted by name.
const SCOPES_MAX: usize = 1_000;
/// Most cohort lines in a response, those of all accounts first; a line that covers ten years takes 6 KiB.
const COHORT_LINES_MAX: usize = 5_000;

/// `/api/accounts/{id}`: one account with metrics, score, components and drivers.
pub fn account(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    source.account(account_id).ok_or_else(|| not_here(&**source, account_id))
}

/// `/api/accounts/{id}/explanation`: the score of one account, taken apart so that it can be redone by hand.
pub fn explanation(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    let breakdown = source.breakdown(account_id).ok_or_else(|| not_here(&**source, account_id))?;
    serde_json::to_value(breakdown).map_err(|_| failed())
}

/// `/api/accounts/{id}/history`: one account on past dates.
pub fn account_history(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    let history = source.account_history(account_id).ok_or_else(|| not_here(&**source, account_id))?;
    let body = serde_json::to_value(history).map_err(|_| failed())?;
    Ok(with_header(&**source, source.now(), body))
}

/// `/api/accounts/{id}/details`: what stands behind the figures of one account.
pub fn account_details(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    let details = source.account_details(account_id).ok_or_else(|| not_here(&**source, account_id))?;
    let body = serde_json::to_value(details).map_err(|_| failed())?;
    Ok(with_header(&**source, source.now(), body))
}

/// An account that this instance does not hold: where else it may be, and which ids are like it.
fn not_here(source: &dyn Source, account_id: &str) -> ApiError {
    let mut nearest = Nearest::to(account_id);
    source.visit(&mut |row| nearest.consider(row.account_id));
    let hint = "either the account is unknown or another member of the group holds it: ask the members listed here";
    let error = ApiError::new(StatusCode::NOT_FOUND, "this instance does not hold the account", hint);
    error.with("members", source.members()).with("nearest", nearest.into_ids())
}

/// `/api/portfolio`: KPIs of all accounts of this instance, KPIs by segment, plan and CSM as `scopes`, and sums by segment and band.
pub fn portfolio(source: &dyn Source) -> Value {
    portfolio_with(source, SCOPES_MAX)
}

/// The same without scopes: what everybody who looks at the page gets every second.
pub fn portfolio_summary(source: &dyn Source) -> Value {
    portfolio_with(source, 0)
}

fn portfolio_with(source: &dyn Source, scopes_max: usize) -> Value {
    let cells = source.portfolio();
    let live = source.live();
    let mut scopes = lines(&live.portfolio, &live.settings).filter_map(|line| serde_json::from_slice::<Value>(&line).ok());
    let mut body = scopes.next().unwrap_or_else(|| json!({}));
    if let Some(fields) = body.as_object_mut() {
        fields.insert("scopes".to_owned(), scopes.take(scopes_max).collect());
        fields.insert("tasks_owned".to_owned(), json!(source.tasks().len()));
        fields.insert("tasks_total".to_owned(), json!(source.tasks_total()));
        fields.insert("accounts".to_owned(), json!(cells.iter().map(|cell| cell.accounts).sum::<u64>()));
        fields.insert("cells".to_owned(), json!(cells));
        let bands = &live.settings.model.bands;
        fields.insert("bands".to_owned(), json!({"green": bands.green, "yellow": bands.yellow}));
        fields.insert("track_record".to_owned(), json!(source.track_record()));
    }
    with_header(source, source.now(), body)
}

/// `/api/portfolio/history`: the last 91 dates of all accounts of this instance, or of one segment, plan or CSM.
pub fn portfolio_history(source: &Arc<dyn Source>, scope: &Scope) -> Result<Value, ApiError> {
    let line = source.portfolio_history().line(scope).ok_or_else(|| {
        let error = "no account of this instance is in this scope";
        ApiError::new(StatusCode::NOT_FOUND, error, "/api/portfolio lists the scopes; ask for one of them, as in ?segment=smb")
    })?;
    Ok(with_header(&**source, source.now(), line))
}

/// `/api/cohorts`: the lines of `replay --out-cohorts` for the accounts of this instance. To get the whole portfolio, add them up over
/// all instances, by cohort and month.
pub fn cohorts(source: &Arc<dyn Source>) -> Value {
    let cohorts = source.cohorts();
    let lines: Vec<Value> = cohorts.lines().take(COHORT_LINES_MAX).filter_map(|line| serde_json::from_slice::<Value>(&line).ok()).collect();
    let body = json!({ "cohorts": lines, "tasks_owned": source.tasks().len(), "tasks_total": source.tasks_total() });
    with_header(&**source, source.now(), body)
}

/// `/api/metrics`: what each account metric means.
pub fn definitions() -> Value {
    let define =
        |metric: &Metric| (metric.name().to_owned(), json!({"description": metric.describe(), "window_days": metric.window_days()}));
    json!({"metrics": Metric::ALL.iter().map(define).collect::<serde_json::Map<_, _>>()})
}

/// `/api/pipeline`: record outcomes by stream, and the status of each task.
pub fn pipeline(source: &dyn Source) -> Value {
    let tasks = source.tasks();
    let mut counts = Counts::default();
    for task in &tasks {
        counts.add(&task.counts);
    }
    let mut body = with_header(
        source,
        source.now(),
        json!({
            "tasks_owned": tasks.len(),
            "tasks_total": source.tasks_total(),
            "readiness": source.readiness(),
            "tasks": tasks,
            "threads": source.threads(),
            "repartition": source.repartition(),
        }),
    );
    if let Some(fields) = body.as_object_mut() {
        fields.extend(Stream::ALL.into_iter().map(|stream| (stream.name().to_owned(), json!(counts.of(stream)))));
    }
    body
}

/// Adds the fields that every response about accounts has.
pub(super) fn with_header(source: &dyn Source, as_of: Timestamp, mut body: Value) -> Value {
    let (currency, minor_digits) = source.currency();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("as_of".to_owned(), json!(as_of.to_string()));
        fields.insert("currency".to_owned(), json!(currency));
        fields.insert("minor_digits".to_owned(), json!(minor_digits));
    }
    body
}
