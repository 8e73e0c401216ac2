//! A stream whose rows go to every worker, beside one whose rows stay where they are.
//!
//! Each worker keeps what it makes of the right rows, so memory is that of the right side times the workers. Between two right rows of
//! different upstream workers there is no order, and none between left and right rows, unless the left ones wait for the right side's end.

use crate::{
    error::{BuildError, RunError},
    exchange::{Edge, Outlet, OutletSeed},
    graph::{End, EndSeed, StageCx},
    operator::{Control, Operator, States},
    process::{Context, Process},
    record::{Own, Record, Timed},
    runtime::Scope,
    time::EventTime,
};

use super::Rows;

/// What travels on the edge of a broadcast.
#[derive(Clone, Debug)]
pub enum Side<L, R> {
    /// A row that stays on its worker.
    Left(L),
    /// A row that has come to every worker.
    Right(R),
    /// One of so many upstream workers has handed out all its right rows.
    RightEnded {
        /// How many there are.
        of: usize,
    },
}

/// Ends a chain at an edge, each record to every worker behind it.
pub(crate) struct BroadcastEnd<L, R> {
    pub(crate) edge: Edge<(EventTime, Side<L, R>)>,
    /// Left rows wait for the end, so event time must as well: watermarks stay here.
    pub(crate) awaited: bool,
}

impl<L: Send + 'static, R: Clone + Send + 'static> End<Timed<Own<R>>> for BroadcastEnd<L, R> {
    type Seed = BroadcastSeed<L, R>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let targets = cx.workers_behind(self.edge.id).len();
        let seed = |&from: &usize| BroadcastSeed {
            outlets: (0..targets).map(|to| self.edge.outlet(cx, from, to)).collect(),
            awaited: self.awaited,
            instances: cx.workers.len(),
        };
        Ok(cx.workers.iter().map(seed).collect())
    }
}

pub(crate) struct BroadcastSeed<L, R> {
    outlets: Vec<OutletSeed<(EventTime, Side<L, R>)>>,
    awaited: bool,
    instances: usize,
}

impl<L: Send + 'static, R: Clone + Send + 'static> EndSeed<Timed<Own<R>>> for BroadcastSeed<L, R> {
    type Operator = Broadcasting<L, R>;
    fn start(self, scope: &mut Scope) -> Broadcasting<L, R> {
        let outlets = self.outlets.into_iter().map(|outlet| outlet.start(scope)).collect();
        Broadcasting { outlets, awaited: self.awaited, instances: self.instances }
    }
}

/// The last operator of such a chain.
pub(crate) struct Broadcasting<L, R> {
    outlets: Vec<Outlet<(EventTime, Side<L, R>)>>,
    awaited: bool,
    instances: usize,
}

impl<L: Send + 'static, R: Clone + Send + 'static> Operator<Timed<Own<R>>> for Broadcasting<L, R> {
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = <Timed<Own<R>> as Record>::Of<'a>>,
    {
        let Some((last, others)) = self.outlets.split_last_mut() else { return };
        for (time, record) in records {
            others.iter_mut().for_each(|outlet| outlet.stage((time, Side::Right(record.clone()))));
            last.stage((time, Side::Right(record)));
        }
        self.outlets.iter_mut().for_each(Outlet::flush);
    }

    fn control(&mut self, control: Control) {
        if self.awaited && matches!(control, Control::Watermark(_) | Control::Idle) {
            return;
        }
        for outlet in &mut self.outlets {
            if control == Control::End {
                outlet.stage((EventTime::MAX, Side::RightEnded { of: self.instances }));
            }
            outlet.send_control(control);
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        // All of them: what one holds must not wait for another.
        let mut ready = true;
        for outlet in &mut self.outlets {
            ready &= outlet.ready()?;
        }
        Ok(ready)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

/// One worker's state of the right side, and what it makes of left rows.
pub(crate) struct Broadcast<S, L, FR, FL> {
    pub(crate) state: S,
    pub(crate) on_right: FR,
    pub(crate) on_left: FL,
    /// Left rows wait until the right side has ended.
    pub(crate) awaited: bool,
    pub(crate) held: Vec<(EventTime, L)>,
    /// Upstream workers that have ended their right side.
    pub(crate) ended: usize,
    pub(crate) rows: Rows,
}

impl<S, L, R, U, I, FR, FL> Process<(), Side<L, R>> for Broadcast<S, L, FR, FL>
where
    S: Clone + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    I: IntoIterator<Item = U>,
    FR: FnMut(&mut S, R) + 'static,
    FL: FnMut(&S, L) -> I + 'static,
{
    type State = ();
    type Out = U;

    #[inline]
    fn on_record(&mut self, _: &mut Option<()>, record: Side<L, R>, cx: &mut Context<'_, (), U>) {
        match record {
            Side::Left(left) if self.awaited => {
                self.held.push((cx.time(), left));
                self.rows.add(cx);
            }
            Side::Left(left) => (self.on_left)(&self.state, left).into_iter().for_each(|row| cx.emit(row)),
            Side::Right(right) => (self.on_right)(&mut self.state, right),
            Side::RightEnded { of } => {
                self.ended += 1;
                if self.ended == of && std::mem::take(&mut self.awaited) {
                    for (time, left) in std::mem::take(&mut self.held) {
                        (self.on_left)(&self.state, left).into_iter().for_each(|row| cx.emit_at(time, row));
                    }
                }
            }
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { state, on_right: _, on_left: _, awaited, held, ended, rows } = self;
        states.keep(state);
        states.keep(awaited);
        states.keep(held);
        states.keep(ended);
        states.keep(&mut rows.kept);
    }
}
