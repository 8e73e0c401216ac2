//! The state of each key: in an array indexed by the key, or in a hash table; and the place in the stream where a time begins.

use super::table::Table;
use crate::workload::replay::{Replay, Replayed};

/// A value for each key.
pub(super) trait States<V> {
    /// The key's value; the default if it is new.
    fn value(&mut self, key: u64) -> &mut V;

    /// Hands every value there is to `each`, and those of some keys that never came too: they have the default.
    fn each(&mut self, each: impl FnMut(u64, &mut V));
}

/// Indexed by the key; `N` is a power of two, so that a mask takes the place of the bounds check.
pub(super) struct Array<V, const N: usize>(Box<[V; N]>);

impl<V: Copy + Default, const N: usize> Array<V, N> {
    pub(super) fn new() -> Self {
        const { assert!(N.is_power_of_two()) }
        let values = vec![V::default(); N].into_boxed_slice();
        Array(values.try_into().ok().expect("it has N values"))
    }
}

impl<V, const N: usize> States<V> for Array<V, N> {
    #[inline(always)]
    fn value(&mut self, key: u64) -> &mut V {
        &mut self.0[key as usize % N]
    }

    fn each(&mut self, mut each: impl FnMut(u64, &mut V)) {
        self.0.iter_mut().zip(0..).for_each(|(value, key)| each(key, value));
    }
}

impl<V: Copy + Default> States<V> for Table<V> {
    #[inline(always)]
    fn value(&mut self, key: u64) -> &mut V {
        Table::value(self, key)
    }

    fn each(&mut self, mut each: impl FnMut(u64, &mut V)) {
        self.iter_mut().for_each(|(key, value)| each(key, value));
    }
}

/// Sum and count.
#[derive(Clone, Copy, Default)]
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

/// The place of the first record whose time is not before `from`; times must be monotone.
pub(super) fn first_at<T: Replayed>(replay: &Replay<T>, from: i64, time: fn(&T) -> i64) -> u64 {
    let (mut low, mut high) = (0, replay.events);
    while low < high {
        let middle = low + (high - low) / 2;
        if time(&replay.get(middle)) < from { low = middle + 1 } else { high = middle }
    }
    low
}
