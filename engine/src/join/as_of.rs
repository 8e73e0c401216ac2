//! Each left row with the right row that was valid at its event time: the last one at or before it.
//!
//! A left row waits until the watermark has passed it, for only then are all right rows known that could be the one. Of right rows of one time
//! the one that came later is valid.

use super::{Rows, insert_by_time, push};
use crate::{
    operator::States,
    process::{Context, Either, Process, Timer},
    state::Key,
    time::EventTime,
};

pub(crate) struct AsOf<F> {
    pub(crate) pair: F,
    pub(crate) rows: Rows,
}

/// Left rows that wait, and the right rows that are or may become valid, by time.
#[derive(Clone)]
pub(crate) struct Versions<L, R> {
    waiting: Vec<(EventTime, L)>,
    versions: Vec<(EventTime, R)>,
    /// The timer that is set, if any.
    timer: Option<EventTime>,
}

impl<L, R> Versions<L, R> {
    /// Drops the versions that no row to come can see. Returns how many.
    fn forget(&mut self, watermark: EventTime) -> usize {
        let past = self.versions.partition_point(|(time, _)| *time <= watermark);
        let oldest = self.waiting.first().map_or(EventTime::MAX, |(time, _)| *time);
        // The one valid for the oldest row that waits must stay.
        let needed = self.versions.partition_point(|(time, _)| *time <= oldest).min(past).saturating_sub(1);
        self.versions.drain(..needed);
        needed
    }
}

impl<K, L, R, U, F> Process<K, Either<L, R>> for AsOf<F>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    F: FnMut(L, Option<&R>) -> U + 'static,
{
    type State = Versions<L, R>;
    type Out = U;

    fn on_record(&mut self, state: &mut Option<Versions<L, R>>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let time = cx.time();
        if time <= cx.watermark() {
            cx.count_late();
            return;
        }
        let kept = state.get_or_insert_with(|| Versions { waiting: Vec::new(), versions: Vec::new(), timer: None });
        match record {
            Either::Left(left) => {
                push(&mut kept.waiting, (time, left));
                // Waiting rows are sorted when they leave; only the earliest must be known, and it comes first.
                let last = kept.waiting.len() - 1;
                if kept.waiting[0].0 > time {
                    kept.waiting.swap(0, last);
                }
                if kept.timer.is_none_or(|timer| time < timer) {
                    if let Some(timer) = kept.timer.replace(time) {
                        cx.cancel_timer(timer);
                    }
                    cx.set_timer(time);
                }
            }
            Either::Right(right) => {
                insert_by_time(&mut kept.versions, time, right);
                self.rows.kept -= kept.forget(cx.watermark());
            }
        }
        self.rows.add(cx);
    }

    fn on_timer(&mut self, state: &mut Option<Versions<L, R>>, _: Timer, cx: &mut Context<'_, K, U>) {
        let Some(kept) = state else { return };
        kept.timer = None;
        kept.waiting.sort_by_key(|(time, _)| *time);
        let due = kept.waiting.partition_point(|(time, _)| *time <= cx.watermark());
        let mut valid = 0;
        for (time, left) in kept.waiting.drain(..due) {
            while kept.versions.get(valid).is_some_and(|(from, _)| *from <= time) {
                valid += 1;
            }
            let version = valid.checked_sub(1).map(|at| &kept.versions[at].1);
            cx.emit_at(time, (self.pair)(left, version));
        }
        self.rows.kept -= due;
        if let Some((time, _)) = kept.waiting.first() {
            kept.timer = Some(*time);
            cx.set_timer(*time);
        }
        self.rows.kept -= kept.forget(cx.watermark());
        if cx.at_end() {
            self.rows.kept -= kept.versions.len();
            *state = None;
        } else if kept.waiting.is_empty() && kept.versions.is_empty() {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}
