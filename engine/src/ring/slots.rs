//! Uninitialised storage and wrap arithmetic: every raw pointer of the ring starts here.
//!
//! ```text
//!   position   … 5   6   7 | 8   9  10  11  12  13  14  15 | 16 …       only grows
//!   index      … 5   6   7 | 0   1   2   3   4   5   6   7 |  0 …       = position & mask
//!                            ╰──── run(12) = 4 ────╯                    slots from a position to the end of the storage
//! ```
//!
//! Law: `Slots` owns the memory and never a record. Which slots hold one is known to the positions alone ([`spsc`](super::spsc)).
//!
//! The storage starts on a cache line of its own, so that a 64-byte record lies in one line. glibc starts large blocks 16 bytes into a
//! page, which would put every such record on two lines.

#![allow(unsafe_code)]

use std::{
    alloc::{self, Layout},
    mem::size_of,
    ptr::NonNull,
};

use crate::sync::Ledger;

/// Two lines, because the adjacent-line prefetcher of x86-64 fetches pairs (Intel optimisation manual, "spatial prefetcher"); the same
/// figure as `CachePadded`.
const ALIGN: usize = 128;

/// A power of two of slots for values of `T`, uninitialised or zeroed.
pub(super) struct Slots<T> {
    base: NonNull<T>,
    /// Capacity - 1; the capacity is a power of two.
    mask: usize,
    ledger: Ledger,
}

// SAFETY: `Slots` owns plain memory; it hands out raw pointers only, and every use of one is an `unsafe` block that proves that the slot
// belongs to the using side. Moving a `T` through a slot to another thread needs `T: Send`.
unsafe impl<T: Send> Send for Slots<T> {}
// SAFETY: as for `Send`; a shared `Slots` gives no access to a `T` without such a proof. No `&T` is ever shared between the sides, so
// `T: Sync` is not needed.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    /// At least `capacity` slots, rounded up to a power of two, and at least one.
    ///
    /// # Panics
    /// If the size in bytes exceeds `isize::MAX`, as `Vec` does.
    pub(super) fn uninit(capacity: usize) -> Self {
        Self::allocate(capacity, false)
    }

    fn allocate(capacity: usize, zeroed: bool) -> Self {
        let capacity = capacity.max(1).checked_next_power_of_two().expect("the ring's capacity in slots exceeds the address space");
        let layout = Self::layout(capacity);
        let base = if size_of::<T>() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the layout's size is not zero: the capacity is at least 1 and `T` has a size.
            let pointer = unsafe { if zeroed { alloc::alloc_zeroed(layout) } else { alloc::alloc(layout) } };
            NonNull::new(pointer.cast::<T>()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
        };
        Self { base, mask: capacity - 1, ledger: Ledger::new(capacity) }
    }

    fn layout(capacity: usize) -> Layout {
        Layout::array::<T>(capacity).and_then(|layout| layout.align_to(ALIGN)).expect("the ring's size in bytes exceeds isize::MAX")
    }

    /// Number of slots.
    #[inline(always)]
    pub(super) fn capacity(&self) -> usize {
        self.mask + 1
    }

    /// Index of a position. In `0..capacity`.
    #[inline(always)]
    pub(super) fn index(&self, position: u64) -> usize {
        // Truncation keeps the low bits, and the mask needs no others.
        position as usize & self.mask
    }

    /// Slots from `position` to the end of the storage. In `1..=capacity`.
    #[inline(always)]
    pub(super) fn run(&self, position: u64) -> usize {
        self.capacity() - self.index(position)
    }

    /// Address of a position's slot; valid for the [`run`](Self::run) of slots that starts there.
    #[inline(always)]
    pub(super) fn slot(&self, position: u64) -> NonNull<T> {
        // SAFETY: the index is below the capacity, so the address lies inside the allocation (or `T` has no size and nothing moves).
        unsafe { self.base.add(self.index(position)) }
    }

    /// Notes for the model that a run is read here. Nothing in a normal build.
    #[inline(always)]
    pub(super) fn note_read(&self, position: u64, count: usize) {
        debug_assert!(count <= self.run(position));
        self.ledger.read(self.index(position), count);
    }

    /// Notes for the model that a run is written, moved out of or dropped here. Nothing in a normal build.
    #[inline(always)]
    pub(super) fn note_write(&self, position: u64, count: usize) {
        debug_assert!(count <= self.run(position));
        self.ledger.write(self.index(position), count);
    }

    /// Drops the records of positions `from..to`, across the wrap.
    ///
    /// A record whose drop panics does not keep the others from being dropped.
    ///
    /// # Safety
    /// Every position of the range holds a record that belongs to the caller and is not used again; `to - from <= capacity`.
    pub(super) unsafe fn drop_records(&self, from: u64, to: u64) {
        debug_assert!(to - from <= self.capacity() as u64);
        let first = self.run(from).min((to - from) as usize);
        let rest = (to - from) as usize - first;
        self.note_write(from, first);
        self.note_write(from + first as u64, rest);
        // Dropped in reverse order of declaration, also when the first run's drop panics.
        let _second = Run(self.slot(from + first as u64), rest);
        let _first = Run(self.slot(from), first);

        struct Run<T>(NonNull<T>, usize);
        impl<T> Drop for Run<T> {
            fn drop(&mut self) {
                // SAFETY: the caller of `drop_records` owns these records, and the run is contiguous.
                unsafe { NonNull::slice_from_raw_parts(self.0, self.1).drop_in_place() };
            }
        }
    }
}

impl Slots<u32> {
    /// As [`uninit`](Slots::uninit), but every slot holds 0, so that a slot may be read before it is first written.
    pub(super) fn zeroed(capacity: usize) -> Self {
        Self::allocate(capacity, true)
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        if size_of::<T>() != 0 {
            // SAFETY: allocated in `allocate` with this very layout, which depends on the capacity alone.
            unsafe { alloc::dealloc(self.base.as_ptr().cast(), Self::layout(self.capacity())) };
        }
    }
}
