//! What the pipelines read, and how a run is timed.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_utils::CachePadded;
use thalweg::{
    BuildError, Replay as EngineReplay, RunError, Text, Waker,
    operator::Operator,
    record::Own,
    source::{Polled, Reader, Source},
};

use crate::{
    measure::{alloc, steady::Progress, threads::ThreadWatch},
    workload::{
        nexmark::feed::Hook,
        replay::{Replay, Replayed, Shift},
        text::Lines,
    },
};

/// The engine's replay source over a workload's block.
pub(super) fn replayed<T: Replayed>(replay: &Replay<T>) -> impl Source<Out = Own<T>> + use<T> {
    let (span, len) = (replay.span, replay.block.len() as u64);
    let at_lap = move |lap: u64| {
        let shift = Shift { time: lap as i64 * span, seq: lap * len };
        move |record: &T| record.at(shift)
    };
    EngineReplay::laps(replay.block.clone(), replay.events.div_ceil(len), at_lap).records(replay.events)
}

/// When a run began, and what it allocated between a quarter and three quarters of its way.
#[derive(Clone)]
pub(super) struct Watch(Arc<Notes>);

struct Notes {
    events: u64,
    started: OnceLock<Instant>,
    /// Records that each reader has handed out.
    records: OnceLock<Box<[CachePadded<AtomicU64>]>>,
    /// Looks at all records, the time and the allocations, at about equal distances.
    marks: Mutex<Vec<Mark>>,
}

struct Mark {
    progress: Progress,
    allocations: u64,
}

/// Looks a run: 2.5 % apart.
const MARKS: u64 = 40;

impl Watch {
    pub(super) fn new(events: u64) -> Watch {
        let marks = Mutex::new(Vec::with_capacity(MARKS as usize));
        Watch(Arc::new(Notes { events, started: OnceLock::new(), records: OnceLock::new(), marks }))
    }

    /// Time since the first poll.
    pub(super) fn elapsed(&self) -> Duration {
        self.0.started.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// Allocations in the middle half of the run, and the records that entered meanwhile.
    pub(super) fn allocations(&self) -> Option<(u64, u64)> {
        let marks = self.0.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (marks.get(MARKS as usize / 4 - 1)?, marks.get(MARKS as usize * 3 / 4 - 1)?);
        Some((to.allocations - from.allocations, to.progress.n - from.progress.n))
    }

    /// Records that had entered, over the run.
    pub(super) fn progress(&self) -> Vec<Progress> {
        self.0.marks.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|mark| mark.progress).collect()
    }

    /// Watches a source that has hooks, with so many readers.
    pub(super) fn hooks(&self, readers: usize) -> Vec<Box<dyn Hook>> {
        self.readers(readers, (0..readers).map(|_| ())).map(|reader| Box::new(reader) as Box<dyn Hook>).collect()
    }

    fn readers<R>(&self, count: usize, readers: impl Iterator<Item = R>) -> impl Iterator<Item = WatchedReader<R>> {
        self.0.records.get_or_init(|| (0..count).map(|_| CachePadded::default()).collect());
        let watch = self.clone();
        readers.enumerate().map(move |(number, reader)| WatchedReader {
            reader,
            watch: watch.clone(),
            number,
            records: 0,
            mark: 0,
            thread: None,
        })
    }

    /// Watches a source.
    pub(super) fn over<S: Source>(&self, source: S) -> Watched<S> {
        Watched { source, watch: self.clone() }
    }
}

/// A source that is watched.
pub(super) struct Watched<S> {
    source: S,
    watch: Watch,
}

impl<S: Source> Source for Watched<S> {
    type Out = S::Out;
    type Reader = WatchedReader<S::Reader>;

    fn name(&self) -> &'static str {
        self.source.name()
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        let Self { source, watch } = self;
        Ok(watch.readers(readers, source.open(readers)?.into_iter()).collect())
    }
}

/// One worker's reader, watched.
pub(super) struct WatchedReader<R> {
    reader: R,
    watch: Watch,
    number: usize,
    records: u64,
    /// The next mark to make; only the first reader makes them.
    mark: u64,
    /// From the first poll, on the worker's thread, to the last.
    thread: Option<ThreadWatch>,
}

impl<R> WatchedReader<R> {
    #[inline]
    fn count(&mut self, records: usize) {
        self.records += records as u64;
        let Some(all) = self.watch.0.records.get() else { return };
        // ORDERING: Relaxed; a count that the first reader samples.
        all[self.number].store(self.records, Ordering::Relaxed);
        if self.number == 0 && self.mark < MARKS && self.records * all.len() as u64 >= self.watch.0.events * (self.mark + 1) / MARKS {
            self.make_mark();
        }
    }

    #[cold]
    fn make_mark(&mut self) {
        let all = self.watch.0.records.get().map_or(&[][..], |all| all);
        // ORDERING: Relaxed, as in `count`.
        let n = all.iter().map(|records| records.load(Ordering::Relaxed)).sum();
        let ns = u64::try_from(self.watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut marks = self.watch.0.marks.lock().unwrap_or_else(PoisonError::into_inner);
        // A large batch may pass several at once.
        while self.mark < MARKS && self.records * all.len() as u64 >= self.watch.0.events * (self.mark + 1) / MARKS {
            marks.push(Mark { progress: Progress { ns, n }, allocations: alloc::counted() });
            self.mark += 1;
        }
    }

    #[cold]
    fn begin(&mut self) {
        self.thread.get_or_insert_with(|| ThreadWatch::begin(format!("reader {}", self.number)));
        self.watch.0.started.get_or_init(Instant::now);
    }
}

impl<R: Reader> Reader for WatchedReader<R> {
    type Out = R::Out;

    #[inline(always)]
    fn poll<O: Operator<R::Out>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        if self.records == 0 {
            self.begin();
        }
        let polled = self.reader.poll(max, out)?;
        match polled {
            Polled::Records(records) => self.count(records),
            Polled::End => self.thread = None,
            Polled::Idle(_) | Polled::Unfed => {}
        }
        Ok(polled)
    }

    fn drain(&mut self) {
        self.reader.drain();
    }

    fn attach(&mut self, waker: &Waker) {
        self.reader.attach(waker);
    }

    fn malformed(&self) -> u64 {
        self.reader.malformed()
    }
}

impl Hook for WatchedReader<()> {
    fn before(&mut self) {
        if self.records == 0 {
            self.begin();
        }
    }

    fn after(&mut self, events: usize) {
        self.count(events);
    }

    fn end(&mut self) {
        self.thread = None;
    }
}

/// The lines of a text in memory, in laps: lines borrow from the text.
pub(super) struct TextReplay(pub(super) Lines);

/// Batches that a reader claims at a time.
const CLAIM_BATCHES: u64 = 4;

impl Source for TextReplay {
    type Out = Text;
    type Reader = TextReader;

    fn name(&self) -> &'static str {
        "lines"
    }

    fn open(self, readers: usize) -> Result<Vec<TextReader>, BuildError> {
        let next = Arc::new(CachePadded::new(AtomicU64::new(0)));
        Ok((0..readers).map(|_| TextReader { lines: self.0.clone(), next: next.clone(), claimed: 0..0 }).collect())
    }
}

/// One worker's share of the lines.
pub(super) struct TextReader {
    lines: Lines,
    next: Arc<CachePadded<AtomicU64>>,
    claimed: Range<u64>,
}

impl Reader for TextReader {
    type Out = Text;

    #[inline(always)]
    fn poll<O: Operator<Text>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        if self.claimed.is_empty() {
            let claim = max as u64 * CLAIM_BATCHES;
            // ORDERING: Relaxed; only the number counts.
            let start = self.next.fetch_add(claim, Ordering::Relaxed);
            if start >= self.lines.events {
                return Ok(Polled::End);
            }
            self.claimed = start..(start + claim).min(self.lines.events);
        }
        let len = self.lines.block_lines();
        let first = (self.claimed.start % len) as usize;
        let lines = (len as usize - first).min(max).min((self.claimed.end - self.claimed.start) as usize);
        self.claimed.start += lines as u64;
        let (block, offsets) = (&self.lines.block, &self.lines.offsets[first..=first + lines]);
        // A line without its line feed.
        out.process(offsets.windows(2).map(|ends| &block[ends[0] as usize..ends[1] as usize - 1]));
        Ok(Polled::Records(lines))
    }

    fn drain(&mut self) {
        // ORDERING: Relaxed; only the number counts.
        self.next.store(self.lines.events, Ordering::Relaxed);
        self.claimed = 0..0;
    }
}
