//! Stages, and where they run.

use std::cell::RefCell;

use crate::{
    error::{BuildError, RunError},
    metrics::{Counter, Gauges},
    operator::{
        Control, Operator, States,
        blame::{Site, guard},
        link::{ChainCx, Link},
    },
    record::Record,
    ring::Probe,
    runtime::{Level, Scope, SourceTask, Tally, Task, Waker},
    sink::Sink,
    source::{Reader, Source},
};

/// Builds a task on its worker's thread.
pub(crate) type TaskSeed = Box<dyn FnOnce(&mut Scope) -> Box<dyn Task> + Send>;
/// Builds all tasks of a stage, in the order of the stage's workers.
pub(crate) type StageBuild = Box<dyn FnOnce(&StageCx) -> Result<Vec<TaskSeed>, BuildError>>;

/// A chain between two exchanges.
pub(crate) struct Stage {
    /// Its operators, by site, first to last.
    pub(crate) sites: Vec<Site>,
    pub(crate) segment: usize,
    pub(crate) records: Counter,
    pub(crate) malformed: Counter,
    pub(crate) build: StageBuild,
}

/// What a stage is built with.
pub struct StageCx<'a> {
    /// The worker of each instance of this stage.
    pub(crate) workers: Vec<usize>,
    /// The workers behind each edge.
    pub(crate) edges: &'a [Vec<usize>],
    pub(crate) wakers: &'a [Waker],
    pub(crate) batch: usize,
    pub(crate) ring_bytes: usize,
    pub(crate) records: Counter,
    pub(crate) malformed: Counter,
    /// The watermark at the stage's head, if that is an edge.
    pub(crate) gauges: Gauges,
    /// Collects a probe of every ring.
    pub(crate) probes: &'a RefCell<Vec<Probe>>,
}

impl StageCx<'_> {
    /// The workers that run the stage behind an edge.
    pub(crate) fn workers_behind(&self, edge: usize) -> &[usize] {
        &self.edges[edge]
    }

    /// Slots of a ring that carries `T`: what its bytes allow, and at least four batches.
    pub(crate) fn ring_slots<T>(&self) -> usize {
        (self.ring_bytes / size_of::<T>().max(1)).max(4 * self.batch).max(2)
    }
}

/// Shares `workers` out among `segments`, in order. With fewer workers than segments, segments share.
pub(crate) fn workers_of_segment(segment: usize, segments: usize, workers: usize) -> Vec<usize> {
    if workers < segments {
        return vec![segment % workers];
    }
    (segment * workers / segments..(segment + 1) * workers / segments).collect()
}

/// The beginning of a stream: a source, or an edge.
pub trait Head: 'static {
    /// What enters.
    type Out: Record;
    /// The edge it stands behind, if any.
    #[doc(hidden)]
    fn edge(&self) -> Option<usize>;
    /// Builds the stage.
    #[doc(hidden)]
    fn build<L, E>(self, links: L, ends: Vec<E>, cx: &StageCx) -> Result<Vec<TaskSeed>, BuildError>
    where
        L: Link<In = Self::Out>,
        E: EndSeed<L::Out>;
}

/// The end of a chain: a sink, or an edge.
pub(crate) trait End<R: Record>: 'static {
    type Seed: EndSeed<R>;
    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError>;
}

/// The end of one instance's chain, before its worker has started.
pub trait EndSeed<R: Record>: Send + 'static {
    /// Its last operator.
    type Operator: Operator<R> + 'static;
    /// Builds it on the worker's thread.
    fn start(self, scope: &mut Scope) -> Self::Operator;
}

/// A stream that begins at a source.
pub struct SourceHead<S>(pub(crate) S);

impl<S: Source> Head for SourceHead<S> {
    type Out = S::Out;

    fn edge(&self) -> Option<usize> {
        None
    }

    fn build<L, E>(self, links: L, ends: Vec<E>, cx: &StageCx) -> Result<Vec<TaskSeed>, BuildError>
    where
        L: Link<In = S::Out>,
        E: EndSeed<L::Out>,
    {
        let readers = self.0.open(cx.workers.len())?;
        let instances = cx.workers.len();
        debug_assert_eq!(readers.len(), ends.len(), "a source opens as many readers as it is asked for");
        Ok(readers
            .into_iter()
            .zip(ends)
            .enumerate()
            .map(|(instance, (mut reader, end))| -> TaskSeed {
                let links = links.clone();
                let chain = ChainCx { inputs: 0, instances, instance };
                let (batch, records, malformed) = (cx.batch, cx.records.clone(), cx.malformed.clone());
                Box::new(move |scope| {
                    reader.attach(&scope.waker);
                    let operator = links.link(end.start(scope), chain);
                    Box::new(SourceTask {
                        reader,
                        operator,
                        batch,
                        ended: false,
                        unfed: false,
                        level: Level::detect(),
                        tally: Tally::new(records, malformed),
                    })
                })
            })
            .collect())
    }
}

/// A chain that ends in a sink.
pub(crate) struct SinkEnd<K> {
    pub(crate) sink: K,
    pub(crate) site: Site,
}

impl<R: Record, K: Sink<R>> End<R> for SinkEnd<K> {
    type Seed = SinkSeed<K::Writer>;
    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let writers = self.sink.open(cx.workers.len())?;
        debug_assert_eq!(writers.len(), cx.workers.len(), "a sink opens as many writers as it is asked for");
        Ok(writers.into_iter().map(|writer| SinkSeed { writer, site: self.site }).collect())
    }
}

pub(crate) struct SinkSeed<W> {
    writer: W,
    site: Site,
}

impl<R: Record, W: Operator<R> + Send + 'static> EndSeed<R> for SinkSeed<W> {
    type Operator = Writer<W>;
    fn start(self, _: &mut Scope) -> Writer<W> {
        Writer { writer: self.writer, site: self.site }
    }
}

/// A sink's writer; panics that no operator before it is to blame for are its own.
pub(crate) struct Writer<W> {
    writer: W,
    site: Site,
}

impl<R: Record, W: Operator<R>> Operator<R> for Writer<W> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        guard(self.site, || self.writer.process(records));
    }

    const MASKS: bool = W::MASKS;

    #[inline(always)]
    fn process_masked<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (bool, R::Of<'a>)>,
    {
        guard(self.site, || self.writer.process_masked(records));
    }

    fn control(&mut self, control: Control) {
        guard(self.site, || self.writer.control(control));
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.writer.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.writer.states(states);
    }
}
