//! Parallel work with results in a deterministic order, whatever the number of cores.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Maximum number of queued or finished items per thread.
const AHEAD: usize = 4;

/// How work is divided. Output does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    /// Number of worker threads, besides the one that reads and writes, and of account partitions.
    pub threads: NonZeroUsize,
    /// Bytes per decoded block.
    pub block_bytes: NonZeroUsize,
}

impl Division {
    const BLOCK_BYTES: NonZeroUsize = NonZeroUsize::new(4 << 20).unwrap();

    /// One thread per core available to the process.
    #[must_use]
    pub fn of_machine() -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), block_bytes: Self::BLOCK_BYTES }
    }
}

/// Maps items with `work` on `threads` threads and passes the results to `take` in item order. Items are drawn sequentially, on the
/// calling thread.
///
/// # Errors
/// The first error of `take`, which aborts the work.
pub(super) fn in_order<T: Send, R: Send, E>(
    threads: NonZeroUsize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let (jobs, waiting) = sync_channel::<(T, SyncSender<R>)>(threads.get());
    let (waiting, work) = (&Mutex::new(waiting), &work);
    thread::scope(move |scope| {
        for _ in 0..threads.get() {
            scope.spawn(move || {
                while let Some((item, result)) = next(waiting) {
                    // The receiver is gone if an earlier result aborted the work.
                    let _ = result.send(work(item));
                }
            });
        }
        let mut results: VecDeque<Receiver<R>> = VecDeque::new();
        for item in items {
            let (sender, result) = sync_channel(1);
            if jobs.send((item, sender)).is_err() {
                break;
            }
            results.push_back(result);
            if results.len() >= AHEAD * threads.get() {
                results.pop_front().and_then(|result| result.recv().ok()).map_or(Ok(()), &mut take)?;
            }
        }
        results.into_iter().filter_map(|result| result.recv().ok()).try_for_each(take)
    })
}

fn next<T>(waiting: &Mutex<Receiver<T>>) -> Option<T> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Maps items with `work`, each on its own thread; results are in item order.
pub(super) fn each<T: Send, R: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || work(item))).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_are_in_item_order_whatever_the_number_of_threads() {
        for count in 1..4 {
            let mut squares = Vec::new();
            let take = |square| {
                squares.push(square);
                Ok::<(), ()>(())
            };
            in_order(threads(count), 0..100_u64, |item| item * item, take).unwrap();
            assert!(squares.iter().copied().eq((0..100).map(|item| item * item)));
        }
        assert_eq!(each([3, 1, 2], |item| item + 1), [4, 2, 3]);
    }

    #[test]
    fn the_first_error_in_item_order_aborts_the_work() {
        let mut drawn = 0;
        let items = std::iter::repeat_with(|| drawn += 1);
        assert_eq!(in_order(threads(2), items, |()| (), |()| Err("full")), Err("full"));
        assert_eq!(drawn, AHEAD * 2);
    }
}
