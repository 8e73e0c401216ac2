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
//!
//! Of which side a record is, nobody can guess; so both sides are worked on by the same instructions, which take what differs by an index.
//!
//! The limit counts rows that may still match. Those that are over but lie in a block with others are told apart only when the limit is near:
//! at most once for each watermark, at the cost of a look at every block, and at the rows of those that are half over.

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
    /// How far from a record's time its first and its last partners are, for left and for right records.
    reach_ms: [(i64, i64); 2],
    pair: F,
    rows_max: usize,
    /// So many rows may come before the limit has to be looked at.
    room: usize,
    /// Left rows, and right ones.
    sides: [Timeline<Either<L, R>>; 2],
    /// The watermark at which rows were freed last.
    freed: EventTime,
}

/// The chains of a key: of its left rows, and of its right ones.
pub(crate) type Chains = [Chain; 2];

impl<L, R, F> Interval<L, R, F> {
    /// A bound of `i64::MIN` counts as one more: its negative has no place.
    pub(crate) fn new((lo_ms, hi_ms): (i64, i64), rows_max: usize, pair: F) -> Self {
        let reach_ms = [(lo_ms, hi_ms), (hi_ms.saturating_neg(), lo_ms.saturating_neg())];
        Self { reach_ms, pair, rows_max, room: rows_max, sides: [Timeline::new(), Timeline::new()], freed: EventTime::MIN }
    }

    /// Each side with the time before which no row to come can match its rows.
    fn over(&mut self, watermark: EventTime) -> impl Iterator<Item = (&mut Timeline<Either<L, R>>, EventTime)> {
        let next = watermark.saturating_add(1);
        self.sides.iter_mut().zip(self.reach_ms).map(move |(rows, (_, last))| (rows, next.saturating_sub(last)))
    }

    /// Lets rows go that no row to come can match.
    #[cold]
    #[inline(never)]
    fn free(&mut self, watermark: EventTime) {
        self.freed = watermark;
        self.over(watermark).for_each(|(rows, over)| rows.free_before(over));
    }

    /// Whether there is room for another row, now that those which are over are told apart.
    #[cold]
    #[inline(never)]
    fn has_room(&mut self, watermark: EventTime) -> bool {
        let kept: usize = self.over(watermark).map(|(rows, over)| rows.len_from(over)).sum();
        self.room = self.rows_max.saturating_sub(kept);
        self.room > 0
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

    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<Chains>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let (time, watermark) = (cx.time(), cx.watermark());
        if time <= watermark {
            cx.count_late();
            return;
        }
        if watermark != self.freed {
            self.free(watermark);
        }
        let side = usize::from(matches!(record, Either::Right(_)));
        let (first, last) = self.reach_ms[side];
        let until = time.saturating_add(last);
        let chains = state.get_or_insert([Chain::EMPTY; 2]);
        for (at, other) in self.sides[1 - side].within(chains[1 - side], time.saturating_add(first), until) {
            if let (Either::Left(left), Either::Right(right)) | (Either::Right(right), Either::Left(left)) = (&record, other) {
                cx.emit_at(time.max(at), (self.pair)(left, right));
            }
        }
        if until <= watermark {
            // Nothing to come can match it.
            if *chains == [Chain::EMPTY; 2] {
                *state = None;
            }
            return;
        }
        if self.room == 0 && !self.has_room(watermark) {
            Rows { kept: self.rows_max, max: self.rows_max }.refuse(cx);
            return;
        }
        self.room -= 1;
        chains[side] = self.sides[side].add(chains[side], time, record);
    }

    fn on_sweep(&mut self, state: &mut Option<Chains>, _: EventTime) {
        if let Some(chains) = state
            && chains.iter().zip(&self.sides).all(|(chain, rows)| !rows.has(*chain))
        {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { reach_ms: _, pair: _, rows_max: _, room, sides: [lefts, rights], freed } = self;
        states.keep(room);
        states.keep(lefts);
        states.keep(rights);
        states.keep(freed);
    }
}
