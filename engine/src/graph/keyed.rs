//! Streams with a key.

use std::marker::PhantomData;

use super::{Head, Stream, WindowedStream};
use crate::{
    exchange::{EdgeHead, ScatterEnd},
    operator::{
        Aggregate, Count,
        aggregate::Reduce,
        link::{Identity, Link, Then},
        rolling::{Delta, Intern, KeyBy, Roll},
    },
    record::{Own, Record, Timed},
    state::Key,
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
    /// batches of one record, every record does. A filter may hand a batch on in parts, which count as batches here.
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
    /// Divides each key's records into windows: [`Tumbling`](crate::Tumbling), [`Sliding`](crate::Sliding) or [`Session`](crate::Session).
    pub fn window<W>(self, windows: W) -> WindowedStream<R, H, L, F, K, W> {
        WindowedStream { keyed: self, windows, open_max: usize::MAX }
    }
}
