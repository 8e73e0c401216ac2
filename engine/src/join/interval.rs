//! Pairs of rows that are near in event time: `left.time + lo <= right.time <= left.time + hi`.
//!
//! ```text
//!                 watermark W
//!   lefts   ─ ─ ─ ─ l ──▶      a left row is kept until W >= l + hi:  no right row to come can match it
//!   rights  ─ ─ r ─ ─ ─ ──▶    a right row until W >= r - lo
//! ```
//!
//! Each key has one timer, which sweeps what has had its time; then it is set again for half an interval later, so that a row is kept for at
//! most half as long again as it must, and a key is swept twice in an interval.

use super::{Rows, insert_by_time};
use crate::{
    process::{Context, Either, Process, Timer},
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
pub(crate) struct Near<L, R> {
    lefts: Vec<(EventTime, L)>,
    rights: Vec<(EventTime, R)>,
    has_timer: bool,
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
    L: Send + 'static,
    R: Send + 'static,
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
        let near = state.get_or_insert_with(|| Near { lefts: Vec::new(), rights: Vec::new(), has_timer: false });
        let until = match record {
            Either::Left(left) => {
                let until = time.saturating_add(self.hi_ms);
                for (at, right) in within(&near.rights, time.saturating_add(self.lo_ms), until) {
                    cx.emit_at(time.max(*at), (self.pair)(&left, right));
                }
                if until > watermark {
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
                    insert_by_time(&mut near.rights, time, right);
                }
                until
            }
        };
        if until > watermark {
            self.rows.add(cx);
            if !near.has_timer {
                near.has_timer = true;
                cx.set_timer(until);
            }
        } else if near.lefts.is_empty() && near.rights.is_empty() {
            *state = None;
        }
    }

    fn on_timer(&mut self, state: &mut Option<Near<L, R>>, _: Timer, cx: &mut Context<'_, K, U>) {
        let Some(near) = state else { return };
        // No row to come is before `next`.
        let next = cx.watermark().saturating_add(1);
        if cx.at_end() {
            self.rows.kept -= near.lefts.len() + near.rights.len();
            *state = None;
            return;
        }
        self.rows.kept -= drop_before(&mut near.lefts, next.saturating_sub(self.hi_ms));
        self.rows.kept -= drop_before(&mut near.rights, next.saturating_add(self.lo_ms));
        let left = near.lefts.first().map(|(time, _)| time.saturating_add(self.hi_ms));
        let right = near.rights.first().map(|(time, _)| time.saturating_sub(self.lo_ms));
        match left.into_iter().chain(right).min() {
            None => *state = None,
            Some(earliest) => cx.set_timer(earliest.saturating_add((self.hi_ms.saturating_sub(self.lo_ms)) / 2)),
        }
    }
}
