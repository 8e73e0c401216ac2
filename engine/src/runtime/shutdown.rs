//! How a job ends: by itself, by an orderly drain, by a stop, or by a fault; and how all workers learn of it.
//!
//! ```text
//!   Running ── drain() ─▶ Draining ── all tasks done ─▶ ended
//!      │                     │
//!      └── stop(), fault ────┴─▶ Stopping ── every worker leaves its loop at its next cycle ─▶ ended
//! ```
//!
//! Laws: the phase only goes forward; the first fault is the one reported; whoever moves the phase wakes every worker afterwards, so a
//! parked one sees it.

use std::sync::PoisonError;

use super::Waker;
use crate::{
    error::RunError,
    sync::{AtomicU32, Mutex, Ordering, planted},
};

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    Draining,
    Stopping,
}

/// The switch that all workers of a job watch.
pub(crate) struct Shutdown {
    phase: AtomicU32,
    fault: Mutex<Option<RunError>>,
    wakers: Vec<Waker>,
}

impl Shutdown {
    pub(crate) fn new(wakers: Vec<Waker>) -> Self {
        Self { phase: AtomicU32::new(0), fault: Mutex::new(None), wakers }
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        // ORDERING: Acquire, pairs with Release in `advance`: who sees the phase sees what led to it.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Stopping,
        }
    }

    fn advance(&self, phase: Phase) {
        // The planted bug: who is woken first may sleep on before there is anything to see.
        if planted("shutdown") {
            self.wakers.iter().for_each(Waker::wake);
        }
        // ORDERING: AcqRel, pairs with Acquire in `phase`.
        self.phase.fetch_max(phase as u32, Ordering::AcqRel);
        if !planted("shutdown") {
            self.wakers.iter().for_each(Waker::wake);
        }
    }

    /// Asks sources for an orderly end.
    pub(crate) fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Ends the job at each worker's next cycle.
    pub(crate) fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// Ends the job with a fault; the first one is kept.
    pub(crate) fn fail(&self, fault: RunError) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        self.stop();
    }

    pub(crate) fn take_fault(&self) -> Option<RunError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Every interleaving of an end with workers that go to sleep. Nothing else wakes them, so a wake-up that is missing is a deadlock.
#[cfg(all(test, loom))]
mod models {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::{
        runtime::{Fences, Parker},
        sync::{Arc, thread},
    };

    fn check(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    /// Sleeps until the job stops.
    fn work(parker: &mut Parker, shutdown: &Shutdown) {
        let mut phase = shutdown.phase();
        while phase != Phase::Stopping {
            parker.park(Duration::MAX, || shutdown.phase() != phase);
            phase = shutdown.phase();
        }
    }

    fn fault(what: &str) -> RunError {
        RunError::Operator { operator: what.into(), why: what.into() }
    }

    #[test]
    fn model_a_fault_ends_a_worker_that_sleeps_and_is_kept() {
        check(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let shutdown = Arc::new(Shutdown::new(vec![waker]));
            let seen = shutdown.clone();
            let worker = thread::spawn(move || {
                work(&mut parker, &seen);
                // Who sees the phase sees the fault.
                assert!(seen.take_fault().is_some());
            });
            shutdown.fail(fault("first"));
            worker.join().unwrap();
        });
    }

    #[test]
    fn model_a_drain_and_a_stop_are_both_seen_and_the_phase_does_not_go_back() {
        check(|| {
            let (mut parker, waker) = Parker::pair(Fences::of_process());
            let shutdown = Arc::new(Shutdown::new(vec![waker]));
            let seen = shutdown.clone();
            let worker = thread::spawn(move || work(&mut parker, &seen));
            let drains = shutdown.clone();
            let other = thread::spawn(move || drains.drain());
            shutdown.stop();
            other.join().unwrap();
            assert_eq!(shutdown.phase(), Phase::Stopping);
            worker.join().unwrap();
        });
    }
}
