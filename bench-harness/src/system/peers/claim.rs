//! Hands the positions of a stream out to workers, some at a time, in order: whoever is faster takes more.
//!
//! ```text
//!   positions   0 ░░░░ 1·C ▓▓▓▓ 2·C ░░░░ 3·C ░░░░ …      each claim is one worker's; those of one worker grow
//! ```
//!
//! Event time hence moves on together at all of them, as in a stream whose partitions are read at the same time.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_utils::CachePadded;

/// One worker's view of the positions.
#[derive(Clone)]
pub(super) struct Claims {
    next: Arc<CachePadded<AtomicU64>>,
    events: u64,
    /// Positions of a claim.
    step: u64,
    claimed: Range<u64>,
}

impl Claims {
    /// Of a stream of `events`; clones of it share them, `step` at a time.
    pub(super) fn new(events: u64, step: u64) -> Claims {
        Claims { next: Arc::default(), events, step: step.max(1), claimed: 0..0 }
    }

    /// The next positions, at most `max` of them; none at the end of the stream.
    #[inline]
    pub(super) fn next(&mut self, max: u64) -> Option<Range<u64>> {
        if self.claimed.is_empty() {
            // ORDERING: Relaxed; only the number counts.
            let start = self.next.fetch_add(self.step, Ordering::Relaxed);
            if start >= self.events {
                return None;
            }
            self.claimed = start..start.saturating_add(self.step).min(self.events);
        }
        let Range { start, end } = self.claimed;
        self.claimed.start = end.min(start.saturating_add(max.max(1)));
        Some(start..self.claimed.start)
    }

    /// Gives the last of them back.
    pub(super) fn unread(&mut self, count: u64) {
        self.claimed.start -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_handed_out_once() {
        for (events, step, max) in [(1, 4, 9), (100, 7, 3), (100, 7, u64::MAX), (64, 64, 1), (9, u64::MAX, 2)] {
            let claims = Claims::new(events, step);
            let mut workers = [claims.clone(), claims];
            let mut seen: Vec<u64> = Vec::new();
            let mut turn = 0;
            while let Some(range) = workers[turn % 2].next(max) {
                assert!(!range.is_empty() && range.end - range.start <= max.min(step));
                seen.extend(range);
                turn += 1;
            }
            seen.extend(std::iter::from_fn(|| workers[(turn + 1) % 2].next(max)).flatten());
            seen.sort_unstable();
            assert_eq!(seen, (0..events).collect::<Vec<_>>());
        }
    }
}
