//! Late records to a stream of their own.
//!
//! ```text
//!   (time, record) ─▶ late? ─ no ──▶ combine ─▶ partials to the keys' owners
//!                        └── yes ─▶ counted, and to the second stream
//! ```
//!
//! Whether a record is late is decided by the watermark of the worker that reads it, before anything is combined. The second stream carries no
//! watermarks: all that comes there is behind them.

use super::{Combine, WindowPartial, assign::Slices, combine::Combining};
use crate::{
    error::{BuildError, RunError},
    exchange::{Edge, Forward, ForwardSeed, Scatter, ScatterEnd, ScatterSeed, forward_seeds},
    graph::{End, EndSeed, StageCx},
    metrics::Counter,
    operator::{Control, Operator, States, adapt::Chosen, aggregate::Aggregate},
    record::{Movable, Own, Timed},
    runtime::Scope,
    state::Key,
    time::EventTime,
};

/// What a late record is on its way.
pub(crate) type LateItem<R> = (EventTime, <R as Movable>::Item);

/// Ends a chain with the first half of a window aggregate and an edge for late records.
pub(crate) struct LateEnd<R: Movable, F, K: Key, A: Aggregate<R>, G> {
    pub(crate) combine: Combine<F, A>,
    pub(crate) scatter: ScatterEnd<Own<WindowPartial<K, A::Partial>>, G>,
    pub(crate) late: Edge<LateItem<R>>,
}

impl<R, F, K, A, G> End<Timed<R>> for LateEnd<R, F, K, A, G>
where
    R: Movable,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
    G: FnMut(&WindowPartial<K, A::Partial>) -> u8 + Clone + Send + 'static,
{
    type Seed = LateSeed<R, F, K, A, G>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let (late, instances) = (forward_seeds(&self.late, cx), cx.workers.len());
        let seed = |(scatter, late)| LateSeed { combine: self.combine.clone(), scatter, late, instances };
        Ok(self.scatter.open(cx)?.into_iter().zip(late).map(seed).collect())
    }
}

/// The end of one instance's chain.
pub(crate) struct LateSeed<R: Movable, F, K: Key, A: Aggregate<R>, G> {
    combine: Combine<F, A>,
    scatter: ScatterSeed<WindowPartial<K, A::Partial>, G>,
    late: ForwardSeed<LateItem<R>>,
    instances: usize,
}

impl<R, F, K, A, G> EndSeed<Timed<R>> for LateSeed<R, F, K, A, G>
where
    R: Movable,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
    G: FnMut(&WindowPartial<K, A::Partial>) -> u8 + Clone + Send + 'static,
{
    type Operator = LateSplit<Combining<F, A, K, A::Partial, Scatter<WindowPartial<K, A::Partial>, G>>, LateItem<R>>;

    fn start(self, scope: &mut Scope) -> Self::Operator {
        let (windows, counter) = (self.combine.slices, self.combine.late.clone());
        let scatter = EndSeed::<Own<WindowPartial<K, A::Partial>>>::start(self.scatter, scope);
        LateSplit {
            next: Combining::new(self.combine, self.instances, scatter),
            late: self.late.outlets(scope),
            windows,
            bound: EventTime::MIN,
            counter,
        }
    }
}

/// Sends late records aside before the others are combined.
pub(crate) struct LateSplit<N, T> {
    next: N,
    late: Forward<T>,
    windows: Slices,
    /// Records before it are late, unless they are in a gap between windows.
    bound: EventTime,
    counter: Counter,
}

impl<R: Movable, N: Operator<Timed<R>>> Operator<Timed<R>> for LateSplit<N, LateItem<R>> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Self { next, late, windows, bound, counter } = self;
        let (bound, outlet) = (*bound, late.outlet());
        let mut count = 0;
        next.process(Chosen {
            records,
            function: |(time, record)| {
                if time >= bound {
                    return Some((time, record));
                }
                if windows.is_in_window(time) {
                    count += 1;
                    outlet.stage((time, R::into_item(record)));
                }
                None
            },
        });
        if count > 0 {
            outlet.flush();
            late.next_turn();
            counter.add(count);
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.bound = self.bound.max(self.windows.late_before(watermark)),
            Control::Idle => {}
            Control::Barrier(_) | Control::End => self.late.send_control(control),
        }
        self.next.control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        // Both: what one holds must not wait for the other.
        let late = self.late.all_ready()?;
        Ok(self.next.ready()? && late)
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.bound);
        self.late.states(states);
        self.next.states(states);
    }
}
