//! Sleeping without missing a wake-up: one [`Parker`] (the worker's) and any number of [`Waker`]s.
//!
//! ```text
//!   Waker (any thread)                         Parker (one thread)
//!   publish work (a ring's commit)             parked = true          announce
//!   light fence                                heavy fence
//!   parked?  no ─▶ done, a load and a branch   work after all? yes ─▶ parked = false, go on
//!            yes ▶ swap(parked, false): the    no ─▶ park, at most for `limit`
//!                  one who got `true` unparks        parked = false
//! ```
//!
//! Laws
//! - **No lost wake-up.** Work published before a `wake` is seen by `recheck`, or the wake unparks ([`super::fence`] has the proof). The
//!   `limit` is a safety net against faults of others (a caller who forgets to wake), not part of the mechanism; the model tests run
//!   without it.
//! - `recheck` must read the shared words themselves (a ring's tail, a flag), never a private copy of them.
//! - A wake that finds the worker running costs one load and one predictable branch, and changes nothing.
//! - One announcement is answered by one unpark, however many wakers see it. The others need not unpark: a worker that was woken looks
//!   at all its inputs, and announces and rechecks again before it sleeps again.
//! - A wake may come late, for an announcement that is over; the worker then wakes once for nothing. That is allowed.
//!
//! `scripts/model.sh` runs the model tests, and shows that they can fail: without the parker's fence they end in a deadlock.
//!
//! Non-goals: a wake from a signal handler (waking takes a lock), and several threads that sleep on one parker.

use std::{fmt, time::Duration};

use crossbeam_utils::CachePadded;

use super::fence::Fences;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, planted, thread};

/// What parker and wakers share.
struct Shared {
    /// The worker sleeps or is about to. Set by the parker alone; cleared by the parker or by the waker that takes on to unpark it. On a
    /// line of its own: while the worker runs nobody writes it, and every waker holds a copy in its cache.
    parked: CachePadded<AtomicBool>,
    /// Whom to unpark; written before the first announcement. Locked only to change the thread and to unpark it.
    thread: Mutex<Option<thread::Thread>>,
}

/// Wakes a worker that has parked. Cheap to clone, callable from any thread.
///
/// # Cost
/// While the worker runs: one load of a line that nobody writes, and one branch, half a nanosecond (where the kernel has
/// no `membarrier`, a full fence besides, 2 ns or more). When it sleeps: a system call, microseconds.
#[derive(Clone)]
pub struct Waker {
    shared: Arc<Shared>,
    /// The same as the parker's.
    fences: Fences,
}

impl Waker {
    /// A waker that wakes nobody, for tests and for work that is polled anyway.
    pub fn noop() -> Waker {
        Parker::pair(Fences::Symmetric).1
    }

    /// Wakes the worker, if it sleeps, to see what was published **before** this call.
    #[inline]
    pub fn wake(&self) {
        self.fences.light();
        // ORDERING: Relaxed; the fence before it, paired with the one in `Parker::park`, makes the announcement visible here unless
        // the parker's recheck sees the work.
        if self.shared.parked.load(Ordering::Relaxed) {
            self.unpark();
        }
    }

    /// Cold: once for each time the worker went to sleep.
    #[cold]
    #[inline(never)]
    fn unpark(&self) {
        // ORDERING: AcqRel, so that the one who takes the announcement has what came before it (the thread to unpark), and the parker's
        // swap has what came before the wake.
        if self.shared.parked.swap(false, Ordering::AcqRel) {
            let thread = match self.shared.thread.lock() {
                Ok(thread) => thread,
                Err(poisoned) => poisoned.into_inner(),
            };
            if let Some(thread) = thread.as_ref() {
                thread.unpark();
            }
        }
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").field("fences", &self.fences).finish_non_exhaustive()
    }
}

/// How an attempt to sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slept {
    /// Not at all: there was work.
    NotAtAll,
    /// Until a waker woke it.
    Woken,
    /// Until the limit, or for no reason.
    Unwoken,
}

/// The sleeping side. Belongs to one thread at a time, and may move between two sleeps.
pub(crate) struct Parker {
    shared: Arc<Shared>,
    fences: Fences,
    /// The thread that `shared.thread` names.
    owner: Option<thread::ThreadId>,
}

/// How long a parker sleeps at most when its fence failed, so that a wake-up may be lost.
const UNFENCED_LIMIT: Duration = Duration::from_millis(1);

impl Parker {
    /// A parker and its waker.
    pub(crate) fn pair(fences: Fences) -> (Parker, Waker) {
        let shared = Arc::new(Shared { parked: CachePadded::new(AtomicBool::new(false)), thread: Mutex::new(None) });
        (Parker { shared: shared.clone(), fences, owner: None }, Waker { shared, fences })
    }

    /// Sleeps until a waker wakes it or `limit` has passed, unless `recheck` finds work after the intent to sleep was announced.
    ///
    /// May also return early for no reason. Under loom the limit is ignored: there is no safety net.
    pub(crate) fn park(&mut self, limit: Duration, mut recheck: impl FnMut() -> bool) -> Slept {
        self.register();
        let parked = &*self.shared.parked;
        // All writes to `parked` are swaps, though stores would do: each then follows the one it replaced, for any model checker too.
        // ORDERING: AcqRel, pairs with the swap in `Waker::unpark`, which then finds the thread.
        parked.swap(true, Ordering::AcqRel);
        // The planted bug: nothing keeps the announcement before the recheck.
        let fenced = planted("park") || self.fences.heavy();
        if recheck() {
            // ORDERING: AcqRel as below. A waker that has taken the announcement unparks for nothing, which is allowed.
            parked.swap(false, Ordering::AcqRel);
            return Slept::NotAtAll;
        }
        // The recheck runs foreign code, which may itself have slept and taken our token; then nobody would wake us again.
        // ORDERING: Acquire, pairs with the swap in `Waker::unpark`.
        if !parked.load(Ordering::Acquire) {
            return Slept::Woken;
        }
        sleep(if fenced { limit } else { limit.min(UNFENCED_LIMIT) });
        // ORDERING: AcqRel; Acquire pairs with the swap in `Waker::unpark`: what was published before the wake is seen from here on.
        if parked.swap(false, Ordering::AcqRel) { Slept::Unwoken } else { Slept::Woken }
    }

    /// Makes this thread the one to unpark, if it is not.
    fn register(&mut self) {
        let current = thread::current();
        if self.owner != Some(current.id()) {
            self.owner = Some(current.id());
            let mut thread = match self.shared.thread.lock() {
                Ok(thread) => thread,
                Err(poisoned) => poisoned.into_inner(),
            };
            *thread = Some(current);
        }
    }
}

#[cfg(not(loom))]
fn sleep(limit: Duration) {
    std::thread::park_timeout(limit);
}

#[cfg(loom)]
fn sleep(_limit: Duration) {
    thread::park();
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Instant,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn both_fences() -> Vec<Fences> {
        // Where the kernel has no membarrier, only one of them can be tested.
        if Fences::of_process() == Fences::Asymmetric { vec![Fences::Symmetric, Fences::Asymmetric] } else { vec![Fences::Symmetric] }
    }

    #[test]
    fn work_at_the_recheck_keeps_it_awake() {
        for fences in both_fences() {
            let (mut parker, _waker) = Parker::pair(fences);
            assert_eq!(parker.park(LONG, || true), Slept::NotAtAll);
            assert!(!parker.shared.parked.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn a_wake_during_the_recheck_ends_the_sleep_at_once() {
        for fences in both_fences() {
            let (mut parker, waker) = Parker::pair(fences);
            let slept = parker.park(LONG, || {
                waker.wake();
                false
            });
            assert_eq!(slept, Slept::Woken);
        }
    }

    #[test]
    fn a_wake_while_it_runs_leaves_nothing_behind() {
        let (mut parker, waker) = Parker::pair(Fences::of_process());
        waker.wake();
        assert_eq!(parker.park(Duration::from_millis(1), || false), Slept::Unwoken);
    }

    #[test]
    fn it_sleeps_no_shorter_than_the_limit_when_nobody_wakes_it() {
        let (mut parker, _waker) = Parker::pair(Fences::of_process());
        let limit = Duration::from_millis(20);
        // A sleep may end early for no reason, but not every time.
        let honest = (0..20).any(|_| {
            let start = Instant::now();
            parker.park(limit, || false) == Slept::Unwoken && start.elapsed() >= limit
        });
        assert!(honest);
    }

    #[test]
    fn it_may_move_to_another_thread_between_two_sleeps() {
        let (mut parker, waker) = Parker::pair(Fences::of_process());
        assert_eq!(parker.park(Duration::from_micros(1), || false), Slept::Unwoken);
        let asleep = std::sync::Arc::new(AtomicU32::new(0));
        let seen = asleep.clone();
        let sleeper = std::thread::spawn(move || {
            let slept = parker.park(LONG, || {
                seen.store(1, Ordering::SeqCst);
                false
            });
            assert_eq!(slept, Slept::Woken);
        });
        while asleep.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        waker.wake();
        sleeper.join().unwrap();
    }

    #[test]
    fn the_noop_waker_can_be_woken_from_everywhere() {
        let waker = Waker::noop();
        let copy = waker.clone();
        std::thread::spawn(move || copy.wake()).join().unwrap();
        waker.wake();
    }
}

/// The protocol in every interleaving that the memory model allows, with no safety net: a lost wake-up is a deadlock, which loom reports.
///
/// The worker is always a thread of its own, for loom's `join` cannot stand a late unpark of the thread that joins.
#[cfg(all(test, loom))]
mod models {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sync::AtomicUsize;

    type Word = Arc<AtomicUsize>;

    /// Three threads have too many interleavings to try all: those in which threads are switched at most three times while they could
    /// have gone on. Two threads are tried in all of them.
    fn model_three(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(Some(3));
        builder.check(model);
    }

    fn word() -> Word {
        Arc::new(AtomicUsize::new(0))
    }

    /// What a producer does for each batch.
    fn publish(word: &Word, value: usize, waker: &Waker) {
        word.store(value, Ordering::Release);
        waker.wake();
    }

    /// Waits until `word` has reached `wanted`.
    fn wait_for(parker: &mut Parker, word: &Word, wanted: usize) {
        while word.load(Ordering::Acquire) < wanted {
            parker.park(Duration::MAX, || word.load(Ordering::Acquire) >= wanted);
        }
    }

    #[test]
    fn model_a_wake_is_never_lost() {
        loom::model(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let work = word();
            let seen = work.clone();
            let worker = thread::spawn(move || wait_for(&mut parker, &seen, 1));
            publish(&work, 1, &waker);
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_each_of_two_batches_wakes() {
        loom::model(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let work = word();
            let seen = work.clone();
            let worker = thread::spawn(move || {
                wait_for(&mut parker, &seen, 1);
                wait_for(&mut parker, &seen, 2);
            });
            publish(&work, 1, &waker);
            publish(&work, 2, &waker);
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_two_wakers_are_both_heard() {
        model_three(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let rings = [word(), word()];
            let seen = rings.clone();
            // One worker with two inputs: it is done when it has seen both, and sleeps only while it has seen nothing new.
            let worker = thread::spawn(move || {
                let new = |taken: &[bool; 2], ring: usize| !taken[ring] && seen[ring].load(Ordering::Acquire) == 1;
                let mut taken = [false; 2];
                while taken != [true, true] {
                    match (0..2).find(|ring| new(&taken, *ring)) {
                        Some(ring) => taken[ring] = true,
                        None => {
                            parker.park(Duration::MAX, || (0..2).any(|ring| new(&taken, ring)));
                        }
                    }
                }
            });
            let (other, its_waker) = (rings[1].clone(), waker.clone());
            let producer = thread::spawn(move || publish(&other, 1, &its_waker));
            publish(&rings[0], 1, &waker);
            producer.join().unwrap();
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_a_wake_before_the_park_leaves_the_next_one_whole() {
        loom::model(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let work = word();
            publish(&work, 1, &waker);
            let seen = work.clone();
            let worker = thread::spawn(move || {
                // Work is there already: a sleep that does not happen, and then one that may.
                assert_eq!(parker.park(Duration::MAX, || seen.load(Ordering::Acquire) >= 1), Slept::NotAtAll);
                wait_for(&mut parker, &seen, 2);
            });
            publish(&work, 2, &waker);
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_shutdown_wakes_a_worker_that_also_waits_for_work() {
        model_three(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let work = word();
            let stop = Arc::new(AtomicBool::new(false));
            let (seen_work, seen_stop) = (work.clone(), stop.clone());
            let worker = thread::spawn(move || {
                let mut done = 0;
                while !seen_stop.load(Ordering::Acquire) {
                    let available = seen_work.load(Ordering::Acquire);
                    if available > done {
                        done = available;
                    } else {
                        parker.park(Duration::MAX, || seen_stop.load(Ordering::Acquire) || seen_work.load(Ordering::Acquire) > done);
                    }
                }
            });
            let its_waker = waker.clone();
            let producer = thread::spawn(move || publish(&work, 1, &its_waker));
            stop.store(true, Ordering::Release);
            waker.wake();
            producer.join().unwrap();
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_two_workers_wake_each_other() {
        model_three(|| {
            let (mut first, wake_first) = Parker::pair(Fences::of_process());
            let (mut second, wake_second) = Parker::pair(Fences::of_process());
            let (ping, pong) = (word(), word());
            let (seen_ping, seen_pong) = (ping.clone(), pong.clone());
            let first = thread::spawn(move || {
                publish(&ping, 1, &wake_second);
                wait_for(&mut first, &seen_pong, 1);
            });
            let second = thread::spawn(move || {
                wait_for(&mut second, &seen_ping, 1);
                publish(&pong, 1, &wake_first);
            });
            first.join().unwrap();
            second.join().unwrap();
        });
    }
}
