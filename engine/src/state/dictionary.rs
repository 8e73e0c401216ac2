//! Borrowed text to dense numbers: a word gets the next free slot when it is first seen, and keeps it.
//!
//! ```text
//!   "the" ──pack──▶ word ──▶ index: (word, slot) by open addressing ──▶ slot 0, 1, 2, … in the order of first sight
//!                                                                         │
//!   starts: [0, 3, 8, 14, …]  ◀───────────────────────────────────────────┘
//!   arena:  "the" "quick" "ficelle" …     every key once, one after the other: no allocation for each
//!
//!   word of up to 16 bytes: all its bytes, and the length      equal words are equal keys
//!   word of a longer key:   a hash, and the last eight bytes   keys of equal words are compared in the arena
//! ```
//!
//! Nearly all words of a text have 16 bytes or fewer, so nearly all lookups touch one entry of the index and nothing else.
//!
//! Laws
//! - `slot(key)` is the number of distinct keys seen before `key` was; it never changes, until [`clear`](Dictionary::clear).
//! - Nothing is allocated but when the index, the arena or the list of starts doubles.
//!
//! Non-goals: forgetting single keys; more than 2^32 - 1 keys.

use std::{fmt, hash::Hasher, ops::Range};

use foldhash::{SharedSeed, fast::FoldHasher};

use super::{
    key::mix,
    prefetch::prefetch,
    short::{self, SHORT_BYTES},
};

/// The least number of index entries.
const MIN_ENTRIES: usize = 64;
/// One index entry in so many may be taken.
const LOAD: usize = 2;
/// What is no slot.
const NO_SLOT: u32 = u32::MAX;
/// An entry without a key. No key packs to this word: its length is none.
const FREE: Entry = Entry { word: Packed { left: 0, right: 0, length: u64::MAX }, slot: NO_SLOT };

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for [u8] {}
}

/// What a [`Dictionary`] can hold: `str` and `[u8]`.
pub trait Word: sealed::Sealed {
    /// Holds many keys, one after the other.
    #[doc(hidden)]
    type Arena: Default + Clone + Send;
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];
    #[doc(hidden)]
    fn push(&self, arena: &mut Self::Arena);
    #[doc(hidden)]
    fn slice(arena: &Self::Arena, range: Range<usize>) -> &Self;
    #[doc(hidden)]
    fn clear(arena: &mut Self::Arena);
    #[doc(hidden)]
    fn capacity(arena: &Self::Arena) -> usize;
}

impl Word for str {
    type Arena = String;
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
    fn push(&self, arena: &mut String) {
        arena.push_str(self);
    }
    #[inline(always)]
    fn slice(arena: &String, range: Range<usize>) -> &str {
        &arena[range]
    }
    fn clear(arena: &mut String) {
        arena.clear();
    }
    fn capacity(arena: &String) -> usize {
        arena.capacity()
    }
}

impl Word for [u8] {
    type Arena = Vec<u8>;
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }
    fn push(&self, arena: &mut Vec<u8>) {
        arena.extend_from_slice(self);
    }
    #[inline(always)]
    fn slice(arena: &Vec<u8>, range: Range<usize>) -> &[u8] {
        &arena[range]
    }
    fn clear(arena: &mut Vec<u8>) {
        arena.clear();
    }
    fn capacity(arena: &Vec<u8>) -> usize {
        arena.capacity()
    }
}

/// A key of up to 16 bytes, or what can be known of a longer one without reading it again.
#[derive(Clone, Copy)]
struct Packed {
    left: u64,
    right: u64,
    /// Of the key, in bytes. As wide as the others: a copy of all three then never reads more at once than was written at once, which
    /// would wait for the memory.
    length: u64,
}

impl Packed {
    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        // One branch, not three.
        (self.left ^ other.left) | (self.right ^ other.right) | (self.length ^ other.length) == 0
    }

    #[inline(always)]
    fn is_long(&self) -> bool {
        self.length > SHORT_BYTES as u64
    }

    /// Where the search in the index begins, before it is cut to size.
    #[inline(always)]
    fn home(&self) -> usize {
        let product = u128::from(self.left ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(self.right ^ 0x9e37_79b9_7f4a_7c15 ^ self.length);
        ((product >> 64) as u64 ^ product as u64) as usize
    }

    /// A hash for routing. Not that of the index: keys routed by it to one worker must not crowd there in the index again.
    fn hash(&self) -> u64 {
        mix(mix(mix(self.left) ^ self.right) ^ self.length)
    }
}

/// Half a cache line, and never on two.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Entry {
    word: Packed,
    slot: u32,
}

/// Packs a key.
#[inline(always)]
fn pack(bytes: &[u8]) -> Packed {
    let (left, right) = if (1..=SHORT_BYTES).contains(&bytes.len()) { short::pack(bytes) } else { pack_rare(bytes) };
    Packed { left, right, length: bytes.len() as u64 }
}

/// `left` and `right` of an empty key or a long one.
#[cold]
#[inline(never)]
fn pack_rare(bytes: &[u8]) -> (u64, u64) {
    let Some(end) = bytes.last_chunk::<8>() else { return (0, 0) };
    let mut hasher = FoldHasher::with_seed(0, SharedSeed::global_fixed());
    hasher.write(bytes);
    (hasher.finish(), u64::from_le_bytes(*end))
}

/// A key that is about to be looked up.
#[derive(Clone, Copy)]
pub struct Prepared {
    word: Packed,
    /// Where the search begins, before it is cut to size.
    home: usize,
}

impl Prepared {
    #[inline(always)]
    fn of(bytes: &[u8]) -> Self {
        let word = pack(bytes);
        Self { word, home: word.home() }
    }
}

/// Numbers distinct texts from 0 on.
///
/// ```
/// use thalweg::state::Dictionary;
///
/// let mut words: Dictionary<str> = Dictionary::new();
/// assert_eq!(words.slot("to"), (0, true));
/// assert_eq!(words.slot("be"), (1, true));
/// assert_eq!(words.slot("to"), (0, false));
/// assert_eq!(words.key(1), "be");
/// assert_eq!(words.find("not"), None);
/// ```
pub struct Dictionary<Q: Word + ?Sized> {
    /// A power of two of them.
    index: Vec<Entry>,
    arena: Q::Arena,
    /// Where each key starts in the arena, and where the next one will.
    starts: Vec<usize>,
    /// The hash of each key.
    hashes: Vec<u64>,
}

impl<Q: Word + ?Sized> Clone for Dictionary<Q> {
    fn clone(&self) -> Self {
        let Self { index, arena, starts, hashes } = self;
        Self { index: index.clone(), arena: arena.clone(), starts: starts.clone(), hashes: hashes.clone() }
    }
}

impl<Q: Word + ?Sized> Default for Dictionary<Q> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Q: Word + ?Sized> Dictionary<Q> {
    /// An empty dictionary.
    pub fn new() -> Self {
        Self { index: vec![FREE; MIN_ENTRIES], arena: Q::Arena::default(), starts: vec![0], hashes: Vec::new() }
    }

    /// The number of distinct keys.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot of a key, and whether the key is new.
    ///
    /// Cost: one entry of the index; for a key of more than 16 bytes a look into the arena besides.
    ///
    /// # Panics
    /// With 2^32 - 1 keys already there.
    #[inline]
    pub fn slot(&mut self, key: &Q) -> (u32, bool) {
        self.slot_prepared(key, Prepared::of(key.bytes()))
    }

    /// Packs a key and asks the cache for its place, so that the waits for several keys overlap: prepare a group, then look it up with
    /// [`slot_prepared`](Self::slot_prepared).
    #[inline(always)]
    pub fn prepare(&self, key: &Q) -> Prepared {
        let prepared = Prepared::of(key.bytes());
        prefetch(&self.index[prepared.home & (self.index.len() - 1)]);
        prepared
    }

    /// As [`slot`](Self::slot), with what [`prepare`](Self::prepare) returned for the same key.
    ///
    /// # Panics
    /// As [`slot`](Self::slot).
    #[inline(always)]
    pub fn slot_prepared(&mut self, key: &Q, prepared: Prepared) -> (u32, bool) {
        match self.search(key, &prepared) {
            Ok(slot) => (slot, false),
            Err(at) => (self.place(key, prepared.word, at), true),
        }
    }

    /// The slot of a key that is there already.
    #[inline]
    pub fn find(&self, key: &Q) -> Option<u32> {
        self.search(key, &Prepared::of(key.bytes())).ok()
    }

    /// The key of a slot.
    ///
    /// # Panics
    /// If no key has that slot.
    #[inline]
    pub fn key(&self, slot: u32) -> &Q {
        let slot = slot as usize;
        Q::slice(&self.arena, self.starts[slot]..self.starts[slot + 1])
    }

    /// A hash of a slot's key, the same in every run of one build: for routing by key without reading the key again.
    ///
    /// # Panics
    /// If no key has that slot.
    #[inline]
    pub fn hash(&self, slot: u32) -> u64 {
        self.hashes[slot as usize]
    }

    /// Forgets all keys and keeps the memory.
    pub fn clear(&mut self) {
        self.index.fill(FREE);
        Q::clear(&mut self.arena);
        self.starts.truncate(1);
        self.hashes.clear();
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.index.capacity() * size_of::<Entry>()
            + Q::capacity(&self.arena)
            + self.starts.capacity() * size_of::<usize>()
            + self.hashes.capacity() * size_of::<u64>()
    }

    /// The slot, or else the place in the index where the key belongs.
    #[inline(always)]
    fn search(&self, key: &Q, Prepared { word, home }: &Prepared) -> Result<u32, usize> {
        let index = self.index.as_slice();
        let mut at = *home;
        loop {
            at &= index.len() - 1;
            let entry = &index[at];
            if entry.word.is(word) && (!word.is_long() || self.key(entry.slot).bytes() == key.bytes()) {
                return Ok(entry.slot);
            }
            // Comes: at most one entry in `LOAD` is taken.
            if entry.slot == NO_SLOT {
                return Err(at);
            }
            at += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn place(&mut self, key: &Q, word: Packed, at: usize) -> u32 {
        let slot = u32::try_from(self.len()).ok().filter(|&slot| slot != NO_SLOT).expect("a dictionary holds fewer than 2^32 - 1 keys");
        self.index[at] = Entry { word, slot };
        key.push(&mut self.arena);
        self.starts.push(self.starts[slot as usize] + key.bytes().len());
        self.hashes.push(word.hash());
        if self.len() * LOAD > self.index.len() {
            self.grow();
        }
        slot
    }

    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        let old = std::mem::replace(&mut self.index, vec![FREE; mask + 1]);
        for entry in old.into_iter().filter(|entry| entry.slot != NO_SLOT) {
            let mut at = entry.word.home() & mask;
            while self.index[at].slot != NO_SLOT {
                at = (at + 1) & mask;
            }
            self.index[at] = entry;
        }
    }
}

impl<Q: Word + ?Sized> fmt::Debug for Dictionary<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("len", &self.len()).field("memory_bytes", &self.memory_bytes()).finish()
    }
}
