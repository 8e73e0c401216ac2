//! Records of any length: frames of bytes, written and read in place.
//!
//! ```text
//!   words of 4 bytes   … │ 5 │ h e l l │ o · · · │ 0 │ 9 │ …  │ skip │          ← end of the storage
//!                          │                       │
//!                          length prefix, u32      an empty frame      the next frame did not fit here: it starts at index 0
//! ```
//!
//! Laws
//! - A frame never crosses the end of the storage, so it is one slice on both sides. What it cannot use before the end is skipped.
//! - A frame with its prefix takes at most half of the capacity: then it fits, together with what is skipped for it, once the ring is empty.
//! - Finished frames are published by [`commit`](ByteProducer::commit), by the next commit of a frame, when the ring is found full, or when
//!   the producer is dropped; an unfinished frame never is.
//! - The storage starts zeroed and every word is initialised for ever after, so a claimed frame holds old bytes, never uninitialised ones.
//!
//! Not here: control, and frames that span several claims.

#![allow(unsafe_code)]

use std::{
    fmt,
    ops::{Deref, DerefMut},
    slice,
};

use super::{
    Empty, Probe, Storage,
    slots::Slots,
    spsc::{ReadCursor, WriteCursor},
};
use crate::sync::Arc;

const WORD_BYTES: usize = size_of::<u32>();
/// In place of a length prefix: go on at index 0. No frame is that long.
const SKIP: u32 = u32::MAX;

/// Words of a frame: its length prefix and its bytes.
#[inline(always)]
fn words(len: usize) -> usize {
    1 + len.div_ceil(WORD_BYTES)
}

/// Makes a ring for frames with room for `capacity_bytes`, prefixes and padding included, rounded up to a power of two and at least 8.
///
/// ```
/// let (mut producer, mut consumer) = thalweg::ring::byte_ring(64);
/// producer.claim(5)?.copy_from_slice(b"never");                   // dropped, so never seen
/// for word in ["one", "", "three"] {
///     let mut frame = producer.claim(word.len())?;
///     frame.copy_from_slice(word.as_bytes());
///     frame.finish();
/// }
/// producer.commit();                                              // one store for the three
///
/// let frames = consumer.read(64)?;
/// assert!(frames.iter().eq([&b"one"[..], b"", b"three"]));
/// frames.release();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If the capacity exceeds `isize::MAX`, as `Vec::with_capacity` does.
pub fn byte_ring(capacity_bytes: usize) -> (ByteProducer, ByteConsumer) {
    let storage = Storage::new(Slots::zeroed(capacity_bytes.div_ceil(WORD_BYTES).max(2)));
    let positions = storage.positions.clone();
    let producer = ByteProducer { cursor: WriteCursor::new(positions.clone()), storage: storage.clone(), finished: 0 };
    (producer, ByteConsumer { cursor: ReadCursor::new(positions), storage })
}

/// Why a frame was not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum ClaimError {
    /// Not enough room now. Finished frames were published, nothing else has changed; retry after the consumer has released some.
    #[error("the byte ring is full; retry after the consumer has released frames")]
    Full,
    /// No room ever.
    #[error(
        "a frame of {len} bytes does not fit this byte ring, whose longest frame is {longest} bytes (half of its capacity); \
         make the ring larger or split the record"
    )]
    TooLong {
        /// The length that was asked for.
        len: usize,
        /// The longest frame of this ring.
        longest: usize,
    },
}

/// The end of a byte ring that writes.
pub struct ByteProducer {
    cursor: WriteCursor,
    storage: Arc<Storage<u32>>,
    /// Words of frames that are finished and not yet published.
    finished: usize,
}

impl ByteProducer {
    /// Size of the storage in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.storage.slots.capacity() * WORD_BYTES
    }

    /// Length in bytes of the longest frame: half of the capacity, less the prefix.
    #[inline]
    pub fn longest(&self) -> usize {
        // The prefix holds lengths below `SKIP`; a word less keeps the rounded length below it too.
        (self.capacity_bytes() / 2 - WORD_BYTES).min(SKIP as usize - WORD_BYTES)
    }

    /// Claims a frame of `len` bytes to write in place. It holds old bytes.
    ///
    /// Dropping the frame gives it back; [`FrameMut::finish`] keeps it for the next commit; [`FrameMut::commit`] publishes it, and all
    /// finished ones before it, at once.
    ///
    /// # Errors
    /// [`ClaimError::Full`] if there is no room; finished frames are published then, so that the consumer can make some.
    /// [`ClaimError::TooLong`] if there will never be room.
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<FrameMut<'_>, ClaimError> {
        let longest = self.longest();
        if len > longest {
            return Err(ClaimError::TooLong { len, longest });
        }
        let slots = &self.storage.slots;
        let at = self.cursor.tail() + self.finished as u64;
        let run = slots.run(at);
        let skip = if run < words(len) { run } else { 0 };
        let want = self.finished + skip + words(len);
        if self.cursor.vacant(want) < want {
            self.commit();
            return Err(ClaimError::Full);
        }
        if skip > 0 {
            slots.note_write(at, skip);
            // SAFETY: the word is one of the `want` free ones, hence ours.
            unsafe { slots.slot(at).write(SKIP) };
        }
        let start = at + skip as u64;
        slots.note_write(start, words(len));
        Ok(FrameMut { producer: self, start, skip, len })
    }

    /// Publishes the finished frames, with one Release store; none if there are none.
    #[inline]
    pub fn commit(&mut self) {
        if self.finished > 0 {
            self.cursor.commit(self.finished);
            self.finished = 0;
        }
    }

    /// The consumer was dropped.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_abandoned()
    }

    /// Watches the ring from any thread. Its unit is words of 4 bytes, prefixes, padding and skipped words included.
    pub fn probe(&self) -> Probe {
        self.cursor.probe(WORD_BYTES)
    }
}

impl Drop for ByteProducer {
    fn drop(&mut self) {
        self.commit();
    }
}

impl fmt::Debug for ByteProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteProducer").field("capacity_bytes", &self.capacity_bytes()).finish_non_exhaustive()
    }
}

/// A frame that is being written: a slice of bytes.
#[must_use = "a frame that is dropped without `finish` or `commit` is given back"]
pub struct FrameMut<'a> {
    producer: &'a mut ByteProducer,
    /// Position of the length prefix. The frame lies in one run from there on.
    start: u64,
    /// Words skipped before it.
    skip: usize,
    /// Bytes.
    len: usize,
}

impl FrameMut<'_> {
    /// Makes the frame shorter: claim what may come, write what came. No effect if it is not longer than `len`.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Ends the frame, to be published with the next commit.
    #[inline]
    pub fn finish(mut self) {
        self.end();
    }

    /// Ends the frame and publishes it, and all finished ones before it, with one Release store.
    #[inline]
    pub fn commit(mut self) {
        self.end();
        self.producer.commit();
    }

    /// Writes the length prefix and counts the frame as finished. Called once, by the two that consume the frame.
    #[inline(always)]
    fn end(&mut self) {
        let slots = &self.producer.storage.slots;
        slots.note_write(self.start, words(self.len));
        // SAFETY: the word was claimed and is not published. The length fits: it is below `SKIP`.
        unsafe { slots.slot(self.start).write(self.len as u32) };
        self.producer.finished += self.skip + words(self.len);
    }

    #[inline(always)]
    fn bytes(&self) -> *mut u8 {
        // SAFETY: the frame lies in one run of at least one word, so its bytes start inside the allocation or at its end.
        unsafe { self.producer.storage.slots.slot(self.start).add(1).cast::<u8>().as_ptr() }
    }
}

impl Deref for FrameMut<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes after the prefix were claimed, are initialised (the storage starts zeroed) and not published.
        unsafe { slice::from_raw_parts(self.bytes(), self.len) }
    }
}

impl DerefMut for FrameMut<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes us the only user.
        unsafe { slice::from_raw_parts_mut(self.bytes(), self.len) }
    }
}

impl fmt::Debug for FrameMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameMut").field("len", &self.len).finish_non_exhaustive()
    }
}

/// The end of a byte ring that reads.
pub struct ByteConsumer {
    cursor: ReadCursor,
    storage: Arc<Storage<u32>>,
}

impl ByteConsumer {
    /// Lends up to `max` frames. Dropping them releases all of them, with one Release store.
    ///
    /// # Errors
    /// [`Empty`] if no frame is committed, and if `max` is 0.
    ///
    /// # Cost
    /// One look at each frame's prefix. Reads the shared tail only when fewer than `max` frames are known.
    #[inline]
    pub fn read(&mut self, max: usize) -> Result<Frames<'_>, Empty> {
        let (mut end, mut count) = (self.cursor.head(), 0);
        self.walk(&mut end, &mut count, max);
        if count < max {
            self.cursor.refresh();
            self.walk(&mut end, &mut count, max);
        }
        if count == 0 {
            return Err(Empty);
        }
        Ok(Frames { consumer: self, end, count })
    }

    /// Goes on over the known frames until `max` were counted.
    #[inline(always)]
    fn walk(&self, end: &mut u64, count: &mut usize, max: usize) {
        let known_end = self.cursor.head() + self.cursor.known() as u64;
        while *count < max && *end < known_end {
            // SAFETY: a frame starts at `end`, and all of it is committed and not released.
            let (frame, next) = unsafe { frame(&self.storage.slots, *end) };
            self.storage.slots.note_read(next - words(frame.len()) as u64, words(frame.len()));
            (*end, *count) = (next, *count + 1);
        }
    }

    /// The producer was dropped. What it committed before is still there: the stream has ended once this was `true` *and then*
    /// [`read`](Self::read) found nothing.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_abandoned()
    }

    /// Watches the ring from any thread. Its unit is words of 4 bytes, prefixes, padding and skipped words included.
    pub fn probe(&self) -> Probe {
        self.cursor.probe(WORD_BYTES)
    }
}

impl fmt::Debug for ByteConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteConsumer").finish_non_exhaustive()
    }
}

/// The frame that starts at `at`, skipping to index 0 if it says so, and the position after it.
///
/// # Safety
/// A frame starts at `at`; it is committed, and it is not released while the slice lives.
#[inline(always)]
unsafe fn frame(slots: &Slots<u32>, mut at: u64) -> (&[u8], u64) {
    slots.note_read(at, 1);
    // SAFETY: the caller promises a committed prefix here.
    let mut len = unsafe { slots.slot(at).read() };
    if len == SKIP {
        at += slots.run(at) as u64;
        slots.note_read(at, 1);
        // SAFETY: a skip is committed together with the frame at index 0 that made it necessary.
        len = unsafe { slots.slot(at).read() };
    }
    let len = len as usize;
    debug_assert!(words(len) <= slots.run(at));
    // SAFETY: the prefix was written by `FrameMut`, so `len` bytes follow it in this run; the caller keeps them from being released.
    let bytes = unsafe { slice::from_raw_parts(slots.slot(at).add(1).cast::<u8>().as_ptr(), len) };
    (bytes, at + words(len) as u64)
}

/// Frames lent by a byte ring. Dropping them gives their room back to the producer.
#[must_use = "frames that are dropped are released unread"]
pub struct Frames<'a> {
    consumer: &'a mut ByteConsumer,
    /// Position after the last frame.
    end: u64,
    /// At least 1.
    count: usize,
}

impl Frames<'_> {
    /// Number of frames. At least 1.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one frame")]
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// The frames, oldest first.
    #[inline]
    pub fn iter(&self) -> FramesIter<'_> {
        FramesIter { frames: self, at: self.consumer.cursor.head(), left: self.count }
    }

    /// Gives the room back, with one Release store. The same as dropping the frames.
    #[inline]
    pub fn release(self) {}
}

impl Drop for Frames<'_> {
    #[inline]
    fn drop(&mut self) {
        self.consumer.cursor.release_to(self.end);
    }
}

impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'f> IntoIterator for &'f Frames<'_> {
    type Item = &'f [u8];
    type IntoIter = FramesIter<'f>;

    #[inline]
    fn into_iter(self) -> FramesIter<'f> {
        self.iter()
    }
}

/// Iterates over [`Frames`].
pub struct FramesIter<'f> {
    frames: &'f Frames<'f>,
    at: u64,
    left: usize,
}

impl<'f> Iterator for FramesIter<'f> {
    type Item = &'f [u8];

    #[inline]
    fn next(&mut self) -> Option<&'f [u8]> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `left` more frames start at `at`; the borrow of `Frames` keeps them from being released.
        let (bytes, next) = unsafe { frame(&self.frames.consumer.storage.slots, self.at) };
        self.at = next;
        Some(bytes)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for FramesIter<'_> {}
impl std::iter::FusedIterator for FramesIter<'_> {}
