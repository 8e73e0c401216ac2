//! A sink that applies changes to a table and keeps the final one.

use std::{collections::HashMap, fmt, hash::Hash, marker::PhantomData, sync::Arc, sync::Mutex, sync::PoisonError};

use super::Change;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::{Own, Record},
    sink::Sink,
};

/// What a writer hands over: its table, and how many changes made it.
type Part<K, T> = (HashMap<K, T>, u64);
type Parts<K, T> = Arc<Mutex<Vec<Part<K, T>>>>;

/// Applies changes to a table by key, such as the columns that an upsert goes by.
///
/// Each key has one row at a time: a changelog keyed by something else than what tells its rows apart loses rows here.
pub struct Materialise<K, T, F> {
    key: F,
    parts: Parts<K, T>,
}

/// The table of a [`Materialise`].
pub struct Materialised<K, T> {
    parts: Parts<K, T>,
}

impl<K, T, F> Materialise<K, T, F>
where
    K: Eq + Hash + Send + 'static,
    T: Send + 'static,
    F: FnMut(&T) -> K + Clone + Send + 'static,
{
    /// The sink, and the handle to its table; `key` tells rows apart.
    pub fn by(key: F) -> (Self, Materialised<K, T>) {
        let parts = Parts::default();
        (Self { key, parts: parts.clone() }, Materialised { parts })
    }
}

impl<K: Eq + Hash, T> Materialised<K, T> {
    /// The final table, once; complete when the job has ended, empty before.
    pub fn take(&self) -> HashMap<K, T> {
        self.take_counted().0
    }

    /// As [`take`](Self::take), and how many changes have led to it.
    pub fn take_counted(&self) -> (HashMap<K, T>, u64) {
        let parts = std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner));
        parts.into_iter().fold((HashMap::new(), 0), |(mut all, changes), (part, its)| {
            all.extend(part);
            (all, changes + its)
        })
    }
}

impl<K, T, F> fmt::Debug for Materialise<K, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materialise").finish_non_exhaustive()
    }
}

impl<K, T> fmt::Debug for Materialised<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materialised").finish_non_exhaustive()
    }
}

impl<K, T, F> Sink<Own<Change<T>>> for Materialise<K, T, F>
where
    K: Eq + Hash + Send + 'static,
    T: Send + 'static,
    F: FnMut(&T) -> K + Clone + Send + 'static,
{
    type Writer = MaterialiseWriter<K, T, F>;

    fn name(&self) -> &'static str {
        "materialise"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        let writer =
            || MaterialiseWriter { key: self.key.clone(), parts: self.parts.clone(), table: HashMap::new(), changes: 0, of: PhantomData };
        Ok((0..writers).map(|_| writer()).collect())
    }
}

/// One worker's share of a [`Materialise`].
pub struct MaterialiseWriter<K, T, F> {
    key: F,
    parts: Parts<K, T>,
    table: HashMap<K, T>,
    changes: u64,
    of: PhantomData<fn(T)>,
}

impl<K, T, F> fmt::Debug for MaterialiseWriter<K, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaterialiseWriter").finish_non_exhaustive()
    }
}

impl<K, T, F> Operator<Own<Change<T>>> for MaterialiseWriter<K, T, F>
where
    K: Eq + Hash + 'static,
    T: 'static,
    F: FnMut(&T) -> K,
{
    fn process<'a, I>(&mut self, changes: I)
    where
        I: Iterator<Item = <Own<Change<T>> as Record>::Of<'a>>,
    {
        for change in changes {
            self.changes += 1;
            match change {
                Change::Insert(row) => _ = self.table.insert((self.key)(&row), row),
                Change::Delete(row) => _ = self.table.remove(&(self.key)(&row)),
                Change::Update { before, after } => {
                    let (old, new) = ((self.key)(&before), (self.key)(&after));
                    if old != new {
                        self.table.remove(&old);
                    }
                    self.table.insert(new, after);
                }
            }
        }
    }

    fn control(&mut self, control: Control) {
        if control == Control::End {
            let part = (std::mem::take(&mut self.table), self.changes);
            self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}
