//! The routes, and the checks that apply to every request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::Registry;
use serde_json::Value;

use super::api;
use super::blocking::{failed, off_thread};
use super::error::ApiError;
use super::events::Events;
use super::gzip::gzip;
use super::host::Hosts;
use super::list::{self, Parameters};
use super::page::page;
use super::pipeline_history::PipelineHistory;
use super::settings::Settings;
use super::token::Token;
use crate::portfolio::Scope;
use crate::telemetry::{self, Lists, Refreshed, Source};

/// Longest path and query, bytes.
const URI_BYTES_MAX: usize = 2_048;
/// The portfolio is written once per interval for all viewers; with a thousand segments it takes milliseconds.
const PORTFOLIO_INTERVAL: Duration = Duration::from_secs(1);
/// Paths that need no token, besides `/accounts/{id}`.
const OPEN_PATHS: [&str; 3] = ["/", "/livez", "/readyz"];

/// What the handlers share.
#[derive(Clone)]
pub struct Shared {
    source: Arc<dyn Source>,
    lists: Arc<Lists>,
    portfolio: Arc<Refreshed<Bytes>>,
    events: Events,
    pipeline_history: PipelineHistory,
    registry: Registry,
    hosts: Hosts,
    token: Option<Token>,
}

impl Shared {
    pub fn new(source: Arc<dyn Source>, registry: Registry, settings: Settings) -> Self {
        let Settings { hosts, token, connections_max, .. } = settings;
        let lists = Arc::new(Lists::new(Arc::clone(&source)));
        let read = Arc::clone(&source);
        let portfolio = Refreshed::every(PORTFOLIO_INTERVAL, move || Bytes::from(api::portfolio(&*read).to_string()));
        let events = Events::new(Arc::clone(&source), connections_max / 2);
        let pipeline_history = PipelineHistory::default();
        Self { source, lists, portfolio, events, pipeline_history, registry, hosts, token }
    }

    /// What runs beside the requests, until the runtime ends.
    pub fn background(&self) -> impl Future<Output = ()> + Send + 'static {
        self.pipeline_history.clone().watch(Arc::clone(&self.source))
    }
}

/// All routes.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/livez", get(livez))
        .route("/accounts/{id}", get(page))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/session", get(session))
        .route("/events", get(events))
        .route("/api/accounts", get(accounts))
        .route("/api/accounts.csv", get(accounts_csv))
        .route("/api/accounts/{id}", get(account))
        .route("/api/accounts/{id}/explanation", get(explanation))
        .route("/api/accounts/{id}/details", get(account_details))
        .route("/api/accounts/{id}/history", get(account_history))
        .route("/api/portfolio", get(portfolio))
        .route("/api/portfolio/history", get(portfolio_history))
        .route("/api/cohorts", get(cohorts))
        .route("/api/metrics", get(definitions))
        .route("/api/pipeline", get(pipeline))
        .route("/api/pipeline/history", get(pipeline_history))
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "no such path", "see / for the page, /api/accounts, /metrics") })
        .layer(middleware::from_fn(gzip))
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .with_state(shared)
}

/// Checks every request before it is routed, and adds security headers to every response.
async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&shared, &request) {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refusal(shared: &Shared, request: &Request) -> Option<ApiError> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let error = "only GET and HEAD are supported";
        return Some(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, error, "nothing can be changed over HTTP"));
    }
    if let Some(error) = shared.hosts.refusal(request) {
        return Some(error);
    }
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > URI_BYTES_MAX) {
        return Some(ApiError::new(StatusCode::URI_TOO_LONG, "the URI is too long", format!("use at most {URI_BYTES_MAX} bytes")));
    }
    let token = shared.token.as_ref().filter(|_| !is_open(request.uri().path()))?;
    let authorization = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let cookies = request.headers().get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let is_admitted = token.admits(authorization) || cookies.into_iter().any(|cookies| token.admits_cookies(cookies));
    (!is_admitted).then(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "a token is required",
            "send the header `Authorization: Bearer <token>` with the token from http.token_file",
        )
    })
}

async fn livez(State(shared): State<Shared>) -> Response {
    match shared.source.stuck() {
        None => "alive\n".into_response(),
        Some(stuck) => (StatusCode::SERVICE_UNAVAILABLE, format!("{stuck}\n")).into_response(),
    }
}

/// Whether a path reveals nothing about accounts. `/accounts/{id}` is the same page for every id.
fn is_open(path: &str) -> bool {
    OPEN_PATHS.contains(&path) || path.starts_with("/accounts/")
}

async fn readyz(State(shared): State<Shared>) -> Response {
    let readiness = shared.source.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let text = off_thread(move || telemetry::text(&shared.registry).ok()).await;
    match text.flatten() {
        Some(text) => ([(header::CONTENT_TYPE, telemetry::CONTENT_TYPE)], text).into_response(),
        None => failed().into_response(),
    }
}

/// Turns the token of a request, which has been checked, into a cookie that scripts cannot read.
async fn session(State(shared): State<Shared>) -> Response {
    let cookie = shared.token.as_ref().and_then(|token| HeaderValue::try_from(token.cookie()).ok());
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

async fn events(State(shared): State<Shared>) -> Response {
    shared.events.stream()
}

async fn accounts(State(shared): State<Shared>, parameters: Result<Query<Parameters>, QueryRejection>) -> Result<Json<Value>, ApiError> {
    let parameters = known(parameters, list::KNOWN)?;
    answer(move || list::accounts(&*shared.source, &shared.lists, parameters)).await
}

async fn accounts_csv(State(shared): State<Shared>, parameters: Result<Query<Parameters>, QueryRejection>) -> Result<Response, ApiError> {
    let parameters = known(parameters, list::KNOWN)?;
    let text = off_thread(move || list::csv(&*shared.source, parameters)).await.ok_or_else(failed)??;
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"accounts.csv\"")];
    Ok((headers, text).into_response())
}

/// The parameters of a query.
fn known<T>(parameters: Result<Query<T>, QueryRejection>, hint: &str) -> Result<T, ApiError> {
    let Query(parameters) = parameters.map_err(|rejection| {
        let words = rejection.body_text();
        let error = words.strip_prefix("Failed to deserialize query string: ").unwrap_or(&words);
        ApiError::bad_request(error, hint)
    })?;
    Ok(parameters)
}

async fn account(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, ApiError> {
    let id = account_id(id)?;
    answer(move || api::account(&shared.source, &id)).await
}

async fn explanation(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, ApiError> {
    let id = account_id(id)?;
    answer(move || api::explanation(&shared.source, &id)).await
}

async fn portfolio(State(shared): State<Shared>) -> Response {
    match off_thread(move || shared.portfolio.get()).await {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], Bytes::clone(&body)).into_response(),
        None => failed().into_response(),
    }
}

async fn account_history(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, ApiError> {
    let id = account_id(id)?;
    answer(move || api::account_history(&shared.source, &id)).await
}

async fn account_details(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, ApiError> {
    let id = account_id(id)?;
    answer(move || api::account_details(&shared.source, &id)).await
}

async fn portfolio_history(
    State(shared): State<Shared>,
    parameters: Result<Query<std::collections::BTreeMap<String, String>>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    const HINT: &str = "the parameter is one of segment, plan and csm, as in ?segment=smb; without any, all accounts are meant";
    let wanted: Vec<(String, String)> = known(parameters, HINT)?.into_iter().collect();
    let scope = match wanted.as_slice() {
        [] => Some(Scope::All),
        [(kind, name)] => Scope::named(kind, name),
        _ => None,
    };
    let scope = scope.ok_or_else(|| ApiError::bad_request("no such scope", HINT))?;
    answer(move || api::portfolio_history(&shared.source, &scope)).await
}

async fn cohorts(State(shared): State<Shared>) -> Result<Json<Value>, ApiError> {
    answer(move || Ok(api::cohorts(&shared.source))).await
}

async fn definitions() -> Json<Value> {
    Json(api::definitions())
}

async fn pipeline(State(shared): State<Shared>) -> Result<Json<Value>, ApiError> {
    answer(move || Ok(api::pipeline(&*shared.source))).await
}

async fn pipeline_history(State(shared): State<Shared>) -> Json<Value> {
    Json(shared.pipeline_history.json())
}

fn account_id(id: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    id.map(|Path(id)| id).map_err(|_| ApiError::bad_request("the account id is not UTF-8 text", "percent-encode its UTF-8 bytes"))
}

async fn answer(work: impl FnOnce() -> Result<Value, ApiError> + Send + 'static) -> Result<Json<Value>, ApiError> {
    off_thread(work).await.ok_or_else(failed)?.map(Json)
}
