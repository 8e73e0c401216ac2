//! Streams divided into windows.

use std::marker::PhantomData;

use super::{Head, Stream, TimedKeyedStream, TimedStream};
use crate::{
    exchange::{Edge, EdgeHead, ScatterEnd, group_of},
    operator::{
        Aggregate,
        blame::Site,
        link::{Identity, Link, Then},
    },
    record::{Movable, Own, Record, Timed},
    sink::Sink,
    state::Key,
    window::{
        Combine, CombineSessions, CombineStep, Half, LateEnd, Lenient, MergeSessions, Merges, Session, SessionPart, Sliced, WindowPartial,
        Windowed,
    },
};

/// A stream with a key, divided into windows.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct WindowedStream<R, H, L, F, K, W> {
    pub(crate) keyed: TimedKeyedStream<R, H, L, F, K>,
    pub(crate) windows: W,
    pub(crate) open_max: usize,
}

/// As [`WindowedStream`], where late records make a stream of their own.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct LateSplitStream<R, H, L, F, K, W>(WindowedStream<R, H, L, F, K, W>);

/// As [`WindowedStream`], where late records go to a sink of their own.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct LateToStream<R, H, L, F, K, W, S> {
    split: LateSplitStream<R, H, L, F, K, W>,
    sink: S,
}

/// What travels between the two halves of a window aggregate.
type Partials<R, K, A> = Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>;

/// The stream of results behind an aggregate over the windows `W`.
pub type WindowStream<R, K, A, W> = TimedStream<
    Own<<W as Merges<R, K, A>>::Result>,
    EdgeHead<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>, <W as Merges<R, K, A>>::Merge>,
>;

/// The stream of results behind an aggregate over sessions.
pub type SessionStream<R, K, A> = TimedStream<
    Own<Windowed<K, <A as Aggregate<R>>::Out>>,
    EdgeHead<Own<SessionPart<K, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<SessionPart<K, <A as Aggregate<R>>::Partial>>>, MergeSessions<R, K, A>>,
>;

/// The key group of a partial.
fn group<K: Key, P>(partial: &WindowPartial<K, P>) -> u8 {
    group_of(partial.key.hash64())
}

impl<R, H, L, F, K, W> WindowedStream<R, H, L, F, K, W> {
    /// Ends the job with an error when a worker has more windows open than this, before records of times that nobody expected, or watermarks
    /// that do not come, take all memory.
    ///
    /// For tumbling and sliding windows it counts the windows (the slices) of all keys together, and with an
    /// [allowed lateness](Self::allowed_lateness) those that may still change. For sessions, and windows with a trigger, it counts the keys
    /// that have any open.
    pub fn open_max(self, windows: usize) -> Self {
        Self { open_max: windows, ..self }
    }
}

impl<R, H, L, F, K, W> WindowedStream<R, H, L, F, K, W>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    W: Sliced,
{
    /// Lets records that come after their window has fired still change it, for so many milliseconds of event time after the window's end.
    ///
    /// The window fires as usual; whenever late records have changed a key's result, it is emitted again, with a higher
    /// [`revision`](crate::Revised::revision), and replaces the one before. Records later than that are late: they are counted.
    ///
    /// Event time behind such windows is held back by the same time, so that corrections are not late there.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Count, Dataflow, Monotone, Replay, Revised, Tumbling};
    ///
    /// let mut flow = Dataflow::new("corrected");
    /// let (sink, rows) = Collect::<Revised<(), u64>>::new();
    /// flow.source(Replay::new(vec![1, 2, 12, 3, 30, 4]))
    ///     .watermarks(Monotone, |time| *time)
    ///     .key_by(|_| ())
    ///     .window(Tumbling::millis(10))
    ///     .allowed_lateness(5)
    ///     .aggregate(Count)
    ///     .sink(sink);
    /// let report = flow.start(Config::default().workers(1).batch(1))?.join()?;
    /// let mut rows: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.revision, row.value)).collect();
    /// rows.sort();
    /// assert_eq!(rows, [(0, 0, 2), (0, 1, 3), (10, 0, 1), (30, 0, 1)]);
    /// assert_eq!(report.late, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allowed_lateness(self, lateness_ms: i64) -> WindowedStream<R, H, L, F, K, Lenient<W>> {
        WindowedStream { keyed: self.keyed, windows: Lenient { windows: self.windows, lateness_ms }, open_max: self.open_max }
    }

    /// Late records make a second stream, of `(time, record)`, besides being counted: each record is in a window or there.
    /// The [`aggregate`](LateSplitStream::aggregate) that follows gives both streams.
    ///
    /// The second stream has no watermarks, since all that comes there is behind them. Two exceptions: records in a gap between sliding
    /// windows are in neither, and partials of a worker whose input was idle while event time went on without it are only counted.
    pub fn split_late(self) -> LateSplitStream<R, H, L, F, K, W>
    where
        R: Movable,
    {
        LateSplitStream(self)
    }

    /// As [`split_late`](Self::split_late), with a sink for `(time, record)`.
    pub fn late_to<S>(self, sink: S) -> LateToStream<R, H, L, F, K, W, S>
    where
        R: Movable,
        S: Sink<Timed<R>>,
    {
        LateToStream { split: self.split_late(), sink }
    }

    /// Aggregates the records of each key and window; results come when the watermark passes the window's end.
    ///
    /// Each worker keeps partials of what it reads, and only they hop to the key's owner.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(mut self, aggregate: A) -> WindowStream<R, K, A, W>
    where
        W: Merges<R, K, A>,
    {
        let site = self.keyed.stream.site("window");
        let (stream, combine, half) = self.halves(aggregate, site);
        let stream = stream
            .then(CombineStep(combine, PhantomData::<fn() -> K>))
            .cross::<Partials<R, K, A>, _>(site, false, |edge| ScatterEnd { edge, group: group::<K, A::Partial> });
        TimedStream { stream: stream.then(half.1.merge(half.0)), of: PhantomData }
    }

    /// The stream so far, and what the halves are made of.
    fn halves<A: Aggregate<R>>(self, aggregate: A, site: Site) -> (Stream<H, L>, Combine<F, A>, (Half<A>, W)) {
        let Self { keyed: TimedKeyedStream { stream, key, .. }, windows, open_max } = self;
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, windows.refusal());
            graph.late.clone()
        };
        let slices = windows.slices();
        let combine = Combine { key, windows: slices.slice, slices, aggregate: aggregate.clone(), site, late: late.clone(), open_max };
        (stream, combine, (Half { aggregate, site, late, open_max }, windows))
    }
}

impl<R, H, L, F, K, W> LateSplitStream<R, H, L, F, K, W>
where
    R: Movable,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    W: Sliced,
{
    /// As [`WindowedStream::aggregate`]: the stream of results, and that of late records.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> (WindowStream<R, K, A, W>, Stream<EdgeHead<Timed<R>>, Identity<Timed<R>>>)
    where
        W: Merges<R, K, A>,
    {
        let Self(mut windowed) = self;
        let site = windowed.keyed.stream.site("window");
        let (stream, combine, half) = windowed.halves(aggregate, site);
        let (graph, segment) = (stream.graph.clone(), stream.segment);
        let late = Edge::new(graph.borrow_mut().edge(site));
        let second = Stream { graph, head: EdgeHead(late.clone()), links: Identity::new(), sites: vec![site], segment };
        let stream = stream.cross::<Partials<R, K, A>, _>(site, false, |edge| LateEnd {
            combine,
            scatter: ScatterEnd { edge, group: group::<K, A::Partial> },
            late,
        });
        (TimedStream { stream: stream.then(half.1.merge(half.0)), of: PhantomData }, second)
    }
}

impl<R, H, L, F, K, W, S> LateToStream<R, H, L, F, K, W, S>
where
    R: Movable,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    W: Sliced,
    S: Sink<Timed<R>>,
{
    /// As [`WindowedStream::aggregate`].
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> WindowStream<R, K, A, W>
    where
        W: Merges<R, K, A>,
    {
        let (results, late) = self.split.aggregate(aggregate);
        late.sink(self.sink);
        results
    }
}

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K, Session>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates the records of each key's sessions; results come once, when no record to come can be in the session.
    ///
    /// On one worker sessions are kept where records are read. With several, each record hops to its key's owner, lifted.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> SessionStream<R, K, A> {
        let Self { keyed: TimedKeyedStream { mut stream, key, .. }, windows, open_max } = self;
        let site = stream.site("window");
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, windows.refuse());
            graph.late.clone()
        };
        let (of, counter) = (PhantomData::<fn() -> K>, late.clone());
        let combine = CombineSessions { key, windows, aggregate: aggregate.clone(), site, late: counter, open_max, of };
        let stream = stream.then(combine).cross::<Own<SessionPart<K, A::Partial>>, _>(site, false, |edge| ScatterEnd {
            edge,
            group: |part: &SessionPart<K, A::Partial>| group_of(part.key.hash64()),
        });
        TimedStream { stream: stream.then(MergeSessions { windows, aggregate, site, late, open_max, of: PhantomData }), of: PhantomData }
    }
}
