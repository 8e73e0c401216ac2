//! Branchless compaction: the records that pass a test, side by side in a small buffer.
//!
//! Every record is written at the buffer's end, and the end moves on only if the record passed. No branch depends on the data, so a
//! filter that nobody can predict costs a store per record instead of a pipeline flush every few (`design.md`, "Move less").
//!
//! Unsafe lives here for one reason: the buffer is uninitialised and its prefix is read back.
#![allow(unsafe_code)]

use std::mem::{MaybeUninit, needs_drop, size_of};

/// Records per compaction: small enough that the buffer stays in the first-level cache beside the batch it is filled from.
pub(crate) const COMPACTION: usize = 256;

/// Whether records of this type may be compacted: a rejected record is overwritten where it lies, so it must not need a drop, and a large
/// one costs more to copy than a branch to mispredict.
pub(crate) const fn compactable<T>() -> bool {
    !needs_drop::<T>() && size_of::<T>() <= 64
}

/// Moves at most [`COMPACTION`] records out of `records`, and hands those that pass to `consume`. Returns how many it took.
#[inline(always)]
pub(crate) fn compact<T, I: Iterator<Item = T>>(
    records: &mut I,
    mut passes: impl FnMut(&T) -> bool,
    consume: impl FnOnce(Compacted<'_, T>),
) -> usize {
    const { assert!(COMPACTION.is_power_of_two()) };
    // Not in a const block: the caller's own test leaves this code behind, never run, for types that fail it.
    debug_assert!(compactable::<T>(), "a rejected record would leak what it owns");
    let mut buffer = [const { MaybeUninit::<T>::uninit() }; COMPACTION];
    let mut kept = 0;
    let mut taken = 0;
    while taken < COMPACTION {
        let Some(record) = records.next() else { break };
        let pass = passes(&record);
        // The mask proves to the compiler what the loop's bound implies: `kept <= taken < COMPACTION`.
        buffer[kept & (COMPACTION - 1)].write(record);
        kept += usize::from(pass);
        taken += 1;
    }
    consume(Compacted { records: buffer[..kept].iter() });
    taken
}

/// The records that passed, by value.
pub(crate) struct Compacted<'b, T> {
    /// Initialised cells, each of which is read once.
    records: std::slice::Iter<'b, MaybeUninit<T>>,
}

impl<T> Iterator for Compacted<'_, T> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        // SAFETY: `compact` initialised every cell of the slice, and the iterator yields each cell once, so no value is duplicated. Cells that
        // are overwritten or never read are not dropped; as `T` is `compactable`, nothing is lost by that.
        self.records.next().map(|cell| unsafe { cell.assume_init_read() })
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }

    #[inline(always)]
    fn fold<B, F: FnMut(B, T) -> B>(self, init: B, mut f: F) -> B {
        // SAFETY: as in `next`.
        self.records.fold(init, |acc, cell| f(acc, unsafe { cell.assume_init_read() }))
    }
}
