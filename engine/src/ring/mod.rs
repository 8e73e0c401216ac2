//! Rings: bounded queues between two threads, one on each side, in which a batch is a claim and nothing is copied.
//!
//! ```text
//!   Producer                                                                      Consumer
//!   claim(max) ──▶ WriteChunk ─ fill ─ commit ─▶ │ slots │ ─▶ read(max) ──▶ ReadChunk ─ borrow or move out ─ release
//!                  free slots, in one run        one store                   committed records, in one run    one store
//!        ▲                                                                                                      │
//!        ╰───────────────────────────────────────── free again ◀────────────────────────────────────────────────╯
//!
//!   control(c) ──────────────▶ side ring of (position, c) ──▶ next(max): records up to the next control's place, then it    control.rs
//!   frames of bytes, any length, a length prefix each ──────▶ borrowed in place, released in batches                        bytes.rs
//! ```
//!
//! Laws
//! - A slot belongs to one side at a time: to the producer while its position is in `tail..head + capacity`, else to the consumer. The
//!   tail moves by the producer's commit, the head by the consumer's release, and nothing else.
//! - Positions are 64-bit and only grow; they are the records' sequence numbers. Slot = position mod capacity, a power of two.
//! - A batch costs each side one Release store, and an Acquire load only when the cached position cannot give what was asked for.
//! - Every record is dropped exactly once: by whoever moved it out, by its chunk's release, or by the ring after both sides have gone.
//!   A panic in a caller's closure, or in a record's own drop, changes nothing about that. A forgotten chunk leaks at most its records.
//! - All calls are wait-free. Nobody blocks here; [`Full`] and [`Empty`] are answers, and the idle strategy decides what to do with them.
//!
//! Not here: several producers or consumers (an exchange is a matrix of rings), growing, waiting, wake-ups.
//!
//! # Why not rtrb
//! The engine needs the positions themselves (control keeps its place by them, the harness samples them through [`Probe`]), a batch that
//! is one slice rather than two, and the std/loom switch with its planted bug, so that the models check the code that ships. Speed alone
//! would not have been a reason. Throughput relative to rtrb 0.4.1 chunks with the same batch and capacity, two pinned threads on a shared
//! two-core AMD EPYC: the median of four processes, each the median of up to 40 interleaved runs, and their range (the machine's):
//!
//! ```text
//!   batch 256             ring              moved out         with side ring    |  batch 64, ring
//!   u64    4,096 slots    1.03 (1.01-1.05)  1.05 (1.00-1.11)  1.01 (1.00-1.09)  |  1.19 (1.09-1.39)
//!   u64       512 KiB     1.09 (1.01-1.17)  1.15 (1.01-1.21)  1.05 (0.92-1.11)  |  1.23 (1.15-1.73)
//!   u64         1 MiB     1.10 (0.91-1.49)  1.16 (1.04-1.27)  1.06 (0.85-1.10)  |  1.18 (0.87-1.27)
//!   64 B   4,096 slots    1.02 (0.65-1.78)  0.95 (0.61-1.02)  1.01 (0.82-1.21)  |  1.04 (0.83-1.13)
//!   64 B      512 KiB     1.01 (0.94-1.29)  1.03 (1.01-1.22)  1.01 (1.00-1.26)  |  1.07 (0.82-1.21)
//!   64 B        1 MiB     1.01 (1.00-1.04)  1.00 (0.92-1.04)  1.01 (0.95-1.04)  |  1.25 (1.24-1.28)
//! ```
//!
//! Source: `HOP_PAIRED=40 cargo bench -p thalweg --bench ring`. Read it as "not slower": hops of small records are bistable in every ring,
//! depending on which side waits for the other, and 64-byte records are bound by the traffic between the cores.

#![allow(unsafe_code)]

use std::fmt;

mod bytes;
mod chunk;
mod control;
mod slots;
mod spsc;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::sync::Arc;

pub use self::{
    bytes::{ByteConsumer, ByteProducer, ClaimError, FrameMut, Frames, FramesIter, byte_ring},
    chunk::{Drain, IntoIter, ReadChunk, WriteChunk},
    control::{Next, Receiver, Sender, channel},
    spsc::Probe,
};
use self::{
    slots::Slots,
    spsc::{Positions, ReadCursor, WriteCursor},
};

/// No slot is free. Nothing has changed; retry after the consumer has released some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full; retry after the consumer has released records")]
#[must_use]
pub struct Full;

/// No record is there. Nothing has changed; retry after the producer has committed some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is empty; retry after the producer has committed records")]
#[must_use]
pub struct Empty;

/// No slot is free; here is the value back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full; retry with the value inside after the consumer has released records")]
#[must_use]
pub struct PushError<T>(
    /// The value that found no slot.
    pub T,
);

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushError(_)")
    }
}

/// Makes a ring with room for `capacity` records, rounded up to a power of two and at least one.
///
/// All memory is allocated here, and released when both ends are gone. Choose 256 KiB to 1 MiB and at least 16 batches: smaller rings
/// wait for each other, larger ones leave the cache.
///
/// # Panics
/// If the size in bytes exceeds `isize::MAX`, as `Vec::with_capacity` does.
///
/// ```
/// let (mut producer, mut consumer) = thalweg::ring::ring::<u64>(8);
/// let written = producer.claim(4)?.fill(&mut (10..));
/// assert_eq!(written, 4);
///
/// let batch = consumer.read(64)?;
/// assert_eq!(*batch, [10, 11, 12, 13]);
/// batch.release();
/// assert_eq!((producer.position(), consumer.position()), (4, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The ends go to other threads if the records may:
///
/// ```compile_fail,E0277
/// let (producer, _consumer) = thalweg::ring::ring::<std::rc::Rc<u8>>(8);
/// std::thread::spawn(move || producer.capacity());
/// ```
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let storage = Storage::new(Slots::uninit(capacity));
    let positions = storage.positions.clone();
    let producer = Producer { cursor: WriteCursor::new(positions.clone()), storage: storage.clone() };
    (producer, Consumer { cursor: ReadCursor::new(positions), storage })
}

/// Slots and the positions that say which of them hold a record. Dropped with the last of the two ends.
struct Storage<T> {
    slots: Slots<T>,
    positions: Arc<Positions>,
}

impl<T> Storage<T> {
    fn new(slots: Slots<T>) -> Arc<Self> {
        let positions = Positions::new(slots.capacity());
        Arc::new(Self { slots, positions })
    }
}

impl<T> Drop for Storage<T> {
    fn drop(&mut self) {
        let (head, tail) = self.positions.leftovers();
        // SAFETY: both ends are gone. What is between head and tail was committed and not released, and the consumer's end, when it was
        // dropped, moved the head past everything that was moved out.
        unsafe { self.slots.drop_records(head, tail) };
    }
}

/// The end of a ring that writes.
pub struct Producer<T> {
    /// Declared before the storage, so dropped before it.
    cursor: WriteCursor,
    storage: Arc<Storage<T>>,
}

impl<T> Producer<T> {
    /// Number of slots.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.storage.slots.capacity()
    }

    /// Claims up to `max` free slots in one contiguous run, without publishing them.
    ///
    /// The run ends at the end of the storage at the latest, so it may be shorter than what is free. Batches of one size that divides the
    /// capacity never meet that end. Dropping the chunk publishes nothing; [`WriteChunk::commit`] publishes what was written.
    ///
    /// # Errors
    /// [`Full`] if no slot is free even after re-reading the consumer's head, and if `max` is 0. Nothing has changed.
    ///
    /// # Cost
    /// O(1), wait-free. Reads the shared head only when the cached one cannot give the whole run.
    #[inline]
    pub fn claim(&mut self, max: usize) -> Result<WriteChunk<'_, T>, Full> {
        let want = max.min(self.storage.slots.run(self.cursor.tail()));
        let len = self.cursor.vacant(want).min(want);
        if len == 0 {
            return Err(Full);
        }
        // SAFETY: `len` slots from the tail on are free, hence ours, and do not cross the end of the storage.
        Ok(unsafe { WriteChunk::new(self, len) })
    }

    /// Writes and publishes one record.
    ///
    /// # Errors
    /// [`PushError`] with the value if no slot is free.
    ///
    /// # Cost
    /// A Release store a record. Batches are several times faster ([`claim`](Self::claim)).
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        if self.cursor.vacant(1) == 0 {
            return Err(PushError(value));
        }
        let (slots, tail) = (&self.storage.slots, self.cursor.tail());
        slots.note_write(tail, 1);
        // SAFETY: the slot at the tail is free, hence ours.
        unsafe { slots.slot(tail).write(value) };
        self.cursor.commit(1);
        Ok(())
    }

    /// Number of slots that are free; more may be by the time you look. Reads the shared head.
    #[inline]
    pub fn vacant(&mut self) -> usize {
        self.cursor.vacant(usize::MAX)
    }

    /// Records committed so far: the sequence number of the next one.
    #[inline]
    pub fn position(&self) -> u64 {
        self.cursor.tail()
    }

    /// The consumer was dropped: nobody will read what is committed from now on.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_abandoned()
    }

    /// A handle that watches the ring from any thread.
    pub fn probe(&self) -> Probe {
        self.cursor.probe(size_of::<T>())
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("capacity", &self.capacity()).field("position", &self.position()).finish_non_exhaustive()
    }
}

/// The end of a ring that reads.
pub struct Consumer<T> {
    /// Declared before the storage, so dropped before it: it moves the shared head past what was moved out.
    cursor: ReadCursor,
    storage: Arc<Storage<T>>,
}

impl<T> Consumer<T> {
    /// Number of slots.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.storage.slots.capacity()
    }

    /// Lends up to `max` records in one contiguous run, in the order in which they were committed.
    ///
    /// The run ends at the end of the storage at the latest. Dropping the chunk releases all of it.
    ///
    /// # Errors
    /// [`Empty`] if nothing is committed even after re-reading the producer's tail, and if `max` is 0. Nothing has changed.
    ///
    /// # Cost
    /// O(1), wait-free. Reads the shared tail only when the cached one cannot give the whole run.
    #[inline]
    pub fn read(&mut self, max: usize) -> Result<ReadChunk<'_, T>, Empty> {
        let want = max.min(self.run());
        let len = self.cursor.available(want).min(want);
        if len == 0 {
            return Err(Empty);
        }
        // SAFETY: `len` records from the head on are committed, hence ours, and do not cross the end of the storage.
        Ok(unsafe { ReadChunk::new(self, len) })
    }

    /// Moves one record out and releases its slot.
    ///
    /// # Cost
    /// A Release store a record. Batches are several times faster ([`read`](Self::read)).
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.cursor.available(1) == 0 {
            return None;
        }
        let (slots, head) = (&self.storage.slots, self.cursor.head());
        slots.note_write(head, 1);
        // SAFETY: the record at the head is committed, hence ours, and the release below ends our use of its slot.
        let value = unsafe { slots.slot(head).read() };
        self.cursor.release_to(head + 1);
        Some(value)
    }

    /// Number of records to read; more may be by the time you look. Reads the shared tail.
    #[inline]
    pub fn available(&mut self) -> usize {
        self.cursor.available(usize::MAX)
    }

    /// Records released so far: the sequence number of the next one to read.
    #[inline]
    pub fn position(&self) -> u64 {
        self.cursor.head()
    }

    /// The producer was dropped. What it committed before is still there: the stream has ended once this was `true` *and then*
    /// [`available`](Self::available) was 0.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_abandoned()
    }

    /// A handle that watches the ring from any thread.
    pub fn probe(&self) -> Probe {
        self.cursor.probe(size_of::<T>())
    }

    /// Slots from the head to the end of the storage.
    #[inline(always)]
    fn run(&self) -> usize {
        self.storage.slots.run(self.cursor.head())
    }

    /// The oldest record, among those that this side knows of.
    #[inline]
    fn peek_known(&self) -> Option<&T> {
        if self.cursor.known() == 0 {
            return None;
        }
        let (slots, head) = (&self.storage.slots, self.cursor.head());
        slots.note_read(head, 1);
        // SAFETY: the record at the head is committed, hence ours; `&self` keeps it from being released meanwhile.
        Some(unsafe { slots.slot(head).as_ref() })
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("capacity", &self.capacity()).field("position", &self.position()).finish_non_exhaustive()
    }
}
