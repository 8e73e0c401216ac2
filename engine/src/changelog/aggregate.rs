//! Aggregates per key whose result is a changelog, over rows that only come, and over rows that go again.
//!
//! ```text
//!   rows         lift  into the key's partial ─▶ lower ─▶ Insert or Update of (key, value)
//!   Change<row>  add or take back             ─▶ value ─▶ Insert, Update, or Delete when the key's last row has gone
//! ```
//!
//! Taking back needs an inverse. A count and a sum have one; for a minimum or maximum all values are kept, as a multiset per key.
//!
//! Memory per key: the partial, and a count of its rows; for [`Min`] and [`Max`] the distinct values of the key in a tree, some 24 bytes plus
//! the value each.

use std::{collections::BTreeMap, marker::PhantomData};

use super::Change;
use crate::{
    operator::Aggregate,
    process::{Context, Process},
    record::Own,
    state::{Key, Partial},
};

/// Lifts rows that only come, and emits how the key's value changes.
pub(crate) struct Lowering<A, T>(pub(crate) A, pub(crate) PhantomData<fn(T)>);

impl<K, T, A> Process<K, T> for Lowering<A, T>
where
    K: Key,
    T: Send + 'static,
    A: Aggregate<Own<T>>,
    A::Out: PartialEq,
{
    type State = A::Partial;
    type Out = Change<(K, A::Out)>;

    #[inline]
    fn on_record(&mut self, state: &mut Option<A::Partial>, row: T, cx: &mut Context<'_, K, Self::Out>) {
        let partial = state.get_or_insert_with(A::Partial::empty);
        let before = (!partial.is_empty()).then(|| self.0.lower(partial));
        self.0.lift(partial, &row);
        let after = self.0.lower(partial);
        emit(before, Some(after), cx);
    }
}

/// Emits the change of a key's value, if there is any.
#[inline]
fn emit<K: Key, V: PartialEq>(before: Option<V>, after: Option<V>, cx: &mut Context<'_, K, Change<(K, V)>>) {
    if let Some(change) = Change::between(before, after) {
        let key = cx.key().clone();
        cx.emit(change.map(|value| (key.clone(), value)));
    }
}

/// An aggregate over rows that come and go.
pub trait Retract<T>: Clone + Send + 'static {
    /// What is kept for a key.
    type State: Default + Clone + 'static;
    /// The value of a key.
    type Out: PartialEq + Send + 'static;
    /// Adds a row.
    fn add(&mut self, state: &mut Self::State, row: &T);
    /// Takes a row back that was added.
    fn take_back(&mut self, state: &mut Self::State, row: &T);
    /// The value; never asked for when no row is left.
    fn value(&self, state: &Self::State) -> Self::Out;
}

/// Adds rows and takes them back, and emits how the key's value changes.
pub(crate) struct Retracting<A, T>(pub(crate) A, pub(crate) PhantomData<fn(T)>);

impl<K: Key, T: Send + 'static, A: Retract<T>> Process<K, Change<T>> for Retracting<A, T> {
    type State = (u64, A::State);
    type Out = Change<(K, A::Out)>;

    fn on_record(&mut self, state: &mut Option<Self::State>, change: Change<T>, cx: &mut Context<'_, K, Self::Out>) {
        let aggregate = &mut self.0;
        let before = state.as_ref().map(|(_, kept)| aggregate.value(kept));
        let (rows, kept) = state.get_or_insert_default();
        match &change {
            Change::Insert(row) => {
                aggregate.add(kept, row);
                *rows += 1;
            }
            Change::Update { before, after } => {
                aggregate.take_back(kept, before);
                aggregate.add(kept, after);
            }
            Change::Delete(row) => {
                aggregate.take_back(kept, row);
                match rows.checked_sub(1) {
                    Some(left) => *rows = left,
                    None => cx.fail("a row was deleted that was never inserted: the changelog is not sound"),
                }
            }
        }
        if *rows == 0 {
            *state = None;
        }
        emit(before, state.as_ref().map(|(_, kept)| self.0.value(kept)), cx);
    }
}

/// The number of rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

impl<T> Retract<T> for Count {
    type State = u64;
    type Out = u64;
    fn add(&mut self, state: &mut u64, _: &T) {
        *state += 1;
    }
    fn take_back(&mut self, state: &mut u64, _: &T) {
        *state = state.wrapping_sub(1);
    }
    fn value(&self, state: &u64) -> u64 {
        *state
    }
}

/// The sum of a number taken from each row, exact within 128 bits.
#[derive(Clone, Debug)]
pub struct Sum<F>(F);

impl<F> Sum<F> {
    /// Sums what `number` takes from each row.
    pub fn of<T>(number: F) -> Self
    where
        F: FnMut(&T) -> i64,
    {
        Self(number)
    }
}

impl<T, F: FnMut(&T) -> i64 + Clone + Send + 'static> Retract<T> for Sum<F> {
    type State = i128;
    type Out = i128;
    fn add(&mut self, state: &mut i128, row: &T) {
        *state += i128::from((self.0)(row));
    }
    fn take_back(&mut self, state: &mut i128, row: &T) {
        *state -= i128::from((self.0)(row));
    }
    fn value(&self, state: &i128) -> i128 {
        *state
    }
}

/// The integer mean of a number taken from each row: sum / count, truncated.
#[derive(Clone, Debug)]
pub struct Mean<F>(F);

impl<F> Mean<F> {
    /// The mean of what `number` takes from each row.
    pub fn of<T>(number: F) -> Self
    where
        F: FnMut(&T) -> i64,
    {
        Self(number)
    }
}

impl<T, F: FnMut(&T) -> i64 + Clone + Send + 'static> Retract<T> for Mean<F> {
    type State = (i128, i64);
    type Out = i64;
    fn add(&mut self, (sum, count): &mut (i128, i64), row: &T) {
        *sum += i128::from((self.0)(row));
        *count += 1;
    }
    fn take_back(&mut self, (sum, count): &mut (i128, i64), row: &T) {
        *sum -= i128::from((self.0)(row));
        *count -= 1;
    }
    fn value(&self, (sum, count): &(i128, i64)) -> i64 {
        // A mean of i64 is an i64.
        if *count == 0 { 0 } else { (sum / i128::from(*count)) as i64 }
    }
}

/// The least or the greatest of what a function takes from each row; [`Min`] and [`Max`].
#[derive(Clone, Debug)]
pub struct Extreme<F, const GREATEST: bool>(F);

/// The least of what a function takes from each row.
pub type Min<F> = Extreme<F, false>;
/// The greatest of what a function takes from each row.
pub type Max<F> = Extreme<F, true>;

impl<F, const GREATEST: bool> Extreme<F, GREATEST> {
    /// The extreme of what `value` takes from each row.
    pub fn of<T, V>(value: F) -> Self
    where
        F: FnMut(&T) -> V,
    {
        Self(value)
    }
}

impl<T, V, F, const GREATEST: bool> Retract<T> for Extreme<F, GREATEST>
where
    V: Ord + Clone + Send + 'static,
    F: FnMut(&T) -> V + Clone + Send + 'static,
{
    type State = BTreeMap<V, u64>;
    type Out = Option<V>;
    fn add(&mut self, values: &mut BTreeMap<V, u64>, row: &T) {
        *values.entry((self.0)(row)).or_insert(0) += 1;
    }
    fn take_back(&mut self, values: &mut BTreeMap<V, u64>, row: &T) {
        let value = (self.0)(row);
        if let Some(times) = values.get_mut(&value) {
            *times -= 1;
            if *times == 0 {
                values.remove(&value);
            }
        }
    }
    fn value(&self, values: &BTreeMap<V, u64>) -> Option<V> {
        let extreme = if GREATEST { values.last_key_value() } else { values.first_key_value() };
        extreme.map(|(value, _)| value.clone())
    }
}
