//! Windows with triggers, count windows and the global window.

use std::marker::PhantomData;

use super::{Head, TimedKeyedStream, TimedStream, WindowedStream};
use crate::{
    exchange::{EdgeHead, ScatterEnd, group_of},
    operator::{
        Aggregate,
        link::{Identity, Link, Then},
    },
    record::{Own, Record, Timed},
    state::Key,
    window::{CountWindows, Global, Lift, MergePanes, OnWatermark, Paned, Revised, Trigger, WindowPartial},
};

/// As [`WindowedStream`], where results may come early.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct TriggeredStream<R, H, L, F, K, W, T> {
    windowed: WindowedStream<R, H, L, F, K, W>,
    trigger: T,
}

/// The stream of results behind an aggregate over windows with a trigger.
pub type PaneStream<R, K, A, T> = TimedStream<
    Own<Revised<K, <A as Aggregate<R>>::Out>>,
    EdgeHead<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>, MergePanes<R, K, A, T>>,
>;

impl<R, H, L, F, K, W: Paned> WindowedStream<R, H, L, F, K, W> {
    /// Lets results come early: every so many records, every period, or as a [`Trigger`] of your own says.
    ///
    /// Results of a key and window are numbered ([`Revised::revision`]), and each replaces the one before. The watermark makes the last one, if
    /// something has changed since. Each record hops to its key's owner.
    ///
    /// With an [allowed lateness](Self::allowed_lateness) before it, late records correct the last result, as without a trigger; and the
    /// trigger sees them too.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Count, Dataflow, EveryRecords, Generate, Monotone, Revised, Tumbling};
    ///
    /// let mut flow = Dataflow::new("early");
    /// let (sink, rows) = Collect::<Revised<(), u64>>::new();
    /// flow.source(Generate::new(15, |i| i as i64))
    ///     .watermarks(Monotone, |i| *i)
    ///     .key_by(|_| ())
    ///     .window(Tumbling::millis(10))
    ///     .trigger(EveryRecords(4))
    ///     .aggregate(Count)
    ///     .sink(sink);
    /// flow.start(Config::default().workers(1))?.join()?;
    /// let rows: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.revision, row.value)).collect();
    /// assert_eq!(rows, [(0, 0, 4), (0, 1, 8), (10, 0, 4), (0, 2, 10), (10, 1, 5)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trigger<T: Trigger>(self, trigger: T) -> TriggeredStream<R, H, L, F, K, W, T> {
        TriggeredStream { windowed: self, trigger }
    }
}

impl<R, H, L, F, K, W, T> TriggeredStream<R, H, L, F, K, W, T>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    W: Paned,
    T: Trigger,
{
    /// Aggregates the records of each key and window; results come when the trigger or the watermark says so.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> PaneStream<R, K, A, T> {
        let Self { windowed: WindowedStream { keyed: TimedKeyedStream { mut stream, key, .. }, windows, open_max }, trigger } = self;
        let site = stream.site("window");
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, windows.refusal().or_else(|| trigger.refuse()));
            graph.late.clone()
        };
        let lift = Lift { key, aggregate: aggregate.clone(), site, next: (), of: PhantomData::<fn() -> K> };
        let stream = stream.then(lift).cross::<Own<WindowPartial<K, A::Partial>>, _>(site, false, |edge| ScatterEnd {
            edge,
            group: |partial: &WindowPartial<K, A::Partial>| group_of(partial.key.hash64()),
        });
        let merge = MergePanes { panes: windows.panes(), trigger, aggregate, site, late, open_max, of: PhantomData };
        TimedStream { stream: stream.then(merge), of: PhantomData }
    }
}

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K, CountWindows>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates the records of each key and window; a result comes with the window's last record.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> PaneStream<R, K, A, OnWatermark> {
        self.trigger(OnWatermark).aggregate(aggregate)
    }
}

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K, Global>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates all records of each key; results come when the input ends.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> PaneStream<R, K, A, OnWatermark> {
        self.trigger(OnWatermark).aggregate(aggregate)
    }
}

impl<R, H, L> TimedStream<R, H, L>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
{
    /// Divides the stream as a whole into windows: results have the key `()`.
    ///
    /// With [`Tumbling`](crate::Tumbling) and [`Sliding`](crate::Sliding) windows every worker combines what it reads, and one merges.
    pub fn window_all<W>(
        self,
        windows: W,
    ) -> WindowedStream<R, H, L, impl for<'a, 'b> FnMut(&'b R::Of<'a>) + Clone + Send + 'static, (), W> {
        self.key_by(unit::<R>).window(windows)
    }
}

/// The key of all records.
fn unit<R: Record>(_: &R::Of<'_>) {}
