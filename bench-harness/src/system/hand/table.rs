//! The best hash table that we found for tens of thousands of 64-bit keys: linear probing in a sparse array of small entries.
//!
//! ```text
//!   key ─ × odd constant, high bits ─▶ place: key, value side by side; a third taken at most;
//!                                      the next place if another key is here; key 0 marks a free place
//! ```
//!
//! Tried and lost, over 10,000 scattered keys: a dense array of entries behind an index of 16 or 32 bits, keys and values in arrays of their own,
//! entries padded to 32 bytes, buckets of four or eight keys compared together, looking at two places without a branch, and hashbrown with foldhash.
//! Multiplicative hashing alone is enough: the keys come from a workload, not from an adversary.
#![allow(unsafe_code)]

/// Keys with a value each.
pub(super) struct Table<V> {
    /// A power of two of places.
    places: Vec<Place<V>>,
    /// Takes a hash to a place: `64 - log2(places.len())`.
    shift: u32,
    /// Places that are not free.
    taken: usize,
    /// The value of key 0, which marks free places, once there is one.
    zero: Option<V>,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Place<V> {
    key: u64,
    value: V,
}

impl<V: Copy + Default> Table<V> {
    /// A table that holds `keys` keys before it grows.
    pub(super) fn for_keys(keys: usize) -> Table<V> {
        let places = (3 * keys).next_power_of_two().max(16);
        Table { places: vec![Place::default(); places], shift: 64 - places.trailing_zeros(), taken: 0, zero: None }
    }

    /// The value of a key; the default if it is new.
    #[inline(always)]
    pub(super) fn value(&mut self, key: u64) -> &mut V {
        if key == 0 {
            return self.zero.get_or_insert_default();
        }
        let mut at = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        let last = self.places.len() - 1;
        loop {
            debug_assert!(at <= last);
            // SAFETY: the number of places is a power of two, 2^(64 - shift), so that a hash shifted by `shift` is below it, as is `& last`.
            let place = unsafe { self.places.get_unchecked(at) };
            if place.key == key {
                break;
            }
            if place.key == 0 {
                return self.insert(at, key);
            }
            at = (at + 1) & last;
        }
        // SAFETY: as above.
        unsafe { &mut self.places.get_unchecked_mut(at).value }
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, at: usize, key: u64) -> &mut V {
        if 3 * (self.taken + 1) <= self.places.len() {
            self.taken += 1;
            self.places[at].key = key;
            return &mut self.places[at].value;
        }
        let bigger = Table { zero: self.zero, ..Table::for_keys(self.places.len()) };
        for place in std::mem::replace(self, bigger).places {
            if place.key != 0 {
                *self.value(place.key) = place.value;
            }
        }
        self.value(key)
    }

    /// Every key with its value, and where to change it.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut V)> {
        let taken = self.places.iter_mut().filter(|place| place.key != 0).map(|place| (place.key, &mut place.value));
        taken.chain(self.zero.as_mut().map(|value| (0, value)))
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
