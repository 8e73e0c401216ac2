//! Borrowed text to dense numbers: a word gets the next free slot when it is first seen, and keeps it.
//!
//! ```text
//!   "the" ──pack──▶ word ──▶ index: (word, slot) by open addressing ──▶ slot 0, 1, 2, … in the order of first sight
//!                                                                         │
//!   starts: [0, 3, 8, 14, …]  ◀───────────────────────────────────────────┘
//!   arena:  "the" "quick" "ficelle" …     every key once, one after the other: no allocation for each
//!
//!   word, up to 7 bytes: | bytes, padded with zeros | length |     is the key: equal words are equal keys
//!   word, longer:        | 56 bits of hash          |  0xff  |     equal words are compared in the arena
//! ```
//!
//! Most words of a text are short, so most lookups touch one entry of the index and nothing else.
//!
//! Laws
//! - `slot(key)` is the number of distinct keys seen before `key` was; it never changes, until [`clear`](Dictionary::clear).
//! - Nothing is allocated but when the index, the arena or the list of starts doubles.
//!
//! Non-goals: forgetting single keys; more than 2^32 - 1 keys.

use std::{fmt, hash::Hasher, ops::Range};

use foldhash::{SharedSeed, fast::FoldHasher};

use super::key::mix;

/// The least number of index entries.
const MIN_ENTRIES: usize = 64;
/// One index entry in so many may be taken.
const LOAD: usize = 2;
/// Keys of up to this many bytes are packed whole.
const SHORT_BYTES: usize = 7;
/// The top byte of a word that is a hash.
const LONG: u64 = 0xff << 56;
/// The slot, and the word, of a free entry. No key packs to this word: its top byte is no length, nor that of a hash.
const FREE: Entry = Entry { word: 0xfe << 56, slot: u32::MAX };
/// Odd, with bits all over: 2^64 divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for [u8] {}
}

/// What a [`Dictionary`] can hold: `str` and `[u8]`.
pub trait Word: sealed::Sealed {
    /// Holds many keys, one after the other.
    #[doc(hidden)]
    type Arena: Default + Send;
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

#[derive(Clone, Copy)]
struct Entry {
    word: u64,
    slot: u32,
}

/// The product's halves, folded: every bit of the result depends on all bits of both.
#[inline(always)]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product >> 64) as u64 ^ product as u64
}

#[inline(always)]
fn read_u32(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
}

#[inline(always)]
fn read_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The word of a key: the key itself if it is short, else a hash.
///
/// Bytes are read in overlapping pieces from both ends. Where they overlap they agree, so that `|` leaves the bytes as they are.
#[inline(always)]
fn pack(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if length <= SHORT_BYTES {
        let packed = if length >= 4 {
            read_u32(bytes, 0) | read_u32(bytes, length - 4) << ((length - 4) * 8)
        } else if length > 0 {
            let (middle, last) = (length / 2, length - 1);
            u64::from(bytes[0]) | u64::from(bytes[middle]) << (middle * 8) | u64::from(bytes[last]) << (last * 8)
        } else {
            0
        };
        packed | (length as u64) << 56
    } else if length <= 16 {
        // Two lengths with the same ends give the same bytes only if the key repeats itself; so the length goes in.
        fold(read_u64(bytes, 0) ^ MULTIPLIER, read_u64(bytes, length - 8) ^ (length as u64).wrapping_mul(0xa076_1d64_78bd_642f)) | LONG
    } else {
        pack_long(bytes)
    }
}

#[inline(never)]
fn pack_long(bytes: &[u8]) -> u64 {
    let mut hasher = FoldHasher::with_seed(MULTIPLIER, SharedSeed::global_fixed());
    hasher.write(bytes);
    hasher.finish() | LONG
}

/// The word, spread over all bits.
#[inline(always)]
fn spread(word: u64) -> u64 {
    fold(word ^ 0x2d35_8dcc_aa6c_78a5, MULTIPLIER)
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
    /// Cost: one entry of the index for a short key; a look into the arena besides for one of more than seven bytes.
    ///
    /// # Panics
    /// With 2^32 - 1 keys already there.
    #[inline]
    pub fn slot(&mut self, key: &Q) -> (u32, bool) {
        let word = pack(key.bytes());
        match self.near(key, word) {
            Some(slot) => (slot, false),
            None => self.place(key, word),
        }
    }

    /// The slot of a key that is there already.
    #[inline]
    pub fn find(&self, key: &Q) -> Option<u32> {
        let word = pack(key.bytes());
        self.near(key, word).or_else(|| self.search(key, word).ok())
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

    /// A hash of a slot's key, the same in every run: for routing by key without reading the key again.
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

    /// The slot, if the key is at its home or beside it. As in probe mode, the first comparison moves the index: it cannot be predicted.
    #[inline(always)]
    fn near(&self, key: &Q, word: u64) -> Option<u32> {
        let mask = self.index.len() - 1;
        let at = spread(word) as usize & mask;
        let at = (at + usize::from(self.index[at].word != word)) & mask;
        let entry = self.index[at];
        (entry.word == word && (word < LONG || self.key(entry.slot).bytes() == key.bytes())).then_some(entry.slot)
    }

    /// The slot, or else the place in the index where the key belongs.
    fn search(&self, key: &Q, word: u64) -> Result<u32, usize> {
        let mask = self.index.len() - 1;
        let mut at = spread(word) as usize & mask;
        loop {
            let entry = self.index[at];
            if entry.slot == FREE.slot {
                // Comes: at most one entry in `LOAD` is taken.
                return Err(at);
            }
            if entry.word == word && (word < LONG || self.key(entry.slot).bytes() == key.bytes()) {
                return Ok(entry.slot);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    #[inline(never)]
    fn place(&mut self, key: &Q, word: u64) -> (u32, bool) {
        match self.search(key, word) {
            Ok(slot) => (slot, false),
            Err(at) => {
                let slot = u32::try_from(self.len()).ok().filter(|&slot| slot != FREE.slot).expect("a dictionary holds fewer than 2^32 - 1 keys");
                self.index[at] = Entry { word, slot };
                key.push(&mut self.arena);
                self.starts.push(self.starts[slot as usize] + key.bytes().len());
                // Not the hash of the index: keys routed by it to one worker must not crowd there in the index again.
                self.hashes.push(mix(word));
                if self.len() * LOAD > self.index.len() {
                    self.grow();
                }
                (slot, true)
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        let old = std::mem::replace(&mut self.index, vec![FREE; mask + 1]);
        for entry in old.into_iter().filter(|entry| entry.slot != FREE.slot) {
            let mut at = spread(entry.word) as usize & mask;
            while self.index[at].slot != FREE.slot {
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
