//! A source that hands out what a test has pushed.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator},
    record::{Own, Timed},
    source::{Polled, Reader, Source},
    time::EventTime,
};

enum Item<T> {
    Record(EventTime, T),
    Control(Control),
}

struct Queue<T>(Arc<Mutex<VecDeque<Item<T>>>>);

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Item<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The test's end of a feed.
pub struct Feed<T> {
    queue: Queue<T>,
}

/// The job's end of a feed: a source of records with their event times. Use [`Stream::timed`](crate::Stream::timed) behind it.
pub struct FeedSource<T> {
    queue: Queue<T>,
}

/// A feed.
pub fn feed<T: Send + 'static>() -> (Feed<T>, FeedSource<T>) {
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    (Feed { queue: Queue(queue.clone()) }, FeedSource { queue: Queue(queue) })
}

impl<T> Feed<T> {
    /// Appends a record with its event time.
    pub fn push(&mut self, time: EventTime, record: T) {
        self.queue.lock().push_back(Item::Record(time, record));
    }

    /// Appends records with their event times.
    pub fn push_all(&mut self, records: impl IntoIterator<Item = (EventTime, T)>) {
        self.queue.lock().extend(records.into_iter().map(|(time, record)| Item::Record(time, record)));
    }

    /// Says that no record at or before `time` comes any more. Records that come nevertheless are late.
    pub fn watermark(&mut self, time: EventTime) {
        self.control(Control::Watermark(time));
    }

    /// Says that event time is to go on without this feed until its next watermark.
    pub fn idle(&mut self) {
        self.control(Control::Idle);
    }

    /// Ends the feed, after what was pushed. What is pushed later is never handed out.
    pub fn end(&mut self) {
        self.control(Control::End);
    }

    fn control(&mut self, control: Control) {
        self.queue.lock().push_back(Item::Control(control));
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("waiting", &self.queue.lock().len()).finish()
    }
}

impl<T> fmt::Debug for FeedSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedSource").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Source for FeedSource<T> {
    type Out = Timed<Own<T>>;
    type Reader = FeedReader<T>;

    fn name(&self) -> &'static str {
        "feed"
    }

    /// The first reader gets all; the others have ended.
    fn open(self, readers: usize) -> Result<Vec<FeedReader<T>>, BuildError> {
        let mut queue = Some(self.queue);
        Ok((0..readers).map(|_| FeedReader { queue: queue.take(), batch: Vec::new(), draining: false }).collect())
    }
}

/// Reads a feed.
pub struct FeedReader<T> {
    queue: Option<Queue<T>>,
    batch: Vec<(EventTime, T)>,
    draining: bool,
}

impl<T> fmt::Debug for FeedReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedReader").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Reader for FeedReader<T> {
    type Out = Timed<Own<T>>;

    fn poll<O: Operator<Timed<Own<T>>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let Some(queue) = &self.queue else { return Ok(Polled::End) };
        let mut items = queue.lock();
        while self.batch.len() < max
            && let Some(Item::Record(..)) = items.front()
            && let Some(Item::Record(time, record)) = items.pop_front()
        {
            self.batch.push((time, record));
        }
        if !self.batch.is_empty() {
            drop(items);
            let records = self.batch.len();
            out.process(self.batch.drain(..));
            return Ok(Polled::Records(records));
        }
        match items.pop_front() {
            Some(Item::Control(Control::End)) => Ok(Polled::End),
            Some(Item::Control(control)) => {
                drop(items);
                out.control(control);
                Ok(Polled::Records(0))
            }
            Some(Item::Record(..)) => unreachable!("records at the front were taken"),
            None if self.draining => Ok(Polled::End),
            None => Ok(Polled::Idle(None)),
        }
    }

    fn drain(&mut self) {
        self.draining = true;
    }

    fn is_resumable(&self) -> bool {
        true
    }
}
