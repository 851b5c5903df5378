//! Slow work, off the server's thread.

use axum::http::StatusCode;

use super::error::ApiError;

/// Runs work off the server's thread, so that probes keep responding. `None` if it panicked.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// The response to a request whose work has panicked.
pub(super) fn failed() -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error", "see the log, and please report this as a bug")
}
