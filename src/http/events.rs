//! `/events`: what the page shows, pushed as server-sent events.
//!
//! A frame holds the sums of the portfolio, the pipeline and the newest changes. It is made at most once per second for all viewers, and
//! only while somebody looks. A stream has a place among a limited number, ends after an hour (browsers then reconnect), and is closed
//! like any other connection if its client stops reading.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::api;
use super::blocking::off_thread;
use super::error::ApiError;
use crate::clock::monotonic;
use crate::telemetry::{Refreshed, Source};

/// How often a new frame is looked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// After so many intervals without a new frame, a comment shows that the stream is alive.
const QUIET_INTERVALS_MAX: u32 = 10;
/// How long a stream lasts.
const LIFETIME: Duration = Duration::from_hours(1);
/// Changes in a frame.
const CHANGES: usize = 20;

/// The streams of all viewers.
#[derive(Clone)]
pub struct Events {
    frames: Arc<Refreshed<Bytes>>,
    places: Arc<Semaphore>,
}

impl Events {
    /// At most so many streams at a time.
    pub fn new(source: Arc<dyn Source>, streams_max: usize) -> Self {
        let frames = Refreshed::every(INTERVAL, move || frame(&*source));
        Self { frames, places: Arc::new(Semaphore::new(streams_max)) }
    }

    /// A new stream.
    pub fn stream(&self) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let hint = "close other pages, poll /api/portfolio instead, or raise http.max_connections: half of them may be streams";
            return ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open", hint).into_response();
        };
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(feed(Arc::clone(&self.frames), sender, place));
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::new(Stream(receiver))).into_response()
    }
}

/// Sends each new frame until the client has gone. The place is free again when this ends.
async fn feed(frames: Arc<Refreshed<Bytes>>, sender: mpsc::Sender<Bytes>, _place: OwnedSemaphorePermit) {
    let begun = monotonic();
    let (mut last, mut quiet) = (None, 0);
    while begun.elapsed() < LIFETIME {
        let frames = Arc::clone(&frames);
        let Some(frame) = off_thread(move || frames.get()).await else { return };
        let is_new = last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &frame));
        quiet = if is_new { 0 } else { quiet + 1 };
        let sent = if is_new {
            sender.send(Bytes::clone(&frame)).await
        } else if quiet % QUIET_INTERVALS_MAX == 0 {
            sender.send(Bytes::from_static(b":\n\n")).await
        } else {
            Ok(())
        };
        if sent.is_err() {
            return;
        }
        last = Some(frame);
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// The events of one frame, as they are sent.
fn frame(source: &dyn Source) -> Bytes {
    let changes: Vec<Value> = source.recent_changes(CHANGES).iter().map(summary).collect();
    let events = [("portfolio", api::portfolio_summary(source)), ("pipeline", api::pipeline(source)), ("changes", json!(changes))];
    let text = |(name, data): &(&str, Value)| ["event: ", name, "\ndata: ", &data.to_string(), "\n\n"].concat();
    events.iter().map(text).collect::<String>().into()
}

/// The fields of a change that the feed shows.
fn summary(change: &Value) -> Value {
    json!({
        "account_id": change.get("account_id"),
        "name": change.get("name"),
        "as_of": change.get("as_of"),
        "cause": change.get("cause"),
        "health": change.get("health"),
        "risk": change.get("risk"),
        "driver": change.pointer("/drivers/0"),
    })
}

/// The body of a stream.
struct Stream(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
