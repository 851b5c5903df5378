//! The responses of the API.

use std::sync::Arc;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::blocking::failed;
use super::error::ApiError;
use crate::account::Nearest;
use crate::engine::Counts;
use crate::event::Stream;
use crate::portfolio::lines;
use crate::telemetry::{BANDS, Lists, Query, Sort, Source};
use crate::time::Timestamp;

/// Accounts in a list unless `limit` says otherwise.
const LIMIT_DEFAULT: usize = 50;
/// Most accounts in a list.
const LIMIT_MAX: usize = 1_000;
/// Most segments, plans and CSMs in a response, sorted by name.
const SCOPES_MAX: usize = 1_000;
/// Most cohort lines in a response, those of all accounts first; a line that covers ten years takes 6 KiB.
const COHORT_LINES_MAX: usize = 5_000;

/// Parameters of `/api/accounts`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsParameters {
    band: Option<String>,
    segment: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
}

impl AccountsParameters {
    fn query(self) -> Result<Query, ApiError> {
        let band = self.band.filter(|band| !band.is_empty());
        if let Some(band) = band.as_deref().filter(|band| !BANDS.contains(band)) {
            return Err(ApiError::bad_request(format!("unknown band `{band}`"), format!("use one of {}", BANDS.join(", "))));
        }
        let sort = match self.sort.as_deref().filter(|sort| !sort.is_empty()) {
            None => Sort::default(),
            Some(wanted) => Sort::NAMED.into_iter().find(|(name, _)| *name == wanted).map(|(_, sort)| sort).ok_or_else(|| {
                let names: Vec<&str> = Sort::NAMED.iter().map(|(name, _)| *name).collect();
                ApiError::bad_request(format!("accounts cannot be sorted by `{wanted}`"), format!("use one of {}", names.join(", ")))
            })?,
        };
        let limit =
            match self.limit.as_deref().filter(|limit| !limit.is_empty()) {
                None => LIMIT_DEFAULT,
                Some(wanted) => wanted.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
                    ApiError::bad_request(format!("invalid limit `{wanted}`"), format!("use a limit from 1 to {LIMIT_MAX}"))
                })?,
            };
        Ok(Query { band, segment: self.segment.filter(|segment| !segment.is_empty()), sort, limit, ..Query::default() })
    }
}

/// `/api/accounts`: the first accounts of a sort order, each with the drivers of its score.
pub fn accounts(source: &dyn Source, lists: &Lists, parameters: AccountsParameters) -> Result<Value, ApiError> {
    let list = lists.get(&parameters.query()?).ok_or_else(|| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the list is not ready yet", "ask again; fewer different lists are ready sooner")
    })?;
    Ok(with_header(source, list.as_of, json!({ "matched": list.matched, "accounts": list.accounts })))
}

/// `/api/accounts/{id}`: one account with metrics, score, components and drivers.
pub fn account(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    source.account(account_id).ok_or_else(|| not_here(&**source, account_id))
}

/// `/api/accounts/{id}/explanation`: the score of one account, taken apart so that it can be redone by hand.
pub fn explanation(source: &Arc<dyn Source>, account_id: &str) -> Result<Value, ApiError> {
    let breakdown = source.breakdown(account_id).ok_or_else(|| not_here(&**source, account_id))?;
    serde_json::to_value(breakdown).map_err(|_| failed())
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
    let cells = source.portfolio();
    let live = source.live();
    let mut scopes = lines(&live.portfolio, &live.settings).filter_map(|line| serde_json::from_slice::<Value>(&line).ok());
    let mut body = scopes.next().unwrap_or_else(|| json!({}));
    if let Some(fields) = body.as_object_mut() {
        fields.insert("scopes".to_owned(), scopes.take(SCOPES_MAX).collect());
        fields.insert("tasks_owned".to_owned(), json!(source.tasks().len()));
        fields.insert("tasks_total".to_owned(), json!(source.tasks_total()));
        fields.insert("accounts".to_owned(), json!(cells.iter().map(|cell| cell.accounts).sum::<u64>()));
        fields.insert("cells".to_owned(), json!(cells));
        fields.insert("track_record".to_owned(), json!(source.track_record()));
    }
    with_header(source, source.now(), body)
}

/// `/api/cohorts`: the lines of `replay --out-cohorts` for the accounts of this instance. To get the whole portfolio, add them up over
/// all instances, by cohort and month.
pub fn cohorts(source: &Arc<dyn Source>) -> Value {
    let cohorts = source.cohorts();
    let lines: Vec<Value> = cohorts.lines().take(COHORT_LINES_MAX).filter_map(|line| serde_json::from_slice::<Value>(&line).ok()).collect();
    let body = json!({ "cohorts": lines, "tasks_owned": source.tasks().len(), "tasks_total": source.tasks_total() });
    with_header(&**source, source.now(), body)
}

/// `/api/pipeline`: record outcomes by stream, and the status of each task.
pub fn pipeline(source: &Arc<dyn Source>) -> Value {
    let tasks = source.tasks();
    let mut counts = Counts::default();
    for task in &tasks {
        counts.add(&task.counts);
    }
    let mut body = with_header(
        &**source,
        source.now(),
        json!({
            "tasks_owned": tasks.len(),
            "tasks_total": source.tasks_total(),
            "readiness": source.readiness(),
            "tasks": tasks,
            "repartition": source.repartition(),
        }),
    );
    if let Some(fields) = body.as_object_mut() {
        fields.extend(Stream::ALL.into_iter().map(|stream| (stream.name().to_owned(), json!(counts.of(stream)))));
    }
    body
}

/// Adds the fields that every response about accounts has.
fn with_header(source: &dyn Source, as_of: Timestamp, mut body: Value) -> Value {
    let (currency, minor_digits) = source.currency();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("as_of".to_owned(), json!(as_of.to_string()));
        fields.insert("currency".to_owned(), json!(currency));
        fields.insert("minor_digits".to_owned(), json!(minor_digits));
    }
    body
}
