//! Runs a job step by step on the caller's thread.

use std::{fmt, sync::Arc, time::Instant};

use crate::{
    error::RunError,
    metrics::Counter,
    runtime::{Shutdown, Worker},
};

/// A job whose steps are made by hand; from [`Dataflow::drive`](crate::Dataflow::drive).
pub struct Driver {
    worker: Worker,
    shutdown: Arc<Shutdown>,
    late: Counter,
    failed: bool,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("ended", &self.ended()).finish_non_exhaustive()
    }
}

impl Driver {
    pub(crate) fn new(worker: Worker, shutdown: Arc<Shutdown>, late: Counter) -> Self {
        Self { worker, shutdown, late, failed: false }
    }

    /// Runs until nothing moves any more: all that was fed has gone as far as it can, and timers that are due have fired.
    ///
    /// # Errors
    /// The job's first fault, once; a closure that panicked is one. The job has ended then.
    pub fn run(&mut self) -> Result<(), RunError> {
        while self.step()? {}
        Ok(())
    }

    /// Makes one cycle over the tasks, about a batch each. Says whether anything moved.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(&mut self) -> Result<bool, RunError> {
        if self.failed {
            return Ok(false);
        }
        let cycle = self.worker.cycle();
        match self.shutdown.take_fault() {
            Some(fault) => {
                // Operators that were interrupted must not run again.
                self.failed = true;
                Err(fault)
            }
            // Somebody may have stopped in the midst of it, and want to go on at once.
            None => Ok(cycle.worked > 0 || cycle.until.is_some_and(|until| until <= Instant::now())),
        }
    }

    /// Asks the sources for an orderly end; feeds end after what was pushed.
    pub fn drain(&mut self) {
        self.worker.drain();
    }

    /// Whether all tasks have ended.
    pub fn ended(&self) -> bool {
        self.failed || self.worker.is_done()
    }

    /// Records that were too late to change a result, so far.
    pub fn late(&self) -> u64 {
        self.late.get()
    }
}
