//! A block of records in memory, replayed: the input of benchmarks and tests.
//!
//! ```text
//!   block  [ r0 r1 r2 … ]   shared by all readers, never copied
//!   laps     0 0 0 … 1 1 1 … 2 2 2 …       readers claim runs of it from a shared cursor
//! ```
//!
//! Laws
//! - Every record of every lap is handed out exactly once, by some reader.
//! - In each reader, positions grow, lap after lap: if times grow along the block, and laps are shifted past one another, each reader's
//!   times grow.
//!
//! A record is made from a reference into the block inside the chain's own loop, so the compiler loads the fields that the chain uses
//! and no others.

use std::{fmt, marker::PhantomData, mem::needs_drop, ops::Range, sync::Arc};

use super::{
    Polled, Reader, Source,
    claim::{BATCHES_A_CLAIM, Cursor},
};
use crate::{
    error::{BuildError, RunError},
    operator::{
        Operator,
        adapt::{Mapped, Remaining},
        blame,
    },
    record::{Own, Record},
};

/// Records lent from a replayed block, each with the number of its lap: no copy, for records that are not cheap to clone.
pub struct Lent<T>(PhantomData<fn() -> T>);

impl<T: 'static> Record for Lent<T> {
    type Of<'a> = (&'a T, u64);
}

/// A source that replays a block of records; for each lap the closure `F` gives another, which makes what is emitted from a record.
#[derive(Clone)]
pub struct Replay<T, F> {
    block: Arc<[T]>,
    laps: u64,
    records: u64,
    make: F,
}

impl<T, F> fmt::Debug for Replay<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("records", &self.block.len()).field("laps", &self.laps).finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Replay<T, ()> {
    /// The records of `block`, once, cloned as they are handed out.
    pub fn new(block: impl Into<Arc<[T]>>) -> Replay<T, impl FnMut(u64) -> fn(&T) -> T + Clone + Send + 'static>
    where
        T: Clone,
    {
        Replay::laps(block, 1, |_| T::clone as fn(&T) -> T)
    }

    /// The records of `block`, `laps` times, each made by the closure that `make` returns for the lap, which is counted from 0.
    ///
    /// `make` may shift event times; it is called once a batch, so that what a lap has in common is not computed for each record:
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use thalweg::source::Replay;
    /// # #[derive(Clone)]
    /// struct Click { time: i64, user: u32 }
    /// let (clicks, span) = (vec![Click { time: 3, user: 7 }], 60_000);
    /// let source = Replay::laps(clicks, 100, move |lap| {
    ///     let shift = lap as i64 * span;
    ///     move |click: &Click| Click { time: click.time + shift, ..*click }
    /// });
    /// ```
    ///
    /// `make` is cloned for each reader. What it returns may be called more than once for a record.
    pub fn laps<U, M, F>(block: impl Into<Arc<[T]>>, laps: u64, make: F) -> Replay<T, F>
    where
        F: FnMut(u64) -> M + Clone + Send + 'static,
        M: Fn(&T) -> U + Clone,
    {
        Replay { block: block.into(), laps, records: u64::MAX, make }
    }

    /// The records of `block`, `laps` times, by reference and with the number of the lap: [`Lent`].
    pub fn lent(block: impl Into<Arc<[T]>>, laps: u64) -> ReplayLent<T> {
        ReplayLent { block: block.into(), laps }
    }
}

impl<T, F> Replay<T, F> {
    /// Ends after this many records, in the midst of a lap if need be.
    #[must_use]
    pub fn records(mut self, records: u64) -> Self {
        self.records = records;
        self
    }
}

/// A [`Replay`] that hands out references.
#[derive(Clone, Debug)]
pub struct ReplayLent<T> {
    block: Arc<[T]>,
    laps: u64,
}

/// Whether records of this type may be made twice: without memory of their own, and of a cache line at most.
const fn is_cheap<U>() -> bool {
    !needs_drop::<U>() && size_of::<U>() <= 64
}

/// One reader's place in the laps over a block.
#[derive(Debug)]
struct Laps<T> {
    block: Arc<[T]>,
    cursor: Arc<Cursor>,
    /// Claimed and not yet handed out: positions of the block, in `lap`.
    run: Range<usize>,
    lap: u64,
    /// What the claim has left beyond the end of the lap.
    left: u64,
    draining: bool,
}

impl<T> Laps<T> {
    fn open(block: &Arc<[T]>, laps: u64, records: u64, readers: usize) -> Vec<Self> {
        let cursor = Arc::new(Cursor::new((block.len() as u64).saturating_mul(laps).min(records)));
        (0..readers).map(|_| Self { block: block.clone(), cursor: cursor.clone(), run: 0..0, lap: 0, left: 0, draining: false }).collect()
    }

    /// The next batch and its lap: at most `max` records, within one lap.
    #[inline]
    fn next(&mut self, max: usize) -> Option<(Range<usize>, u64)> {
        let max = max.max(1);
        if self.run.is_empty() && !self.claim(max) {
            return None;
        }
        let batch = self.run.start..self.run.end.min(self.run.start + max);
        self.run.start = batch.end;
        Some((batch, self.lap))
    }

    fn claim(&mut self, max: usize) -> bool {
        let len = self.block.len() as u64;
        let (position, run) = if self.left > 0 {
            self.lap += 1;
            (0, self.left)
        } else if self.draining {
            return false;
        } else if let Some(claimed) = self.cursor.claim(max as u64 * BATCHES_A_CLAIM) {
            self.lap = claimed.start / len;
            (claimed.start % len, claimed.end - claimed.start)
        } else {
            return false;
        };
        let end = len.min(position + run);
        self.left = run - (end - position);
        self.run = position as usize..end as usize;
        true
    }
}

impl<T, U, M, F> Source for Replay<T, F>
where
    T: Send + Sync + 'static,
    U: 'static,
    F: FnMut(u64) -> M + Clone + Send + 'static,
    M: Fn(&T) -> U + Clone,
{
    type Out = Own<U>;
    type Reader = ReplayReader<T, F>;

    fn name(&self) -> &'static str {
        "replay"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        let laps = Laps::open(&self.block, self.laps, self.records, readers);
        Ok(laps.into_iter().map(|laps| ReplayReader { laps, make: self.make.clone() }).collect())
    }
}

/// One worker's share of a [`Replay`].
#[derive(Debug)]
pub struct ReplayReader<T, F> {
    laps: Laps<T>,
    make: F,
}

impl<T, U, M, F> Reader for ReplayReader<T, F>
where
    T: Send + Sync + 'static,
    U: 'static,
    F: FnMut(u64) -> M + Send + 'static,
    M: Fn(&T) -> U + Clone,
{
    type Out = Own<U>;

    #[inline(always)]
    fn poll<O: Operator<Own<U>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let Some((batch, lap)) = self.laps.next(max) else { return Ok(Polled::End) };
        let records = batch.len();
        // Moved into the loop, so that what it captures stays in registers.
        let make = blame::source(|| (self.make)(lap));
        let made = Mapped { records: Remaining(&self.laps.block[batch]), function: move |record| blame::source(|| make(record)) };
        if const { is_cheap::<U>() } {
            out.process_ahead(made);
        } else {
            out.process(made);
        }
        Ok(Polled::Records(records))
    }

    fn drain(&mut self) {
        self.laps.draining = true;
    }
}

impl<T: Send + Sync + 'static> Source for ReplayLent<T> {
    type Out = Lent<T>;
    type Reader = ReplayLentReader<T>;

    fn name(&self) -> &'static str {
        "replay"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        Ok(Laps::open(&self.block, self.laps, u64::MAX, readers).into_iter().map(|laps| ReplayLentReader { laps }).collect())
    }
}

/// One worker's share of a [`ReplayLent`].
#[derive(Debug)]
pub struct ReplayLentReader<T> {
    laps: Laps<T>,
}

impl<T: Send + Sync + 'static> Reader for ReplayLentReader<T> {
    type Out = Lent<T>;

    #[inline(always)]
    fn poll<O: Operator<Lent<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let Some((batch, lap)) = self.laps.next(max) else { return Ok(Polled::End) };
        let records = batch.len();
        out.process(self.laps.block[batch].iter().map(|record| (record, lap)));
        Ok(Polled::Records(records))
    }

    fn drain(&mut self) {
        self.laps.draining = true;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::testing::{Gather, run_all};

    proptest! {
        #[test]
        fn every_record_of_every_lap_once_and_growing(
            len in 0usize..400, laps in 0u64..5, readers in 1usize..5, max in 1usize..50, order in any::<u64>(),
        ) {
            let block: Arc<[u64]> = (0..len as u64).collect();
            let span = len as u64;
            let shares = run_all(Replay::laps(block, laps, move |lap| move |r: &u64| r + lap * span), readers, max, order);
            for share in &shares {
                prop_assert!(share.is_sorted());
            }
            let mut all = shares.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..span * laps).collect::<Vec<_>>());
        }
    }

    #[test]
    fn once_and_cloned() {
        let block: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        assert_eq!(run_all(Replay::new(block.clone()), 1, 7, 0).concat(), block);
    }

    #[test]
    fn lent_records_are_not_copied() {
        struct Heavy(u64);
        let block: Arc<[Heavy]> = (0..10).map(Heavy).collect();
        let mut reader = Replay::lent(block, 2).open(1).unwrap().remove(0);
        let mut out = Gather::<Lent<Heavy>, _>::new(|(record, lap)| (record.0, lap));
        while reader.poll(4, &mut out).unwrap() != Polled::End {}
        assert_eq!(out.items, (0..2).flat_map(|lap| (0..10).map(move |i| (i, lap))).collect::<Vec<_>>());
    }

    #[test]
    fn drained_it_finishes_its_claim() {
        let block: Arc<[u64]> = (0..1000).collect();
        let mut reader = Replay::laps(block, 100, |lap| move |r: &u64| r + lap * 1000).open(1).unwrap().remove(0);
        let mut out = Gather::own();
        for _ in 0..30 {
            reader.poll(64, &mut out).unwrap();
        }
        reader.drain();
        while reader.poll(64, &mut out).unwrap() != Polled::End {}
        let made = out.items.len() as u64;
        assert_eq!(made % (64 * BATCHES_A_CLAIM), 0);
        assert_eq!(out.items, (0..made).collect::<Vec<_>>());
    }
}
