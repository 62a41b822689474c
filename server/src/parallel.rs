//! Working on many items on several threads, with the results in the order of the items and a bounded
//! number of them in memory.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};

/// Results in flight per thread: enough that a large item does not keep the other threads waiting.
const WINDOW_PER_THREAD: usize = 4;

/// Stack of a working thread, in bytes. Deeply nested text needs more than the usual 2 MiB.
const STACK: usize = 8 * 1024 * 1024;

/// The work on an item panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error: the analysis of this file panicked; please report it")]
pub struct Panicked;

/// Calls `work` for each item on up to `threads` threads, and `each` with the results in order, on the
/// calling thread, until it breaks off.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
    mut each: impl FnMut(&T, Result<R, Panicked>) -> ControlFlow<()>,
) {
    let guarded = |item: &T| catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|_| Panicked);
    let threads = threads.min(items.len());
    let build = || rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build();
    // Without other threads, because one is enough or no more are to be had, this one does it all.
    let Some(pool) = (threads > 1).then(build).and_then(Result::ok) else {
        let _ = items.iter().try_for_each(|item| each(item, guarded(item)));
        return;
    };
    let guarded = &guarded;
    pool.in_place_scope_fifo(|scope| {
        let mut waiting: VecDeque<(&T, Receiver<Result<R, Panicked>>)> = VecDeque::new();
        let mut deliver = |(item, result): (&T, Receiver<Result<R, Panicked>>)| {
            each(item, result.recv().unwrap_or(Err(Panicked)))
        };
        for item in items {
            if waiting.len() == threads * WINDOW_PER_THREAD
                && let Some(oldest) = waiting.pop_front()
                && deliver(oldest).is_break()
            {
                return;
            }
            let (sender, receiver) = sync_channel(1);
            // Nobody receives once `each` broke off.
            scope.spawn_fifo(move |_| drop(sender.send(guarded(item))));
            waiting.push_back((item, receiver));
        }
        let _ = waiting.into_iter().try_for_each(deliver);
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_few_are_in_flight() {
        let items: Vec<usize> = (0..500).collect();
        for threads in [1, 2, 3] {
            let in_flight = AtomicUsize::new(0);
            let most = AtomicUsize::new(0);
            let mut seen = Vec::new();
            in_order(
                &items,
                threads,
                |item| {
                    most.fetch_max(in_flight.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    item * 2
                },
                |item, result| {
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    seen.push(result.map(|double| double == item * 2));
                    ControlFlow::Continue(())
                },
            );
            assert_eq!(seen, vec![Ok(true); items.len()]);
            assert!(most.load(Ordering::SeqCst) <= threads * WINDOW_PER_THREAD + 1);
        }
    }

    #[test]
    fn a_panic_is_one_failed_item() {
        let items = [1, 2, 3, 4];
        let mut failed = Vec::new();
        in_order(
            &items,
            2,
            |item| assert_ne!(*item, 2, "a panic on purpose"),
            |item, result| {
                failed.extend(result.is_err().then_some(*item));
                ControlFlow::Continue(())
            },
        );
        assert_eq!(failed, [2]);
    }

    #[test]
    fn breaking_off_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let done = AtomicUsize::new(0);
        let work = |_: &usize| done.fetch_add(1, Ordering::SeqCst);
        in_order(&items, 2, work, |item, _| {
            if *item == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(done.load(Ordering::SeqCst) < 100);
    }
}
