//! Streams of records.

use std::marker::PhantomData;

use super::{
    End, Head, KeyedStream, TimedStream,
    builder::{Shared, stage_build},
    plan::SinkEnd,
};
use crate::{
    exchange::{Edge, EdgeHead, ForwardEnd, ScatterEnd, SplitEnd, group_of},
    operator::{
        blame::Site,
        filter::Filter,
        filter_map::FilterMap,
        flat_map::FlatMap,
        function::{Chooser, Expander, IterFn, Mapper, Predicate},
        link::{Identity, Link, Then},
        map::{Inspect, Map},
        rolling::{ByKey, ByText},
    },
    record::{Movable, Own, Record, Text},
    sink::Sink,
    state::Key,
    time::EventTime,
    watermark::{WatermarkPolicy, Watermarks},
};

/// A stream of records, to which operators are added. Closures are cloned once for each worker.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct Stream<H, L> {
    pub(crate) graph: Shared,
    pub(crate) head: H,
    pub(crate) links: L,
    pub(crate) sites: Vec<Site>,
    pub(crate) segment: usize,
}

/// What the records of a stream are.
type Of<'a, L> = <<L as Link>::Out as Record>::Of<'a>;

impl<H, L> Stream<H, L>
where
    H: Head<Out = L::In>,
    L: Link,
{
    #[track_caller]
    pub(crate) fn site(&mut self, name: &str) -> Site {
        let site = self.graph.borrow_mut().site(name);
        self.sites.push(site);
        site
    }

    pub(crate) fn then<S>(self, step: S) -> Stream<H, Then<L, S>> {
        let Self { graph, head, links, sites, segment } = self;
        Stream { graph, head, links: Then { before: links, step }, sites, segment }
    }

    /// Ends the chain, which becomes a stage.
    pub(crate) fn end<E: End<L::Out>>(self, end: E) {
        let Self { graph, head, links, sites, segment } = self;
        let edge = head.edge();
        let build = stage_build(move |cx| head.build(links, end.open(cx)?, cx));
        graph.borrow_mut().add_stage(edge, sites, segment, build);
    }

    /// Ends the chain at a new edge and begins a stream behind it.
    pub(crate) fn cross<R: Movable, E: End<L::Out>>(
        self,
        site: Site,
        hop: bool,
        end: impl FnOnce(Edge<R::Item>) -> E,
    ) -> Stream<EdgeHead<R>, Identity<R>> {
        let graph = self.graph.clone();
        let segment = self.segment + usize::from(hop);
        let edge = Edge::new(graph.borrow_mut().edge(site));
        self.end(end(edge.clone()));
        Stream { graph, head: EdgeHead(edge), links: Identity::new(), sites: vec![site], segment }
    }

    /// Names the operator added last, for reports and errors.
    pub fn named(self, name: &str) -> Self {
        if let Some(last) = self.sites.last() {
            self.graph.borrow_mut().sites[last.0 as usize].name = name.into();
        }
        self
    }

    /// Applies a function to each record.
    #[track_caller]
    pub fn map<U, F>(mut self, function: F) -> Stream<H, Then<L, Map<F, Own<U>>>>
    where
        U: 'static,
        F: for<'a> FnMut(Of<'a, L>) -> U + Clone + Send + 'static,
    {
        let site = self.site("map");
        self.then(Map::new(function, site))
    }

    /// Applies a function whose result may borrow from the record: `map_to::<Text, _>(str::trim)`.
    #[track_caller]
    pub fn map_to<U, F>(mut self, function: F) -> Stream<H, Then<L, Map<F, U>>>
    where
        U: Record,
        F: Mapper<L::Out, U>,
    {
        let site = self.site("map");
        self.then(Map::new(function, site))
    }

    /// As [`map`](Self::map), with a function that has no side effect and returns for every record (it does not panic).
    ///
    /// It may then be called for records that a filter before it has rejected, whose results are thrown away: before a
    /// [`Total`](crate::sink::Total) the filter becomes arithmetic, which the compiler vectorises.
    #[track_caller]
    pub fn map_pure<U, F>(mut self, function: F) -> Stream<H, Then<L, Map<F, Own<U>, (), true>>>
    where
        U: 'static,
        F: for<'a> FnMut(Of<'a, L>) -> U + Clone + Send + 'static,
    {
        let site = self.site("map_pure");
        self.then(Map::new(function, site))
    }

    /// Keeps the records that pass a test.
    ///
    /// To filter large records, map them to what the rest needs first: small records can be compacted without a branch, and a filter
    /// measures which way is cheaper as it runs.
    #[track_caller]
    pub fn filter<P>(mut self, predicate: P) -> Stream<H, Then<L, Filter<P>>>
    where
        P: for<'a, 'b> FnMut(&'b Of<'a, L>) -> bool + Clone + Send + 'static,
    {
        let site = self.site("filter");
        self.then(Filter::new(predicate, site))
    }

    /// Turns each record into one record, or leaves it out.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Dataflow, Generate};
    ///
    /// let mut flow = Dataflow::new("halves");
    /// let (sink, halves) = Collect::new();
    /// flow.source(Generate::new(6, |i| i)).filter_map(|i| (i % 2 == 0).then_some(i / 2)).sink(sink);
    /// flow.start(Config::default().workers(1))?.join()?;
    /// assert_eq!(halves.take(), [0, 1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn filter_map<U, F>(mut self, function: F) -> Stream<H, Then<L, FilterMap<F, Own<U>>>>
    where
        U: 'static,
        F: for<'a> FnMut(Of<'a, L>) -> Option<U> + Clone + Send + 'static,
    {
        let site = self.site("filter_map");
        self.then(FilterMap::new(function, site))
    }

    /// As [`filter_map`](Self::filter_map), with a function whose result may borrow from the record.
    #[track_caller]
    pub fn filter_map_to<U, F>(mut self, function: F) -> Stream<H, Then<L, FilterMap<F, U>>>
    where
        U: Record,
        F: Chooser<L::Out, U>,
    {
        let site = self.site("filter_map");
        self.then(FilterMap::new(function, site))
    }

    /// Turns each record into any number of records. For one or none, [`filter_map`](Self::filter_map) is faster.
    #[track_caller]
    pub fn flat_map<U, I, F>(mut self, function: F) -> Stream<H, Then<L, FlatMap<F, Own<U>>>>
    where
        U: 'static,
        I: IntoIterator<Item = U>,
        F: for<'a> FnMut(Of<'a, L>) -> I + Clone + Send + 'static,
    {
        let site = self.site("flat_map");
        self.then(FlatMap::new(function, site))
    }

    /// Turns each record into any number of records that may borrow from it: `flat_map_to::<Text, _>(str::split_whitespace)`.
    #[track_caller]
    pub fn flat_map_to<U, F>(mut self, function: F) -> Stream<H, Then<L, FlatMap<F, U>>>
    where
        U: Record,
        F: for<'a> IterFn<'a, Of<'a, L>, Item = U::Of<'a>> + Clone + Send + 'static,
        F: Expander<L::Out, U>,
    {
        let site = self.site("flat_map");
        self.then(FlatMap::new(function, site))
    }

    /// Shows each record to a function and passes it on.
    #[track_caller]
    pub fn inspect<F>(mut self, function: F) -> Stream<H, Then<L, Inspect<F>>>
    where
        F: for<'a, 'b> FnMut(&'b Of<'a, L>) + Clone + Send + 'static,
    {
        let site = self.site("inspect");
        self.then(Inspect::new(function, site))
    }

    /// Takes event times from the records (ms since the Unix epoch), and watermarks from the event times.
    ///
    /// `time` may be called more than once for a record.
    #[track_caller]
    pub fn watermarks<W, T>(
        mut self,
        policy: W,
        time: T,
    ) -> TimedStream<L::Out, H, Then<L, impl crate::operator::Step<L::Out, Out = crate::record::Timed<L::Out>>>>
    where
        W: WatermarkPolicy,
        T: for<'a, 'b> Fn(&'b Of<'a, L>) -> EventTime + Clone + Send + 'static,
    {
        let site = self.site("watermarks");
        let gauges = {
            let mut graph = self.graph.borrow_mut();
            graph.refuse(site, policy.refuse());
            graph.gauges(site)
        };
        TimedStream { stream: self.then(Watermarks::new(time, policy, site, gauges)), of: PhantomData }
    }

    /// Gives each record a key. State and windows behind it are per key.
    pub fn key_by<K, F>(self, key: F) -> KeyedStream<H, L, ByKey<F, K>>
    where
        K: Key,
        F: for<'a, 'b> FnMut(&'b Of<'a, L>) -> K + Clone + Send + 'static,
    {
        KeyedStream { stream: self, by: ByKey::new(key), mini_batch: None }
    }

    /// Goes on behind a ring, on workers of its own: pipeline parallelism, for a heavy stage or for the latency of an edge.
    ///
    /// Each hop divides the workers once more; with fewer workers than segments, segments share.
    #[track_caller]
    pub fn hop(mut self) -> Stream<EdgeHead<L::Out>, Identity<L::Out>>
    where
        L::Out: Movable,
    {
        let site = self.site("hop");
        self.cross::<L::Out, _>(site, true, ForwardEnd)
    }

    /// Ends the chain here: what follows is a stage of its own on the same worker, joined by a direct call for each batch.
    ///
    /// Never for speed: each record is moved through a buffer, and the compiler no longer sees one loop. It helps to tell the parts of a long
    /// chain apart: the stage behind it shows a watermark of its own in [`Running::watermarks`](crate::Running::watermarks), what the engine
    /// cannot pin on one operator is pinned on the right half, a profiler sees two loops, and a test sees that fusion changes no result.
    /// Order, watermarks and idleness go along; a batch is handed on as soon as its worker comes round to it.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Dataflow, Generate};
    ///
    /// let mut flow = Dataflow::new("two stages");
    /// let (sink, squares) = Collect::new();
    /// flow.source(Generate::new(5, |i| i)).map(|i| i * i).unchained().filter(|i| i % 2 == 0).sink(sink);
    /// flow.start(Config::default().workers(1))?.join()?;
    /// assert_eq!(squares.take(), [0, 4, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn unchained(mut self) -> Stream<EdgeHead<L::Out>, Identity<L::Out>>
    where
        L::Out: Movable,
    {
        let site = self.site("unchained");
        self.cross::<L::Out, _>(site, false, ForwardEnd)
    }

    /// Sends each record to the worker that owns its key.
    #[track_caller]
    pub fn exchange<K, F>(mut self, mut key: F) -> Stream<EdgeHead<L::Out>, Identity<L::Out>>
    where
        L::Out: Movable,
        K: Key,
        F: FnMut(&<L::Out as Movable>::Item) -> K + Clone + Send + 'static,
    {
        let site = self.site("exchange");
        self.cross::<L::Out, _>(site, false, |edge| ScatterEnd { edge, group: move |item: &_| group_of(key(item).hash64()) })
    }

    /// Merges this stream with another one of the same records. The order between the two is open.
    #[track_caller]
    pub fn union<H2, L2>(mut self, mut other: Stream<H2, L2>) -> Stream<EdgeHead<L::Out>, Identity<L::Out>>
    where
        L::Out: Movable,
        H2: Head<Out = L2::In>,
        L2: Link<Out = L::Out>,
    {
        let site = self.site("union");
        other.sites.push(site);
        let graph = self.graph.clone();
        let segment = self.segment.max(other.segment);
        let edge = Edge::new(graph.borrow_mut().edge(site));
        self.end(ForwardEnd(edge.clone()));
        other.end(ForwardEnd(edge.clone()));
        Stream { graph, head: EdgeHead(edge), links: Identity::new(), sites: vec![site], segment }
    }

    /// Divides the stream: records that pass the test, and the rest.
    #[track_caller]
    pub fn split<P>(mut self, predicate: P) -> (Stream<EdgeHead<L::Out>, Identity<L::Out>>, Stream<EdgeHead<L::Out>, Identity<L::Out>>)
    where
        L::Out: Movable,
        P: Predicate<L::Out>,
    {
        let site = self.site("split");
        let (graph, segment) = (self.graph.clone(), self.segment);
        let edge = || Edge::new(graph.borrow_mut().edge(site));
        let (passed, rest) = (edge(), edge());
        self.end(SplitEnd { predicate, site, passed: passed.clone(), rest: rest.clone() });
        let stream = |edge| Stream { graph: graph.clone(), head: EdgeHead(edge), links: Identity::new(), sites: vec![site], segment };
        (stream(passed), stream(rest))
    }

    /// Ends the stream in a sink.
    #[track_caller]
    pub fn sink<K: Sink<L::Out>>(mut self, sink: K) {
        let site = self.site(sink.name());
        self.end(SinkEnd { sink, site });
    }
}

impl<H, L> Stream<H, L>
where
    H: Head<Out = L::In>,
    L: Link<Out = Text>,
{
    /// Makes the text itself the key. An owned key is made once, when a text is seen first.
    pub fn key_by_text(self) -> KeyedStream<H, L, ByText> {
        KeyedStream { stream: self, by: ByText, mini_batch: None }
    }
}
