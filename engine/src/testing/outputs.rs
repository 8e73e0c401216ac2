//! A sink that a test looks into while the job runs.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::Movable,
    sink::Sink,
    time::EventTime,
};

struct Seen<T> {
    rows: Vec<T>,
    /// No more are taken while so many are here.
    room: usize,
    /// The most that one batch has brought.
    largest_batch: usize,
    watermark: EventTime,
    ended: bool,
}

struct Shared<T>(Arc<Mutex<Seen<T>>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Seen<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The test's end of a sink.
pub struct Outputs<T> {
    seen: Shared<T>,
}

/// The job's end: a sink. Behind [`with_times`](crate::TimedStream::with_times) it gets `(time, record)`.
pub struct OutputSink<T> {
    seen: Shared<T>,
}

/// A sink, and the handle to what has come to it.
pub fn outputs<T: Send + 'static>() -> (OutputSink<T>, Outputs<T>) {
    let seen = Seen { rows: Vec::new(), room: usize::MAX, largest_batch: 0, watermark: EventTime::MIN, ended: false };
    let seen = Shared(Arc::new(Mutex::new(seen)));
    (OutputSink { seen: seen.clone() }, Outputs { seen })
}

impl<T> Outputs<T> {
    /// What has come since the last call, in its order.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.seen.lock().rows)
    }

    /// The watermark that has come last; `EventTime::MIN` before the first.
    pub fn watermark(&self) -> EventTime {
        self.seen.lock().watermark
    }

    /// Whether the end has come.
    pub fn ended(&self) -> bool {
        self.seen.lock().ended
    }

    /// Refuses more batches while so many rows wait to be taken, as a slow sink does. 0 holds everything up.
    pub fn room(&self, rows: usize) {
        self.seen.lock().room = rows;
    }

    /// The most rows that one batch has brought so far.
    pub fn largest_batch(&self) -> usize {
        self.seen.lock().largest_batch
    }
}

impl<T> fmt::Debug for Outputs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.seen.lock();
        f.debug_struct("Outputs").field("rows", &seen.rows.len()).field("watermark", &seen.watermark).field("ended", &seen.ended).finish()
    }
}

impl<T> fmt::Debug for OutputSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputSink").finish_non_exhaustive()
    }
}

impl<R: Movable> Sink<R> for OutputSink<R::Item> {
    type Writer = OutputWriter<R>;

    fn name(&self) -> &'static str {
        "outputs"
    }

    fn open(self, writers: usize) -> Result<Vec<OutputWriter<R>>, BuildError> {
        Ok((0..writers).map(|_| OutputWriter { seen: self.seen.clone(), of: PhantomData }).collect())
    }
}

/// One worker's share of an output sink.
pub struct OutputWriter<R: Movable> {
    seen: Shared<R::Item>,
    of: PhantomData<fn() -> R>,
}

impl<R: Movable> fmt::Debug for OutputWriter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputWriter").finish_non_exhaustive()
    }
}

impl<R: Movable> Operator<R> for OutputWriter<R> {
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        // The iterator is the user's operators; they must not run under the lock.
        let rows: Vec<R::Item> = records.map(R::into_item).collect();
        let mut seen = self.seen.lock();
        seen.largest_batch = seen.largest_batch.max(rows.len());
        seen.rows.extend(rows);
    }

    fn control(&mut self, control: Control) {
        let mut seen = self.seen.lock();
        match control {
            Control::Watermark(watermark) => seen.watermark = seen.watermark.max(watermark),
            Control::End => (seen.watermark, seen.ended) = (EventTime::MAX, true),
            Control::Idle | Control::Barrier(_) => {}
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        let seen = self.seen.lock();
        Ok(seen.rows.len() < seen.room)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}
