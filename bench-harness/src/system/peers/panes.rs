//! A window's state: a value for each key, in an array where keys are small numbers, in a hash table where they are not.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// Aggregates that can be put together.
pub(super) trait Value: Copy + Default + 'static {
    fn is_empty(&self) -> bool;
    fn combine(&mut self, other: Self);
}

/// Sum and count.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) sum: i64,
    pub(super) count: u64,
}

impl Cell {
    #[inline(always)]
    pub(super) fn add(&mut self, sum: i64, count: u64) {
        self.sum = self.sum.wrapping_add(sum);
        self.count += count;
    }
}

impl Value for Cell {
    fn is_empty(&self) -> bool {
        self.count == 0
    }
    #[inline(always)]
    fn combine(&mut self, other: Cell) {
        self.add(other.sum, other.count);
    }
}

/// A count.
impl Value for u64 {
    fn is_empty(&self) -> bool {
        *self == 0
    }
    #[inline(always)]
    fn combine(&mut self, other: u64) {
        *self += other;
    }
}

/// A value for each key.
pub(super) trait Pane: 'static {
    type Value: Value;

    /// The key's value; empty if it is new.
    fn value(&mut self, key: u64) -> &mut Self::Value;

    /// Hands each value that is not empty to `each`, and forgets it.
    fn drain(&mut self, each: impl FnMut(u64, Self::Value));

    /// Adds to the key's value.
    #[inline(always)]
    fn merge(&mut self, key: u64, value: Self::Value) {
        self.value(key).combine(value);
    }
}

/// Indexed by the key, and as long as the keys need: for keys that count from 0.
#[derive(Clone, Default)]
pub(super) struct Dense<V>(Vec<V>);

impl<V: Value> Dense<V> {
    #[cold]
    #[inline(never)]
    fn grow(&mut self, at: usize) {
        self.0.resize((at + 1).next_power_of_two(), V::default());
    }
}

impl<V: Value> Pane for Dense<V> {
    type Value = V;

    #[inline(always)]
    fn value(&mut self, key: u64) -> &mut V {
        let at = key as usize;
        if at >= self.0.len() {
            self.grow(at);
        }
        &mut self.0[at]
    }

    fn drain(&mut self, mut each: impl FnMut(u64, V)) {
        for (value, key) in self.0.iter_mut().zip(0..) {
            if !value.is_empty() {
                each(key, std::mem::take(value));
            }
        }
    }
}

/// hashbrown with foldhash.
#[derive(Clone, Default)]
pub(super) struct Hashed<V>(HashMap<u64, V, FixedState>);

impl<V: Value> Pane for Hashed<V> {
    type Value = V;

    #[inline(always)]
    fn value(&mut self, key: u64) -> &mut V {
        self.0.entry(key).or_default()
    }

    fn drain(&mut self, mut each: impl FnMut(u64, V)) {
        self.0.drain().for_each(|(key, value)| each(key, value));
    }
}
