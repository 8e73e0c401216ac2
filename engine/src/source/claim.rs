//! The shared cursor from which readers claim their next run of work.
//!
//! ```text
//!   0 ───────────── next ───────────── end
//!     claimed, by whoever came first  │ free: `claim(16 batches)` moves `next`
//! ```
//!
//! A fixed division of the input among readers lets one stalled core delay the whole run; claiming keeps the others busy.
//!
//! Laws: every position is claimed exactly once; the runs that one reader gets grow.

use std::ops::Range;

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering};

/// Batches that a reader claims at once. One shared write every 16 batches is not measurable; a stalled reader holds back 16 at most.
pub(crate) const BATCHES_A_CLAIM: u64 = 16;

/// Positions `0..end`, handed out in runs.
#[derive(Debug)]
pub(crate) struct Cursor {
    next: CachePadded<AtomicU64>,
    /// At most 2^63, so that `next` cannot wrap: it passes `end` by at most one run a reader.
    end: u64,
}

impl Cursor {
    pub(crate) fn new(end: u64) -> Self {
        Self { next: CachePadded::new(AtomicU64::new(0)), end: end.min(1 << 63) }
    }

    /// Claims the next run of at most `len` positions; nothing once all are claimed.
    pub(crate) fn claim(&self, len: u64) -> Option<Range<u64>> {
        // ORDERING: Relaxed, here and below: only the number counts, no data is published with it. The first look keeps `next` from
        // growing with every call after the end.
        if self.next.load(Ordering::Relaxed) >= self.end {
            return None;
        }
        let start = self.next.fetch_add(len, Ordering::Relaxed);
        (start < self.end).then(|| start..(start + len).min(self.end))
    }
}
