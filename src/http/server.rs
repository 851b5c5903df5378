//! The server: one thread with its own runtime, and a limit on every resource that a client can hold.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus::Registry;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use super::routes::{Shared, router};
use super::settings::Settings;
use super::timeouts::{Answered, TimedStream, Timeouts};
use crate::telemetry::Source;

/// Request line and headers, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Most threads that iterate over accounts at the same time.
const WORKERS_MAX: usize = 2;

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}; is another instance running? `http.listen` sets the address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The thread or its runtime cannot be created.
    #[error("cannot start the HTTP thread")]
    Thread(#[source] io::Error),
}

/// A bound address. Connections wait until a [`Server`] takes over.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// If it is in use, or does not belong to this machine.
    pub fn bind(address: SocketAddr) -> Result<Self, StartError> {
        TcpListener::bind(address).map(Self).map_err(|source| StartError::Listen { address, source })
    }
}

/// A running server. Dropping it closes the listener and all connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the server thread.
    ///
    /// # Errors
    /// If the listener is unusable, or the thread cannot be created.
    pub fn start(
        Listener(listener): Listener,
        settings: Settings,
        source: Arc<dyn Source>,
        registry: Registry,
    ) -> Result<Self, StartError> {
        listener.set_nonblocking(true).map_err(StartError::Thread)?;
        let address = listener.local_addr().map_err(StartError::Thread)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(WORKERS_MAX)
            .build()
            .map_err(StartError::Thread)?;
        let (stop, stopped) = watch::channel(false);
        let bounds = (settings.connections_max, settings.timeouts);
        let shared = Shared::new(source, registry, settings);
        let background = shared.background();
        let routes = router(shared);
        let serve = move || {
            runtime.spawn(background);
            if let Err(error) = runtime.block_on(accept(listener, &routes, bounds, stopped)) {
                tracing::error!(%error, "the HTTP server stopped");
            }
            runtime.shutdown_timeout(Duration::from_secs(1));
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(serve).map_err(StartError::Thread)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the thread has already ended.
        let _ = self.stop.send(true);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(
    listener: TcpListener,
    routes: &Router,
    (connections_max, timeouts): (usize, Timeouts),
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(connections_max));
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => return Ok(()),
            accepted = accept_one(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => drop(tokio::spawn(serve(stream, routes.clone(), timeouts, place))),
            Err(error) => {
                // Probably out of file descriptors, which existing connections will return when they end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn accept_one(listener: &tokio::net::TcpListener, places: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn serve(stream: TcpStream, routes: Router, timeouts: Timeouts, place: OwnedSemaphorePermit) {
    let answered = Answered::default();
    let stream = TimedStream::new(stream, timeouts, answered.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (routes, answered) = (routes.clone(), answered.clone());
        async move {
            let response = routes.oneshot(request).await;
            answered.set();
            response
        }
    });
    let connection =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX).serve_connection(TokioIo::new(stream), answer);
    // An error on one connection concerns only its client.
    let _ = connection.await;
    drop(place);
}

#[cfg(test)]
mod tests;
