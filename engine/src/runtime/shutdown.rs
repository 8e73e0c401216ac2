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

use std::sync::{Mutex, PoisonError};

use super::Waker;
use crate::{
    error::RunError,
    sync::{AtomicU32, Ordering},
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
        // ORDERING: AcqRel, pairs with Acquire in `phase`.
        self.phase.fetch_max(phase as u32, Ordering::AcqRel);
        for waker in &self.wakers {
            waker.wake();
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
