//! What the sources' tests share: an operator that gathers records, and a driver that polls readers in a seeded order.

use super::{Polled, Reader, Source};
use crate::{
    error::RunError,
    operator::{Control, Operator, States},
    record::{Own, Record},
};

/// Keeps what it is given, and checks the trait's laws.
pub(crate) struct Gather<R: Record, T> {
    pub(crate) items: Vec<T>,
    /// Records of each call of `process`.
    pub(crate) batches: Vec<usize>,
    keep: fn(R::Of<'_>) -> T,
}

impl<R: Record, T> Gather<R, T> {
    pub(crate) fn new(keep: fn(R::Of<'_>) -> T) -> Self {
        Self { items: Vec::new(), batches: Vec::new(), keep }
    }
}

impl<T: 'static> Gather<Own<T>, T> {
    pub(crate) fn own() -> Self {
        Self::new(|record| record)
    }
}

impl<R: Record, T> Operator<R> for Gather<R, T> {
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let before = self.items.len();
        self.items.extend(records.map(self.keep));
        self.batches.push(self.items.len() - before);
    }

    fn control(&mut self, control: Control) {
        panic!("a reader sent {control:?}: control is the worker's");
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

/// Polls `readers` in an order drawn from `seed` until all have ended; gives what each handed out.
pub(crate) fn run_readers<R: Reader, T>(
    readers: Vec<R>,
    max: usize,
    seed: u64,
    keep: fn(<R::Out as Record>::Of<'_>) -> T,
) -> Result<Vec<Vec<T>>, RunError> {
    let mut running: Vec<(R, Gather<R::Out, T>, bool)> = readers.into_iter().map(|r| (r, Gather::new(keep), false)).collect();
    let mut random = seed | 1;
    while running.iter().any(|(_, _, ended)| !ended) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let turn = (random >> 33) as usize % running.len();
        let (reader, out, ended) = &mut running[turn];
        if *ended {
            continue;
        }
        let calls = out.batches.len();
        match reader.poll(max, out)? {
            Polled::Records(records) => {
                assert_eq!(out.batches.len(), calls + 1, "one call of `process` a poll");
                assert_eq!(out.batches.last(), Some(&records), "a poll reports what it handed out");
                assert!(records <= max);
            }
            Polled::Idle(_) | Polled::Unfed => assert_eq!(out.batches.len(), calls),
            Polled::End => {
                assert_eq!(out.batches.len(), calls);
                *ended = true;
            }
        }
    }
    Ok(running.into_iter().map(|(_, out, _)| out.items).collect())
}

/// Opens `source` for `readers` and runs it to its end.
#[allow(clippy::unwrap_used)]
pub(crate) fn run_all<S, T>(source: S, readers: usize, max: usize, seed: u64) -> Vec<Vec<T>>
where
    S: Source<Out = Own<T>>,
    T: 'static,
{
    run_readers(source.open(readers).unwrap(), max, seed, |record| record).unwrap()
}
