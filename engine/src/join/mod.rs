//! Joins: two streams brought together by key.
//!
//! ```text
//!   left  ── Left(l)  ─┐  to the key's owner                      inner, left, full    all pairs, for ever       state limit
//!                      ├─▶ one edge of Either<L, R> ─▶ a process   between(lo, hi)      pairs near in time        watermark cleans
//!   right ── Right(r) ─┘  watermark: the lower         function    window(w)            pairs of one window       watermark cleans
//!                                                                  as_of                the right row valid then  one row a key stays
//!   a stream of Either, keyed: many_to_one           each left row with the one right row of its key; left rows are not kept
//!   likewise .window_join                            as window, with rows that borrow: lent, not copied into vectors
//!   likewise .window_semi_join                       the left rows of a window whose key has a right row there; right rows are not kept
//!   left.broadcast(right): the right rows go to every worker, the left ones stay where they are; no key
//! ```
//!
//! Laws
//! - The result depends on what both streams hold and on their event times, not on which side came first, the batches or the workers.
//! - A pair's time is the later of its two rows' times, so it is not late if they were not. Results of a window have its last time.
//! - Where event time decides (`between`, `window`, `as_of`), a row at or below the watermark is late: it is counted, and changes no result.
//! - Rows are kept as they came: of windows and intervals in one place for all keys, of other joins in one vector per key and side. When more than [`rows_max`](crate::JoinedStream::rows_max)
//!   rows are kept on a worker, the job ends with an error that names the join.
//!
//! Cost: the process function's own (see [`process`](crate::process)) and the row that is kept: the inner join of bids with their auction in
//! the example `keyed_speed` takes 40 to 55 ns a bid, where a loop by hand that keeps the same rows takes 37 to 50. A key takes two
//! vectors (48 bytes in the table) and the rows; the first row of a side is allocated exactly, more by doubling.
//!
//! Non-goals: joins of more than two streams in one step (chain them), conditions other than equality of keys (filter the pairs).

mod as_of;
mod broadcast;
mod changes;
mod interval;
mod one;
mod semi;
mod timeline;
mod unbounded;
mod window;

pub(crate) use as_of::AsOf;
pub(crate) use broadcast::{Broadcast, BroadcastEnd, Side};
pub(crate) use changes::JoinChanges;
pub(crate) use interval::Interval;
pub(crate) use one::ManyToOne;
pub(crate) use semi::WindowSemiJoin;
pub(crate) use unbounded::{Inner, Outer};
pub(crate) use window::WindowJoin;
pub use window::{WindowOut, WindowRows};

use crate::{
    process::{Context, Either},
    record::{EitherOf, Own, Portable, Record},
    state::Key,
};

/// Records of two sides in one stream.
pub(crate) trait TwoSided: Portable {
    type Left: Portable<Fixed: Clone>;
    type Right: Portable<Fixed: Clone>;
    /// Which side a record is of.
    fn side(record: Self::Of<'_>) -> Either<<Self::Left as Record>::Of<'_>, <Self::Right as Record>::Of<'_>>;
}

impl<L: Portable<Fixed: Clone>, R: Portable<Fixed: Clone>> TwoSided for EitherOf<L, R> {
    type Left = L;
    type Right = R;
    #[inline(always)]
    fn side(record: Self::Of<'_>) -> Either<L::Of<'_>, R::Of<'_>> {
        record
    }
}

impl<L: Clone + Send + 'static, R: Clone + Send + 'static> TwoSided for Own<Either<L, R>> {
    type Left = Own<L>;
    type Right = Own<R>;
    #[inline(always)]
    fn side(record: Self::Of<'_>) -> Either<<Own<L> as Record>::Of<'_>, <Own<R> as Record>::Of<'_>> {
        record
    }
}

/// Counts the rows that a join keeps on one worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) kept: usize,
    pub(crate) max: usize,
}

impl Rows {
    pub(crate) fn up_to(max: usize) -> Self {
        Self { kept: 0, max }
    }

    #[inline(always)]
    fn add<K: Key, O>(&mut self, cx: &mut Context<'_, K, O>) {
        self.kept += 1;
        if self.kept > self.max {
            self.refuse(cx);
        }
    }

    #[cold]
    #[inline(never)]
    fn refuse<K: Key, O>(&self, cx: &mut Context<'_, K, O>) {
        cx.fail(format!("this worker keeps more than {} rows; raise rows_max, or join within a time", self.max));
    }
}

/// Appends a row. The first one gets just the room it needs: most keys have one row on one of their sides.
#[inline(always)]
fn push<T>(rows: &mut Vec<T>, row: T) {
    if rows.capacity() == 0 {
        rows.reserve_exact(1);
    }
    rows.push(row);
}

/// Inserts a row behind those of its time and before.
#[inline]
fn insert_by_time<T>(rows: &mut Vec<(i64, T)>, time: i64, row: T) {
    if rows.last().is_none_or(|(last, _)| *last <= time) {
        push(rows, (time, row));
    } else {
        let place = rows.partition_point(|(other, _)| *other <= time);
        rows.insert(place, (time, row));
    }
}
