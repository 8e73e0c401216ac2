//! A sink that calls a closure with every record.
//!
//! Laws: called on the worker's thread, record after record, in the order of the stream; a clone of the closure for each worker. It
//! should not block: whatever it waits for, its worker waits for.

use std::fmt;

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::Record,
};

/// Calls a closure with every record.
pub struct ForEach<F> {
    call: F,
}

impl<F> ForEach<F> {
    /// Give the type of the closure's argument: `|row: Row| …`.
    pub fn new(call: F) -> Self {
        Self { call }
    }
}

impl<F> fmt::Debug for ForEach<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEach").finish_non_exhaustive()
    }
}

impl<R, F> Sink<R> for ForEach<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>) + Clone + Send + 'static,
{
    type Writer = ForEachWriter<F>;

    fn name(&self) -> &'static str {
        "for_each"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        Ok((0..writers).map(|_| ForEachWriter { call: self.call.clone() }).collect())
    }
}

/// One worker's share of a [`ForEach`].
pub struct ForEachWriter<F> {
    call: F,
}

impl<F> fmt::Debug for ForEachWriter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEachWriter").finish_non_exhaustive()
    }
}

impl<R, F> Operator<R> for ForEachWriter<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>),
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        records.for_each(&mut self.call);
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
    use std::sync::mpsc;

    use super::*;
    use crate::record::{Own, Text};

    #[test]
    fn every_record_in_order() {
        let (tx, rx) = mpsc::channel();
        let mut writers = Sink::<Own<u32>>::open(ForEach::new(move |x: u32| tx.send(x).unwrap()), 2).unwrap();
        Operator::<Own<u32>>::process(&mut writers[0], 0..3);
        Operator::<Own<u32>>::process(&mut writers[1], 3..5);
        drop(writers);
        assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn borrowed_records_reach_it_too() {
        let (tx, rx) = mpsc::channel();
        let mut writer = Sink::<Text>::open(ForEach::new(move |s: &str| tx.send(s.len()).unwrap()), 1).unwrap().remove(0);
        Operator::<Text>::process(&mut writer, ["a", "bc"].into_iter());
        drop(writer);
        assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2]);
    }
}
