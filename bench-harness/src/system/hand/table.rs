//! The best hash table that we found for tens of thousands of 64-bit keys: a sparse index over a dense array.
//!
//! ```text
//!   key ─ × odd constant, high bits ─▶ index: u16 or u32 per place, a quarter full at most ─▶ entries: (key, value), in order of arrival
//!                                      0: nothing here                                        compared once; next place if it differs
//! ```
//!
//! The index is small, so it stays in the cache and most keys are found at the first place; the entries are dense, so closing a window walks
//! no empty slots. Multiplicative hashing alone: the keys come from a workload, not from an adversary.

/// Keys with a value each.
pub(super) struct Table<V> {
    /// Position in `entries` by place; 0 stands for none. Its length is a power of two.
    index: Vec<u32>,
    /// Takes a hash to a place: `64 - log2(index.len())`.
    shift: u32,
    /// The first one is a dummy.
    entries: Vec<(u64, V)>,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl<V: Copy + Default> Table<V> {
    /// A table that holds `keys` keys before it grows.
    pub(super) fn for_keys(keys: usize) -> Table<V> {
        let places = (4 * keys).next_power_of_two().max(16);
        let mut entries = Vec::with_capacity(keys + 1);
        entries.push((0, V::default()));
        Table { index: vec![0; places], shift: 64 - places.trailing_zeros(), entries }
    }

    /// The value of a key; the default if it is new.
    #[inline(always)]
    pub(super) fn value(&mut self, key: u64) -> &mut V {
        let mut place = (key.wrapping_mul(GOLDEN) >> self.shift) as usize;
        loop {
            let position = self.index[place] as usize;
            if self.entries[position].0 == key && position != 0 {
                return &mut self.entries[position].1;
            }
            if position == 0 {
                return self.insert(key);
            }
            place = (place + 1) & (self.index.len() - 1);
        }
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, key: u64) -> &mut V {
        if self.entries.len() * 4 > self.index.len() {
            let places = self.index.len() * 2;
            self.shift -= 1;
            self.index.clear();
            self.index.resize(places, 0);
            for position in 1..self.entries.len() {
                let place = self.free(self.entries[position].0);
                self.index[place] = position as u32;
            }
        }
        let place = self.free(key);
        let position = self.entries.len();
        self.index[place] = u32::try_from(position).expect("memory ends before 2^32 entries do");
        self.entries.push((key, V::default()));
        &mut self.entries[position].1
    }

    /// The first free place of a key that is not in the index.
    fn free(&self, key: u64) -> usize {
        let mut place = (key.wrapping_mul(GOLDEN) >> self.shift) as usize;
        while self.index[place] != 0 {
            place = (place + 1) & (self.index.len() - 1);
        }
        place
    }

    /// Every key with its value, and where to change it.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut V)> {
        self.entries.iter_mut().skip(1).map(|(key, value)| (*key, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_like_a_map(keys in prop::collection::vec(prop_oneof![0u64..50, any::<u64>(), Just(0), Just(u64::MAX)], 0..2_000), sized in 0usize..100) {
            let mut table = Table::<u64>::for_keys(sized);
            let mut map = HashMap::<u64, u64>::new();
            for key in keys {
                *table.value(key) += 1;
                *map.entry(key).or_default() += 1;
            }
            let counts: HashMap<u64, u64> = table.iter_mut().map(|(key, count)| (key, *count)).collect();
            prop_assert_eq!(counts.len(), table.iter_mut().count());
            prop_assert_eq!(counts, map);
        }
    }
}
