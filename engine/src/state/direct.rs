//! State indexed by the key itself: one array, no hash, no stored keys.
//!
//! ```text
//!   key bits:   base                 base + len
//!                │  slots[bits - base]  │
//!                ▼                      ▼
//!   ─────────────[ · · V · V V V V · V · ]────────────────▶ bits
//!                    ▲               ▲
//!                    least           greatest key with a value
//! ```
//!
//! Laws
//! - `slots.len()` is a power of two, or zero before the first key; `base + len - 1` does not overflow.
//! - A slot is free when its accumulator is empty. There is no other mark, so that writing a record touches one place only.
//! - The array follows the keys: it grows geometrically and may move, as long as they stay dense ([`fits`]).
//!
//! Cost of growth: a sweep over the slots. After each, the range of keys must grow by a constant factor before the next, so a pattern
//! of keys cannot make it more than linear in all.

use std::{mem, ops::Range};

use super::{Key, Partial, table::Seen};

/// The least number of slots.
const MIN_SLOTS: u64 = 64;
/// A range that needs no more bytes than this is always fine, however few keys are in it: it stays near the level 2 cache.
const SMALL_BYTES: u64 = 1 << 20;
/// A range this many times larger than the number of keys is fine ...
const SPARSE: u64 = 8;
/// ... up to this many bytes.
const SPARSE_BYTES: u64 = 32 << 20;
/// A range this many times larger than the number of keys needs no more memory than hashing would; always fine.
const COMPACT: u64 = 2;

/// Whether slots of `slot_bytes` for `keys` keys between `least` and `greatest` need no more memory than hashing, or little.
pub(super) fn is_compact(least: u64, greatest: u64, keys: u64, slot_bytes: usize) -> bool {
    let range = (greatest - least).saturating_add(1);
    range.saturating_mul(slot_bytes.max(1) as u64) <= SMALL_BYTES || range <= keys.saturating_mul(COMPACT) || range <= MIN_SLOTS
}

/// Whether `keys` keys between `least` and `greatest` are dense enough for slots of `slot_bytes`.
pub(super) fn fits(least: u64, greatest: u64, keys: u64, slot_bytes: usize) -> bool {
    let range = (greatest - least).saturating_add(1);
    is_compact(least, greatest, keys, slot_bytes)
        || (range <= keys.saturating_mul(SPARSE) && range.saturating_mul(slot_bytes as u64) <= SPARSE_BYTES)
}

/// Where slots for the keys `least..=greatest` go: base and number of slots. Leaves room to grow on the sides where keys can come.
fn place(least: u64, greatest: u64) -> (u64, usize) {
    let range = (greatest - least).saturating_add(1).max(MIN_SLOTS);
    let size = range.checked_next_power_of_two().expect("a range that fits is far below 2^63");
    if greatest < 2 * size {
        // Near zero, where most keys live, there is nothing to the left.
        return (0, (greatest + 1).max(MIN_SLOTS).next_power_of_two() as usize);
    }
    let size = 2 * size;
    let base = least.saturating_sub((size - (greatest - least)) / 2).min(u64::MAX - (size - 1));
    (base, size as usize)
}

/// Refusal to make room for a key: the keys are not dense.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Sparse;

/// The slots of a table in direct mode.
#[derive(Clone)]
pub(super) struct DirectSlots<V> {
    /// Minus the base: see [`Direct`].
    offset: u64,
    slots: Vec<V>,
}

/// A table's slots while its keys are dense: index them by `key.bits() - base`.
///
/// Borrowed once for a run of records, so that base and slots stay in registers.
pub struct Direct<'a, V> {
    /// Minus the base. A processor adds into another register in one instruction, while to subtract it has to copy first; and a loop that may
    /// yet hand the key on needs both.
    offset: u64,
    slots: &'a mut [V],
}

impl<V> Direct<'_, V> {
    /// No slots: every key is outside.
    pub(crate) fn none() -> Self {
        Self { offset: 0, slots: &mut [] }
    }

    /// The same slots where a key's raw value is its index, so that the compiler leaves out the addition; `None` if they begin elsewhere.
    #[inline(always)]
    pub(crate) fn plain<K: Key>(&mut self) -> Option<Direct<'_, V>> {
        let offset = const { K::ORIGIN.wrapping_neg() };
        (self.offset == offset).then_some(Direct { offset, slots: self.slots })
    }

    /// The accumulator of the key with these bits, `None` if the key is outside: take [`KeyedState::slot`](super::KeyedState::slot) then.
    ///
    /// Cost: a subtraction and one bounds check.
    #[inline(always)]
    pub fn slot(&mut self, bits: u64) -> Option<&mut V> {
        self.at(bits.wrapping_add(self.offset))
    }

    /// As [`slot`](Self::slot), without computing the bits first.
    #[inline(always)]
    pub(crate) fn slot_of<K: Key>(&mut self, key: &K) -> Option<&mut V> {
        // The same for all keys of a run.
        let offset = self.offset.wrapping_add(K::ORIGIN);
        self.at(key.raw().wrapping_add(offset))
    }

    #[inline(always)]
    fn at(&mut self, index: u64) -> Option<&mut V> {
        // On targets of 32 bits the index is cut off, so the test is made in 64.
        if usize::BITS < u64::BITS && index >= self.slots.len() as u64 {
            return None;
        }
        self.slots.get_mut(index as usize)
    }

    /// Bits of the first slot's key.
    pub fn base(&self) -> u64 {
        self.offset.wrapping_neg()
    }

    /// The slots, that of `base` first.
    pub fn slots(&mut self) -> &mut [V] {
        self.slots
    }
}

impl<V: Partial> DirectSlots<V> {
    pub(super) const fn new() -> Self {
        Self { offset: 0, slots: Vec::new() }
    }

    /// Bits of the first slot's key.
    fn base(&self) -> u64 {
        self.offset.wrapping_neg()
    }

    #[inline(always)]
    pub(super) fn view(&mut self) -> Direct<'_, V> {
        Direct { offset: self.offset, slots: &mut self.slots }
    }

    #[inline(always)]
    pub(super) fn get(&self, bits: u64) -> Option<&V> {
        let index = bits.wrapping_add(self.offset);
        if index < self.slots.len() as u64 { Some(&self.slots[index as usize]) } else { None }
    }

    /// The accumulator of a key that is inside.
    #[inline(always)]
    pub(super) fn at(&mut self, bits: u64) -> &mut V {
        &mut self.slots[bits.wrapping_add(self.offset) as usize]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<V>()
    }

    /// The slots of keys with bits in `least..=greatest`.
    pub(super) fn places_between(&self, least: u64, greatest: u64) -> Range<usize> {
        let len = self.slots.len() as u64;
        let from = least.saturating_sub(self.base()).min(len);
        let to = greatest.saturating_sub(self.base()).saturating_add(1).min(len);
        from as usize..to.max(from) as usize
    }

    /// Some slots, and the bits of the first one's key.
    #[inline(always)]
    pub(super) fn some(&self, places: Range<usize>) -> (u64, std::slice::Iter<'_, V>) {
        (self.base().wrapping_add(places.start as u64), self.slots.get(places).unwrap_or_default().iter())
    }

    /// Values with their keys' bits, in the order of the keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        let base = self.base();
        self.slots.iter().enumerate().filter(|(_, value)| !value.is_empty()).map(move |(at, value)| (base + at as u64, value))
    }

    /// Makes room for a key outside, in a table where about `expected` keys will come.
    #[cold]
    #[inline(never)]
    pub(super) fn reach(&mut self, bits: u64, expected: u64) -> Result<(), Sparse> {
        let mut seen = Seen::NONE;
        self.iter().for_each(|(key, _)| seen.note(key));
        if seen.keys == 0 && self.slots.len() as u64 >= MIN_SLOTS {
            // A new window whose keys have moved on: keep the slots, centre them on the newcomer.
            let len = self.slots.len() as u64;
            let base = if bits < len { 0 } else { (bits - len / 2).min(u64::MAX - (len - 1)) };
            self.offset = base.wrapping_neg();
            return Ok(());
        }
        let held = seen;
        seen.note(bits);
        if !fits(seen.least, seen.greatest, seen.keys.max(expected), size_of::<V>()) {
            return Err(Sparse);
        }
        let (base, len) = place(seen.least, seen.greatest);
        self.move_to(base, len, held);
        Ok(())
    }

    /// Makes room for all keys that `seen` covers, while no value is held.
    pub(super) fn settle(&mut self, seen: &Seen) {
        let (base, len) = place(seen.least, seen.greatest);
        self.move_to(base, len, Seen::NONE);
    }

    /// Moves the values, which lie in the range `held`, to slots from `base` on.
    fn move_to(&mut self, base: u64, len: usize, held: Seen) {
        let before = self.base();
        if len > self.slots.len() {
            self.slots.resize_with(len, V::empty);
        }
        if held.keys > 0 && base != before {
            let from = (held.least - before) as usize;
            let to = (held.least - base) as usize;
            let count = (held.greatest - held.least + 1) as usize;
            // Both places are inside, and what is swapped back is empty or a value still to be moved.
            if to < from {
                (0..count).for_each(|at| self.slots.swap(from + at, to + at));
            } else {
                (0..count).rev().for_each(|at| self.slots.swap(from + at, to + at));
            }
        }
        // All values are in the first `len` slots now. Capacity stays.
        self.slots.truncate(len);
        self.offset = base.wrapping_neg();
    }

    /// Gives slots back that the keys seen since the last call did not deserve. No value may be held.
    pub(super) fn trim(&mut self, seen: &Seen) {
        // Keys seen in several places, before and after moves, need not fit together.
        if seen.keys > 0 && fits(seen.least, seen.greatest, seen.keys, size_of::<V>()) {
            let (base, len) = place(seen.least, seen.greatest);
            if len <= self.slots.len() / 4 {
                self.slots.truncate(len);
                self.offset = base.wrapping_neg();
            }
        }
    }

    /// Takes values out from slot `*at` on, until `max` are taken, `slots` are looked at, or the end. Says whether that was the end.
    pub(super) fn take_some(&mut self, at: &mut usize, max: usize, slots: usize, mut f: impl FnMut(u64, V)) -> bool {
        let end = at.saturating_add(slots).min(self.slots.len());
        let start = (*at).min(end);
        let (base, mut left) = (self.base(), max);
        // In a variable: what `f` writes to might be behind the reference, as far as a compiler knows.
        let mut next = start;
        for slot in &mut self.slots[start..end] {
            if left == 0 {
                break;
            }
            let bits = base + next as u64;
            next += 1;
            if !slot.is_empty() {
                left -= 1;
                f(bits, mem::replace(slot, V::empty()));
            }
        }
        *at = next;
        next >= self.slots.len()
    }

    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Shows the values from slot `*at` on, of so many slots at most. Says whether that was the end.
    pub(super) fn visit_some(&mut self, at: &mut usize, slots: usize, f: impl FnMut(&mut V)) -> bool {
        let end = at.saturating_add(slots).min(self.slots.len());
        self.slots[(*at).min(end)..end].iter_mut().filter(|slot| !slot.is_empty()).for_each(f);
        *at = end;
        end == self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_hold_what_they_are_for() {
        let edges = [0, 1, 63, 64, 1000, 1 << 20, (1 << 40) - 3, 1 << 40, 1 << 63, u64::MAX - 70, u64::MAX - 1, u64::MAX];
        for least in edges {
            for range in [0, 1, 62, 63, 64, 65, 9_999, 1 << 20] {
                let Some(greatest) = least.checked_add(range) else { continue };
                let (base, len) = place(least, greatest);
                assert!(base <= least && greatest - base < len as u64, "{least}..={greatest} at {base}, {len} slots");
                assert!(base.checked_add(len as u64 - 1).is_some());
                assert!(len.is_power_of_two() && len as u64 <= 8 * (range + 1).max(MIN_SLOTS), "{len} slots for a range of {range}");
            }
        }
    }

    #[test]
    fn wide_ranges_of_few_keys_do_not_fit() {
        assert!(fits(0, 65_535, 2, 16));
        assert!(!fits(0, 65_536, 2, 16));
        assert!(fits(0, 799_999, 100_000, 16));
        assert!(!fits(0, 800_000, 100_000, 16));
        assert!(!fits(0, u64::MAX, u64::MAX / 2, 16));
        assert!(!fits(0, 79_999_999, 10_000_000, 16), "over the budget");
        assert!(fits(0, 19_999_999, 10_000_000, 16), "no more than a hash table would take");
        assert!(fits(5, 5, 1, 1 << 30), "one key fits, whatever its value's size");
    }
}
