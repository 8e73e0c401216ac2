//! Keys with dense numbers, for state that more than one structure points at.
//!
//! ```text
//!   key ── table ──▶ number ──▶ entries[number]: key, value        numbers of keys that have gone are given out again
//! ```

use crate::state::{Key, KeyedState, Table};

/// Values by key and by number. A number is valid until its key is released.
#[derive(Clone)]
pub(crate) struct Numbered<K, V> {
    numbers: Table<K, Option<u32>>,
    entries: Vec<Entry<K, V>>,
    free: Vec<u32>,
}

#[derive(Clone)]
pub(crate) struct Entry<K, V> {
    /// None while the number is free.
    pub(crate) key: Option<K>,
    pub(crate) value: V,
}

impl<K: Key, V: Default> Numbered<K, V> {
    pub(crate) fn new() -> Self {
        Self { numbers: Table::new(), entries: Vec::new(), free: Vec::new() }
    }

    /// The key's number; a new one, with a default value, if it has none.
    #[inline]
    pub(crate) fn number(&mut self, key: &K) -> u32 {
        let number = self.numbers.slot(key);
        match *number {
            Some(number) => number,
            None => {
                let fresh = match self.free.pop() {
                    Some(fresh) => fresh,
                    None => {
                        self.entries.push(Entry { key: None, value: V::default() });
                        u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 keys on one machine")
                    }
                };
                *number = Some(fresh);
                self.entries[fresh as usize].key = Some(key.clone());
                fresh
            }
        }
    }

    /// Forgets a key; its number is free then. The value must be as good as a default one again; memory that it holds stays.
    pub(crate) fn release(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        if let Some(key) = entry.key.take() {
            self.numbers.take(&key);
            self.free.push(number);
        }
    }

    /// The value of a number.
    #[inline(always)]
    pub(crate) fn at(&mut self, number: u32) -> &mut V {
        &mut self.entries[number as usize].value
    }

    /// The key and the value of a number that is not free.
    #[inline(always)]
    pub(crate) fn entry(&mut self, number: u32) -> &mut Entry<K, V> {
        &mut self.entries[number as usize]
    }

    /// Keys that have a number.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
