//! Pairs of rows that are near in event time: `left.time + lo <= right.time <= left.time + hi`.
//!
//! ```text
//!                 watermark W
//!   lefts   ─ ─ ─ ─ l ──▶      a left row is kept until W >= l + hi:  no right row to come can match it
//!   rights  ─ ─ r ─ ─ ─ ──▶    a right row until W >= r - lo
//! ```
//!
//! Nothing is set for a row's end: the rows of a side lie in a [`Timeline`], which lets them go in blocks. What is kept of a key is where its
//! chains begin; a walk over all keys, which comes round once in four times the interval's length, forgets those whose rows are gone.

use super::{
    Rows,
    timeline::{Chain, Timeline},
};
use crate::{
    operator::States,
    process::{Context, Either, Process},
    state::Key,
    time::EventTime,
};

pub(crate) struct Interval<L, R, F> {
    lo_ms: i64,
    hi_ms: i64,
    pair: F,
    rows_max: usize,
    lefts: Timeline<L>,
    rights: Timeline<R>,
    /// The watermark at which rows were freed last.
    freed: EventTime,
}

/// The chains of a key.
#[derive(Clone, Copy)]
pub(crate) struct Chains {
    lefts: Chain,
    rights: Chain,
}

impl<L, R, F> Interval<L, R, F> {
    pub(crate) fn new((lo_ms, hi_ms): (i64, i64), rows_max: usize, pair: F) -> Self {
        Self { lo_ms, hi_ms, pair, rows_max, lefts: Timeline::new(), rights: Timeline::new(), freed: EventTime::MIN }
    }

    /// Lets rows go that no row to come can match.
    #[cold]
    #[inline(never)]
    fn free(&mut self, watermark: EventTime) {
        self.freed = watermark;
        let next = watermark.saturating_add(1);
        self.lefts.free_before(next.saturating_sub(self.hi_ms));
        self.rights.free_before(next.saturating_add(self.lo_ms));
    }
}

impl<K, L, R, U, F> Process<K, Either<L, R>> for Interval<L, R, F>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    F: FnMut(&L, &R) -> U + 'static,
{
    type State = Chains;
    type Out = U;

    #[inline]
    fn on_record(&mut self, state: &mut Option<Chains>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let (time, watermark) = (cx.time(), cx.watermark());
        if time <= watermark {
            cx.count_late();
            return;
        }
        if watermark != self.freed {
            self.free(watermark);
        }
        let Chains { lefts, rights } = state.unwrap_or(Chains { lefts: Chain::EMPTY, rights: Chain::EMPTY });
        match record {
            Either::Left(left) => {
                let until = time.saturating_add(self.hi_ms);
                for (at, right) in self.rights.within(rights, time.saturating_add(self.lo_ms), until) {
                    cx.emit_at(time.max(at), (self.pair)(&left, right));
                }
                if until > watermark {
                    *state = Some(Chains { lefts: self.lefts.add(lefts, time, left), rights });
                }
            }
            Either::Right(right) => {
                let until = time.saturating_sub(self.lo_ms);
                for (at, left) in self.lefts.within(lefts, time.saturating_sub(self.hi_ms), until) {
                    cx.emit_at(time.max(at), (self.pair)(left, &right));
                }
                if until > watermark {
                    *state = Some(Chains { lefts, rights: self.rights.add(rights, time, right) });
                }
            }
        }
        let kept = self.lefts.len() + self.rights.len();
        if kept > self.rows_max {
            Rows { kept, max: self.rows_max }.refuse(cx);
        }
    }

    fn on_sweep(&mut self, state: &mut Option<Chains>, _: EventTime) {
        if let Some(Chains { lefts, rights }) = *state
            && !self.lefts.has(lefts)
            && !self.rights.has(rights)
        {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { lo_ms: _, hi_ms: _, pair: _, rows_max: _, lefts, rights, freed } = self;
        states.keep(lefts);
        states.keep(rights);
        states.keep(freed);
    }
}
