//! Streams that become changelogs, and streams of changes.

use std::marker::PhantomData;

use super::{Head, TimedKeyedStream, TimedStream};
use crate::{
    changelog::{Change, Lowering, Retract, Retracting},
    exchange::EdgeHead,
    operator::{Aggregate, link::Link},
    process::Keeping,
    record::{Own, Timed},
    state::Key,
};

impl<T, H, L, F, K> TimedKeyedStream<Own<T>, H, L, F, K>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates each key's records, and emits every change of `(key, value)`. Keys stay for ever.
    #[track_caller]
    pub fn changes<A>(
        self,
        aggregate: A,
    ) -> TimedStream<Own<Change<(K, A::Out)>>, EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<Change<(K, A::Out)>>>>>
    where
        A: Aggregate<Own<T>>,
        A::Out: PartialEq,
    {
        self.processed("changes", Keeping::new(), move || Lowering(aggregate.clone(), PhantomData))
    }
}

impl<T, H, L> TimedStream<Own<Change<T>>, H, L>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<Change<T>>>>,
{
    /// Applies a function to the rows of a changelog. An update that it makes of equal rows goes no further.
    #[track_caller]
    pub fn map_rows<U, F>(
        self,
        mut function: F,
    ) -> TimedStream<Own<Change<U>>, H, impl Link<In = L::In, Out = Timed<Own<Change<U>>>> + use<T, H, L, U, F>>
    where
        U: PartialEq + Send + 'static,
        F: FnMut(T) -> U + Clone + Send + 'static,
    {
        self.flat_map(move |change: Change<T>| match change.map(&mut function) {
            Change::Update { before, after } if before == after => None,
            change => Some(change),
        })
    }

    /// Keeps the rows of a changelog that pass a test.
    #[track_caller]
    pub fn filter_rows<F>(
        self,
        mut test: F,
    ) -> TimedStream<Own<Change<T>>, H, impl Link<In = L::In, Out = Timed<Own<Change<T>>>> + use<T, H, L, F>>
    where
        F: FnMut(&T) -> bool + Clone + Send + 'static,
    {
        self.flat_map(move |change: Change<T>| change.filter(&mut test))
    }

    /// Aggregates the rows of a changelog by key, and emits every change of `(key, value)`; a key without rows is deleted.
    ///
    /// Both rows of an update must be brought to the owners of their keys: one whose key changes becomes a delete and an insert there.
    #[track_caller]
    pub fn aggregate_rows<K, F, A>(
        self,
        key: F,
        aggregate: A,
    ) -> TimedStream<
        Own<Change<(K, A::Out)>>,
        EdgeHead<Timed<Own<Change<T>>>>,
        impl Link<In = Timed<Own<Change<T>>>, Out = Timed<Own<Change<(K, A::Out)>>>> + use<T, H, L, K, F, A>,
    >
    where
        K: Key,
        F: FnMut(&T) -> K + Clone + Send + 'static,
        A: Retract<T>,
    {
        self.keyed_rows(key).processed("aggregate_rows", Keeping::new(), move || Retracting(aggregate.clone(), PhantomData))
    }

    /// Gives each row of a changelog a key: an update whose key changes becomes a delete and an insert.
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub(crate) fn keyed_rows<K, F>(
        self,
        key: F,
    ) -> TimedKeyedStream<
        Own<Change<T>>,
        H,
        impl Link<In = L::In, Out = Timed<Own<Change<T>>>> + use<T, H, L, K, F>,
        impl FnMut(&Change<T>) -> K + Clone + Send + 'static + use<T, H, L, K, F>,
        K,
    >
    where
        K: Key,
        F: FnMut(&T) -> K + Clone + Send + 'static,
    {
        let mut of_row = key.clone();
        let apart = self.flat_map(move |change: Change<T>| match change {
            Change::Update { before, after } if of_row(&before) != of_row(&after) => {
                [Some(Change::Delete(before)), Some(Change::Insert(after))].into_iter().flatten()
            }
            change => [Some(change), None].into_iter().flatten(),
        });
        let mut key = key;
        apart.key_by(move |change: &Change<T>| match change {
            Change::Insert(row) | Change::Delete(row) | Change::Update { after: row, .. } => key(row),
        })
    }
}
