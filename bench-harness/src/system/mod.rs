//! Systems under test, behind one trait.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use hop::Hop;

mod cores;
mod hop;

use crate::workload::{Answer, Input};

/// What one run is to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The input, prepared before the clock starts and shared by all systems; it says how many records a run takes.
    pub input: Arc<Input>,
    /// Cores to use.
    pub cores: usize,
    /// Records per batch.
    pub batch: usize,
    /// Bytes per ring.
    pub ring_bytes: usize,
    /// Wait strategy, by its name.
    pub wait: String,
    /// Records per second offered (open loop); none in a closed loop.
    pub rate: Option<f64>,
}

/// What one run measured.
#[derive(Debug)]
pub struct Outcome {
    /// Records that entered.
    pub n: u64,
    /// From the first record's entry to the last result's emission.
    pub elapsed: Duration,
    /// What came out, to be compared with the oracle's.
    pub answer: Answer,
    /// Changes emitted, for upsert results.
    pub changes: Option<u64>,
    /// Open loop only: residence time of each record in ns, from its intended arrival to its emission.
    pub latency_ns: Option<hdrhistogram::Histogram<u64>>,
    /// Open loop only: samples of the number of records in flight, taken while the run was steady: mean.
    pub in_flight_mean: Option<f64>,
    /// Open loop only: records per second that entered at the source, measured there.
    pub v_per_s: Option<f64>,
    /// Allocations counted in the steady part of the run, after warm-up, and the records that passed meanwhile.
    pub allocations: Option<(u64, u64)>,
}

impl Outcome {
    /// What a closed-loop run measured.
    pub fn closed(n: u64, elapsed: Duration, answer: Answer) -> Outcome {
        Outcome { n, elapsed, answer, changes: None, latency_ns: None, in_flight_mean: None, v_per_s: None, allocations: None }
    }
}

/// All systems, in the order in which they are shown.
pub fn all() -> Vec<Box<dyn System>> {
    vec![
        Box::new(Hop::<hop::Chunks>(PhantomData)),
        Box::new(Hop::<hop::Elements>(PhantomData)),
        Box::new(Hop::<hop::Batches>(PhantomData)),
        Box::new(Hop::<hop::Items>(PhantomData)),
        Box::new(Hop::<hop::StdChannel>(PhantomData)),
    ]
}

/// A system under test.
pub trait System: Sync {
    /// Its name on the command line and in results.
    fn name(&self) -> &'static str;
    /// Says why it cannot run this job, if it cannot.
    fn refuses(&self, job: &Job) -> Option<String>;
    /// Runs the job once.
    ///
    /// # Errors
    /// A message that says what went wrong and what to do.
    fn run(&self, job: &Job) -> Result<Outcome, String>;
}
