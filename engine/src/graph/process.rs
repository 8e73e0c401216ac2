//! Keyed streams into process functions, and what is built on them.

use std::{collections::VecDeque, marker::PhantomData};

use super::{End, Head, Stream, TimedKeyedStream, TimedStream, builder::Shared};
use crate::{
    changelog::Change,
    exchange::{DivideEnd, Edge, EdgeHead, ScatterEnd, group_of},
    operator::{
        blame::{Site, guard},
        link::{Identity, Link},
    },
    process::{Deduplicate, Either, Keeping, LastN, Latest, Process, ProcessStep, Ranked, TopN},
    record::{Own, Timed},
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
    /// Keeps 16 bytes for each key for ever; bound them with [`deduplicate_within`](Self::deduplicate_within).
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
    ) -> TimedStream<Own<Change<T>>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<T>>>>>
    where
        T: Clone + PartialEq,
        O: Ord,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.processed("latest", Keeping::new(), move || Latest(order.clone()))
    }

    /// With each record shows the last `n` of its key, in the order in which they came, to a function, and emits what that returns.
    #[track_caller]
    pub fn last_n<U, G>(
        mut self,
        n: usize,
        function: G,
    ) -> TimedStream<Own<U>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<U>>>>
    where
        U: Send + 'static,
        G: FnMut(&K, &VecDeque<T>) -> U + Clone + Send + 'static,
    {
        self.refuse_none("last_n", n);
        self.processed("last_n", Keeping::new(), move || LastN { n, function: function.clone() })
    }

    /// Keeps the `n` highest records of each key by an order, of equal ones those that came first. Emits each change of a rank: one record
    /// changes at most `n`.
    #[track_caller]
    pub fn top<O, G>(
        mut self,
        n: usize,
        order: G,
    ) -> TimedStream<Own<Change<Ranked<T>>>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<Ranked<T>>>>>>
    where
        T: Clone + PartialEq,
        O: Ord + 'static,
        G: FnMut(&T) -> O + Clone + Send + 'static,
    {
        self.refuse_none("top", n);
        self.processed("top", Keeping::new(), move || TopN { n, order: order.clone() })
    }

    #[track_caller]
    fn refuse_none(&mut self, name: &str, n: usize) {
        if n == 0 {
            let site = self.stream.site(name);
            self.stream.graph.borrow_mut().refuse(site, Some("0 records are none; give 1 or more".into()));
        }
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
        let Self { mut stream, key, .. } = self;
        let site = stream.site(name);
        let stream = stream.cross::<Timed<Own<T>>, _>(site, false, |edge| scatter(edge, site, key.clone()));
        run(stream, site, key, keeping, make)
    }
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
pub(crate) fn run<T, F, K, P, M>(
    stream: Stream<EdgeHead<Timed<Own<T>>>, Identity<Timed<Own<T>>>>,
    site: Site,
    key: F,
    keeping: Keeping,
    make: M,
) -> TimedStream<Own<P::Out>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<P::Out>>> + use<T, F, K, P, M>>
where
    T: Send + 'static,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
    P: Process<K, T>,
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
