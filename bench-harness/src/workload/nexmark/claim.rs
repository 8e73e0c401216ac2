//! Shares a sequence of places out among readers: whoever is done takes the next run.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_utils::CachePadded;

/// Batches that a reader takes at a time.
const BATCHES: u64 = 16;

/// One reader's access to the places `0..end`, each of which some reader gets once; those of one reader grow.
#[derive(Debug)]
pub(super) struct Claims {
    next: Arc<CachePadded<AtomicU64>>,
    end: u64,
    run: Range<u64>,
    draining: bool,
}

impl Claims {
    /// Access for each of `readers` to the same `0..end`; `end` is at most 2^63.
    pub(super) fn new(end: u64, readers: usize) -> impl Iterator<Item = Claims> {
        let next = Arc::new(CachePadded::new(AtomicU64::new(0)));
        (0..readers).map(move |_| Claims { next: next.clone(), end, run: 0..0, draining: false })
    }

    /// The next places, at least one and at most `max`; nothing once all are taken.
    #[inline]
    pub(super) fn next(&mut self, max: u64) -> Option<Range<u64>> {
        if self.run.is_empty() && !self.claim(max.max(1)) {
            return None;
        }
        let batch = self.run.start..self.run.end.min(self.run.start + max.max(1));
        self.run.start = batch.end;
        Some(batch)
    }

    /// Gives back what was not needed of the range that `next` returned: all but its first `used` places.
    #[inline]
    pub(super) fn keep(&mut self, batch: &Range<u64>, used: u64) {
        self.run.start = batch.start + used;
    }

    /// Takes no further run.
    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    fn claim(&mut self, max: u64) -> bool {
        // ORDERING: Relaxed, here and below: only the number counts, nothing is published with it. Looking first keeps it from growing
        // with every call after the end.
        if self.draining || self.next.load(Ordering::Relaxed) >= self.end {
            return false;
        }
        let start = self.next.fetch_add(max * BATCHES, Ordering::Relaxed);
        self.run = start.min(self.end)..(start + max * BATCHES).min(self.end);
        !self.run.is_empty()
    }
}
