//! A block of records, replayed in laps.
//!
//! ```text
//!   lap 0                lap 1                          lap 2 (partial)
//!   r0 r1 … r(len-1)  │  r0 r1 … r(len-1)            │  r0 r1 … r(k-1)
//!   time +0, seq +0   │  time +span, seq +len        │  time +2 span, seq +2 len
//! ```
//!
//! The block is small enough to stay in cache, so that what is measured is the system and not the memory behind a generator; the shift
//! keeps event time monotone across laps and makes payloads differ from lap to lap. It costs an addition per field, for every system alike.

use std::{ops::Range, sync::Arc};

/// How far a lap is ahead of the block itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Added to event times, in ms: laps passed × span.
    pub time: i64,
    /// Added to sequence numbers: laps passed × block length.
    pub seq: u64,
}

/// A record that can be replayed.
pub trait Replayed: Copy + Send + Sync + 'static {
    /// The record as it is in a lap.
    #[must_use]
    fn at(self, shift: Shift) -> Self;
}

/// A number is its own sequence: it moves on by the block's length.
impl Replayed for u64 {
    #[inline(always)]
    fn at(self, shift: Shift) -> u64 {
        self.wrapping_add(shift.seq)
    }
}

/// A block, and how often it is to be replayed.
#[derive(Clone)]
pub struct Replay<T> {
    /// One lap.
    pub block: Arc<[T]>,
    /// Event time that a lap covers, in ms.
    pub span: i64,
    /// Records of all laps together.
    pub events: u64,
}

impl<T: Replayed> Replay<T> {
    /// Cuts `range` of the replayed sequence into slices of at most `max` records, each within one lap, with the lap's shift.
    ///
    /// # Cost
    /// A division at the start; no more than an addition and a comparison per slice after that.
    pub fn slices(&self, range: Range<u64>, max: usize) -> Slices<'_, T> {
        assert!(max > 0, "slices hold at least one record");
        let len = self.block.len() as u64;
        let lap = range.start / len;
        Slices {
            block: &self.block,
            span: self.span,
            max,
            at: (range.start % len) as usize,
            left: range.end.saturating_sub(range.start),
            shift: Shift { time: lap as i64 * self.span, seq: lap * len },
        }
    }

    /// All records, lap by lap: the slices are as long as they can be.
    pub fn laps(&self) -> Slices<'_, T> {
        self.slices(0..self.events, self.block.len())
    }

    /// Record number `index` of the replayed sequence.
    pub fn get(&self, index: u64) -> T {
        let len = self.block.len() as u64;
        let lap = index / len;
        self.block[(index % len) as usize].at(Shift { time: lap as i64 * self.span, seq: lap * len })
    }

    /// The first record of which `holds`, which must hold of all after it too.
    ///
    /// # Cost
    /// A binary search.
    pub fn first(&self, holds: impl Fn(T) -> bool) -> Option<u64> {
        let (mut low, mut high) = (0, self.events);
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.get(middle)) { high = middle } else { low = middle + 1 }
        }
        (low < self.events).then_some(low)
    }

    /// The `part`-th of `parts` contiguous shares of nearly equal size.
    pub fn share(&self, part: usize, parts: usize) -> Range<u64> {
        let bound = |i: usize| (u128::from(self.events) * i as u128 / parts as u128) as u64;
        bound(part)..bound(part + 1)
    }
}

/// Iterator of [`Replay::slices`].
#[derive(Clone)]
pub struct Slices<'a, T> {
    block: &'a [T],
    span: i64,
    max: usize,
    /// In `0..block.len()`.
    at: usize,
    left: u64,
    shift: Shift,
}

impl<'a, T> Slices<'a, T> {
    /// The next slice, of at most `max` records, and at least one.
    #[inline]
    pub fn next_up_to(&mut self, max: usize) -> Option<(Shift, &'a [T])> {
        if self.left == 0 {
            return None;
        }
        let rest = &self.block[self.at..];
        let take = rest.len().min(max.max(1)).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let item = (self.shift, &rest[..take]);
        self.left -= take as u64;
        self.at += take;
        if self.at == self.block.len() {
            self.at = 0;
            self.shift.time += self.span;
            self.shift.seq += self.block.len() as u64;
        }
        Some(item)
    }
}

impl<'a, T> Iterator for Slices<'a, T> {
    type Item = (Shift, &'a [T]);

    #[inline]
    fn next(&mut self) -> Option<(Shift, &'a [T])> {
        self.next_up_to(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_the_range_in_order_and_within_laps() {
        let replay = Replay { block: (0..7u64).collect(), span: 3, events: 40 };
        for range in [0..40, 5..9, 6..7, 13..35, 14..14] {
            for max in [1, 2, 7, 100] {
                let seen: Vec<u64> = replay.slices(range.clone(), max).flat_map(|(s, slice)| slice.iter().map(move |v| v.at(s))).collect();
                assert_eq!(seen, range.clone().collect::<Vec<_>>());
                assert!(seen.iter().all(|&i| replay.get(i) == i));
                assert!(replay.slices(range.clone(), max).all(|(s, slice)| slice.len() <= max && s.time == s.seq as i64 / 7 * 3));
            }
        }
    }

    #[test]
    fn the_first_of_a_kind_is_found() {
        let replay = Replay { block: (0..7u64).collect(), span: 3, events: 41 };
        for (least, found) in [(0, Some(0)), (9, Some(9)), (40, Some(40)), (41, None)] {
            assert_eq!(replay.first(|number| number >= least), found);
        }
    }

    #[test]
    fn shares_are_contiguous_and_complete() {
        let replay = Replay { block: (0..7u64).collect(), span: 3, events: 41 };
        for parts in 1..5 {
            let shares: Vec<_> = (0..parts).map(|part| replay.share(part, parts)).collect();
            assert_eq!(shares[0].start, 0);
            assert_eq!(shares[parts - 1].end, 41);
            assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
