//! Pairs of rows that are near in event time: `left.time + lo <= right.time <= left.time + hi`.
//!
//! ```text
//!                 watermark W
//!   lefts   ─ ─ ─ ─ l ──▶      a left row is kept until W >= l + hi:  no right row to come can match it
//!   rights  ─ ─ r ─ ─ ─ ──▶    a right row until W >= r - lo
//! ```
//!
//! Nothing is set for a row's end: a walk over all keys drops what has had its time, and comes round once in half the interval's length, so that
//! a row is kept for that much longer than it must. A key's room stays with it until a walk finds that nothing came since the one before: one
//! that has rows all the time allocates none.

use super::{Rows, insert_by_time};
use crate::{
    operator::States,
    process::{Context, Either, Process},
    state::Key,
    time::EventTime,
};

pub(crate) struct Interval<F> {
    pub(crate) lo_ms: i64,
    pub(crate) hi_ms: i64,
    pub(crate) pair: F,
    pub(crate) rows: Rows,
}

/// The rows of a key that can still find a partner, by time.
#[derive(Clone)]
pub(crate) struct Near<L, R> {
    lefts: Vec<(EventTime, L)>,
    rights: Vec<(EventTime, R)>,
    /// A row came since the last walk.
    touched: bool,
}

/// The rows with times in `from..=to`.
fn within<T>(rows: &[(EventTime, T)], from: EventTime, to: EventTime) -> &[(EventTime, T)] {
    let start = rows.partition_point(|(time, _)| *time < from);
    let end = start + rows[start..].partition_point(|(time, _)| *time <= to);
    &rows[start..end]
}

/// Drops the rows that come before `time`.
fn drop_before<T>(rows: &mut Vec<(EventTime, T)>, time: EventTime) -> usize {
    let gone = rows.partition_point(|(at, _)| *at < time);
    rows.drain(..gone);
    gone
}

impl<K, L, R, U, F> Process<K, Either<L, R>> for Interval<F>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    F: FnMut(&L, &R) -> U + 'static,
{
    type State = Near<L, R>;
    type Out = U;

    fn on_record(&mut self, state: &mut Option<Near<L, R>>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let (time, watermark) = (cx.time(), cx.watermark());
        if time <= watermark {
            cx.count_late();
            return;
        }
        let near = state.get_or_insert_with(|| Near { lefts: Vec::new(), rights: Vec::new(), touched: true });
        near.touched = true;
        let until = match record {
            Either::Left(left) => {
                let until = time.saturating_add(self.hi_ms);
                for (at, right) in within(&near.rights, time.saturating_add(self.lo_ms), until) {
                    cx.emit_at(time.max(*at), (self.pair)(&left, right));
                }
                if until > watermark {
                    if near.lefts.len() == near.lefts.capacity() {
                        self.rows.kept -= drop_before(&mut near.lefts, watermark.saturating_add(1).saturating_sub(self.hi_ms));
                    }
                    insert_by_time(&mut near.lefts, time, left);
                }
                until
            }
            Either::Right(right) => {
                let until = time.saturating_sub(self.lo_ms);
                for (at, left) in within(&near.lefts, time.saturating_sub(self.hi_ms), until) {
                    cx.emit_at(time.max(*at), (self.pair)(left, &right));
                }
                if until > watermark {
                    if near.rights.len() == near.rights.capacity() {
                        self.rows.kept -= drop_before(&mut near.rights, watermark.saturating_add(1).saturating_add(self.lo_ms));
                    }
                    insert_by_time(&mut near.rights, time, right);
                }
                until
            }
        };
        if until > watermark {
            self.rows.add(cx);
        }
    }

    fn on_sweep(&mut self, state: &mut Option<Near<L, R>>, watermark: EventTime) {
        let Some(near) = state else { return };
        // No row to come is before `next`.
        let next = watermark.saturating_add(1);
        self.rows.kept -= drop_before(&mut near.lefts, next.saturating_sub(self.hi_ms));
        self.rows.kept -= drop_before(&mut near.rights, next.saturating_add(self.lo_ms));
        if !std::mem::take(&mut near.touched) && near.lefts.is_empty() && near.rights.is_empty() {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}
