//! Streams whose records carry an event time, and whose control carries watermarks.

use std::marker::PhantomData;

use super::{Head, Stream, TimedKeyedStream};
use crate::{
    exchange::EdgeHead,
    operator::{
        filter::Filter,
        filter_map::FilterMap,
        flat_map::FlatMap,
        function::{Chooser, DropTime, Expander, IterFn, OnValue, Predicate},
        link::{Identity, Link, Then},
        map::{Inspect, Map},
    },
    record::{Movable, Own, Record, Timed},
    sink::Sink,
    state::Key,
    time::EventTime,
};

/// A stream of records with event times. The time stays with the record through `map`, `filter` and `flat_map`.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct TimedStream<R, H, L> {
    pub(crate) stream: Stream<H, L>,
    pub(crate) of: PhantomData<fn() -> R>,
}

impl<R, H, L> TimedStream<R, H, L>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
{
    fn wrap<R2: Record, L2>(stream: Stream<H, L2>) -> TimedStream<R2, H, L2> {
        TimedStream { stream, of: PhantomData }
    }

    /// Names the operator added last, for reports and errors.
    pub fn named(self, name: &str) -> Self {
        Self { stream: self.stream.named(name), of: PhantomData }
    }

    /// Applies a function to each record.
    #[track_caller]
    pub fn map<U, F>(mut self, function: F) -> TimedStream<Own<U>, H, Then<L, Map<OnValue<F>, Timed<Own<U>>>>>
    where
        U: 'static,
        F: for<'a> FnMut(R::Of<'a>) -> U + Clone + Send + 'static,
    {
        let site = self.stream.site("map");
        Self::wrap(self.stream.then(Map::new(OnValue(function), site)))
    }

    /// Keeps the records that pass a test.
    #[track_caller]
    pub fn filter<P>(mut self, predicate: P) -> TimedStream<R, H, Then<L, Filter<OnValue<P>>>>
    where
        P: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool + Clone + Send + 'static,
    {
        let site = self.stream.site("filter");
        Self::wrap(self.stream.then(Filter::new(OnValue(predicate), site)))
    }

    /// Turns each record into one record of the same time, or leaves it out.
    #[track_caller]
    pub fn filter_map<U, F>(mut self, function: F) -> TimedStream<Own<U>, H, Then<L, FilterMap<OnValue<F>, Timed<Own<U>>>>>
    where
        U: 'static,
        F: for<'a> FnMut(R::Of<'a>) -> Option<U> + Clone + Send + 'static,
    {
        let site = self.stream.site("filter_map");
        Self::wrap(self.stream.then(FilterMap::new(OnValue(function), site)))
    }

    /// As [`filter_map`](Self::filter_map), with a function whose result may borrow from the record.
    #[track_caller]
    pub fn filter_map_to<U, F>(mut self, function: F) -> TimedStream<U, H, Then<L, FilterMap<OnValue<F>, Timed<U>>>>
    where
        U: Record,
        F: Chooser<R, U>,
    {
        let site = self.stream.site("filter_map");
        Self::wrap(self.stream.then(FilterMap::new(OnValue(function), site)))
    }

    /// Turns each record into any number of records of the same time. For one or none, [`filter_map`](Self::filter_map) is faster.
    #[track_caller]
    pub fn flat_map<U, I, F>(mut self, function: F) -> TimedStream<Own<U>, H, Then<L, FlatMap<OnValue<F>, Timed<Own<U>>>>>
    where
        U: 'static,
        I: IntoIterator<Item = U>,
        F: for<'a> FnMut(R::Of<'a>) -> I + Clone + Send + 'static,
        F: Expander<R, Own<U>>,
    {
        let site = self.stream.site("flat_map");
        Self::wrap(self.stream.then(FlatMap::new(OnValue(function), site)))
    }

    /// Turns each record into any number of records of the same time that may borrow from it.
    #[track_caller]
    pub fn flat_map_to<U, F>(mut self, function: F) -> TimedStream<U, H, Then<L, FlatMap<OnValue<F>, Timed<U>>>>
    where
        U: Record,
        F: for<'a> IterFn<'a, R::Of<'a>, Item = U::Of<'a>> + Clone + Send + 'static,
        F: Expander<R, U>,
    {
        let site = self.stream.site("flat_map");
        Self::wrap(self.stream.then(FlatMap::new(OnValue(function), site)))
    }

    /// Shows each record and its time to a function and passes it on.
    #[track_caller]
    pub fn inspect<F>(mut self, function: F) -> TimedStream<R, H, Then<L, Inspect<F>>>
    where
        F: for<'a, 'b> FnMut(&'b (EventTime, R::Of<'a>)) + Clone + Send + 'static,
    {
        let site = self.stream.site("inspect");
        Self::wrap(self.stream.then(Inspect::new(function, site)))
    }

    /// Gives each record a key. Windows behind it are per key.
    pub fn key_by<K, F>(self, key: F) -> TimedKeyedStream<R, H, L, F, K>
    where
        K: Key,
        F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    {
        TimedKeyedStream { stream: self.stream, key, keys_max: usize::MAX, of: PhantomData }
    }

    /// As [`Stream::hop`]; watermarks go along.
    #[track_caller]
    pub fn hop(mut self) -> TimedStream<R, EdgeHead<Timed<R>>, Identity<Timed<R>>>
    where
        R: Movable,
    {
        let site = self.stream.site("hop");
        TimedStream { stream: self.stream.cross::<Timed<R>, _>(site, true, crate::exchange::ForwardEnd), of: PhantomData }
    }

    /// As [`Stream::unchained`]; watermarks go along.
    #[track_caller]
    pub fn unchained(mut self) -> TimedStream<R, EdgeHead<Timed<R>>, Identity<Timed<R>>>
    where
        R: Movable,
    {
        let site = self.stream.site("unchained");
        TimedStream { stream: self.stream.cross::<Timed<R>, _>(site, false, crate::exchange::ForwardEnd), of: PhantomData }
    }

    /// As [`Stream::union`]; the watermark is the lower of the two.
    #[track_caller]
    pub fn union<H2, L2>(self, other: TimedStream<R, H2, L2>) -> TimedStream<R, EdgeHead<Timed<R>>, Identity<Timed<R>>>
    where
        R: Movable,
        H2: Head<Out = L2::In>,
        L2: Link<Out = Timed<R>>,
    {
        TimedStream { stream: self.stream.union(other.stream), of: PhantomData }
    }

    /// As [`Stream::split`]; watermarks go to both.
    #[track_caller]
    pub fn split<P>(
        self,
        predicate: P,
    ) -> (TimedStream<R, EdgeHead<Timed<R>>, Identity<Timed<R>>>, TimedStream<R, EdgeHead<Timed<R>>, Identity<Timed<R>>>)
    where
        R: Movable,
        P: Predicate<R>,
    {
        let (passed, rest) = self.stream.split(OnValue(predicate));
        (TimedStream { stream: passed, of: PhantomData }, TimedStream { stream: rest, of: PhantomData })
    }

    /// Drops times and watermarks.
    #[track_caller]
    pub fn untimed(mut self) -> Stream<H, Then<L, Map<DropTime, R>>> {
        let site = self.stream.site("untimed");
        self.stream.then(Map::new(DropTime, site))
    }

    /// Keeps the times, as `(time, record)`, in a stream without windows.
    pub fn with_times(self) -> Stream<H, L> {
        self.stream
    }

    /// Ends the stream in a sink, which gets the records without their times.
    #[track_caller]
    pub fn sink<K: Sink<R>>(self, sink: K) {
        self.untimed().sink(sink);
    }
}

impl<R, H, L> Stream<H, L>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
{
    /// Takes the times beside the records as their event times: the way back from [`TimedStream::with_times`], or behind a source that makes
    /// both, with the watermarks of its own.
    pub fn timed(self) -> TimedStream<R, H, L> {
        TimedStream { stream: self, of: PhantomData }
    }
}
