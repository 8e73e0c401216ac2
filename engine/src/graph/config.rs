//! How a dataflow is to run.

use crate::runtime::Wait;

/// How a dataflow is to run. Checked by `start`, before any thread exists.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) workers: Option<usize>,
    pub(crate) cores: Option<Vec<usize>>,
    pub(crate) batch: usize,
    pub(crate) ring_bytes: usize,
    pub(crate) wait: Wait,
    pub(crate) pin: bool,
}

impl Default for Config {
    /// All cores that the process may use, batches of 2,048 records, rings of 256 KiB, adaptive waiting, pinned workers.
    fn default() -> Self {
        Self { workers: None, cores: None, batch: 2048, ring_bytes: 256 << 10, wait: Wait::default(), pin: true }
    }
}

impl Config {
    /// Number of worker threads. At most the cores that the process may use; without [`pin`](Self::pin) more of them share the cores.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The cores to pin workers to, one worker each, by the operating system's numbers.
    pub fn cores(mut self, cores: impl Into<Vec<usize>>) -> Self {
        self.cores = Some(cores.into());
        self
    }

    /// Records per batch, 1 to 65,536. Larger batches cost latency, smaller ones throughput; 64 to 2,048 serve nearly all.
    pub fn batch(mut self, records: usize) -> Self {
        self.batch = records;
        self
    }

    /// Bytes per ring, 4 KiB to 1 GiB. 256 KiB to 1 MiB serve nearly all: smaller loses throughput, larger leaves the second-level cache.
    pub fn ring_bytes(mut self, bytes: usize) -> Self {
        self.ring_bytes = bytes;
        self
    }

    /// What a worker does when there is nothing to do.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Whether workers are pinned to cores.
    pub fn pin(mut self, pin: bool) -> Self {
        self.pin = pin;
        self
    }
}
