//! Support for tests on a real Apache Kafka: a broker, clients, the service as a child process, and simulated input.

pub mod acl;
pub mod broker;
pub mod client;
pub mod input;
pub mod registry;
pub mod scenario;
pub mod secured;
pub mod service;
mod supervised;

use std::time::{Duration, Instant};

/// Polls until `look` succeeds; panics with what was awaited when it takes too long.
pub fn eventually<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    in_time(limit, look).unwrap_or_else(|| panic!("timed out after {limit:?} waiting for {what}"))
}

/// Polls until `look` succeeds; `None` when it takes too long.
pub fn in_time<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if began.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A name that no other test uses.
pub fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}
