//! Streams with a key.

use std::marker::PhantomData;

use super::{Head, Stream, WindowedStream};
use crate::{
    exchange::{EdgeHead, ScatterEnd},
    operator::{
        Aggregate, Count,
        aggregate::Reduce,
        link::{Identity, Link, Then},
        rolling::{Delta, Intern, KeyBy, MiniBatch, Roll},
    },
    record::{Own, Record, Timed},
    state::Key,
    watermark::ProcessingTime,
};

/// A stream with a key, without event time.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct KeyedStream<H, L, B> {
    pub(crate) stream: Stream<H, L>,
    pub(crate) by: B,
    pub(crate) mini_batch: Option<MiniBatch>,
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
    /// Gathers changes for longer than a batch: those of `records` records of a worker, but no longer than to the next tick of a clock, nor beyond
    /// a watermark or the end of the input. A key that has many of them changes once, and crosses to its owner once.
    ///
    /// Results come later by as much, at most by a tick; memory is what it is without: a value for each key and worker.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thalweg::{Config, Dataflow, Fold, Lines, ProcessingTime, Text, Update};
    ///
    /// let mut flow = Dataflow::new("words");
    /// let (sink, changes) = Fold::new(Vec::new(), |all: &mut Vec<_>, change: Update<'_, Box<str>, u64>| all.push(change.after));
    /// let each_minute = ProcessingTime::new().tick(Duration::from_secs(60));
    /// let lines = flow.source(Lines::text("to be or\nnot to be\n".repeat(1_000)));
    /// lines.flat_map_to::<Text, _>(str::split_whitespace).key_by_text().mini_batch(10_000, each_minute).count().sink(sink);
    /// flow.start(Config::default().batch(64))?.join()?;
    /// let mut changes: Vec<u64> = changes.take().into_iter().flatten().collect();
    /// changes.sort_unstable();
    /// // Four words; should a minute end just now, they change twice.
    /// assert!(changes.len() <= 8 && changes.ends_with(&[2_000, 2_000]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mini_batch(mut self, records: usize, time: ProcessingTime) -> Self {
        self.mini_batch = Some(MiniBatch { records, time });
        self
    }

    /// Aggregates each key's records, and emits every change as an [`Update`](crate::operator::Update).
    ///
    /// Each worker combines the records of a batch per key before they hop to the key's owner, and each of those makes one update: with
    /// batches of one record, every record does. A filter may hand a batch on in parts, which count as batches here.
    #[track_caller]
    pub fn aggregate<A: Aggregate<L::Out>>(mut self, aggregate: A) -> UpdateStream<L::Out, B, A> {
        let site = self.stream.site("aggregate");
        let none = self.mini_batch.as_ref().is_some_and(|of| of.records == 0).then(|| "mini-batches of 0 records; give 1 or more".into());
        let ticks = self.mini_batch.as_ref().and_then(|of| of.time.refuse());
        self.stream.graph.borrow_mut().refuse(site, none.or(ticks));
        let intern = Intern { by: self.by, aggregate: aggregate.clone(), mini_batch: self.mini_batch, site, of: PhantomData };
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
