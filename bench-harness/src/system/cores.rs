//! Threads on cores of their own, and the stretch of time that a run is charged for.
//!
//! ```text
//!   spawn, pin, set up ─▶ all here? ─▶ work(0) ─┐
//!   spawn, pin, set up ─▶ all here? ─▶ work(1) ─┴─▶ the last one to finish combines the parts ─▶ result
//!                                    └───────────────── timed ──────────────────────────────┘
//! ```
//!
//! Unsafe, with the feature `peers` only: calls into the C library that read a set of cores which we own.
#![cfg_attr(feature = "peers", allow(unsafe_code))]

use std::{
    hint::spin_loop,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::measure::threads::ThreadWatch;

/// Cores that this process may use.
pub(super) fn available() -> usize {
    core_affinity::get_core_ids().map_or(1, |cores| cores.len())
}

/// Pins the calling thread to the `index`-th core that the process may use. Where that is refused the thread runs unpinned.
pub(super) fn pin(index: usize) {
    if let Some(cores) = core_affinity::get_core_ids().filter(|cores| !cores.is_empty()) {
        core_affinity::set_for_current(cores[index % cores.len()]);
    }
}

/// Confines the calling thread, and those that it will start, to the first `count` cores that the process may use: for systems that start threads
/// themselves. Where that is refused they run unconfined.
#[cfg(feature = "peers")]
pub(super) fn confine(count: usize) {
    let ids = core_affinity::get_core_ids().unwrap_or_default();
    if count == 1 {
        return pin(0);
    }
    if count >= ids.len() {
        return;
    }
    // SAFETY: a set is plain integers, for which all zeroes is a valid value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for core in ids.iter().take(count).filter(|core| core.id < libc::CPU_SETSIZE as usize) {
        // SAFETY: the set is ours, and the core's number is below its size.
        unsafe { libc::CPU_SET(core.id, &mut set) };
    }
    // SAFETY: `set` is valid for the length of the call, which is given; 0 is the calling thread.
    let _ = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
}

/// A spinning barrier that threads pass once: no thread sleeps, so all of them start within about a core-to-core round trip.
pub(super) struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    pub(super) fn new(threads: usize) -> Gate {
        Gate { missing: AtomicUsize::new(threads) }
    }

    /// Waits until all threads are here.
    pub(super) fn pass(&self) {
        // ORDERING: AcqRel with the Acquire below: what a thread did before the gate is seen by all after it.
        self.missing.fetch_sub(1, Ordering::AcqRel);
        let mut spins = 0u32;
        while self.missing.load(Ordering::Acquire) > 0 {
            spins += 1;
            // The other thread may still be on its way to the same core, as there may be only one.
            if spins.is_multiple_of(1_024) { thread::yield_now() } else { spin_loop() }
        }
    }
}

/// Runs `work` on `threads` pinned threads and `combine` on the last one that finishes; gives the time from the gate to `combine`'s end.
pub(super) fn parallel<P: Send, A: Send>(
    threads: usize,
    work: impl Fn(usize) -> P + Sync,
    combine: impl FnOnce(Vec<P>) -> A + Send,
) -> (Duration, A) {
    let gate = Gate::new(threads);
    let started = Mutex::new(Vec::new());
    let parts = Mutex::new((Vec::new(), Some(combine), None));
    thread::scope(|scope| {
        for thread in 0..threads {
            let (gate, started, parts, work) = (&gate, &started, &parts, &work);
            scope.spawn(move || {
                pin(thread);
                gate.pass();
                let _watch = ThreadWatch::begin(format!("worker {thread}"));
                let start = Instant::now();
                let part = work(thread);
                started.lock().unwrap_or_else(PoisonError::into_inner).push(start);
                let mut done = parts.lock().unwrap_or_else(PoisonError::into_inner);
                done.0.push((thread, part));
                if done.0.len() == threads
                    && let Some(combine) = done.1.take()
                {
                    let mut all = std::mem::take(&mut done.0);
                    all.sort_by_key(|&(thread, _)| thread);
                    let answer = combine(all.into_iter().map(|(_, part)| part).collect());
                    done.2 = Some((Instant::now(), answer));
                }
            });
        }
    });
    let start = started.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().min();
    let (_, _, end) = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (start, (end, answer)) = start.zip(end).expect("the scope joined all threads, and the last one to finish left the answer");
    (end - start, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_combined_in_order() {
        for threads in 1..4 {
            let (time, answer) = parallel(threads, |thread| thread * 10, |parts| parts);
            assert_eq!(answer, (0..threads).map(|thread| thread * 10).collect::<Vec<_>>());
            assert!(time < Duration::from_secs(60));
        }
    }
}
