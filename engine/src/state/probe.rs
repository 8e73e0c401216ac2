//! State of scattered integer keys: open addressing, linear probing, key and accumulator side by side in one array.
//!
//! ```text
//!   entry 0      home of key 0, for ever            home(key) = fold(key * odd constant) & mask
//!   ┌───┬───┬───┬───┬───┬───┬───┬───┐
//!   │0 V│7 V│0 ·│3 V│9 V│0 ·│5 ·│0 ·│              `0 ·` is free, `5 ·` is claimed but holds no value now
//!   └───┴───┴───┴───┴───┴───┴───┴───┘
//! ```
//!
//! Laws
//! - A free entry has key 0 and an empty accumulator. Key 0 itself hashes to 0, and entry 0 is nobody else's: so no key is lost to the mark,
//!   and a lookup that finds its key has nothing else to test.
//! - Between a key's home and its entry no entry is free, and no entry is ever set free but by rebuilding the array.
//! - At most `1 / LOAD` of the entries are claimed, so a search ends.
//!
//! A value that is taken leaves its key behind: the next window most likely has the same keys, and finds them placed. Keys that hold no
//! value are dropped when the array is rebuilt.

use std::mem;

use super::{Partial, prefetch::prefetch};

/// The least number of entries.
const MIN_ENTRIES: usize = 64;
/// One entry in so many may be claimed.
const LOAD: usize = 2;
/// An insertion that walks further than this says that the hash does not suit the keys.
const MAX_WALK: usize = 64;
/// Lookups that [`ProbeSlots::for_batch`] has under way at once.
const GROUP: usize = 16;
/// The first multiplier: 2^64 divided by the golden ratio.
const FIRST_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key's bits and its accumulator.
pub(super) struct Entry<V> {
    key: u64,
    value: V,
}

impl<V: Partial> Entry<V> {
    fn free() -> Self {
        Self { key: 0, value: V::empty() }
    }
}

/// Where a key's search begins. `entries` is a power of two, or 0.
#[inline(always)]
fn home(bits: u64, multiplier: u64, entries: usize) -> usize {
    let product = u128::from(bits) * u128::from(multiplier);
    ((product >> 64) as u64 ^ product as u64) as usize & entries.wrapping_sub(1)
}

/// The entry that holds the key, if it is at its home or beside it, which nearly all are.
///
/// The first comparison moves the index and not the program counter: whether a key is at home cannot be predicted, whether it is at one of
/// two places can.
#[inline(always)]
fn near<V>(entries: &[Entry<V>], bits: u64, multiplier: u64) -> Option<usize> {
    let mask = entries.len().wrapping_sub(1);
    let at = home(bits, multiplier, entries.len());
    let at = (at + usize::from(entries.get(at)?.key != bits)) & mask;
    (entries[at].key == bits).then_some(at)
}

/// Where a search ended.
enum Found {
    At(usize),
    Free { at: usize, walked: usize },
}

fn search<V>(entries: &[Entry<V>], bits: u64, multiplier: u64) -> Found {
    let mut at = home(bits, multiplier, entries.len());
    for walked in 0..entries.len() {
        let key = entries[at].key;
        if key == bits {
            return Found::At(at);
        }
        if key == 0 && at != 0 {
            return Found::Free { at, walked };
        }
        at = (at + 1) & (entries.len() - 1);
    }
    unreachable!("half of the entries are free")
}

/// The entries of a table in probe mode.
pub(super) struct ProbeSlots<V> {
    /// Empty, or a power of two of them.
    entries: Vec<Entry<V>>,
    /// Odd.
    multiplier: u64,
    /// Entries with a key other than 0. At most `entries.len() / LOAD`.
    claimed: usize,
    /// Whether the multiplier was changed for this size of the array already.
    changed: bool,
}

/// A table's entries while its integer keys are scattered.
///
/// Borrowed once for a run of records, so that what a lookup needs stays in registers.
pub struct Probe<'a, V> {
    entries: &'a mut [Entry<V>],
    multiplier: u64,
}

impl<V> Probe<'_, V> {
    /// The accumulator of the key with these bits, `None` if the key is not placed yet: take
    /// [`KeyedState::slot`](super::KeyedState::slot) then.
    #[inline(always)]
    pub fn slot(&mut self, bits: u64) -> Option<&mut V> {
        match near(self.entries, bits, self.multiplier) {
            Some(at) => Some(&mut self.entries[at].value),
            None => self.far(bits),
        }
    }

    #[cold]
    #[inline(never)]
    fn far(&mut self, bits: u64) -> Option<&mut V> {
        match search(self.entries, bits, self.multiplier) {
            Found::At(at) => Some(&mut self.entries[at].value),
            Found::Free { .. } => None,
        }
    }
}

impl<V: Partial> ProbeSlots<V> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), multiplier: FIRST_MULTIPLIER, claimed: 0, changed: false }
    }

    #[inline(always)]
    pub(super) fn view(&mut self) -> Probe<'_, V> {
        Probe { entries: &mut self.entries, multiplier: self.multiplier }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<V>>()
    }

    /// Keys that have an entry, whether it holds a value or not.
    pub(super) fn claimed(&self) -> usize {
        self.claimed
    }

    pub(super) fn get(&self, bits: u64) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        match search(&self.entries, bits, self.multiplier) {
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
        near(&self.entries, bits, self.multiplier).or_else(|| self.place(bits))
    }

    /// The accumulator at a place that [`seek`](Self::seek) gave.
    #[inline(always)]
    pub(super) fn at(&mut self, at: usize) -> &mut V {
        &mut self.entries[at].value
    }

    /// Whether another key needs more room, and not just another multiplier.
    pub(super) fn is_full(&self) -> bool {
        self.claimed >= self.entries.len() / LOAD
    }

    #[cold]
    #[inline(never)]
    fn place(&mut self, bits: u64) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        match search(&self.entries, bits, self.multiplier) {
            Found::At(at) => Some(at),
            Found::Free { walked, .. } if self.is_full() || (walked > MAX_WALK && !self.changed) => None,
            Found::Free { at, .. } => {
                self.entries[at].key = bits;
                self.claimed += 1;
                Some(at)
            }
        }
    }

    /// Rebuilds the array, so that the next [`slot`](Self::slot) of any key succeeds. Drops keys without a value.
    #[cold]
    #[inline(never)]
    pub(super) fn rebuild(&mut self) {
        let held = self.iter().count();
        let full = self.is_full();
        let entries = if held * LOAD * 2 > self.entries.len() && full { self.entries.len() * 2 } else { self.entries.len() };
        if entries == self.entries.len() && !full {
            self.multiplier = self.multiplier.rotate_left(23).wrapping_mul(0xd134_2543_de82_ef95) | 1;
            self.changed = true;
        } else if entries > self.entries.len() {
            self.changed = false;
        }
        self.resize(entries);
    }

    /// Makes room for `keys` keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        let entries = (keys * LOAD).next_power_of_two().max(MIN_ENTRIES);
        if entries > self.entries.len() {
            self.resize(entries);
        }
    }

    /// The accumulator of a key for which [`reserve`](Self::reserve) made room.
    pub(super) fn settle(&mut self, bits: u64) -> &mut V {
        let at = match search(&self.entries, bits, self.multiplier) {
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

    /// Calls `f` with the place of each key in `keys` and its accumulator, as long as no rebuilding is needed; returns how far it came.
    pub(super) fn for_batch<K>(&mut self, keys: &[K], bits: impl Fn(&K) -> u64, mut f: impl FnMut(usize, &mut V)) -> usize {
        let mut done = 0;
        for group in keys.chunks(GROUP) {
            for key in group {
                if let Some(entry) = self.entries.get(home(bits(key), self.multiplier, self.entries.len())) {
                    prefetch(entry);
                }
            }
            for key in group {
                let Some(at) = self.seek(bits(key)) else { return done };
                f(done, &mut self.entries[at].value);
                done += 1;
            }
        }
        done
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
}
