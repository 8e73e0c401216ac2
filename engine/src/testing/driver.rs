//! Runs a job step by step on the caller's thread.

use std::{fmt, sync::Arc, time::Instant};

use super::Snapshot;
use crate::{
    error::{RunError, SnapshotError},
    metrics::Counter,
    operator::{Copies, States},
    runtime::{Shutdown, Worker},
};

/// A job whose steps are made by hand; from [`Dataflow::drive`](crate::Dataflow::drive).
pub struct Driver {
    job: Job,
    /// Their steps are made in turn.
    workers: Vec<Worker>,
    shutdown: Arc<Shutdown>,
    late: Counter,
    started: bool,
    failed: bool,
}

/// What tells one job from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) name: String,
    /// Names of its sources, operators and sinks, as they were added.
    pub(crate) operators: Vec<String>,
    pub(crate) workers: usize,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("ended", &self.ended()).finish_non_exhaustive()
    }
}

impl Driver {
    pub(crate) fn new(job: Job, workers: Vec<Worker>, shutdown: Arc<Shutdown>, late: Counter) -> Self {
        Self { job, workers, shutdown, late, started: false, failed: false }
    }

    /// Runs until nothing moves any more: all that was fed has gone as far as it can, and timers that are due have fired.
    ///
    /// # Errors
    /// The job's first fault, once; a closure that panicked is one. The job has ended then.
    pub fn run(&mut self) -> Result<(), RunError> {
        // What one worker sends while the others rest moves in the next cycle.
        while self.step()? || self.step()? {}
        Ok(())
    }

    /// Makes one cycle over the tasks, about a batch each. Says whether anything moved.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(&mut self) -> Result<bool, RunError> {
        self.cycle().map(|(moved, _)| moved)
    }

    /// As `step`; says as well whether anything waits for room.
    fn cycle(&mut self) -> Result<(bool, bool), RunError> {
        if self.failed {
            return Ok((false, false));
        }
        self.started = true;
        let (mut moved, mut blocked) = (false, false);
        for worker in &mut self.workers {
            let cycle = worker.cycle();
            if let Some(fault) = self.shutdown.take_fault() {
                // Operators that were interrupted must not run again.
                self.failed = true;
                return Err(fault);
            }
            // Somebody may have stopped in the midst of it, and want to go on at once.
            moved |= cycle.worked > 0 || cycle.until.is_some_and(|until| until <= Instant::now());
            blocked |= cycle.blocked;
        }
        Ok((moved, blocked))
    }

    /// Asks the sources for an orderly end; feeds end after what was pushed.
    pub fn drain(&mut self) {
        self.workers.iter_mut().for_each(Worker::drain);
    }

    /// Whether all tasks have ended.
    pub fn ended(&self) -> bool {
        self.failed || self.workers.iter().all(Worker::is_done)
    }

    /// Records that were too late to change a result, so far.
    pub fn late(&self) -> u64 {
        self.late.get()
    }

    /// Runs until nothing moves, and copies the states of all operators. A new driver of the same job that [`restore`](Self::restore)s the
    /// copy goes on as this one does.
    ///
    /// No part of it: rows that the outputs have got, a clock's time (set that of the new job alike), what closures and other code of
    /// the job have captured, and whether a feed whose end has come said so to [`Outputs::ended`](super::Outputs::ended).
    ///
    /// Cost: a clone of all state.
    ///
    /// # Errors
    /// [`SnapshotError`] if the job has failed, if results wait for room, or if a source other than a feed has not ended. A fault
    /// that comes up while it runs ends the job, as in [`run`](Self::run), and only that is said here: run first to see it.
    pub fn snapshot(&mut self) -> Result<Snapshot, SnapshotError> {
        self.run().map_err(|_| SnapshotError::Failed)?;
        let Ok((false, false)) = self.cycle() else { return Err(SnapshotError::Held) };
        if self.failed {
            return Err(SnapshotError::Failed);
        }
        let mut copies = Copies::default();
        let mut states = States::take(&mut copies);
        for worker in &mut self.workers {
            worker.states(&mut states).map_err(|(stage, why)| SnapshotError::Unkept { stage, why })?;
        }
        Ok(Snapshot { job: self.job.clone(), copies, late: self.late() })
    }

    /// Gives the operators of this job, which has not run yet, the states of a snapshot. One snapshot may be restored any number of times.
    ///
    /// # Errors
    /// [`SnapshotError`] if it was taken from another job, or another version of this one. Nothing has changed then.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if self.started {
            return Err(SnapshotError::Running);
        }
        snapshot.job.must_be(&self.job)?;
        self.walk(States::compare(&snapshot.copies))?;
        self.walk(States::restore(&snapshot.copies))?;
        self.late.add(snapshot.late);
        Ok(())
    }

    fn walk(&mut self, mut states: States<'_>) -> Result<(), SnapshotError> {
        for worker in &mut self.workers {
            worker.states(&mut states).map_err(|(stage, why)| SnapshotError::OtherVersion { stage, why })?;
        }
        match states.end() {
            None => Ok(()),
            Some(why) => Err(SnapshotError::OtherVersion { stage: "the end of the job".into(), why }),
        }
    }
}

impl Job {
    /// Refuses what was taken from this job, if it is not for `other`.
    fn must_be(&self, other: &Self) -> Result<(), SnapshotError> {
        let differs = |what, snapshot: String, job: String| Err(SnapshotError::OtherJob { what, snapshot, job });
        if self.name != other.name {
            return differs("its name", format!("{:?}", self.name), format!("{:?}", other.name));
        }
        if self.operators != other.operators {
            return differs("its list of operators", self.operators.join(" → "), other.operators.join(" → "));
        }
        if self.workers != other.workers {
            return differs("the number of its workers", self.workers.to_string(), other.workers.to_string());
        }
        Ok(())
    }
}
