//! Claim, fill, commit; read, borrow or move out, release.
//!
//! ```text
//!   WriteChunk    first ─▶ │ written … │ free …        │        commit: tail += written      drop: drops the written, publishes nothing
//!   ReadChunk              │ moved out │ first ─▶ live │ end    release, drop: drops the live, head = end
//! ```
//!
//! Laws
//! - A chunk borrows its end of the ring, so there is one chunk at a time and nobody else moves the cursor meanwhile.
//! - One Release store a chunk, however its records were written or read.
//! - By-value iteration over records without drop glue is a plain loop over the slice: no state is kept per record that a panic would need.

#![allow(unsafe_code)]

use std::{
    fmt,
    iter::FusedIterator,
    mem::{needs_drop, replace},
    ops::{ControlFlow, Deref, DerefMut},
    ptr::NonNull,
    slice,
};

use super::{Consumer, Producer, PushError};

/// Free slots of a ring, in one run, claimed by its producer and not yet published.
///
/// Dropping it publishes nothing and drops what was written.
#[must_use = "a chunk that is dropped without `commit` or `fill` publishes nothing"]
pub struct WriteChunk<'a, T> {
    producer: &'a mut Producer<T>,
    first: NonNull<T>,
    /// In `1..=capacity`.
    len: usize,
    /// In `0..=len`. The first `written` slots hold records.
    written: usize,
}

impl<'a, T> WriteChunk<'a, T> {
    /// # Safety
    /// `len` slots from the producer's tail on are free and do not cross the end of the storage.
    #[inline(always)]
    pub(super) unsafe fn new(producer: &'a mut Producer<T>, len: usize) -> Self {
        let tail = producer.cursor.tail();
        producer.storage.slots.note_write(tail, len);
        let first = producer.storage.slots.slot(tail);
        Self { producer, first, len, written: 0 }
    }

    /// Number of slots, in records. At least 1.
    #[expect(clippy::len_without_is_empty, reason = "a chunk has at least one slot")]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Number of slots that hold a record.
    #[inline]
    pub fn written(&self) -> usize {
        self.written
    }

    /// Number of slots that are still free.
    #[inline]
    pub fn vacant(&self) -> usize {
        self.len - self.written
    }

    /// Writes one record, without publishing it.
    ///
    /// # Errors
    /// [`PushError`] with the value if all slots are written: commit, and claim again.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        if self.written == self.len {
            return Err(PushError(value));
        }
        // SAFETY: slot `written` is below `len`, hence claimed, and holds no record yet.
        unsafe { self.first.add(self.written).write(value) };
        self.written += 1;
        Ok(())
    }

    /// Writes records until the chunk or the iterator ends, publishes all that was written, and returns how many that were.
    ///
    /// Takes no item that it has no slot for. If the iterator panics, what was written is dropped and nothing is published.
    ///
    /// # Cost
    /// One Release store; none if nothing was written. The loop runs inside the iterator (`try_fold`), so that adapters such as `chain`
    /// and `flat_map` stay tight.
    #[inline]
    pub fn fill<I: Iterator<Item = T>>(mut self, iter: &mut I) -> usize {
        let (first, len) = (self.first, self.len);
        if const { needs_drop::<T>() } {
            let written = &mut self.written;
            fill_with(iter, len - *written, |item| {
                // SAFETY: slot `written` is claimed and holds no record yet: `fill_with` gives at most as many items as there are such.
                unsafe { first.add(*written).write(item) };
                *written += 1;
            });
        } else {
            // Nothing to drop if the iterator panics, so the count stays in a register.
            let mut written = self.written;
            fill_with(iter, len - written, |item| {
                // SAFETY: as above.
                unsafe { first.add(written).write(item) };
                written += 1;
            });
            self.written = written;
        }
        self.commit()
    }

    /// Publishes what was written, and returns how many records that are.
    ///
    /// # Cost
    /// One Release store; none if nothing was written.
    #[inline]
    pub fn commit(mut self) -> usize {
        // From here on the records are the consumer's, so the drop of the chunk must find none.
        let written = replace(&mut self.written, 0);
        if written > 0 {
            self.producer.storage.slots.note_write(self.producer.cursor.tail(), written);
            self.producer.cursor.commit(written);
        }
        written
    }
}

/// Gives up to `max` items to `put`, never one more, however the iterator behaves.
#[inline(always)]
fn fill_with<I: Iterator>(iter: &mut I, max: usize, mut put: impl FnMut(I::Item)) {
    let mut left = max;
    if left == 0 {
        return;
    }
    let _ = iter.try_for_each(|item| {
        // Never true for an iterator that stops when it is told to.
        if left == 0 {
            return ControlFlow::Break(());
        }
        put(item);
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}

impl<T> Drop for WriteChunk<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            // SAFETY: the first `written` slots hold records that were not published, so they are ours.
            unsafe { NonNull::slice_from_raw_parts(self.first, self.written).drop_in_place() };
        }
    }
}

impl<T> fmt::Debug for WriteChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteChunk").field("len", &self.len).field("written", &self.written).finish_non_exhaustive()
    }
}

/// Records of a ring, in one run, lent to its consumer: a slice to work on in place, or an iterator that moves the records out.
///
/// However it ends (released, dropped, or by a panic), every slot goes back to the producer, and what was not moved out is dropped.
#[must_use = "a chunk that is dropped releases its records unread"]
pub struct ReadChunk<'a, T> {
    consumer: &'a mut Consumer<T>,
    /// The first record that was not moved out.
    first: NonNull<T>,
    /// Records that were not moved out.
    live: usize,
    /// Position after the last record.
    end: u64,
}

impl<'a, T> ReadChunk<'a, T> {
    /// # Safety
    /// `len` records from the consumer's head on are committed and do not cross the end of the storage.
    #[inline(always)]
    pub(super) unsafe fn new(consumer: &'a mut Consumer<T>, len: usize) -> Self {
        let head = consumer.cursor.head();
        consumer.storage.slots.note_read(head, len);
        let first = consumer.storage.slots.slot(head);
        Self { consumer, first, live: len, end: head + len as u64 }
    }

    /// Sequence number of the first record that was not moved out.
    #[inline]
    pub fn position(&self) -> u64 {
        self.end - self.live as u64
    }

    /// Drops the records and gives the slots back, with one Release store. The same as dropping the chunk.
    #[inline]
    pub fn release(self) {}

    /// Drops the first `count` records (all, if there are fewer), gives their slots back, and leaves the others in the ring.
    #[inline]
    pub fn release_first(mut self, count: usize) {
        let kept = self.live.saturating_sub(count);
        self.live -= kept;
        self.end -= kept as u64;
    }

    /// Moves records out, oldest first. What is not taken stays in the chunk.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_, 'a, T> {
        // If the chunk is forgotten after this, the ring must not drop these records again.
        self.consumer.cursor.take_to(self.end);
        Drain { chunk: self }
    }

    /// Moves the oldest record out. The caller has called `take_to(end)`.
    #[inline(always)]
    fn take(&mut self) -> Option<T> {
        if self.live == 0 {
            return None;
        }
        self.consumer.storage.slots.note_write(self.position(), 1);
        // SAFETY: `first` is a live record of ours, and is live no longer once the fields say so.
        let item = unsafe { self.first.read() };
        // SAFETY: at most one past the run, hence in or at the end of the allocation.
        self.first = unsafe { self.first.add(1) };
        self.live -= 1;
        Some(item)
    }

    /// Moves all records out, as one loop. The caller has called `take_to(end)`.
    #[inline(always)]
    fn take_all<A>(&mut self, init: A, mut f: impl FnMut(A, T) -> A) -> A {
        let mut acc = init;
        if const { needs_drop::<T>() } {
            while let Some(item) = self.take() {
                acc = f(acc, item);
            }
        } else {
            // Nothing to drop if `f` panics, so no record of how far we came is kept.
            self.consumer.storage.slots.note_write(self.position(), self.live);
            let live = replace(&mut self.live, 0);
            for index in 0..live {
                // SAFETY: below `live`, so a record of ours; each is read once, and none is live any longer.
                acc = f(acc, unsafe { self.first.add(index).read() });
            }
        }
        acc
    }
}

impl<T> Deref for ReadChunk<'_, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `live` records from `first` on are committed and not released, so the producer does not touch them.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.live) }
    }
}

impl<T> DerefMut for ReadChunk<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes us the only user.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.live) }
    }
}

impl<T> Drop for ReadChunk<'_, T> {
    #[inline]
    fn drop(&mut self) {
        /// Releases also when the drop of a record panics.
        struct Release<'c, T>(&'c mut Consumer<T>, u64);
        impl<T> Drop for Release<'_, T> {
            #[inline(always)]
            fn drop(&mut self) {
                self.0.cursor.release_to(self.1);
            }
        }
        // The last use of the run's slots; those moved out were last used before.
        let slots = &self.consumer.storage.slots;
        slots.note_write(self.end - self.live as u64, self.live);
        let _release = Release(self.consumer, self.end);
        if const { needs_drop::<T>() } {
            // SAFETY: `live` records from `first` on are ours, and nobody looks at them again.
            unsafe { NonNull::slice_from_raw_parts(self.first, self.live).drop_in_place() };
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<'a, T> IntoIterator for ReadChunk<'a, T> {
    type Item = T;
    type IntoIter = IntoIter<'a, T>;

    #[inline]
    fn into_iter(self) -> IntoIter<'a, T> {
        self.consumer.cursor.take_to(self.end);
        IntoIter { chunk: self }
    }
}

/// Moves the records of a [`ReadChunk`] out, and releases it when dropped.
pub struct IntoIter<'a, T> {
    chunk: ReadChunk<'a, T>,
}

/// Moves records out of a [`ReadChunk`]; what it leaves stays in the chunk.
pub struct Drain<'c, 'a, T> {
    chunk: &'c mut ReadChunk<'a, T>,
}

/// Both iterators take from the chunk in the same way.
macro_rules! iterate {
    ($iterator:ident<$($lifetime:lifetime),+>) => {
        impl<T> Iterator for $iterator<$($lifetime,)+ T> {
            type Item = T;

            #[inline]
            fn next(&mut self) -> Option<T> {
                self.chunk.take()
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                (self.chunk.live, Some(self.chunk.live))
            }

            #[inline]
            #[allow(unused_mut, reason = "one of the two holds the chunk itself, the other a reference")]
            fn fold<A, F: FnMut(A, T) -> A>(mut self, init: A, f: F) -> A {
                self.chunk.take_all(init, f)
            }
        }
        impl<T> ExactSizeIterator for $iterator<$($lifetime,)+ T> {}
        impl<T> FusedIterator for $iterator<$($lifetime,)+ T> {}
        impl<T: fmt::Debug> fmt::Debug for $iterator<$($lifetime,)+ T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($iterator)).field(&&*self.chunk).finish()
            }
        }
    };
}
iterate!(IntoIter<'_>);
iterate!(Drain<'_, '_>);
