//! A job that runs, and what it reports when it has ended.

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::watermarks::{OperatorWatermark, Watermarks};
use crate::{error::RunError, metrics::Counter, ring::Probe, runtime::Shutdown};

/// A job that runs. Dropping it stops the job.
#[must_use = "dropping a running job stops it; join(), drain() or stop() it"]
pub struct Running {
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) started: Instant,
    pub(crate) stages: Vec<(String, Counter, Counter)>,
    pub(crate) late: Counter,
    pub(crate) watermarks: Watermarks,
    pub(crate) probes: Vec<Probe>,
}

impl Running {
    /// Waits for the job's own end: all sources have ended and all results have left.
    ///
    /// # Errors
    /// [`RunError`] if an operator panicked or reading, writing or decoding failed; the first fault of the job.
    pub fn join(mut self) -> Result<Report, RunError> {
        self.wait()
    }

    /// Asks the sources for an orderly end and waits for it. No accepted record is lost, and open windows fire.
    ///
    /// # Errors
    /// As [`join`](Running::join).
    pub fn drain(mut self) -> Result<Report, RunError> {
        self.shutdown.drain();
        self.wait()
    }

    /// Ends the job at each worker's next cycle. Records in flight are dropped.
    ///
    /// # Errors
    /// As [`join`](Running::join).
    pub fn stop(mut self) -> Result<Report, RunError> {
        self.shutdown.stop();
        self.wait()
    }

    /// Whether all workers have ended.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// One probe for each ring between workers: how many records are committed, released and in flight.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// How far event time is at each operator and worker, now. May be called at any time, from any thread; takes microseconds.
    pub fn watermarks(&self) -> Vec<OperatorWatermark> {
        self.watermarks.read()
    }

    fn wait(&mut self) -> Result<Report, RunError> {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                // Workers catch all that users' code can do; what is left is a defect here, and must not hang the others.
                self.shutdown.fail(RunError::Panic { operator: "(the worker itself)".into(), message: "please report this".into() });
            }
        }
        let elapsed = self.started.elapsed();
        if let Some(fault) = self.shutdown.take_fault() {
            return Err(fault);
        }
        let stages = self
            .stages
            .iter()
            .map(|(name, records, malformed)| StageReport { name: name.clone(), records: records.get(), malformed: malformed.get() })
            .collect();
        Ok(Report { elapsed, stages, late: self.late.get() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.shutdown.stop();
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

/// What a job did.
#[derive(Clone, Debug)]
pub struct Report {
    /// From the start of the workers to the end of the last one.
    pub elapsed: Duration,
    /// The stages that begin at a source, in the order in which they were added.
    pub stages: Vec<StageReport>,
    /// Records that came after their window had fired. What a worker had already combined of a key and window when it became clear that
    /// event time had gone on without this worker (it had had no input) counts as one.
    pub late: u64,
}

impl Report {
    /// Records that entered through all sources.
    pub fn records_in(&self) -> u64 {
        self.stages.iter().map(|stage| stage.records).sum()
    }

    /// Records that could not be decoded and were skipped.
    pub fn malformed(&self) -> u64 {
        self.stages.iter().map(|stage| stage.malformed).sum()
    }
}

/// What a source did.
#[derive(Clone, Debug)]
pub struct StageReport {
    /// The source, as errors name it.
    pub name: String,
    /// Records it handed out.
    pub records: u64,
    /// Records it could not decode and skipped.
    pub malformed: u64,
}
