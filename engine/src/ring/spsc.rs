//! Head and tail, their cached copies, and the orderings between the two sides. Knows nothing of what is in the slots.
//!
//! ```text
//!            head                     tail
//!             │  committed, unread     │   free
//!   ──────────┼────────────────────────┼──────────────── positions, only grow; free = capacity - (tail - head)
//!             │                        │
//!   written by the consumer    written by the producer      one Release store a batch each
//!   cached by the producer     cached by the consumer       re-read (Acquire) only when the copy cannot give what is wanted
//! ```
//!
//! Laws
//! - `head <= tail <= head + capacity`, at every instant and on every cached copy: a copy is older than the word, so the producer sees no
//!   more free slots than there are and the consumer no more records.
//! - Each word has one writer and a padded line of its own.
//! - No unsafe code here. The chunks' proofs lean on these laws, and the models check them.

use crossbeam_utils::CachePadded;

use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, publishing};

/// The words that the two sides share.
pub(super) struct Positions {
    /// Records committed so far. Written by the producer only.
    tail: CachePadded<AtomicU64>,
    /// Records released so far. Written by the consumer only.
    head: CachePadded<AtomicU64>,
    /// Who has left. Each flag is written once, so the line stays in both caches.
    gone: CachePadded<Gone>,
    /// Number of slots; a power of two.
    capacity: u64,
}

struct Gone {
    producer: AtomicBool,
    consumer: AtomicBool,
}

impl Positions {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            tail: CachePadded::new(AtomicU64::new(0)),
            head: CachePadded::new(AtomicU64::new(0)),
            gone: CachePadded::new(Gone { producer: AtomicBool::new(false), consumer: AtomicBool::new(false) }),
            capacity: capacity as u64,
        })
    }

    /// The records that nobody took, `head..tail`, once both sides have gone.
    pub(super) fn leftovers(&self) -> (u64, u64) {
        // ORDERING: Relaxed. Called by the drop of the last `Arc` of the storage, which is ordered after everything both sides did.
        (self.head.load(Ordering::Relaxed), self.tail.load(Ordering::Relaxed))
    }
}

/// The producer's view: where it writes, and how far it knows the consumer to be.
pub(super) struct WriteCursor {
    positions: Arc<Positions>,
    /// Equals the shared tail: this side alone writes it.
    tail: u64,
    /// At most the shared head.
    cached_head: u64,
    /// A copy, so that the hot path touches no other line.
    capacity: u64,
}

impl WriteCursor {
    pub(super) fn new(positions: Arc<Positions>) -> Self {
        let capacity = positions.capacity;
        Self { positions, tail: 0, cached_head: 0, capacity }
    }

    /// Records committed so far.
    #[inline(always)]
    pub(super) fn tail(&self) -> u64 {
        self.tail
    }

    /// Free slots that this side knows of.
    #[inline(always)]
    fn known(&self) -> usize {
        debug_assert!(self.tail - self.cached_head <= self.capacity);
        (self.capacity - (self.tail - self.cached_head)) as usize
    }

    /// Free slots from the tail on. Reads the shared head only when fewer than `want` are known.
    #[inline(always)]
    pub(super) fn vacant(&mut self, want: usize) -> usize {
        let known = self.known();
        if known >= want {
            return known;
        }
        // ORDERING: Acquire, pairs with the Release in `ReadCursor::release_to`: what the consumer did to the slots below the head is
        // over before we write there.
        self.cached_head = self.positions.head.load(Ordering::Acquire);
        self.known()
    }

    /// Publishes the next `count` records.
    #[inline(always)]
    pub(super) fn commit(&mut self, count: usize) {
        debug_assert!(count <= self.known());
        self.tail += count as u64;
        // ORDERING: Release, pairs with the Acquire in `ReadCursor::refresh`: the records below the tail are written before it is seen.
        self.positions.tail.store(self.tail, publishing("commit"));
    }

    /// The consumer has gone.
    #[inline]
    pub(super) fn is_abandoned(&self) -> bool {
        // ORDERING: Relaxed. The answer is advice: no slot is touched because of it.
        self.positions.gone.consumer.load(Ordering::Relaxed)
    }

    /// `slot_bytes` is the size of what a position counts.
    pub(super) fn probe(&self, slot_bytes: usize) -> Probe {
        Probe { positions: self.positions.clone(), slot_bytes }
    }
}

impl Drop for WriteCursor {
    fn drop(&mut self) {
        // ORDERING: Release, pairs with the Acquire in `ReadCursor::is_abandoned`: whoever sees the flag and then reads the tail reads the
        // last one.
        self.positions.gone.producer.store(true, publishing("abandon"));
    }
}

/// The consumer's view: where it reads, and how far it knows the producer to be.
pub(super) struct ReadCursor {
    positions: Arc<Positions>,
    /// At least the shared head: this side alone writes it. Ahead of it while records are moved out of a chunk.
    head: u64,
    /// At most the shared tail, at least `head`.
    cached_tail: u64,
}

impl ReadCursor {
    pub(super) fn new(positions: Arc<Positions>) -> Self {
        Self { positions, head: 0, cached_tail: 0 }
    }

    /// Records released so far.
    #[inline(always)]
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// Records that this side knows of.
    #[inline(always)]
    pub(super) fn known(&self) -> usize {
        debug_assert!(self.head <= self.cached_tail);
        (self.cached_tail - self.head) as usize
    }

    /// Reads the shared tail.
    #[inline(always)]
    pub(super) fn refresh(&mut self) {
        // ORDERING: Acquire, pairs with the Release in `WriteCursor::commit`: every record below the tail is written.
        self.cached_tail = self.positions.tail.load(Ordering::Acquire);
    }

    /// Records to read from the head on. Reads the shared tail only when fewer than `want` are known.
    #[inline(always)]
    pub(super) fn available(&mut self, want: usize) -> usize {
        if self.known() < want {
            self.refresh();
        }
        self.known()
    }

    /// Gives up the records below `to` without telling the producer yet. They are never looked at again, even if the chunk that moved
    /// them out is forgotten.
    #[inline(always)]
    pub(super) fn take_to(&mut self, to: u64) {
        debug_assert!(self.head <= to && to <= self.cached_tail);
        self.head = to;
    }

    /// Gives the slots below `to` back to the producer.
    #[inline(always)]
    pub(super) fn release_to(&mut self, to: u64) {
        debug_assert!(to <= self.cached_tail);
        self.head = to;
        // ORDERING: Release, pairs with the Acquire in `WriteCursor::vacant`: our last use of the slots is over before they are reused.
        self.positions.head.store(to, publishing("release"));
    }

    /// The producer has gone. What it committed before can still be read, after one more [`refresh`](Self::refresh).
    #[inline]
    pub(super) fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire, pairs with the Release in `WriteCursor::drop`: a tail read after `true` is the last one.
        self.positions.gone.producer.load(Ordering::Acquire)
    }

    /// `slot_bytes` is the size of what a position counts.
    pub(super) fn probe(&self, slot_bytes: usize) -> Probe {
        Probe { positions: self.positions.clone(), slot_bytes }
    }
}

impl Drop for ReadCursor {
    fn drop(&mut self) {
        // A forgotten chunk may have moved records out without releasing them; the storage must not drop those again.
        // ORDERING: Relaxed for the flag, see `WriteCursor::is_abandoned`; Release for the head as in `release_to`.
        self.positions.head.store(self.head, Ordering::Release);
        self.positions.gone.consumer.store(true, Ordering::Relaxed);
    }
}

/// Watches a ring from any thread, without slowing it beyond the reads themselves.
///
/// Keeps the two counters alive, not the records. Each counter only grows; two reads are not one instant, so the difference is an
/// estimate that is off by what moved in between.
///
/// # Cost
/// A read brings the counter's line into the sampler's cache, which costs its writer one miss. Sample; do not spin on it.
#[derive(Clone)]
pub struct Probe {
    positions: Arc<Positions>,
    slot_bytes: usize,
}

impl Probe {
    /// Records committed by the producer so far.
    pub fn committed(&self) -> u64 {
        // ORDERING: Relaxed. A counter; nothing else is read because of it.
        self.positions.tail.load(Ordering::Relaxed)
    }

    /// Records released by the consumer so far.
    pub fn released(&self) -> u64 {
        // ORDERING: Acquire, pairs with the Release in `ReadCursor::release_to`: a later `committed()` is at least as large.
        self.positions.head.load(Ordering::Acquire)
    }

    /// Records committed and not yet released, in `0..=capacity`.
    pub fn in_flight(&self) -> u64 {
        let released = self.released();
        self.committed().saturating_sub(released).min(self.positions.capacity)
    }

    /// Bytes of a slot. What a record holds elsewhere, a text say, is not counted.
    pub fn slot_bytes(&self) -> usize {
        self.slot_bytes
    }

    /// Number of slots.
    pub fn capacity(&self) -> usize {
        self.positions.capacity as usize
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("released", &self.released()).field("committed", &self.committed()).finish_non_exhaustive()
    }
}
