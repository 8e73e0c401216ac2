//! State of scattered integer keys: open addressing, linear probing, key and accumulator side by side in one array.
//!
//! ```text
//!   entry 0      home of key 0, for ever            home(key) = the high bits of key * odd constant
//!   ┌───┬───┬───┬───┬───┬───┬───┬───┐
//!   │0 V│7 V│0 ·│3 V│9 V│0 ·│5 ·│0 ·│              `0 ·` is free, `5 ·` is claimed but holds no value now
//!   └───┴───┴───┴───┴───┴───┴───┴───┘
//! ```
//!
//! Laws
//! - A free entry has key 0 and an empty accumulator. Key 0 itself hashes to 0, and entry 0 is nobody else's: so no key is lost to the mark,
//!   and a lookup that finds its key has nothing else to test.
//! - Between a key's home and its entry no entry is free, and no entry is ever set free but by rebuilding the array.
//! - At most half of the entries are claimed, so a search ends; at most a third while the array is small, so that most searches end where
//!   they begin, which is what a processor predicts.
//!
//! What lost (10,000 keys, records in random order): choosing the second entry without a branch (the entry's address then waits for the
//! first one's key), keys apart from accumulators, an index into dense accumulators (two misses), folding the product.
//!
//! A value that is taken leaves its key behind: the next window most likely has the same keys, and finds them placed. Keys that hold no
//! value are dropped when the array is rebuilt.

use std::{mem, ops::Range};

use super::Partial;

/// The least number of entries.
const MIN_ENTRIES: usize = 64;
/// One entry in so many may be claimed ...
const LOAD: usize = 2;
/// ... and one in so many of an array up to `SMALL_BYTES`.
const SMALL_LOAD: usize = 3;
/// About what the nearest caches hold together with the records.
const SMALL_BYTES: usize = 2 << 20;
/// An insertion that walks further than this says that the hash does not suit the keys.
const MAX_WALK: usize = 64;
/// The first multiplier: 2^64 divided by the golden ratio.
const FIRST_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key's bits and its accumulator.
#[derive(Clone)]
pub(super) struct Entry<V> {
    pub(super) key: u64,
    pub(super) value: V,
}

impl<V: Partial> Entry<V> {
    fn free() -> Self {
        Self { key: 0, value: V::empty() }
    }
}

/// Says where a key's search begins.
#[derive(Clone, Copy)]
struct Hash {
    /// Odd.
    multiplier: u64,
    /// 64 less the binary logarithm of the number of entries. Kept, because some processors take long to compute it.
    shift: u32,
}

impl Hash {
    #[inline(always)]
    fn home(self, bits: u64) -> usize {
        (bits.wrapping_mul(self.multiplier) >> (self.shift & 63)) as usize
    }
}

/// Where a search ended.
enum Found {
    At(usize),
    Free { at: usize, walked: usize },
}

#[inline(always)]
fn search<V>(entries: &[Entry<V>], bits: u64, hash: Hash) -> Found {
    let mask = entries.len() - 1;
    let home = hash.home(bits);
    let mut at = home;
    loop {
        // The mask tells the compiler that no bounds check is needed.
        at &= mask;
        let key = entries[at].key;
        if key == bits {
            return Found::At(at);
        }
        if key == 0 && at != 0 {
            return Found::Free { at, walked: at.wrapping_sub(home) & mask };
        }
        at += 1;
    }
}

/// The entries of a table in probe mode.
#[derive(Clone)]
pub(super) struct ProbeSlots<V> {
    /// None, or a power of two of them, `MIN_ENTRIES` at least.
    entries: Vec<Entry<V>>,
    hash: Hash,
    /// Entries with a key other than 0. At most what [`limit`](Self::limit) says.
    claimed: usize,
    /// Whether the multiplier was changed for this size of the array already.
    changed: bool,
}

/// A table's entries while its integer keys are scattered.
///
/// Borrowed once for a run of records, so that what a lookup needs stays in registers.
pub struct Probe<'a, V> {
    entries: &'a mut [Entry<V>],
    hash: Hash,
}

impl<V> Probe<'_, V> {
    /// The accumulator of the key with these bits, `None` if the key is not placed yet: take
    /// [`KeyedState::slot`](super::KeyedState::slot) then.
    #[inline(always)]
    pub fn slot(&mut self, bits: u64) -> Option<&mut V> {
        match search(self.entries, bits, self.hash) {
            Found::At(at) => Some(&mut self.entries[at].value),
            Found::Free { .. } => None,
        }
    }
}

impl<V: Partial> ProbeSlots<V> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), hash: Hash { multiplier: FIRST_MULTIPLIER, shift: 0 }, claimed: 0, changed: false }
    }

    #[inline(always)]
    pub(super) fn view(&mut self) -> Probe<'_, V> {
        Probe { entries: &mut self.entries, hash: self.hash }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<V>>()
    }

    /// Entries, free ones among them.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Some entries, as they lie.
    #[inline(always)]
    pub(super) fn some(&self, places: Range<usize>) -> std::slice::Iter<'_, Entry<V>> {
        self.entries.get(places).unwrap_or_default().iter()
    }

    /// Keys that have an entry, whether it holds a value or not.
    pub(super) fn claimed(&self) -> usize {
        self.claimed
    }

    pub(super) fn get(&self, bits: u64) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        match search(&self.entries, bits, self.hash) {
            Found::At(at) => Some(&self.entries[at].value),
            Found::Free { .. } => None,
        }
    }

    /// Values with their keys' bits.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.entries.iter().filter(|entry| !entry.value.is_empty()).map(|entry| (entry.key, &entry.value))
    }

    /// Where the key is, if it is placed or can be without rebuilding the array.
    #[inline]
    pub(super) fn seek(&mut self, bits: u64) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        match search(&self.entries, bits, self.hash) {
            Found::At(at) => Some(at),
            Found::Free { at, walked } => self.place(bits, at, walked),
        }
    }

    /// The accumulator at a place that [`seek`](Self::seek) gave.
    #[inline(always)]
    pub(super) fn at(&mut self, at: usize) -> &mut V {
        &mut self.entries[at].value
    }

    /// Whether another key needs more room, and not just another multiplier.
    pub(super) fn is_full(&self) -> bool {
        self.claimed >= Self::limit(self.entries.len())
    }

    /// How many of so many entries may be claimed.
    fn limit(entries: usize) -> usize {
        if entries * size_of::<Entry<V>>() <= SMALL_BYTES { entries / SMALL_LOAD } else { entries / LOAD }
    }

    #[cold]
    #[inline(never)]
    fn place(&mut self, bits: u64, at: usize, walked: usize) -> Option<usize> {
        if self.is_full() || (walked > MAX_WALK && !self.changed) {
            return None;
        }
        self.entries[at].key = bits;
        self.claimed += 1;
        Some(at)
    }

    /// Rebuilds the array, so that the next [`slot`](Self::slot) of any key succeeds. Drops keys without a value.
    #[cold]
    #[inline(never)]
    pub(super) fn rebuild(&mut self) {
        let held = self.iter().count();
        let full = self.is_full();
        let entries = if full && held * 2 > Self::limit(self.entries.len()) { self.entries.len() * 2 } else { self.entries.len() };
        if entries == self.entries.len() && !full {
            self.hash.multiplier = self.hash.multiplier.rotate_left(23).wrapping_mul(0xd134_2543_de82_ef95) | 1;
            self.changed = true;
        } else if entries > self.entries.len() {
            self.changed = false;
        }
        self.resize(entries);
    }

    /// Makes room for `keys` keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        let mut entries = MIN_ENTRIES;
        while Self::limit(entries) <= keys {
            entries *= 2;
        }
        if entries > self.entries.len() {
            self.resize(entries);
        }
    }

    /// The accumulator of a key for which [`reserve`](Self::reserve) made room.
    pub(super) fn settle(&mut self, bits: u64) -> &mut V {
        let at = match search(&self.entries, bits, self.hash) {
            Found::At(at) => at,
            Found::Free { at, .. } => {
                self.entries[at].key = bits;
                self.claimed += 1;
                at
            }
        };
        &mut self.entries[at].value
    }

    fn resize(&mut self, entries: usize) {
        let entries = entries.max(MIN_ENTRIES);
        let mut fresh = Vec::with_capacity(entries);
        fresh.resize_with(entries, Entry::free);
        let old = mem::replace(&mut self.entries, fresh);
        self.claimed = 0;
        self.hash.shift = u64::BITS - entries.ilog2();
        for entry in old {
            if !entry.value.is_empty() {
                *self.settle(entry.key) = entry.value;
            }
        }
    }

    /// Forgets all keys; no value may be held. Keeps the array.
    pub(super) fn forget(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.key = 0);
        self.claimed = 0;
    }

    /// Takes values out from entry `*at` on, until `max` are taken, `slots` are looked at, or the end. Says whether that was the end.
    pub(super) fn take_some(&mut self, at: &mut usize, max: usize, slots: usize, mut f: impl FnMut(u64, V)) -> bool {
        let end = at.saturating_add(slots).min(self.entries.len());
        let mut left = max;
        while *at < end && left > 0 {
            let entry = &mut self.entries[*at];
            *at += 1;
            if !entry.value.is_empty() {
                let (key, value) = (entry.key, mem::replace(&mut entry.value, V::empty()));
                left -= 1;
                f(key, value);
            }
        }
        *at >= self.entries.len()
    }

    pub(super) fn places(&self) -> usize {
        self.entries.len()
    }

    /// Shows the values from entry `*at` on, of so many entries at most. Says whether that was the end.
    pub(super) fn visit_some(&mut self, at: &mut usize, slots: usize, f: impl FnMut(&mut V)) -> bool {
        let end = at.saturating_add(slots).min(self.entries.len());
        self.entries[(*at).min(end)..end].iter_mut().map(|entry| &mut entry.value).filter(|value| !value.is_empty()).for_each(f);
        *at = end;
        end == self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(slots: &mut ProbeSlots<Option<u64>>, bits: u64, value: u64) {
        let at = loop {
            match slots.seek(bits) {
                Some(at) => break at,
                None => slots.rebuild(),
            }
        };
        *slots.at(at) = Some(value);
    }

    fn walks(slots: &ProbeSlots<Option<u64>>) -> usize {
        let mask = slots.entries.len() - 1;
        let entries = slots.entries.iter().enumerate().filter(|(_, entry)| entry.value.is_some());
        entries.map(|(at, entry)| at.wrapping_sub(slots.hash.home(entry.key)) & mask).sum()
    }

    #[test]
    fn keys_made_to_collide_are_spread_by_another_multiplier() {
        // The inverse of the multiplier, by Newton's method: its multiples hash to 1, 2, 3, …, which all begin at entry 0.
        let inverse =
            (0..6).fold(FIRST_MULTIPLIER, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(FIRST_MULTIPLIER.wrapping_mul(inverse))));
        assert_eq!(inverse.wrapping_mul(FIRST_MULTIPLIER), 1);
        let mut slots = ProbeSlots::new();
        let keys = 10_000;
        (0..keys).for_each(|key| put(&mut slots, inverse.wrapping_mul(key), key));
        assert!((0..keys).all(|key| slots.get(inverse.wrapping_mul(key)) == Some(&Some(key))));
        assert!(walks(&slots) < 10 * keys as usize, "{} steps for {keys} keys", walks(&slots));
    }

    #[test]
    fn common_patterns_are_found_where_they_begin() {
        let patterns: [fn(u64) -> u64; 6] =
            [|key| key, |key| key << 40, |key| key * 1_000, |key| key << 32 | (key % 7), |key| key * key, |key| u64::MAX - key * 4_096];
        for (at, pattern) in patterns.into_iter().enumerate() {
            let mut slots = ProbeSlots::new();
            (0..10_000).for_each(|key| put(&mut slots, pattern(key), key));
            assert!(walks(&slots) < 10_000, "pattern {at}: {} steps for 10,000 keys", walks(&slots));
        }
    }

    #[test]
    fn key_zero_is_a_key() {
        let mut slots = ProbeSlots::new();
        put(&mut slots, 7, 7);
        assert_eq!(slots.get(0), Some(&None));
        put(&mut slots, 0, 1);
        (1..1_000).for_each(|key| put(&mut slots, key << 50, key));
        assert_eq!(slots.get(0), Some(&Some(1)));
        assert_eq!(slots.iter().filter(|(key, _)| *key == 0).count(), 1);
    }

    #[test]
    fn keys_without_a_value_make_room_before_the_array_grows() {
        let mut slots = ProbeSlots::new();
        for window in 0..100_u64 {
            (0..1_000).for_each(|key| put(&mut slots, (window * 1_000 + key) << 30, key));
            assert!(slots.take_some(&mut 0, usize::MAX, usize::MAX, |_, _| {}));
        }
        assert!(slots.entries.len() <= 16 * 1_024, "{} entries for 1,000 keys at a time", slots.entries.len());
    }
}
