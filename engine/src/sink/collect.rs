//! Sinks that keep a result on each worker and hand it over at the end: all the records, or a fold over them.
//!
//! ```text
//!   worker 0: [r r r …] ─┐ at End, or when the job is stopped: one lock
//!   worker 1: [r r r …] ─┴─▶ slot 0, slot 1 ─▶ take(), after the job has ended
//! ```
//!
//! Law: nothing is shared while records arrive; each writer hands over exactly once.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::{Movable, Record},
};

/// Results that the writers have handed over, in the order of the workers.
pub(super) type Slots<A> = Arc<Mutex<Vec<Option<A>>>>;

pub(super) fn lock<A>(slots: &Mutex<Vec<Option<A>>>) -> MutexGuard<'_, Vec<Option<A>>> {
    // Nothing panics under this lock, and if it did, the slots would still be whole.
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One writer's result, handed over once: at the end, or when the writer is dropped.
pub(super) struct Part<A> {
    slots: Slots<A>,
    writer: usize,
    pub(super) kept: Option<A>,
}

impl<A> Part<A> {
    pub(super) fn open(slots: Slots<A>, writers: usize, mut new: impl FnMut() -> A) -> Vec<Self> {
        lock(&slots).resize_with(writers, || None);
        (0..writers).map(|writer| Self { slots: slots.clone(), writer, kept: Some(new()) }).collect()
    }

    pub(super) fn hand_over(&mut self) {
        if let Some(kept) = self.kept.take()
            && let Some(slot) = lock(&self.slots).get_mut(self.writer)
        {
            *slot = Some(kept);
        }
    }
}

impl<A> Drop for Part<A> {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Keeps all records in memory.
pub struct Collect<T> {
    slots: Slots<Vec<T>>,
}

/// The records of a [`Collect`].
pub struct Collected<T> {
    slots: Slots<Vec<T>>,
}

impl<T> Collect<T> {
    /// The sink, and the handle to its records.
    pub fn new() -> (Self, Collected<T>) {
        let slots = Slots::default();
        (Self { slots: slots.clone() }, Collected { slots })
    }
}

impl<T> Collected<T> {
    /// The records of all workers, worker after worker, each in its order; what was taken is gone. Complete once the job has ended, empty
    /// before.
    pub fn take(&self) -> Vec<T> {
        lock(&self.slots).iter_mut().filter_map(Option::take).flatten().collect()
    }
}

impl<T> fmt::Debug for Collect<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Collected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected").finish_non_exhaustive()
    }
}

impl<R: Movable> Sink<R> for Collect<R::Item> {
    type Writer = CollectWriter<R>;

    fn name(&self) -> &'static str {
        "collect"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        let parts = Part::open(self.slots, writers, Vec::new);
        Ok(parts.into_iter().map(|part| CollectWriter { part, records: PhantomData }).collect())
    }
}

/// One worker's share of a [`Collect`].
pub struct CollectWriter<R: Movable> {
    part: Part<Vec<R::Item>>,
    records: PhantomData<fn() -> R>,
}

impl<R: Movable> fmt::Debug for CollectWriter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectWriter").finish_non_exhaustive()
    }
}

impl<R: Movable> Operator<R> for CollectWriter<R> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        if let Some(kept) = &mut self.part.kept {
            kept.extend(records.map(R::into_item));
        }
    }

    fn control(&mut self, control: Control) {
        if control == Control::End {
            self.part.hand_over();
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}

/// Folds the records of each worker into an accumulator of its own.
pub struct Fold<A, F> {
    slots: Slots<A>,
    init: A,
    step: F,
}

/// The accumulators of a [`Fold`].
pub struct Folded<A> {
    slots: Slots<A>,
}

impl<A, F> Fold<A, F> {
    /// The sink, and the handle to its accumulators. Each worker starts from a clone of `init`; give the types of the closure's arguments:
    /// `|sum: &mut u64, row: Row| …`.
    pub fn new(init: A, step: F) -> (Self, Folded<A>) {
        let slots = Slots::default();
        (Self { slots: slots.clone(), init, step }, Folded { slots })
    }
}

impl<A> Folded<A> {
    /// The workers' accumulators merged into one; nothing if the job has not ended, or they were taken before.
    pub fn merge(&self, merge: impl FnMut(A, A) -> A) -> Option<A> {
        self.take().into_iter().reduce(merge)
    }

    /// The accumulators, one a worker; what was taken is gone.
    pub fn take(&self) -> Vec<A> {
        lock(&self.slots).iter_mut().filter_map(Option::take).collect()
    }
}

impl<A, F> fmt::Debug for Fold<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for Folded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folded").finish_non_exhaustive()
    }
}

impl<R, A, F> Sink<R> for Fold<A, F>
where
    R: Record,
    A: Clone + Send + 'static,
    F: for<'a> FnMut(&mut A, R::Of<'a>) + Clone + Send + 'static,
{
    type Writer = FoldWriter<A, F>;

    fn name(&self) -> &'static str {
        "fold"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        let parts = Part::open(self.slots, writers, || self.init.clone());
        Ok(parts.into_iter().map(|part| FoldWriter { part, step: self.step.clone() }).collect())
    }
}

/// One worker's share of a [`Fold`].
pub struct FoldWriter<A, F> {
    part: Part<A>,
    step: F,
}

impl<A, F> fmt::Debug for FoldWriter<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldWriter").finish_non_exhaustive()
    }
}

impl<R, A, F> Operator<R> for FoldWriter<A, F>
where
    R: Record,
    F: for<'a> FnMut(&mut A, R::Of<'a>),
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        // Taken out for the batch, so that the compiler may keep it in registers: it then even vectorises a sum behind a filter.
        if let Some(mut kept) = self.part.kept.take() {
            let step = &mut self.step;
            records.for_each(|record| step(&mut kept, record));
            self.part.kept = Some(kept);
        }
    }

    fn control(&mut self, control: Control) {
        if control == Control::End {
            self.part.hand_over();
        }
    }

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
    fn records_are_handed_over_at_the_end_or_when_stopped() {
        let (sink, collected) = Collect::new();
        let mut writers = Sink::<Own<String>>::open(sink, 2).unwrap();
        writers[1].process(["c".to_owned(), "d".to_owned()].into_iter());
        writers[0].process(["a".to_owned()].into_iter());
        writers[0].process(["b".to_owned()].into_iter());
        assert!(collected.take().is_empty());
        writers[0].control(Control::Watermark(1));
        assert!(collected.take().is_empty());
        writers[0].control(Control::End);
        // Worker 1 is stopped.
        drop(writers);
        assert_eq!(collected.take(), ["a", "b", "c", "d"]);
        assert!(collected.take().is_empty());
    }

    #[test]
    fn folds_merge() {
        let (sink, folded) = Fold::new(0, |sum: &mut usize, line: &str| *sum += line.len());
        let mut writers = Sink::<Text>::open(sink, 3).unwrap();
        for (i, writer) in writers.iter_mut().enumerate() {
            Operator::<Text>::process(writer, ["x", "yz"].into_iter().take(i));
            Operator::<Text>::control(writer, Control::End);
        }
        assert_eq!(folded.merge(|a, b| a + b), Some(4));
        assert_eq!(folded.merge(|a, b| a + b), None);
    }

    #[test]
    fn a_panic_in_the_closure_loses_its_worker_s_result_and_no_other() {
        let (sink, folded) = Fold::new(0u32, |sum: &mut u32, x: u32| *sum = sum.checked_add(x).expect("small"));
        let mut writers = Sink::<Own<u32>>::open(sink, 2).unwrap();
        Operator::<Own<u32>>::process(&mut writers[0], [1, 2].into_iter());
        let mut other = writers.pop().unwrap();
        std::thread::spawn(move || Operator::<Own<u32>>::process(&mut other, [u32::MAX, 1].into_iter())).join().unwrap_err();
        drop(writers);
        assert_eq!(folded.take(), [3]);
    }
}
