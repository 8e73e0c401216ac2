//! Counters that a running job keeps and its report shows.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering},
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

/// A watermark that one worker sets and anyone reads.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(Arc<CachePadded<AtomicI64>>);

impl Default for Gauge {
    fn default() -> Self {
        Self(Arc::new(CachePadded::new(AtomicI64::new(i64::MIN))))
    }
}

impl Gauge {
    pub(crate) fn set(&self, watermark: i64) {
        // ORDERING: Relaxed; a statistic that orders nothing.
        self.0.store(watermark, Ordering::Relaxed);
    }

    /// None before the first watermark.
    pub(crate) fn get(&self) -> Option<i64> {
        // ORDERING: Relaxed, as in `set`.
        Some(self.0.load(Ordering::Relaxed)).filter(|watermark| *watermark > i64::MIN)
    }
}

/// The gauges of an operator, one for each instance, from the moment when that is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges(Arc<Mutex<Vec<(usize, Gauge)>>>);

impl Gauges {
    pub(crate) fn add(&self, instance: usize) -> Gauge {
        let gauge = Gauge::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((instance, gauge.clone()));
        gauge
    }

    /// The watermark of an instance, none before its first.
    pub(crate) fn get(&self, instance: usize) -> Option<i64> {
        let gauges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.iter().find(|(number, _)| *number == instance).and_then(|(_, gauge)| gauge.get())
    }
}
