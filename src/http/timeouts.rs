//! Timeouts of a connection: one while it is idle, one from a request to the end of its response.
//!
//! ```text
//!   idle --first byte of a request--> busy --response complete and flushed--> idle --more of a stream--> idle
//! ```

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::clock::monotonic;

/// Timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request to the last byte of its response.
    pub request: Duration,
    /// Between requests.
    pub idle: Duration,
}

/// Set once a response is complete, so that the next flush ends the exchange.
#[derive(Clone, Debug, Default)]
pub struct Answered(Arc<AtomicBool>);

impl Answered {
    /// The response is complete but not yet written.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// A stream that fails once its client exceeds a timeout.
#[derive(Debug)]
pub struct TimedStream<S> {
    stream: S,
    timeouts: Timeouts,
    answered: Answered,
    busy: bool,
    deadline: Pin<Box<Sleep>>,
}

impl<S> TimedStream<S> {
    /// A stream that waits for its first request.
    pub fn new(stream: S, timeouts: Timeouts, answered: Answered) -> Self {
        Self { stream, timeouts, answered, busy: false, deadline: Box::pin(sleep(timeouts.idle)) }
    }

    fn switch(&mut self, busy: bool) {
        self.busy = busy;
        let limit = if busy { self.timeouts.request } else { self.timeouts.idle };
        self.deadline.as_mut().reset(Instant::from_std(monotonic()) + limit);
    }

    /// The result while the inner stream is pending: an error once the deadline has passed.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.wait(context),
            done @ Poll::Ready(_) => {
                if !self.busy {
                    self.switch(true);
                }
                done
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.wait(context),
            done @ Poll::Ready(_) => {
                // More of a response that has no end: a stream lives as long as its client reads.
                if !self.busy {
                    self.switch(false);
                }
                done
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Pending => self.wait(context),
            done @ Poll::Ready(_) => {
                if self.answered.take() {
                    self.switch(false);
                }
                done
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Pending => self.wait(context),
            done @ Poll::Ready(_) => done,
        }
    }
}
