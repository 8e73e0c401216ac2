//! Streams with a key.

use std::marker::PhantomData;

use super::{Head, Stream, TimedStream};
use crate::{
    exchange::{EdgeHead, ScatterEnd, group_of},
    operator::{
        Aggregate, Count, Step,
        aggregate::Reduce,
        link::{Identity, Link, Then},
        rolling::{Delta, Intern, KeyBy, Roll},
    },
    record::{Own, Record, Timed},
    state::Key,
    window::{Combine, CombineStep, MergePartials, Tumbling, WindowPartial, Windowed},
};

/// A stream with a key, without event time.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct KeyedStream<H, L, B> {
    pub(crate) stream: Stream<H, L>,
    pub(crate) by: B,
}

/// The stream of changes behind a keyed aggregate.
pub type UpdateStream<R, B, A> = Stream<
    EdgeHead<Own<Delta<<B as KeyBy<R>>::Owned, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<Delta<<B as KeyBy<R>>::Owned, <A as Aggregate<R>>::Partial>>>, Roll<R, B, A>>,
>;

impl<H, L, B> KeyedStream<H, L, B>
where
    H: Head<Out = L::In>,
    L: Link,
    B: KeyBy<L::Out>,
{
    /// Aggregates each key's records, and emits every change as an [`Update`](crate::operator::Update).
    ///
    /// Each worker combines the records of a batch per key before they hop to the key's owner, and each of those makes one update: with
    /// batches of one record, every record does.
    #[track_caller]
    pub fn aggregate<A: Aggregate<L::Out>>(mut self, aggregate: A) -> UpdateStream<L::Out, B, A> {
        let site = self.stream.site("aggregate");
        let intern = Intern { by: self.by, aggregate: aggregate.clone(), site, of: PhantomData };
        self.stream
            .then(intern)
            .cross::<Own<Delta<B::Owned, A::Partial>>, _>(site, false, |edge| ScatterEnd {
                edge,
                group: |delta: &Delta<_, _>| delta.group(),
            })
            .then(Roll { aggregate, site, of: PhantomData })
    }

    /// Counts each key's records.
    #[track_caller]
    pub fn count(self) -> UpdateStream<L::Out, B, Count> {
        self.aggregate(Count)
    }
}

impl<H, L, B, T> KeyedStream<H, L, B>
where
    H: Head<Out = L::In>,
    L: Link<Out = Own<T>>,
    B: KeyBy<Own<T>>,
    T: Clone + Send + 'static,
{
    /// Combines each key's records two by two. The function must be associative and commutative.
    #[track_caller]
    pub fn reduce<F>(self, combine: F) -> UpdateStream<Own<T>, B, Reduce<fn(&T) -> T, F, T>>
    where
        F: FnMut(T, T) -> T + Clone + Send + 'static,
    {
        self.aggregate(Reduce::new(T::clone as fn(&T) -> T, combine))
    }
}

/// A stream with a key and event times.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct TimedKeyedStream<R, H, L, F, K> {
    pub(crate) stream: Stream<H, L>,
    pub(crate) key: F,
    pub(crate) keys_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, H, L, F, K> TimedKeyedStream<R, H, L, F, K>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Divides each key's records into windows.
    pub fn window(self, windows: Tumbling) -> WindowedStream<R, H, L, F, K> {
        WindowedStream { keyed: self, windows }
    }
}

/// A stream with a key, divided into windows.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct WindowedStream<R, H, L, F, K> {
    keyed: TimedKeyedStream<R, H, L, F, K>,
    windows: Tumbling,
}

/// The stream of results behind a window aggregate.
pub type ResultStream<R, K, A> = TimedStream<
    Own<Windowed<K, <A as Aggregate<R>>::Out>>,
    EdgeHead<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>,
    Then<Identity<Own<WindowPartial<K, <A as Aggregate<R>>::Partial>>>, MergePartials<R, K, A>>,
>;

impl<R, H, L, F, K> WindowedStream<R, H, L, F, K>
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
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> ResultStream<R, K, A>
    where
        CombineStep<F, A, K>: Step<Timed<R>, Out = Own<WindowPartial<K, A::Partial>>>,
    {
        let Self { keyed: TimedKeyedStream { mut stream, key, .. }, windows } = self;
        let site = stream.site("window");
        let late = {
            let mut graph = stream.graph.borrow_mut();
            graph.refuse(site, windows.refuse());
            graph.late.clone()
        };
        let combine = Combine { key, windows, aggregate: aggregate.clone(), site, late: late.clone() };
        let stream = stream
            .then(CombineStep(combine, PhantomData::<fn() -> K>))
            .cross::<Own<WindowPartial<K, A::Partial>>, _>(site, false, |edge| ScatterEnd {
                edge,
                group: |partial: &WindowPartial<K, A::Partial>| group_of(partial.key.hash64()),
            })
            .then(MergePartials { windows, aggregate, site, late, of: PhantomData });
        TimedStream { stream, of: PhantomData }
    }
}
