//! Keyed state that adapts to the keys it sees.
//!
//! ```text
//!                      integer keys                                  other keys
//!   ┌──────────────┐  a key that is too far  ┌─────────────┐      ┌─────────────┐
//!   │    direct    │ ──────────────────────▶ │    probe    │      │   hashed    │
//!   │ slots[k - b] │ ◀────────────────────── │ open addr.  │      │ stored keys │
//!   └──────────────┘  dense after all: when  └─────────────┘      └─────────────┘
//!                     it grows, or at clear
//! ```
//!
//! Laws
//! - No change of mode loses or doubles a key. What [`take_some`](KeyedState::take_some) hands out is gone from the table.
//! - Memory stays within a constant factor of what hashing the keys would take, plus [`direct`]'s fixed allowance.
//! - Moving costs amortised O(1) a key within a window; and each return to direct mode at a clear doubles the number of dense windows in a
//!   row that the next one takes, so that a pattern made to alternate buys nothing.
//! - After the windows have reached their size, no call allocates, except that a change of mode does.

use std::{ops::Range, slice};

use super::{
    Cursor, Key, KeyedState, Partial,
    direct::{self, Direct, DirectSlots, Sparse},
    hashed::{Buckets, Hashed},
    probe::{Entry, Probe, ProbeSlots},
};

/// To return to direct mode, at most so many dense windows in a row are waited for.
const PATIENCE_MAX: u32 = 64;
/// [`KeyedState::take_some`] looks at so many slots for each value that it may take ...
const SLOTS_PER_VALUE: usize = 16;
/// ... and at no fewer than this.
const SLOTS_MIN: usize = 4096;

/// How many keys were seen, and between which bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) keys: u64,
    pub(super) least: u64,
    pub(super) greatest: u64,
}

impl Seen {
    pub(super) const NONE: Self = Self { keys: 0, least: u64::MAX, greatest: 0 };

    #[inline(always)]
    pub(super) fn note(&mut self, bits: u64) {
        self.keys += 1;
        self.least = self.least.min(bits);
        self.greatest = self.greatest.max(bits);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Direct,
    Probe,
    Hashed,
}

/// Keyed state that indexes an array while its keys are dense integers, and hashes otherwise.
///
/// ```
/// use thalweg::state::{Cursor, KeyedState, Table};
///
/// let mut bids: Table<u64, Option<u32>> = Table::new();
/// for auction in [7, 9, 7, u64::MAX] {
///     *bids.slot(&auction).get_or_insert(0) += 1;
/// }
/// assert_eq!(bids.get(&7), Some(&Some(2)));
/// assert_eq!(bids.len(), 3);
///
/// let (mut fired, mut cursor) = (Vec::new(), Cursor::default());
/// while !bids.take_some(&mut cursor, 2, |auction, count| fired.push((auction, count))) {}
/// assert!(bids.is_empty() && fired.len() == 3);
/// ```
#[derive(Clone)]
pub struct Table<K, V> {
    /// `Hashed` if and only if the keys are no integers.
    mode: Mode,
    direct: DirectSlots<V>,
    probe: ProbeSlots<V>,
    hashed: Hashed<K, V>,
    /// What was taken in this pass of `take_some`.
    seen: Seen,
    /// What was taken in the largest pass before, since the last clear.
    largest: Seen,
    /// Keys in the window before the last clear.
    expected: u64,
    /// Dense windows in a row, while in probe mode.
    streak: u32,
    /// Dense windows in a row that lead back to direct mode. In `1..=PATIENCE_MAX`.
    patience: u32,
    /// Grows when values move, so that a cursor notices.
    moves: u64,
    /// The number of the last pass of `take_some` that was begun.
    pass: u64,
    /// Whether a value may have been written since that pass began.
    touched: bool,
    /// Whether that pass has come to the end.
    passed: bool,
}

impl<K: Key, V: Partial> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Key, V: Partial> Table<K, V> {
    /// An empty table. Allocates nothing.
    pub const fn new() -> Self {
        Self {
            mode: if K::INTEGER { Mode::Direct } else { Mode::Hashed },
            direct: DirectSlots::new(),
            probe: ProbeSlots::new(),
            hashed: Hashed::new(),
            seen: Seen::NONE,
            largest: Seen::NONE,
            expected: 0,
            streak: 0,
            patience: 1,
            moves: 0,
            pass: 0,
            touched: false,
            passed: false,
        }
    }

    /// The slots, if the keys are dense integers now. For loops: borrow once a run of records, leave the run when a key is outside.
    ///
    /// ```
    /// # use thalweg::state::{Key, KeyedState, Table};
    /// # let mut table: Table<u32, Option<u64>> = Table::new();
    /// let mut keys = [3_u32, 5, 3, 1_000_000_000].iter();
    /// let mut missed = None;
    /// loop {
    ///     if let Some(key) = missed.take() {
    ///         *table.slot(key).get_or_insert(0) += 1; // anything may happen: grow, move, change the mode
    ///     }
    ///     if let Some(mut direct) = table.as_direct() {
    ///         missed = keys.find(|key| match direct.slot(key.bits()) {
    ///             Some(count) => { *count.get_or_insert(0) += 1; false }
    ///             None => true,
    ///         });
    ///     } else {
    ///         missed = keys.next(); // or a run of its own over `as_probe`
    ///     }
    ///     if missed.is_none() { break }
    /// }
    /// assert_eq!(table.get(&3), Some(&Some(2)));
    /// ```
    #[inline(always)]
    pub fn as_direct(&mut self) -> Option<Direct<'_, V>> {
        self.touched = true;
        (K::INTEGER && self.mode == Mode::Direct).then(|| self.direct.view())
    }

    /// The entries, if the keys are scattered integers now. For loops, as [`as_direct`](Self::as_direct).
    #[inline(always)]
    pub fn as_probe(&mut self) -> Option<Probe<'_, V>> {
        self.touched = true;
        (K::INTEGER && self.mode == Mode::Probe).then(|| self.probe.view())
    }

    /// The places in which keys with bits in `least..=greatest` may be, taken or not; all, if keys are not in order.
    pub(crate) fn places_between(&self, least: u64, greatest: u64) -> Range<usize> {
        match self.mode {
            Mode::Direct => self.direct.places_between(least, greatest),
            Mode::Probe => 0..self.probe.len(),
            Mode::Hashed => 0..self.hashed.len(),
        }
    }

    /// The keys in some places, with their accumulators.
    #[inline(always)]
    pub(crate) fn some(&self, places: Range<usize>) -> SomeKeys<'_, K, V> {
        let of = |mode| if self.mode == mode { places.clone() } else { 0..0 };
        let (bits, direct) = self.direct.some(of(Mode::Direct));
        SomeKeys { bits, direct, probe: self.probe.some(of(Mode::Probe)), hashed: self.hashed.some(of(Mode::Hashed)) }
    }

    /// Finds or makes room for a key that is not placed, whatever it takes.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, bits: u64) -> &mut V {
        self.moves += 1;
        // Ends: direct mode succeeds or turns to probe mode; there either the keys turn out compact, and then direct mode succeeds, or the
        // array is rebuilt, at most twice (another multiplier, then more room).
        loop {
            match self.mode {
                Mode::Direct => match self.direct.reach(bits, self.expected) {
                    Ok(()) => return self.direct.at(bits),
                    Err(Sparse) => self.scatter(),
                },
                Mode::Probe => match self.probe.seek(bits) {
                    Some(at) => return self.probe.at(at),
                    None if self.probe.is_full() && self.gather(bits) => {}
                    None => self.probe.rebuild(),
                },
                Mode::Hashed => unreachable!("only integer-like keys come here"),
            }
        }
    }

    /// Turns from direct to probe mode.
    fn scatter(&mut self) {
        let mut old = std::mem::replace(&mut self.direct, DirectSlots::new());
        self.probe.reserve(old.iter().count() + 1);
        let probe = &mut self.probe;
        old.take_some(&mut 0, usize::MAX, usize::MAX, |bits, value| *probe.settle(bits) = value);
        self.mode = Mode::Probe;
        self.streak = 0;
    }

    /// Turns from probe to direct mode if the keys are compact, together with the one that is to come.
    fn gather(&mut self, bits: u64) -> bool {
        let mut seen = Seen::NONE;
        self.probe.iter().for_each(|(key, _)| seen.note(key));
        seen.note(bits);
        if !direct::is_compact(seen.least, seen.greatest, seen.keys, size_of::<V>()) {
            return false;
        }
        self.direct.settle(&seen);
        let direct = &mut self.direct;
        let mut old = std::mem::replace(&mut self.probe, ProbeSlots::new());
        old.take_some(&mut 0, usize::MAX, usize::MAX, |bits, value| *direct.at(bits) = value);
        self.mode = Mode::Direct;
        true
    }

    /// The larger of this pass and those before.
    fn larger(&self) -> Seen {
        if self.seen.keys >= self.largest.keys { self.seen } else { self.largest }
    }

    /// Slots, whether they hold a value or not: what a walk over all values looks at.
    pub(crate) fn places(&self) -> usize {
        match self.mode {
            Mode::Direct => self.direct.places(),
            Mode::Probe => self.probe.places(),
            Mode::Hashed => self.hashed.places(),
        }
    }

    /// Shows the values in so many slots from slot `*at` on. Says whether that was the end. Values that moved meanwhile may be shown twice in a
    /// walk, or not at all.
    pub(crate) fn visit_some(&mut self, at: &mut usize, slots: usize, f: impl FnMut(&mut V)) -> bool {
        self.touched = true;
        match self.mode {
            Mode::Direct => self.direct.visit_some(at, slots, f),
            Mode::Probe => self.probe.visit_some(at, slots, f),
            Mode::Hashed => self.hashed.visit_some(at, slots, f),
        }
    }

    /// Takes from where `at` says, with bounds on values and slots.
    fn sweep(&mut self, at: &mut usize, max: usize, slots: usize, mut f: impl FnMut(K, V)) -> bool {
        // A copy, which stays in registers.
        let mut seen = self.seen;
        let mut integer = |bits, value| {
            seen.note(bits);
            f(K::from_bits(bits), value);
        };
        let done = match self.mode {
            Mode::Direct => self.direct.take_some(at, max, slots, integer),
            Mode::Probe => self.probe.take_some(at, max, slots, &mut integer),
            Mode::Hashed => self.hashed.take_some(at, max, slots, |key, value| {
                seen.keys += 1;
                f(key, value);
            }),
        };
        self.seen = seen;
        done
    }
}

/// Some keys of a table with their accumulators. All but one of the parts are empty.
pub(crate) struct SomeKeys<'a, K, V> {
    /// The bits of the key of the next slot of `direct`.
    bits: u64,
    direct: slice::Iter<'a, V>,
    probe: slice::Iter<'a, Entry<V>>,
    hashed: Buckets<'a, K, V>,
}

impl<'a, K: Key, V: Partial> Iterator for SomeKeys<'a, K, V> {
    type Item = (K, &'a V);

    #[inline(always)]
    fn next(&mut self) -> Option<(K, &'a V)> {
        if !K::INTEGER {
            return self.hashed.next().map(|(key, value)| (key.clone(), value));
        }
        for value in self.direct.by_ref() {
            let bits = self.bits;
            self.bits = bits.wrapping_add(1);
            if !value.is_empty() {
                return Some((K::from_bits(bits), value));
            }
        }
        for entry in self.probe.by_ref() {
            if !entry.value.is_empty() {
                return Some((K::from_bits(entry.key), &entry.value));
            }
        }
        None
    }
}

impl<K: Key, V: Partial> KeyedState<K, V> for Table<K, V> {
    #[inline]
    fn slot(&mut self, key: &K) -> &mut V {
        self.touched = true;
        if !K::INTEGER {
            let (value, moved) = self.hashed.slot(key);
            self.moves += u64::from(moved);
            return value;
        }
        let bits = key.bits();
        if self.mode == Mode::Direct {
            if self.direct.get(bits).is_some() {
                return self.direct.at(bits);
            }
        } else if let Some(at) = self.probe.seek(bits) {
            return self.probe.at(at);
        }
        self.make_room(bits)
    }

    fn get(&self, key: &K) -> Option<&V> {
        let value = match self.mode {
            Mode::Direct => self.direct.get(key.bits()),
            Mode::Probe => self.probe.get(key.bits()),
            Mode::Hashed => self.hashed.get(key),
        };
        value.filter(|value| !value.is_empty())
    }

    fn take(&mut self, key: &K) -> Option<V> {
        let value = match self.mode {
            Mode::Direct => self.direct.view().slot(key.bits()).map(|slot| std::mem::replace(slot, V::empty())),
            Mode::Probe => self.probe.view().slot(key.bits()).map(|slot| std::mem::replace(slot, V::empty())),
            Mode::Hashed => self.hashed.take(key),
        };
        value.filter(|value| !value.is_empty())
    }

    fn len(&self) -> usize {
        match self.mode {
            Mode::Direct => self.direct.iter().count(),
            Mode::Probe => self.probe.iter().count(),
            Mode::Hashed => self.hashed.iter().count(),
        }
    }

    fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        match self.mode {
            Mode::Direct => self.direct.iter().for_each(|(bits, value)| f(&K::from_bits(bits), value)),
            Mode::Probe => self.probe.iter().for_each(|(bits, value)| f(&K::from_bits(bits), value)),
            Mode::Hashed => self.hashed.iter().for_each(|(key, value)| f(key, value)),
        }
    }

    fn take_some(&mut self, cursor: &mut Cursor, max: usize, f: impl FnMut(K, V)) -> bool {
        if cursor.at == 0 || cursor.moves != self.moves {
            // Values have moved, perhaps to before the cursor. Those already taken do not come again, so begin again.
            if cursor.at == 0 {
                self.largest = self.larger();
                self.seen = Seen::NONE;
            }
            self.pass += 1;
            self.touched = false;
            self.passed = false;
            *cursor = Cursor { at: 0, moves: self.moves, pass: self.pass };
        }
        let slots = max.saturating_mul(SLOTS_PER_VALUE).max(SLOTS_MIN);
        let done = self.sweep(&mut cursor.at, max, slots, f);
        if done {
            self.passed |= cursor.pass == self.pass;
            *cursor = Cursor::default();
        }
        done
    }

    fn clear(&mut self) {
        if self.touched || !self.passed {
            self.sweep(&mut 0, usize::MAX, usize::MAX, |_, _| {});
        }
        let seen = self.larger();
        self.seen = Seen::NONE;
        self.largest = Seen::NONE;
        if seen.keys > 0 {
            self.expected = seen.keys;
            match self.mode {
                Mode::Direct => self.direct.trim(&seen),
                Mode::Probe if direct::fits(seen.least, seen.greatest, seen.keys, size_of::<V>()) => {
                    self.streak += 1;
                    if self.streak >= self.patience {
                        self.probe = ProbeSlots::new();
                        self.direct.settle(&seen);
                        self.mode = Mode::Direct;
                        self.patience = (self.patience * 2).min(PATIENCE_MAX);
                    }
                }
                Mode::Probe | Mode::Hashed => self.streak = 0,
            }
            // Keys without a value that are kept for the next window pay while most of them come again.
            if self.probe.claimed() as u64 > seen.keys * 2 {
                self.probe.forget();
            }
            if self.hashed.claimed() as u64 > seen.keys * 2 {
                self.hashed.forget();
            }
        }
        self.moves += 1;
        self.touched = false;
        self.passed = true;
    }

    fn memory_bytes(&self) -> usize {
        self.direct.memory_bytes() + self.probe.memory_bytes() + self.hashed.memory_bytes()
    }
}
