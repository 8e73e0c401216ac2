//! Counters that a running job keeps and its report shows.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam_utils::CachePadded;

/// A counter on a cache line of its own. Added to once a batch, read by the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<CachePadded<AtomicU64>>);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        if amount > 0 {
            // ORDERING: Relaxed; a statistic that orders nothing. The report reads it after joining the threads that wrote it.
            self.0.fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed, as in `add`.
        self.0.load(Ordering::Relaxed)
    }
}
