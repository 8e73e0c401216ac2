//! State that gives memory back: a [`Table`] that counts its keys and is rebuilt smaller once most of them are gone.
//!
//! Law: memory stays within a constant factor of what the keys held since the last few watermarks need. A rebuild costs as much as
//! inserting what is left, and comes only after three quarters of the keys have gone.

use crate::state::{Cursor, Key, KeyedState, Partial, Table};

/// Below so many keys a table is never rebuilt: its least size is near this anyway.
const SMALL: usize = 1024;

/// A table with the number of its keys.
#[derive(Clone)]
pub(crate) struct Kept<K, V> {
    pub(crate) table: Table<K, V>,
    /// Keys with a value. Those who write through `table` say so by [`change`](Self::change).
    keys: usize,
    /// The most keys since the last rebuild, as far as [`tidy`](Self::tidy) saw.
    peak: usize,
}

impl<K: Key, V: Partial> Kept<K, V> {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), keys: 0, peak: 0 }
    }

    /// Takes note of values written straight to the table: so many keys got one, and so many lost it.
    #[inline(always)]
    pub(crate) fn change(&mut self, born: usize, gone: usize) {
        self.keys = self.keys + born - gone;
    }

    /// How many keys have a value.
    #[inline(always)]
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// Works on a key's value.
    #[inline(always)]
    pub(crate) fn with<X>(&mut self, key: &K, work: impl FnOnce(&mut V) -> X) -> X {
        let slot = self.table.slot(key);
        let before = !slot.is_empty();
        let result = work(slot);
        let now = !slot.is_empty();
        self.change(usize::from(!before & now), usize::from(before & !now));
        result
    }

    /// Takes a key's value out, if it has one.
    pub(crate) fn take(&mut self, key: &K) -> Option<V> {
        let taken = self.table.take(key);
        self.keys -= usize::from(taken.is_some());
        taken
    }

    /// Shows the values of the next slots, of which there are `places`, to `work`, which may empty them; after the last come the first again.
    pub(crate) fn visit(&mut self, at: &mut usize, slots: usize, mut work: impl FnMut(&mut V)) {
        let mut gone = 0;
        let done = self.table.visit_some(at, slots, |value| {
            work(value);
            gone += usize::from(value.is_empty());
        });
        if done {
            *at = 0;
        }
        self.keys -= gone;
    }

    /// Gives memory back if most keys have gone. Called at watermarks.
    #[inline]
    pub(crate) fn tidy(&mut self) {
        self.peak = self.peak.max(self.keys);
        if self.peak > SMALL && self.keys < self.peak / 4 {
            self.rebuild();
        }
    }

    #[cold]
    #[inline(never)]
    fn rebuild(&mut self) {
        let mut old = std::mem::take(&mut self.table);
        let mut cursor = Cursor::default();
        while !old.take_some(&mut cursor, usize::MAX, |key, value| *self.table.slot(&key) = value) {}
        self.peak = self.keys;
    }

    /// Bytes of memory held, without what keys and values own elsewhere.
    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill_and_empty(key: impl Fn(u64) -> u64) {
        let mut kept = Kept::<u64, Option<u64>>::new();
        for i in 0..100_000 {
            kept.with(&key(i), |value| *value = Some(i));
        }
        kept.tidy();
        let full = kept.memory_bytes();
        for i in 100..100_000 {
            assert_eq!(kept.take(&key(i)), Some(Some(i)));
        }
        assert_eq!(kept.take(&key(100)), None);
        kept.tidy();
        assert_eq!(kept.keys(), 100);
        assert!(kept.memory_bytes() < full / 20, "{} of {full} bytes are left for 100 keys", kept.memory_bytes());
        assert!((0..100).all(|i| kept.table.get(&key(i)) == Some(&Some(i))));
    }

    #[test]
    fn a_walk_shows_every_value_once_and_may_empty_it() {
        fn walk<K: Key>(key: impl Fn(u64) -> K) {
            let mut kept = Kept::<K, Option<u64>>::new();
            (0..5_000).for_each(|i| kept.with(&key(i), |value| *value = Some(i)));
            let (mut at, mut seen, places) = (0, Vec::new(), kept.table.places());
            for _ in 0..places.div_ceil(100) {
                kept.visit(&mut at, 100, |value| {
                    seen.extend(*value);
                    *value = value.filter(|value| value % 3 == 0);
                });
            }
            seen.sort_unstable();
            assert_eq!((at, seen), (0, (0..5_000).collect()));
            assert_eq!(kept.keys(), 5_000usize.div_ceil(3));
            assert!((0..5_000).all(|i| kept.table.get(&key(i)).is_some() == (i % 3 == 0)));
        }
        walk(|i| i);
        walk(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        walk(|i| i.to_string());
    }

    #[test]
    fn memory_comes_back_when_most_keys_have_gone() {
        fill_and_empty(|i| i);
        fill_and_empty(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}
