//! Sinks that count: the records, and a checksum over them.
//!
//! ```text
//!   process: count and sum in registers ─▶ one store each, to the worker's own line ─▶ Counted, readable at any time
//! ```
//!
//! Laws: a total never counts a record that was not handed to the sink; after the job has ended it counts all that were. Checksums add
//! up with wrapping, so they depend neither on the order of the records nor on which worker saw them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use crossbeam_utils::CachePadded;

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::Record,
    sync::{AtomicU64, Ordering},
};

/// What one writer has seen. Written by it alone.
#[derive(Debug)]
struct Tally {
    records: AtomicU64,
    checksum: AtomicU64,
}

type Tallies = Arc<OnceLock<Box<[CachePadded<Tally>]>>>;

/// Totals of a [`Count`] or [`Checksum`], readable while the job runs and after.
#[derive(Clone, Debug)]
pub struct Counted {
    tallies: Tallies,
}

impl Counted {
    /// Records that arrived so far.
    pub fn records(&self) -> u64 {
        self.sum(|tally| &tally.records)
    }

    /// Wrapping sum of what the checksum's closure gave for them; 0 without one.
    pub fn checksum(&self) -> u64 {
        self.sum(|tally| &tally.checksum)
    }

    fn sum(&self, of: impl Fn(&Tally) -> &AtomicU64) -> u64 {
        let tallies = self.tallies.get().map_or(&[][..], |tallies| tallies);
        // ORDERING: Relaxed: while the job runs this is a sample; after it, joining the workers has ordered their stores before.
        tallies.iter().fold(0, |sum, tally| sum.wrapping_add(of(tally).load(Ordering::Relaxed)))
    }
}

/// The part of a writer that both sinks share.
#[derive(Debug)]
struct Totals {
    tallies: Tallies,
    writer: usize,
    records: u64,
    checksum: u64,
}

impl Totals {
    fn open(tallies: &Tallies, writers: usize) -> Vec<Self> {
        let new = || CachePadded::new(Tally { records: AtomicU64::new(0), checksum: AtomicU64::new(0) });
        tallies.get_or_init(|| (0..writers).map(|_| new()).collect());
        (0..writers).map(|writer| Self { tallies: tallies.clone(), writer, records: 0, checksum: 0 }).collect()
    }

    #[inline]
    fn add(&mut self, records: u64, checksum: u64) {
        self.records += records;
        self.checksum = self.checksum.wrapping_add(checksum);
        if let Some(tally) = self.tallies.get().and_then(|tallies| tallies.get(self.writer)) {
            // ORDERING: Relaxed, see `Counted::sum`.
            tally.records.store(self.records, Ordering::Relaxed);
            tally.checksum.store(self.checksum, Ordering::Relaxed);
        }
    }
}

/// Counts records and forgets them.
#[derive(Debug)]
pub struct Count {
    tallies: Tallies,
}

impl Count {
    /// The sink, and the handle to its total.
    pub fn new() -> (Self, Counted) {
        let tallies = Tallies::default();
        (Self { tallies: tallies.clone() }, Counted { tallies })
    }
}

impl<R: Record> Sink<R> for Count {
    type Writer = CountWriter;

    fn name(&self) -> &'static str {
        "count"
    }

    fn open(self, writers: usize) -> Result<Vec<CountWriter>, BuildError> {
        Ok(Totals::open(&self.tallies, writers).into_iter().map(|totals| CountWriter { totals }).collect())
    }
}

/// One worker's share of a [`Count`].
#[derive(Debug)]
pub struct CountWriter {
    totals: Totals,
}

impl<R: Record> Operator<R> for CountWriter {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let records = records.fold(0, |records, _| records + 1);
        self.totals.add(records, 0);
    }

    fn control(&mut self, _: Control) {}

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

/// Counts records and adds up a 64-bit number of each.
pub struct Checksum<F> {
    tallies: Tallies,
    of: F,
}

impl<F> Checksum<F> {
    /// The sink, and the handle to its totals. `of` is cloned for each worker; give the type of its argument: `|row: Row| …`.
    pub fn new(of: F) -> (Self, Counted) {
        let tallies = Tallies::default();
        (Self { tallies: tallies.clone(), of }, Counted { tallies })
    }
}

impl<F> fmt::Debug for Checksum<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksum").finish_non_exhaustive()
    }
}

impl<R, F> Sink<R> for Checksum<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>) -> u64 + Clone + Send + 'static,
{
    type Writer = ChecksumWriter<F>;

    fn name(&self) -> &'static str {
        "checksum"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        Ok(Totals::open(&self.tallies, writers).into_iter().map(|totals| ChecksumWriter { totals, of: self.of.clone() }).collect())
    }
}

/// One worker's share of a [`Checksum`].
pub struct ChecksumWriter<F> {
    totals: Totals,
    of: F,
}

impl<F> fmt::Debug for ChecksumWriter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChecksumWriter").field("totals", &self.totals).finish_non_exhaustive()
    }
}

impl<R, F> Operator<R> for ChecksumWriter<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>) -> u64,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let of = &mut self.of;
        // `fold`, so that both sums stay in registers.
        let (records, checksum) = records.fold((0, 0u64), |(records, checksum), record| (records + 1, checksum.wrapping_add(of(record))));
        self.totals.add(records, checksum);
    }

    fn control(&mut self, _: Control) {}

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::{Own, Text};

    #[test]
    fn totals_add_up_over_writers_and_can_be_read_in_between() {
        let (sink, counted) = Checksum::new(|x: u64| x.wrapping_mul(u64::MAX / 3));
        assert_eq!((counted.records(), counted.checksum()), (0, 0));
        let mut writers = Sink::<Own<u64>>::open(sink, 3).unwrap();
        let mut expected = 0u64;
        for i in 0..300u64 {
            Operator::<Own<u64>>::process(&mut writers[i as usize % 3], std::iter::once(i));
            expected = expected.wrapping_add(i.wrapping_mul(u64::MAX / 3));
            assert_eq!((counted.records(), counted.checksum()), (i + 1, expected));
        }
        drop(writers);
        assert_eq!(counted.records(), 300);
    }

    #[test]
    fn borrowed_records_count() {
        let (sink, counted) = Count::new();
        let mut writer = Sink::<Text>::open(sink, 1).unwrap().remove(0);
        Operator::<Text>::process(&mut writer, "a b c".split(' '));
        assert_eq!((counted.records(), counted.checksum()), (3, 0));
        let (sink, counted) = Checksum::new(|line: &str| line.len() as u64);
        let mut writer = Sink::<Text>::open(sink, 1).unwrap().remove(0);
        Operator::<Text>::process(&mut writer, "a bb c".split(' '));
        assert_eq!(counted.checksum(), 4);
    }
}
