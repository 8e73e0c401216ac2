//! Stops a process now and then, from the outside: the negative controls `stall` and `slow`.
//!
//! ```text
//!   stall=5ms@1/s   ──────────────▌    ▐──────────────▌    ▐────      SIGSTOP, 5 ms, SIGCONT, once a second
//!   slow=20%        ────▌▐────▌▐────▌▐────▌▐────▌▐────▌▐────▌▐──      every 5 ms, as long as it is behind a fifth of the time it has run
//! ```
//!
//! The process's clocks go on while it is stopped; it cannot tell a stop from a machine that stalls.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::leader::Leader;
use crate::load::Inject;

/// From one look to the next at how long a process that is slowed has run.
const SLOW_EVERY: Duration = Duration::from_millis(5);

/// Stops the group of a process until it is dropped; then the process runs.
pub(super) struct Stopper {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stopper {
    /// Begins now. Nothing is stopped if `inject` holds neither a stall nor a slowness.
    pub(super) fn begin(leader: &Leader, inject: Inject) -> Stopper {
        if inject.stall.is_none() && inject.slow <= 0.0 {
            return Stopper { end: None, thread: None };
        }
        let (end, ended) = mpsc::channel();
        let leader = leader.clone();
        Stopper { end: Some(end), thread: Some(std::thread::spawn(move || stop(&leader, inject, &ended))) }
    }

    /// Lets the process run from here on. `false` if it was not stopped as it was to be: the thread that stops it has panicked.
    pub(super) fn end(mut self) -> bool {
        self.join()
    }

    fn join(&mut self) -> bool {
        drop(self.end.take());
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.join();
    }
}

/// Stops now and then until nobody holds the other end of `ended`.
fn stop(leader: &Leader, inject: Inject, ended: &mpsc::Receiver<()>) {
    let begun = Instant::now();
    let every = inject.stall.map(|stall| Duration::from_secs_f64(1.0 / stall.per_s));
    let mut next_stall = every.map(|every| begun + every / 2);
    let mut slowed = Duration::ZERO;
    let mut stalled = Duration::ZERO;
    loop {
        let mut wait = Duration::from_secs(3600);
        if inject.slow > 0.0 {
            wait = SLOW_EVERY;
        }
        if let Some(next) = next_stall {
            wait = wait.min(next.saturating_duration_since(Instant::now()));
        }
        if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let now = Instant::now();
        if let (Some(next), Some(every), Some(stall)) = (next_stall, every, inject.stall)
            && now >= next
        {
            stalled += held(leader, Duration::from_nanos(stall.length_ns));
            next_stall = Some(next + every);
        }
        if inject.slow > 0.0 {
            let ran = begun.elapsed().saturating_sub(slowed + stalled);
            let behind = ran.mul_f64(inject.slow).saturating_sub(slowed);
            slowed += held(leader, behind);
        }
    }
}

/// How long to wait for a process to stand; one that has ended never does.
const STANDS_WITHIN: Duration = Duration::from_millis(20);

/// Whether each thread of the process is stopped.
fn stands(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.flatten().all(|thread| {
        // "7 (a name) T 1 …": the name may hold anything, parentheses too.
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

/// Stops it for this long, from when all its threads stand. Returns how long it really was.
fn held(leader: &Leader, length: Duration) -> Duration {
    let stopped = Instant::now();
    leader.signal(libc::SIGSTOP);
    // A busy machine takes milliseconds to stop a thread that waits for its core.
    while !stands(leader.pid()) && stopped.elapsed() < STANDS_WITHIN {
        std::thread::sleep(Duration::from_micros(50));
    }
    std::thread::sleep(length);
    leader.signal(libc::SIGCONT);
    stopped.elapsed()
}
