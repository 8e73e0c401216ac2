//! Streams divided into windows.

use std::marker::PhantomData;

use super::{Head, TimedKeyedStream, TimedStream};
use crate::{
    exchange::{EdgeHead, ScatterEnd, group_of},
    metrics::Counter,
    operator::{
        Aggregate,
        blame::Site,
        link::{Identity, Link, Then},
    },
    record::{Own, Record, Timed},
    state::Key,
    window::{
        Combine, CombineStep, Lift, MergePartials, MergeSessions, MergeSlices, Session, Slices, Sliding, Tumbling, WindowPartial, Windowed,
    },
};

/// A stream with a key, divided into windows.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct WindowedStream<R, H, L, F, K, W> {
    pub(crate) keyed: TimedKeyedStream<R, H, L, F, K>,
    pub(crate) windows: W,
}

/// What travels between the two halves of a window aggregate.
type Partials<R, K, A> = Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>;

/// A stream behind the edge between the two halves, where `M` merges.
pub type MergedStream<R, K, A, M> = TimedStream<
    Own<Windowed<K, <A as Aggregate<R>>::Out>>,
    EdgeHead<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>, M>,
>;

/// The stream of results behind an aggregate over tumbling windows.
pub type ResultStream<R, K, A> = MergedStream<R, K, A, MergePartials<R, K, A>>;

/// The stream of results behind an aggregate over sliding windows.
pub type SlidingStream<R, K, A> = MergedStream<R, K, A, MergeSlices<R, K, A>>;

/// The stream of results behind an aggregate over sessions.
pub type SessionStream<R, K, A> = MergedStream<R, K, A, MergeSessions<R, K, A>>;

impl<R, H, L, F, K, W> WindowedStream<R, H, L, F, K, W>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// The first half, and the edge to the keys' owners: each worker keeps partials of what it reads, and only they hop.
    #[track_caller]
    fn combine<A: Aggregate<R>>(
        self,
        aggregate: A,
        slices: Slices,
        refused: Option<String>,
    ) -> (super::Stream<EdgeHead<Partials<R, K, A>>, Identity<Partials<R, K, A>>>, Site, Counter) {
        let TimedKeyedStream { mut stream, key, .. } = self.keyed;
        let site = stream.site("window");
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, refused);
            graph.late.clone()
        };
        let combine = Combine { key, windows: slices.slice, slices, aggregate, site, late: late.clone() };
        let stream = stream.then(CombineStep(combine, PhantomData::<fn() -> K>)).cross::<Partials<R, K, A>, _>(site, false, |edge| {
            ScatterEnd { edge, group: |partial: &WindowPartial<K, A::Partial>| group_of(partial.key.hash64()) }
        });
        (stream, site, late)
    }
}

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K, Tumbling>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates the records of each key and window; results come once, when the watermark passes the window's end.
    ///
    /// Each worker keeps partials of what it reads, and only they hop to the key's owner.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> ResultStream<R, K, A> {
        let windows = self.windows;
        let (stream, site, late) = self.combine(aggregate.clone(), windows.into(), windows.refuse());
        TimedStream { stream: stream.then(MergePartials { windows, aggregate, site, late, of: PhantomData }), of: PhantomData }
    }
}

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K, Sliding>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates the records of each key and window; results come once, when the watermark passes the window's end.
    ///
    /// Each worker keeps partials of slices; see [`Sliding`] for what that costs. An aggregate with an
    /// [inverse](Aggregate::INVERTS) fires cheaper.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> SlidingStream<R, K, A> {
        let windows = Slices::from(self.windows);
        let refused = self.windows.refuse();
        let (stream, site, late) = self.combine(aggregate.clone(), windows, refused);
        TimedStream { stream: stream.then(MergeSlices { windows, aggregate, site, late, of: PhantomData }), of: PhantomData }
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
    /// Each record hops to its key's owner, lifted.
    #[track_caller]
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> SessionStream<R, K, A> {
        let Self { keyed: TimedKeyedStream { mut stream, key, .. }, windows } = self;
        let site = stream.site("window");
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, windows.refuse());
            graph.late.clone()
        };
        let lift = Lift { key, aggregate: aggregate.clone(), site, next: (), of: PhantomData::<fn() -> K> };
        let stream = stream.then(lift).cross::<Partials<R, K, A>, _>(site, false, |edge| ScatterEnd {
            edge,
            group: |partial: &WindowPartial<K, A::Partial>| group_of(partial.key.hash64()),
        });
        TimedStream { stream: stream.then(MergeSessions { windows, aggregate, site, late, of: PhantomData }), of: PhantomData }
    }
}
