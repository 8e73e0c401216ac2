//! The rows of both sides in one tumbling window, together when it closes.

use super::{Rows, push};
use crate::{
    operator::States,
    process::{Context, Either, Process, Timer},
    state::Key,
    time::EventTime,
    window::{Tumbling, last_time},
};

pub(crate) struct WindowJoin<F> {
    pub(crate) windows: Tumbling,
    pub(crate) together: F,
    pub(crate) rows: Rows,
}

/// A window of a key.
#[derive(Clone)]
pub(crate) struct Pane<L, R> {
    start: EventTime,
    lefts: Vec<L>,
    rights: Vec<R>,
}

impl<F> WindowJoin<F> {
    fn last_time(&self, start: EventTime) -> EventTime {
        last_time(start, self.windows.size_ms())
    }
}

impl<K, L, R, U, I, F> Process<K, Either<L, R>> for WindowJoin<F>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    I: IntoIterator<Item = U>,
    F: FnMut(&K, EventTime, Vec<L>, Vec<R>) -> I + 'static,
{
    /// Open windows; there are few.
    type State = Vec<Pane<L, R>>;
    type Out = U;

    fn on_record(&mut self, state: &mut Option<Vec<Pane<L, R>>>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let start = self.windows.start(cx.time());
        let last = self.last_time(start);
        if last <= cx.watermark() {
            cx.count_late();
            return;
        }
        let panes = state.get_or_insert_default();
        let at = panes.iter().position(|pane| pane.start == start).unwrap_or_else(|| {
            cx.set_timer(last);
            push(panes, Pane { start, lefts: Vec::new(), rights: Vec::new() });
            panes.len() - 1
        });
        match record {
            Either::Left(left) => push(&mut panes[at].lefts, left),
            Either::Right(right) => push(&mut panes[at].rights, right),
        }
        self.rows.add(cx);
    }

    fn on_timer(&mut self, state: &mut Option<Vec<Pane<L, R>>>, _: Timer, cx: &mut Context<'_, K, U>) {
        let Some(panes) = state else { return };
        if let Some(at) = panes.iter().position(|pane| self.last_time(pane.start) == cx.time()) {
            let Pane { start, lefts, rights } = panes.swap_remove(at);
            self.rows.kept -= lefts.len() + rights.len();
            for row in (self.together)(cx.key(), start, lefts, rights) {
                cx.emit(row);
            }
        }
        if panes.is_empty() {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}
