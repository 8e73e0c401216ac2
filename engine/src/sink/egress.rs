//! The way out to a service: the workers put records into rings, the service polls them.
//!
//! ```text
//!   worker 0 ─ EgressWriter ─ ring ─┐
//!   worker 1 ─ EgressWriter ─ ring ─┴─▶ Egress: try_next, next_timeout, poll, drain_into      one thread of the service
//! ```
//!
//! Laws
//! - Every record is handed out exactly once, unless the job is stopped; records of one worker keep their order; workers take turns.
//! - Memory is bounded: a ring that is full holds up its worker. What a batch leaves over waits in the writer, one batch at most.
//! - [`TryNextError::Closed`] comes after the last record, once the job has ended or failed, or if it never started.
//! - A service that drops its [`Egress`] ends the job with an error: its results would go nowhere.

use std::{collections::VecDeque, fmt, io, marker::PhantomData, time::Duration, time::Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::Movable,
    ring::{Consumer, Producer, ring},
    source::Patience,
};

/// A way out: the sink for the dataflow, and the end that the service polls. Each worker's ring has room for `capacity` records.
pub fn egress<T: Send + 'static>(capacity: usize) -> (EgressSink<T>, Egress<T>) {
    let (opened, opens) = crossbeam_channel::bounded(1);
    (EgressSink { capacity, opened }, Egress { opens, rings: Vec::new(), is_open: false, turn: 0 })
}

/// The sink of an [`egress`].
pub struct EgressSink<T> {
    capacity: usize,
    opened: Sender<Vec<Consumer<T>>>,
}

impl<T> fmt::Debug for EgressSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressSink").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<R: Movable> Sink<R> for EgressSink<R::Item> {
    type Writer = EgressWriter<R>;

    fn name(&self) -> &'static str {
        "egress"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        let (producers, consumers): (Vec<_>, Vec<_>) = (0..writers).map(|_| ring(self.capacity)).unzip();
        // Fails if the service has dropped its end: the writers will find out by their rings.
        let _ = self.opened.send(consumers);
        Ok(producers
            .into_iter()
            .map(|producer| EgressWriter { producer: Some(producer), pending: VecDeque::new(), ended: false, records: PhantomData })
            .collect())
    }
}

/// One worker's share of an [`EgressSink`].
pub struct EgressWriter<R: Movable> {
    /// Dropped once everything has left after the end.
    producer: Option<Producer<R::Item>>,
    /// What did not fit, at most a batch. Its memory is kept.
    pending: VecDeque<R::Item>,
    ended: bool,
    records: PhantomData<fn() -> R>,
}

impl<R: Movable> fmt::Debug for EgressWriter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressWriter").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

/// Moves items into the ring until either is exhausted; what is left stays in the iterator.
#[inline]
fn fill<T>(producer: &mut Producer<T>, items: &mut impl Iterator<Item = T>) {
    while let Ok(chunk) = producer.claim(usize::MAX) {
        let room = chunk.len();
        if chunk.fill(items) < room {
            return;
        }
    }
}

impl<R: Movable> Operator<R> for EgressWriter<R> {
    #[inline]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let mut items = records.map(R::into_item);
        if let Some(producer) = &mut self.producer {
            fill(producer, &mut items);
        }
        self.pending.extend(items);
    }

    fn control(&mut self, control: Control) {
        if control == Control::End {
            self.ended = true;
            if self.pending.is_empty() {
                self.producer = None;
            }
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        let Some(producer) = &mut self.producer else { return Ok(true) };
        if producer.is_abandoned() {
            let source = io::Error::new(io::ErrorKind::BrokenPipe, "the Egress was dropped; keep it until it says Closed");
            return Err(RunError::Io { what: "handing results to the egress".into(), source });
        }
        while !self.pending.is_empty() {
            let Ok(mut chunk) = producer.claim(self.pending.len()) else { return Ok(false) };
            // The claim is no longer than what is pending, so all of it is filled.
            let count = chunk.len();
            for item in self.pending.drain(..count) {
                let _ = chunk.push(item);
            }
            chunk.commit();
        }
        if self.ended {
            self.producer = None;
            return Ok(true);
        }
        Ok(producer.vacant() > 0)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

/// Why there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryNextError {
    /// There is none now.
    #[error("no result is there yet")]
    Empty,
    /// There will be none any more: the job has ended.
    #[error("the job has ended and all its results were taken")]
    Closed,
}

/// The end of an [`egress`] that the service polls.
pub struct Egress<T> {
    opens: Receiver<Vec<Consumer<T>>>,
    rings: Vec<Consumer<T>>,
    is_open: bool,
    /// The ring to look at first.
    turn: usize,
}

impl<T: Send + 'static> Egress<T> {
    /// The next record, if there is one.
    ///
    /// # Errors
    /// [`TryNextError`] says whether to ask again.
    #[inline]
    pub fn try_next(&mut self) -> Result<T, TryNextError> {
        self.fetch();
        let rings = self.rings.len();
        for _ in 0..rings {
            if let Some(item) = self.next_ring().and_then(Consumer::pop) {
                return Ok(item);
            }
        }
        Err(self.why())
    }

    /// The next record, waiting for it for at most `limit`: it spins, then yields, then sleeps for short times.
    ///
    /// # Errors
    /// [`TryNextError::Empty`] if none came in time.
    pub fn next_timeout(&mut self, limit: Duration) -> Result<T, TryNextError> {
        match self.try_next() {
            Err(TryNextError::Empty) => {}
            other => return other,
        }
        // A limit beyond the clock's range is none.
        let mut wait = Patience::new(Instant::now().checked_add(limit));
        loop {
            let in_time = wait.once();
            match self.try_next() {
                Err(TryNextError::Empty) if in_time => {}
                other => return other,
            }
        }
    }

    /// Hands up to `max` records of one worker to `take`, and says how many there were. What `take` leaves in the iterator is dropped.
    ///
    /// # Errors
    /// [`TryNextError`] if there was none.
    #[inline]
    pub fn poll(&mut self, max: usize, take: impl FnOnce(&mut dyn Iterator<Item = T>)) -> Result<usize, TryNextError> {
        self.fetch();
        for _ in 0..self.rings.len() {
            let Some(ring) = self.next_ring() else { break };
            if let Ok(chunk) = ring.read(max.max(1)) {
                let count = chunk.len();
                take(&mut chunk.into_iter());
                return Ok(count);
            }
        }
        Err(self.why())
    }

    /// Appends up to `max` records to `to`, from all workers in turn, and says how many.
    ///
    /// # Errors
    /// [`TryNextError`] if there was none.
    pub fn drain_into(&mut self, to: &mut Vec<T>, max: usize) -> Result<usize, TryNextError> {
        self.fetch();
        let (before, mut idle) = (to.len(), 0);
        // A ring's records may lie in two runs, so a turn around all rings must be empty before there is nothing.
        while to.len() - before < max && idle < self.rings.len() {
            let left = max - (to.len() - before);
            let Some(ring) = self.next_ring() else { break };
            match ring.read(left) {
                Ok(chunk) => {
                    to.extend(chunk);
                    idle = 0;
                }
                Err(_empty) => idle += 1,
            }
        }
        let count = to.len() - before;
        if count == 0 && max > 0 { Err(self.why()) } else { Ok(count) }
    }

    #[inline]
    fn next_ring(&mut self) -> Option<&mut Consumer<T>> {
        let turn = if self.turn < self.rings.len() { self.turn } else { 0 };
        self.turn = turn + 1;
        self.rings.get_mut(turn)
    }

    /// Fetches the rings, once the job has started. Says whether it can still start.
    #[inline]
    fn fetch(&mut self) -> bool {
        if self.is_open {
            return true;
        }
        match self.opens.try_recv() {
            Ok(rings) => {
                self.rings = rings;
                self.is_open = true;
                true
            }
            Err(error) => error == TryRecvError::Empty,
        }
    }

    /// Why nothing was found: also forgets the rings that have ended.
    #[cold]
    fn why(&mut self) -> TryNextError {
        if !self.is_open {
            // A job that started since then is found at the next call.
            return if self.fetch() { TryNextError::Empty } else { TryNextError::Closed };
        }
        // What a writer committed before it went is seen once it is seen to have gone.
        self.rings.retain_mut(|ring| !(ring.is_abandoned() && ring.available() == 0));
        if self.rings.is_empty() { TryNextError::Closed } else { TryNextError::Empty }
    }
}

impl<T> fmt::Debug for Egress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("rings", &self.rings).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::Own;

    fn writers(sink: EgressSink<u64>, count: usize) -> Vec<EgressWriter<Own<u64>>> {
        Sink::<Own<u64>>::open(sink, count).unwrap()
    }

    #[test]
    fn nothing_before_the_start_and_closed_if_it_never_comes() {
        let (sink, mut egress) = egress::<u64>(4);
        assert_eq!(egress.try_next(), Err(TryNextError::Empty));
        drop(sink);
        assert_eq!(egress.try_next(), Err(TryNextError::Closed));
        assert_eq!(egress.next_timeout(Duration::MAX), Err(TryNextError::Closed));
    }

    #[test]
    fn a_full_ring_holds_up_its_worker_and_loses_nothing() {
        let (sink, mut egress) = egress::<u64>(4);
        let mut writer = writers(sink, 1).remove(0);
        assert!(writer.ready().unwrap());
        writer.process(0..11);
        writer.control(Control::End);
        let mut got = Vec::new();
        let mut refused = 0;
        loop {
            let done = writer.ready().unwrap();
            refused += u32::from(!done);
            match egress.try_next() {
                Ok(record) => got.push(record),
                Err(TryNextError::Empty) => {}
                Err(TryNextError::Closed) => break,
            }
        }
        assert!(refused >= 6, "{refused}");
        assert!(writer.ready().unwrap());
        assert_eq!(got, (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_ring_without_pending_records_is_not_ready() {
        let (sink, mut egress) = egress::<u64>(4);
        let mut writer = writers(sink, 1).remove(0);
        writer.process(0..4);
        assert!(!writer.ready().unwrap());
        assert_eq!(egress.try_next(), Ok(0));
        assert!(writer.ready().unwrap());
    }

    #[test]
    fn workers_take_turns() {
        let (sink, mut egress) = egress::<u64>(8);
        let mut writers = writers(sink, 2);
        writers[0].process(0..8);
        writers[1].process(100..103);
        let first: Vec<_> = (0..4).map(|_| egress.try_next().unwrap()).collect();
        assert_eq!(first.iter().filter(|&&x| x >= 100).count(), 2);
        let mut rest = Vec::new();
        assert_eq!(egress.drain_into(&mut rest, 5), Ok(5));
        assert_eq!(egress.poll(10, |items| rest.extend(items)), Ok(1));
        assert_eq!(egress.poll(10, |items| rest.extend(items)), Ok(1));
        rest.extend(first);
        rest.sort_unstable();
        assert_eq!(rest, (0..8).chain(100..103).collect::<Vec<_>>());
        drop(writers);
        assert_eq!(egress.poll(10, |_| ()), Err(TryNextError::Closed));
        assert_eq!(egress.drain_into(&mut rest, 5), Err(TryNextError::Closed));
    }

    #[test]
    fn a_dropped_egress_fails_the_job() {
        let (sink, egress) = egress::<u64>(4);
        let mut writer = writers(sink, 1).remove(0);
        drop(egress);
        assert!(writer.ready().unwrap_err().to_string().contains("Egress was dropped"));
    }

    #[test]
    fn across_threads_everything_arrives_in_each_workers_order() {
        const N: u64 = 20_000;
        let (sink, mut egress) = egress::<u64>(64);
        let threads: Vec<_> = writers(sink, 2)
            .into_iter()
            .enumerate()
            .map(|(w, mut writer)| {
                std::thread::spawn(move || {
                    let mut next = 0;
                    while next < N {
                        if writer.ready().unwrap() {
                            let end = (next + 1 + next % 97).min(N);
                            writer.process((next..end).map(|i| i * 2 + w as u64));
                            next = end;
                        } else {
                            std::thread::yield_now();
                        }
                    }
                    while !writer.ready().unwrap() {
                        std::thread::yield_now();
                    }
                    writer.control(Control::End);
                    assert!(writer.ready().unwrap());
                })
            })
            .collect();
        let mut got: [Vec<u64>; 2] = Default::default();
        loop {
            match egress.next_timeout(Duration::from_secs(60)) {
                Ok(x) => got[(x % 2) as usize].push(x / 2),
                Err(TryNextError::Closed) => break,
                Err(TryNextError::Empty) => panic!("nothing for a minute"),
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(got.iter().all(|records| records.iter().copied().eq(0..N)));
    }
}
