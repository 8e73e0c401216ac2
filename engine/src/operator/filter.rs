//! `filter`: keeps the records that pass a test, in whichever of up to three ways is cheapest here and now.
//!
//! ```text
//!   fused      one loop: test, branch, go on with the record      best when the branch is predictable or the rest is cheap
//!   compacted  test and compact 256 records without a branch,     best when the branch is a coin toss
//!              then one loop over those that passed
//!   masked     one loop over all records; arithmetic cancels      best before a sum, where the compiler vectorises it; only if all that
//!              those that did not pass                            follows is pure ([`Operator::MASKS`])
//! ```
//!
//! None wins always, so the filter times each on a few batches, keeps the cheapest, and looks again from time to time because data change.

use std::time::Instant;

use super::{
    Control, Operator, States,
    blame::Site,
    compact::{COMPACTION, compact, compactable},
    function::{Predicate, masking, testing},
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
        self.next.process(records.filter(testing::<R, P>(&mut self.predicate, self.site)));
    }

    #[inline(always)]
    fn masked<'a, R, I>(&mut self, records: I)
    where
        R: Record,
        P: Predicate<R>,
        N: Operator<R>,
        I: Iterator<Item = R::Of<'a>>,
    {
        self.next.process_masked(records.map(masking(testing::<R, P>(&mut self.predicate, self.site))));
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
        while COMPACTION == compact(&mut records, testing::<R, P>(predicate, site), |kept| next.process(kept)) {}
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
        let timed = self.choice.begin(upper, if const { N::MASKS } { 3 } else { 2 });
        match self.choice.way {
            Way::Fused => self.fused::<R, I>(records),
            Way::Compacted => self.compacted::<R, I>(records),
            // Without masks this arm is never taken, and must not be compiled either.
            Way::Masked if const { N::MASKS } => self.masked::<R, I>(records),
            Way::Masked => self.fused::<R, I>(records),
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

    fn states(&mut self, states: &mut States<'_>) {
        self.next.states(states);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fused,
    Compacted,
    Masked,
}

const WAYS: [Way; 3] = [Way::Fused, Way::Compacted, Way::Masked];
/// Batches timed in each way before a choice is made; the cheapest of each way counts, since a stall can only make one dearer.
const TRIALS: usize = 4;
/// Batches between one choice and the next: the trials of ways that lose are then less than 1 % of all batches.
const TERM: u32 = 2048;
/// A smaller batch is not worth timing: the clock alone costs as much as a few records.
const WORTH_TIMING: usize = 64;

/// Which way the filter goes, by its own measurements.
#[derive(Clone, Debug)]
struct Choice {
    way: Way,
    /// Batches left before the next trials.
    term: u32,
    /// Trials made.
    trials: usize,
    /// Cheapest batch of each way in the present trials, in ns per 1,024 records.
    cheapest_ns: [u64; WAYS.len()],
}

impl Choice {
    fn new() -> Self {
        Self { way: Way::Fused, term: 0, trials: 0, cheapest_ns: [u64::MAX; WAYS.len()] }
    }

    /// Decides which of the first `ways` the batch goes, and returns the start time if it is to be timed.
    #[inline(always)]
    fn begin(&mut self, records: usize, ways: usize) -> Option<Instant> {
        if self.term > 0 {
            self.term -= 1;
            return None;
        }
        self.trial(records, ways)
    }

    #[cold]
    fn trial(&mut self, records: usize, ways: usize) -> Option<Instant> {
        if records < WORTH_TIMING {
            return None;
        }
        if self.trials == TRIALS * ways {
            self.way = WAYS[(0..ways).min_by_key(|&way| self.cheapest_ns[way]).unwrap_or(0)];
            *self = Self { way: self.way, term: TERM, ..Self::new() };
            return None;
        }
        self.way = WAYS[self.trials % ways];
        Some(Instant::now())
    }

    #[cold]
    fn end(&mut self, start: Instant, records: usize) {
        let ns = (start.elapsed().as_nanos() as u64).saturating_mul(1024) / records as u64;
        let cheapest = &mut self.cheapest_ns[self.way as usize];
        *cheapest = ns.min(*cheapest);
        self.trials += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_tried_and_the_cheapest_is_kept_for_a_term() {
        for (cheap, ways) in [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)] {
            let mut choice = Choice::new();
            let mut tried = [0; 3];
            while choice.begin(1024, ways).is_some() {
                tried[choice.way as usize] += 1;
                choice.cheapest_ns[choice.way as usize] = if choice.way as usize == cheap { 1 } else { 2 };
                choice.trials += 1;
            }
            assert_eq!(&tried[..ways], &[TRIALS; 3][..ways]);
            assert_eq!(choice.way, WAYS[cheap]);
            let term = (0..).take_while(|_| choice.begin(1024, ways).is_none()).count();
            assert_eq!(term, TERM as usize);
        }
    }

    #[test]
    fn small_batches_are_not_timed() {
        let mut choice = Choice::new();
        assert!((0..100).all(|_| choice.begin(WORTH_TIMING - 1, 3).is_none()));
        assert!(choice.begin(WORTH_TIMING, 3).is_some());
    }
}
