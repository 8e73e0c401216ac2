//! `filter`: keeps the records that pass a test, in whichever of two ways is cheaper here and now.
//!
//! ```text
//!   fused      one loop: test, branch, go on with the record      best when the branch is predictable or the rest is cheap
//!   compacted  test and compact 256 records without a branch,     best when the branch is a coin toss
//!              then one loop over those that passed
//! ```
//!
//! Neither wins always (a fused filter before a sum is vectorised by the compiler and runs 2× faster than a compacted one; a fused filter
//! before a table update mispredicts and runs 2× slower), so the filter times both on a few batches and keeps the cheaper, and looks again
//! from time to time because data change.

use std::time::Instant;

use super::{
    Control, Operator,
    blame::{Site, guard},
    compact::{COMPACTION, compact, compactable},
    function::Predicate,
    link::{ChainCx, Step},
};
use crate::{error::RunError, record::Record};

/// Keeps the records that pass a test.
#[derive(Clone)]
pub struct Filter<P, N = ()> {
    predicate: P,
    site: Site,
    choice: Choice,
    next: N,
}

impl<P> Filter<P> {
    pub(crate) fn new(predicate: P, site: Site) -> Self {
        Self { predicate, site, choice: Choice::new(), next: () }
    }
}

impl<R: Record, P: Predicate<R>> Step<R> for Filter<P> {
    type Out = R;
    fn before<N: Operator<R> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        Filter { predicate: self.predicate, site: self.site, choice: self.choice, next }
    }
}

impl<P, N> Filter<P, N> {
    #[inline(always)]
    fn fused<'a, R, I>(&mut self, records: I)
    where
        R: Record,
        P: Predicate<R>,
        N: Operator<R>,
        I: Iterator<Item = R::Of<'a>>,
    {
        let (predicate, site) = (&mut self.predicate, self.site);
        self.next.process(records.filter(|record| guard(site, || predicate.test(record))));
    }

    #[inline(always)]
    fn compacted<'a, R, I>(&mut self, mut records: I)
    where
        R: Record,
        P: Predicate<R>,
        N: Operator<R>,
        I: Iterator<Item = R::Of<'a>>,
    {
        let (predicate, site, next) = (&mut self.predicate, self.site, &mut self.next);
        while COMPACTION == compact(&mut records, |record| guard(site, || predicate.test(record)), |kept| next.process(kept)) {}
    }
}

impl<R: Record, P: Predicate<R>, N: Operator<R>> Operator<R> for Filter<P, N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        if !const { compactable::<R::Of<'static>>() } {
            return self.fused::<R, I>(records);
        }
        let upper = records.size_hint().1.unwrap_or(0);
        let timed = self.choice.begin(upper);
        match self.choice.way {
            Way::Fused => self.fused::<R, I>(records),
            Way::Compacted => self.compacted::<R, I>(records),
        }
        if let Some(start) = timed {
            self.choice.end(start, upper);
        }
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fused,
    Compacted,
}

/// Batches timed in each way before a choice is made; the cheapest of each way counts, since a stall can only make one dearer.
const TRIALS: u32 = 4;
/// Batches between one choice and the next: at 1,024 records a batch, the trials cost about 1 % of the loser's disadvantage.
const TERM: u32 = 1024;
/// A smaller batch is not worth timing: the clock alone costs as much as a few records.
const WORTH_TIMING: usize = 64;

/// Which way the filter goes, by its own measurements.
#[derive(Clone, Debug)]
struct Choice {
    way: Way,
    /// Trials left, or batches left in the term if negative.
    trials: u32,
    term: u32,
    /// Cheapest batch seen in the present trials, in ns per 1,024 records.
    fused_ns: u64,
    compacted_ns: u64,
}

impl Choice {
    fn new() -> Self {
        Self { way: Way::Fused, trials: 2 * TRIALS, term: 0, fused_ns: u64::MAX, compacted_ns: u64::MAX }
    }

    /// Decides how the batch goes, and returns the start time if it is to be timed.
    #[inline(always)]
    fn begin(&mut self, records: usize) -> Option<Instant> {
        if self.term > 0 {
            self.term -= 1;
            return None;
        }
        self.trial(records)
    }

    #[cold]
    fn trial(&mut self, records: usize) -> Option<Instant> {
        if records < WORTH_TIMING {
            return None;
        }
        if self.trials == 0 {
            *self = Self { trials: 2 * TRIALS, ..Self::new() };
        }
        self.way = if self.trials.is_multiple_of(2) { Way::Fused } else { Way::Compacted };
        Some(Instant::now())
    }

    #[cold]
    fn end(&mut self, start: Instant, records: usize) {
        let ns = (start.elapsed().as_nanos() as u64).saturating_mul(1024) / records as u64;
        match self.way {
            Way::Fused => self.fused_ns = self.fused_ns.min(ns),
            Way::Compacted => self.compacted_ns = self.compacted_ns.min(ns),
        }
        self.trials -= 1;
        if self.trials == 0 {
            self.way = if self.compacted_ns < self.fused_ns { Way::Compacted } else { Way::Fused };
            self.term = TERM;
        }
    }
}
