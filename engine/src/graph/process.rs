//! Keyed streams into process functions, and what is built on them.

use std::{collections::VecDeque, marker::PhantomData};

use super::{End, Head, Stream, TimedKeyedStream, TimedStream, builder::Shared};
use crate::{
    changelog::Change,
    exchange::{DivideEnd, Edge, EdgeHead, RowEdge, RowHead, RowScatterEnd, ScatterEnd, group_of},
    operator::{
        blame::{Site, guard},
        link::{Identity, Link},
    },
    process::{Deduplicate, Either, Highest, InOrder, Keeping, LastN, Owned, Process, ProcessStep, Ranked, RowProcess, TopN},
    record::{ChangeOf, Own, Portable, RankedOf, Timed},
    state::Key,
    time::EventTime,
};

impl<T, H, L, F, K> TimedKeyedStream<Own<T>, H, L, F, K>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Ends the job with an error when a worker keeps state for more keys than this in the process function that follows, or in what is built
    /// on one: `deduplicate`, `top`, `changes` and the like.
    pub fn keys_max(self, keys: usize) -> Self {
        Self { keys_max: keys, ..self }
    }

    /// Brings each record to its key's owner, and runs a [`Process`] function there. `make` is called once on each worker.
    #[track_caller]
    pub fn process<P, M>(
        self,
        make: M,
    ) -> TimedStream<Own<P::Out>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<P::Out>>>>
    where
        P: Process<K, T>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        self.processed("process", Keeping::new(), make)
    }

    /// As [`process`](Self::process), with a time-to-live, a clock or a limit.
    #[track_caller]
    pub fn process_with<P, M>(
        self,
        keeping: Keeping,
        make: M,
    ) -> TimedStream<Own<P::Out>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<P::Out>>>>
    where
        P: Process<K, T>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        self.processed("process", keeping, make)
    }

    /// Passes the first record of each key, and drops the others.
    ///
    /// Keeps 16 bytes for each key for ever; bound them with [`deduplicate_within`](Self::deduplicate_within) or
    /// [`keys_max`](Self::keys_max).
    #[track_caller]
    pub fn deduplicate(self) -> TimedStream<Own<T>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<T>>>> {
        self.processed("deduplicate", Keeping::new(), || Deduplicate { within_ms: i64::MAX })
    }

    /// Drops records of a key that come within so many ms of event time after the last one of the key that was passed.
    ///
    /// Keys of which no record came for that long are forgotten.
    #[track_caller]
    pub fn deduplicate_within(
        self,
        within_ms: i64,
    ) -> TimedStream<Own<T>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<T>>>> {
        self.processed("deduplicate", Keeping::new().ttl_ms(within_ms), move || Deduplicate { within_ms })
    }

    /// Keeps the latest record of each key by an order, such as its time; of equal ones the one that came later. Emits each change.
    #[track_caller]
    pub fn latest_by<O, G>(
        self,
        order: G,
    ) -> TimedStream<Own<Change<T>>, RowHead<Own<T>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<T>>>>>
    where
        T: Clone + PartialEq,
        O: Ord,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.latest_row_by(order).map(|change| change)
    }

    /// Keeps the highest record of each key by an order; of equal ones the one that came first. Emits each change.
    #[track_caller]
    pub fn highest_by<O, G>(
        self,
        order: G,
    ) -> TimedStream<Own<Change<T>>, RowHead<Own<T>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<T>>>>>
    where
        T: Clone + PartialEq,
        O: Ord,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.highest_row_by(order).map(|change| change)
    }

    /// Keeps the `n` highest records of each key by an order, of equal ones those that came first. Emits each change of a rank: one record
    /// changes at most `n`.
    #[track_caller]
    pub fn top<O, G>(
        self,
        n: usize,
        order: G,
    ) -> TimedStream<Own<Change<Ranked<T>>>, RowHead<Own<T>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<Ranked<T>>>>>>
    where
        T: Clone + PartialEq,
        O: Ord + Clone + 'static,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.top_rows(n, order).map(|change| change)
    }

    /// Holds records until the watermark has passed them, and lets those of each key go on by event time and, within one time, by an order.
    /// Late ones are counted and dropped.
    #[track_caller]
    pub fn in_order<O, G>(
        self,
        order: G,
    ) -> TimedStream<Own<T>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<T>>>>
    where
        T: Clone,
        O: Ord,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.processed("in_order", Keeping::new(), move || InOrder(order.clone()))
    }

    /// With each record shows the last `n` of its key, in the order in which they came, to a function, and emits what that returns.
    #[track_caller]
    pub fn last_n<U, G>(
        mut self,
        n: usize,
        function: G,
    ) -> TimedStream<Own<U>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<U>>>>
    where
        T: Clone,
        U: Send + 'static,
        G: FnMut(&K, &VecDeque<T>) -> U + Clone + Send + 'static,
    {
        self.refuse_none("last_n", n);
        self.processed("last_n", Keeping::new(), move || LastN { n, function: function.clone() })
    }

    #[track_caller]
    pub(crate) fn processed<P, M>(
        self,
        name: &str,
        keeping: Keeping,
        make: M,
    ) -> TimedStream<Own<P::Out>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<P::Out>>> + use<T, H, L, F, K, P, M>>
    where
        P: Process<K, T>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        let Self { mut stream, key, keys_max, .. } = self;
        let keeping = keeping.keys_at_most(keys_max);
        let site = stream.site(name);
        let stream = stream.cross::<Timed<Own<T>>, _>(site, false, |edge| scatter(edge, site, key.clone()));
        run(stream, site, key, keeping, move || Owned(make()))
    }
}

impl<R, H, L, F, K> TimedKeyedStream<R, H, L, F, K>
where
    R: Portable,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Brings each record to its key's owner, and runs a [`RowProcess`] function there. Records that stay on their worker are lent, not
    /// copied. `make` is called once on each worker.
    #[track_caller]
    pub fn process_rows<P, M>(self, make: M) -> TimedStream<P::Out, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<P::Out>>>
    where
        P: RowProcess<K, R>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        self.rows_processed("process", Keeping::new(), make)
    }

    /// As [`process_rows`](Self::process_rows), with a time-to-live, a clock or a limit.
    #[track_caller]
    pub fn process_rows_with<P, M>(
        self,
        keeping: Keeping,
        make: M,
    ) -> TimedStream<P::Out, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<P::Out>>>
    where
        P: RowProcess<K, R>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        self.rows_processed("process", keeping, make)
    }

    /// As [`latest_by`](TimedKeyedStream::latest_by), for records that may borrow.
    #[track_caller]
    pub fn latest_row_by<O, G>(self, order: G) -> TimedStream<ChangeOf<R>, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<ChangeOf<R>>>>
    where
        R: Portable<Fixed: Clone>,
        for<'a> R::Of<'a>: Clone + PartialEq,
        O: Ord,
        G: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + Clone + Send + 'static,
    {
        self.rows_processed("latest", Keeping::new(), move || Highest::<_, false>(order.clone()))
    }

    /// As [`highest_by`](TimedKeyedStream::highest_by), for records that may borrow.
    #[track_caller]
    pub fn highest_row_by<O, G>(self, order: G) -> TimedStream<ChangeOf<R>, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<ChangeOf<R>>>>
    where
        R: Portable<Fixed: Clone>,
        for<'a> R::Of<'a>: Clone + PartialEq,
        O: Ord,
        G: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + Clone + Send + 'static,
    {
        self.rows_processed("highest", Keeping::new(), move || Highest::<_, true>(order.clone()))
    }

    /// As [`top`](TimedKeyedStream::top), for records that may borrow.
    #[track_caller]
    pub fn top_rows<O, G>(
        mut self,
        n: usize,
        order: G,
    ) -> TimedStream<ChangeOf<RankedOf<R>>, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<ChangeOf<RankedOf<R>>>>>
    where
        R: Portable<Fixed: Clone>,
        for<'a> R::Of<'a>: PartialEq,
        O: Ord + Clone + 'static,
        G: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + Clone + Send + 'static,
    {
        self.refuse_none("top", n);
        self.rows_processed("top", Keeping::new(), move || TopN { n, order: order.clone(), dropped: None })
    }

    #[track_caller]
    fn refuse_none(&mut self, name: &str, n: usize) {
        if n == 0 {
            let site = self.stream.site(name);
            self.stream.graph.borrow_mut().refuse(site, Some("0 records are none; give 1 or more".into()));
        }
    }

    #[track_caller]
    pub(crate) fn rows_processed<P, M>(
        self,
        name: &str,
        keeping: Keeping,
        make: M,
    ) -> TimedStream<P::Out, RowHead<R>, impl Link<In = Timed<R>, Out = Timed<P::Out>> + use<R, H, L, F, K, P, M>>
    where
        P: RowProcess<K, R>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        let keeping = keeping.keys_at_most(self.keys_max);
        let (stream, site, key) = self.rows_scattered(name);
        run(stream, site, key, keeping, make)
    }

    /// Brings each row to its key's owner: the stream that begins there, and the key.
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub(crate) fn rows_scattered(self, name: &str) -> (Stream<RowHead<R>, Identity<Timed<R>>>, Site, F) {
        let Self { mut stream, key, .. } = self;
        let site = stream.site(name);
        let (graph, segment) = (stream.graph.clone(), stream.segment);
        let edge = RowEdge::new(graph.borrow_mut().edge(site));
        let mut key_of = key.clone();
        let group = of_rows::<R, _>(move |row: &_| group_of(guard(site, || key_of(row)).hash64()));
        stream.end(RowScatterEnd { edge: edge.clone(), group });
        (Stream { graph, head: RowHead(edge), links: Identity::new(), sites: vec![site], segment }, site, key)
    }
}

/// Tells the compiler that a closure takes rows of any lifetime.
fn of_rows<R: Portable, F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> u8>(group: F) -> F {
    group
}

/// The end of a chain that brings each record to its key's owner.
pub(crate) fn scatter<T, F, K>(edge: Edge<(EventTime, T)>, site: Site, mut key: F) -> impl End<Timed<Own<T>>>
where
    T: Send + 'static,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    ScatterEnd::<Timed<Own<T>>, _> { edge, group: move |(_, record): &(EventTime, T)| group_of(guard(site, || key(record)).hash64()) }
}

/// Runs a process function on records that are where they belong.
pub(crate) fn run<R, H, F, K, P, M>(
    stream: Stream<H, Identity<Timed<R>>>,
    site: Site,
    key: F,
    keeping: Keeping,
    make: M,
) -> TimedStream<P::Out, H, impl Link<In = Timed<R>, Out = Timed<P::Out>> + use<R, H, F, K, P, M>>
where
    R: Portable,
    H: Head<Out = Timed<R>>,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    P: RowProcess<K, R>,
    M: Fn() -> P + Clone + Send + 'static,
{
    let late = {
        let mut graph = stream.graph.borrow_mut();
        graph.refuse(site, keeping.refuse());
        graph.late.clone()
    };
    let of = PhantomData;
    let stream = stream.then(ProcessStep { key: (key, PhantomData::<fn() -> K>), make, keeping, site, late, of });
    TimedStream { stream, of: PhantomData }
}

/// The beginning of a stream behind an edge.
type Behind<T> = TimedStream<Own<T>, EdgeHead<Timed<Own<T>>>, Identity<Timed<Own<T>>>>;

impl<A, B, H, L> TimedStream<Own<Either<A, B>>, H, L>
where
    A: Send + 'static,
    B: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<Either<A, B>>>>,
{
    /// Divides the stream by kind: what is [`Left`](Either::Left), and what is [`Right`](Either::Right). The way to a side output: an operator
    /// that emits `Either<Row, Side>`. Watermarks go to both.
    #[track_caller]
    pub fn divide(mut self) -> (Behind<A>, Behind<B>) {
        let site = self.stream.site("divide");
        let (graph, segment) = (self.stream.graph.clone(), self.stream.segment);
        let left = Edge::new(graph.borrow_mut().edge(site));
        let right = Edge::new(graph.borrow_mut().edge(site));
        self.stream.end(DivideEnd { left: left.clone(), right: right.clone() });
        (behind(graph.clone(), left, site, segment), behind(graph, right, site, segment))
    }
}

/// The stream that begins behind an edge.
pub(crate) fn behind<T: Send + 'static>(graph: Shared, edge: Edge<(EventTime, T)>, site: Site, segment: usize) -> Behind<T> {
    let stream = Stream { graph, head: EdgeHead(edge), links: Identity::new(), sites: vec![site], segment };
    TimedStream { stream, of: PhantomData }
}
