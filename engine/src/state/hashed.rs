//! State of keys that are no integers: a hash table that stores the keys.
//!
//! The table is hashbrown's, hashed by [`Key::hash64`] once more multiplied: an exchange routes by the same hash, so that all keys of one
//! worker share some of its bits, and a table that used them as they are would cluster.
//!
//! As in probe mode, a value that is taken leaves its key behind for the next window.

use std::{mem, ops::Range};

use hashbrown::{HashTable, hash_table::Entry};

use super::{Key, Partial};

/// The entries of a table whose keys are stored.
#[derive(Clone)]
pub(super) struct Hashed<K, V> {
    table: HashTable<(K, V)>,
}

/// Keys of some buckets with their values.
pub(super) struct Buckets<'a, K, V> {
    table: &'a HashTable<(K, V)>,
    buckets: Range<usize>,
}

impl<'a, K, V: Partial> Iterator for Buckets<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<(&'a K, &'a V)> {
        let Self { table, buckets } = self;
        buckets.find_map(|bucket| table.get_bucket(bucket).filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value)))
    }
}

#[inline(always)]
fn hash<K: Key>(key: &K) -> u64 {
    let product = u128::from(key.hash64()) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

impl<K: Key, V: Partial> Hashed<K, V> {
    pub(super) const fn new() -> Self {
        Self { table: HashTable::new() }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.table.allocation_size()
    }

    /// Buckets.
    pub(super) fn len(&self) -> usize {
        self.table.num_buckets()
    }

    /// What some buckets hold.
    pub(super) fn some(&self, buckets: Range<usize>) -> Buckets<'_, K, V> {
        Buckets { table: &self.table, buckets }
    }

    /// Keys that have an entry, whether it holds a value or not.
    pub(super) fn claimed(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.table.find(hash(key), |entry| entry.0 == *key).map(|entry| &entry.1)
    }

    pub(super) fn take(&mut self, key: &K) -> Option<V> {
        self.table.find_entry(hash(key), |entry| entry.0 == *key).ok().map(|entry| entry.remove().0.1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value))
    }

    /// The key's accumulator. Says as well whether entries moved to make room.
    #[inline]
    pub(super) fn slot(&mut self, key: &K) -> (&mut V, bool) {
        let full = self.table.len() == self.table.capacity();
        if full {
            self.make_room();
        }
        let entry = match self.table.entry(hash(key), |entry| entry.0 == *key, |entry| hash(&entry.0)) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(entry) => entry.insert((key.clone(), V::empty())),
        };
        (&mut entry.into_mut().1, full)
    }

    /// Makes room for more keys: drops those without a value, or grows.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self) {
        let full = self.table.capacity();
        self.table.retain(|entry| !entry.1.is_empty());
        // If few went, growing now keeps the next sweep far away.
        if self.table.len() > full / 2 || full == 0 {
            self.table.reserve(self.table.len().max(1), |entry| hash(&entry.0));
        }
    }

    /// Forgets all keys; no value may be held. Keeps the memory.
    pub(super) fn forget(&mut self) {
        self.table.clear();
    }

    /// Takes values out from bucket `*at` on, until `max` are taken, `slots` are looked at, or the end. Says whether that was the end.
    pub(super) fn take_some(&mut self, at: &mut usize, max: usize, slots: usize, mut f: impl FnMut(K, V)) -> bool {
        let buckets = self.table.num_buckets();
        let end = at.saturating_add(slots).min(buckets);
        let mut left = max;
        while *at < end && left > 0 {
            if let Some((key, value)) = self.table.get_bucket_mut(*at)
                && !value.is_empty()
            {
                let taken = mem::replace(value, V::empty());
                let key = key.clone();
                left -= 1;
                *at += 1;
                f(key, taken);
            } else {
                *at += 1;
            }
        }
        *at >= buckets
    }

    pub(super) fn places(&self) -> usize {
        self.table.num_buckets()
    }

    /// Shows the values from bucket `*at` on, of so many buckets at most. Says whether that was the end.
    pub(super) fn visit_some(&mut self, at: &mut usize, slots: usize, mut f: impl FnMut(&mut V)) -> bool {
        let buckets = self.table.num_buckets();
        let end = at.saturating_add(slots).min(buckets);
        for bucket in *at..end {
            if let Some((_, value)) = self.table.get_bucket_mut(bucket)
                && !value.is_empty()
            {
                f(value);
            }
        }
        *at = end;
        end == buckets
    }
}
