//! Work on several cores whose results come in an order that does not depend on how many there are.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Items of work that wait or are done for each thread, at most.
const AHEAD: usize = 4;

/// How the work is divided. No output depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    /// Threads that work besides the one that reads and writes, and partitions of the accounts.
    pub threads: NonZeroUsize,
    /// Bytes of a file that are decoded at once.
    pub block_bytes: NonZeroUsize,
}

impl Division {
    const BLOCK_BYTES: NonZeroUsize = NonZeroUsize::new(4 << 20).unwrap();

    /// A thread for each core that the process may use.
    #[must_use]
    pub fn of_machine() -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN), block_bytes: Self::BLOCK_BYTES }
    }
}

/// Lets `work` make a result of every item on `threads` threads, and hands the results to `take` in the order of the items, which are
/// drawn one after another on the thread that calls.
///
/// # Errors
/// Whatever `take` says, which ends it.
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
                    // Nobody waits for it once another result ended the whole.
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

/// Lets `work` make a result of each item on a thread of its own; the results in the order of the items.
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
    fn results_come_in_the_order_of_the_items_whatever_the_threads() {
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
    fn the_first_error_in_the_order_of_the_items_ends_the_work() {
        let mut drawn = 0;
        let items = std::iter::repeat_with(|| drawn += 1);
        assert_eq!(in_order(threads(2), items, |()| (), |()| Err("full")), Err("full"));
        assert_eq!(drawn, AHEAD * 2);
    }
}
