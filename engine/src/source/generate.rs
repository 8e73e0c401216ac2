//! Records made from their sequence number: as fast as the chain takes them, or on a schedule.
//!
//! ```text
//!   Generate:  0 1 2 … n     readers claim runs from a shared cursor, in order           closed loop
//!   Paced:     0 │ 1 │ 2     reader j of k makes j, j + k, j + 2k … when they are due    open loop
//! ```
//!
//! Laws
//! - A record depends on its sequence number alone (and, when paced, on its intended arrival), so any number of readers makes the same
//!   records, each exactly once.
//! - In each reader, sequence numbers grow.
//! - Drained, `Generate` finishes the runs already claimed: what was made is exactly `0..m` for some `m`.
//! - A paced source is never early. When it is late it catches up as fast as the chain allows, and a record's intended arrival stays
//!   what the schedule said: whoever measures latency from it charges the delay to the records that had to wait.
//!
//! A serial random generator costs 1.6 ns a record by its dependency chain alone; mix the sequence number instead.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::{
    Polled, Reader, Source,
    claim::{BATCHES_A_CLAIM, Cursor},
};
use crate::{
    error::{BuildError, RunError},
    operator::{Operator, blame},
    record::Own,
};

/// A source that calls a closure with 0, 1, 2, … and emits what it returns.
///
/// The closure is cloned for each reader.
#[derive(Clone, Debug)]
pub struct Generate<F> {
    n: u64,
    make: F,
}

impl<F> Generate<F> {
    /// The records `make(0)` to `make(n - 1)`.
    pub fn new<T>(n: u64, make: F) -> Self
    where
        F: FnMut(u64) -> T + Clone + Send + 'static,
    {
        Self { n, make }
    }

    /// Records until the job is drained or stopped (2^63 of them, to be exact).
    pub fn endless<T>(make: F) -> Self
    where
        F: FnMut(u64) -> T + Clone + Send + 'static,
    {
        Self::new(u64::MAX, make)
    }

    /// The first `n` records on a schedule of `records_per_s`; see [`Paced`]. `u64::MAX` means no end.
    pub fn at_rate<T>(n: u64, records_per_s: f64, make: F) -> Paced<F>
    where
        F: FnMut(u64, u64) -> T + Clone + Send + 'static,
    {
        Paced { n, records_per_s, origin: Instant::now(), starts_at: None, make }
    }
}

impl<T, F> Source for Generate<F>
where
    T: 'static,
    F: FnMut(u64) -> T + Clone + Send + 'static,
{
    type Out = Own<T>;
    type Reader = GenerateReader<F>;

    fn name(&self) -> &'static str {
        "generate"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        let cursor = Arc::new(Cursor::new(self.n));
        Ok((0..readers).map(|_| GenerateReader { cursor: cursor.clone(), run: 0..0, draining: false, make: self.make.clone() }).collect())
    }
}

/// One worker's share of a [`Generate`].
#[derive(Debug)]
pub struct GenerateReader<F> {
    cursor: Arc<Cursor>,
    /// Claimed and not yet made.
    run: Range<u64>,
    draining: bool,
    make: F,
}

impl<T, F> Reader for GenerateReader<F>
where
    T: 'static,
    F: FnMut(u64) -> T + Send + 'static,
{
    type Out = Own<T>;

    #[inline(always)]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let max = max.max(1) as u64;
        if self.run.is_empty() {
            let claimed = if self.draining { None } else { self.cursor.claim(max * BATCHES_A_CLAIM) };
            match claimed {
                Some(run) => self.run = run,
                None => return Ok(Polled::End),
            }
        }
        let batch = self.run.start..self.run.end.min(self.run.start + max);
        self.run.start = batch.end;
        let records = (batch.end - batch.start) as usize;
        let make = &mut self.make;
        out.process(batch.map(|sequence| blame::source(|| make(sequence))));
        Ok(Polled::Records(records))
    }

    fn drain(&mut self) {
        self.draining = true;
    }
}

/// A source that makes records on a schedule, whether or not the chain keeps up: an open loop.
///
/// Record `i` is intended to arrive `i / records_per_s` seconds after the start. The closure gets the sequence number and the intended
/// arrival in nanoseconds since [`Paced::origin`], so that a record can carry it and a sink can subtract it from its own clock.
///
/// # Cost
/// One reading of the clock a poll (about 18 ns), none while a whole batch is known to be due.
#[derive(Clone, Debug)]
pub struct Paced<F> {
    n: u64,
    records_per_s: f64,
    origin: Instant,
    starts_at: Option<Instant>,
    make: F,
}

impl<F> Paced<F> {
    /// Sets the instant from which intended arrivals are counted. By default, when this description was made.
    #[must_use]
    pub fn origin(mut self, origin: Instant) -> Self {
        self.origin = origin;
        self
    }

    /// Sets the intended arrival of record 0, not before the origin. By default, the first poll of any reader.
    #[must_use]
    pub fn starts_at(mut self, start: Instant) -> Self {
        self.starts_at = Some(start);
        self
    }
}

impl<T, F> Source for Paced<F>
where
    T: 'static,
    F: FnMut(u64, u64) -> T + Clone + Send + 'static,
{
    type Out = Own<T>;
    type Reader = PacedReader<F>;

    fn name(&self) -> &'static str {
        "paced"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        if !(self.records_per_s.is_finite() && self.records_per_s > 0.0) {
            return Err(BuildError::Option {
                option: "records_per_s",
                value: self.records_per_s.to_string(),
                why: "a schedule needs a finite rate above zero".into(),
            });
        }
        let start = Arc::new(OnceLock::new());
        if let Some(at) = self.starts_at {
            start.get_or_init(|| at);
        }
        let period_ns = 1e9 / self.records_per_s;
        let stride = readers as u64;
        Ok((0..stride)
            .map(|first| PacedReader {
                schedule: Schedule { first, stride, period_ns },
                share: share(self.n, first, stride),
                next: 0,
                due: 0,
                start: None,
                shared_start: start.clone(),
                origin: self.origin,
                draining: false,
                make: self.make.clone(),
            })
            .collect())
    }
}

/// How many of `0..n` are `first` modulo `stride`.
fn share(n: u64, first: u64, stride: u64) -> u64 {
    n.saturating_sub(first).div_ceil(stride)
}

/// Arrivals of the records `first + i * stride`, in ns after the start.
///
/// Doubles hold ns exactly for 104 days. Both steps of `arrival_ns` are monotone, so the schedule is.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    first: u64,
    stride: u64,
    period_ns: f64,
}

impl Schedule {
    #[inline(always)]
    fn sequence(&self, i: u64) -> u64 {
        self.first.saturating_add(i.saturating_mul(self.stride))
    }

    #[inline(always)]
    fn arrival_ns(&self, i: u64) -> u64 {
        (self.sequence(i) as f64 * self.period_ns) as u64
    }

    /// How many have arrived after `elapsed_ns`: the first `i` whose arrival is later.
    fn due(&self, elapsed_ns: u64) -> u64 {
        let estimate = elapsed_ns as f64 / self.period_ns - self.first as f64;
        let mut i = if estimate < 0.0 { 0 } else { (estimate / self.stride as f64) as u64 };
        // The estimate is off by rounding only; `arrival_ns` has the last word.
        while i > 0 && self.arrival_ns(i - 1) > elapsed_ns {
            i -= 1;
        }
        while self.arrival_ns(i) <= elapsed_ns && i < u64::MAX {
            i += 1;
        }
        i
    }
}

/// One worker's share of a [`Paced`] source.
#[derive(Debug)]
pub struct PacedReader<F> {
    schedule: Schedule,
    /// Records that this reader makes in all.
    share: u64,
    /// Made so far.
    next: u64,
    /// Known to be due, at the last reading of the clock.
    due: u64,
    /// Once known: the start, and its distance from the origin in ns.
    start: Option<(Instant, u64)>,
    shared_start: Arc<OnceLock<Instant>>,
    origin: Instant,
    draining: bool,
    make: F,
}

impl<F> PacedReader<F> {
    /// The work of one poll, given the time: the range to make now, or when to come back.
    fn step(&mut self, max: u64, now: impl FnOnce() -> Instant) -> Result<(Range<u64>, u64), Polled> {
        if self.draining || self.next >= self.share {
            return Err(Polled::End);
        }
        if self.due - self.next < max {
            let now = now();
            let (start, _) = *self.start.get_or_insert_with(|| {
                let start = *self.shared_start.get_or_init(|| now);
                (start, start.saturating_duration_since(self.origin).as_nanos() as u64)
            });
            if let Some(elapsed) = now.checked_duration_since(start) {
                // `max`: another reader's clock may be a little ahead of ours.
                self.due = self.due.max(self.schedule.due(elapsed.as_nanos() as u64));
            }
        }
        let end = self.due.min(self.share).min(self.next + max);
        let (start, start_ns) = self.start.expect("set above: before it is, nothing is due");
        if end == self.next {
            return Err(Polled::Idle(Some(start + Duration::from_nanos(self.schedule.arrival_ns(self.next)))));
        }
        let batch = self.next..end;
        self.next = end;
        Ok((batch, start_ns))
    }
}

impl<T, F> Reader for PacedReader<F>
where
    T: 'static,
    F: FnMut(u64, u64) -> T + Send + 'static,
{
    type Out = Own<T>;

    #[inline(always)]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let (batch, start_ns) = match self.step(max.max(1) as u64, Instant::now) {
            Ok(step) => step,
            Err(polled) => return Ok(polled),
        };
        let records = (batch.end - batch.start) as usize;
        let (schedule, make) = (self.schedule, &mut self.make);
        out.process(batch.map(|i| blame::source(|| make(schedule.sequence(i), start_ns + schedule.arrival_ns(i)))));
        Ok(Polled::Records(records))
    }

    fn drain(&mut self) {
        self.draining = true;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::source::testing::{Gather, run_all};

    proptest! {
        #[test]
        fn every_sequence_number_once_and_growing(n in 0u64..5000, readers in 1usize..5, max in 1usize..70, order in any::<u64>()) {
            let shares = run_all(Generate::new(n, |i| i), readers, max, order);
            for share in &shares {
                prop_assert!(share.is_sorted());
            }
            let all: Vec<u64> = shares.concat();
            prop_assert_eq!(all.len() as u64, n);
            prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), (0..n).collect::<BTreeSet<_>>());
        }

        #[test]
        fn a_schedule_counts_exactly_what_has_arrived(rate in 0.1f64..2e9, first in 0u64..4, elapsed in 0u64..10_000_000_000) {
            let schedule = Schedule { first, stride: 4, period_ns: 1e9 / rate };
            let due = schedule.due(elapsed);
            prop_assert!(due == 0 || schedule.arrival_ns(due - 1) <= elapsed);
            prop_assert!(schedule.arrival_ns(due) > elapsed);
        }

        #[test]
        fn paced_readers_share_the_sequence(n in 0u64..3000, readers in 1usize..5, max in 1usize..70, order in any::<u64>()) {
            let origin = Instant::now();
            // Everything is due already.
            let source = Generate::at_rate(n, 1e9, |i, at| (i, at)).origin(origin).starts_at(origin - Duration::from_secs(1));
            let shares = run_all(source, readers, max, order);
            for (j, share) in shares.iter().enumerate() {
                prop_assert!(share.iter().zip(0..).all(|(&(i, at), turn)| i == j as u64 + turn * readers as u64 && at == i));
            }
            prop_assert_eq!(shares.concat().len() as u64, n);
        }
    }

    #[test]
    fn drained_it_has_made_a_prefix() {
        let mut readers = Generate::endless(|i| i).open(3).unwrap();
        let mut out = Gather::own();
        for turn in 0..50 {
            readers[turn % 3].poll(10, &mut out).unwrap();
            readers[0].poll(7, &mut out).unwrap();
        }
        for reader in &mut readers {
            reader.drain();
            while reader.poll(10, &mut out).unwrap() != Polled::End {}
            assert_eq!(reader.poll(10, &mut out).unwrap(), Polled::End);
        }
        let made: BTreeSet<u64> = out.items.iter().copied().collect();
        assert_eq!(made.len(), out.items.len());
        assert_eq!(made, (0..made.len() as u64).collect());
    }

    #[test]
    fn paced_emits_what_is_due_and_says_when_to_come_back() {
        let origin = Instant::now();
        let start = origin + Duration::from_nanos(500);
        let mut reader = Generate::at_rate(10, 1e6, |i, at| (i, at)).origin(origin).starts_at(start).open(1).unwrap().remove(0);
        let at = |ns| move || start + Duration::from_nanos(ns);
        assert_eq!(reader.step(100, || origin), Err(Polled::Idle(Some(start))));
        assert_eq!(reader.step(100, at(0)), Ok((0..1, 500)));
        assert_eq!(reader.step(100, at(999)), Err(Polled::Idle(Some(start + Duration::from_micros(1)))));
        // Late by three records: all of them at once, but never more than asked for.
        assert_eq!(reader.step(2, at(3000)), Ok((1..3, 500)));
        assert_eq!(reader.step(2, at(3000)), Ok((3..4, 500)));
        assert_eq!(reader.step(100, at(1_000_000)), Ok((4..10, 500)));
        assert_eq!(reader.step(100, at(1_000_000)), Err(Polled::End));
    }

    #[test]
    fn paced_does_not_run_ahead_of_the_clock() {
        let mut readers = Generate::at_rate(u64::MAX, 1e5, |_, at| at).open(2).unwrap();
        let origin = readers[0].origin;
        let mut out = Gather::own();
        while out.items.len() < 200 {
            for reader in &mut readers {
                reader.poll(64, &mut out).unwrap();
                let now = origin.elapsed().as_nanos() as u64;
                assert!(out.items.iter().all(|&at| at <= now));
            }
        }
        readers[0].drain();
        assert_eq!(readers[0].poll(64, &mut out).unwrap(), Polled::End);
    }

    #[test]
    fn a_rate_that_cannot_be_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Generate::at_rate(1, rate, |i, _| i).open(1).err().unwrap().to_string();
            assert!(error.contains("records_per_s"), "{error}");
        }
    }
}
