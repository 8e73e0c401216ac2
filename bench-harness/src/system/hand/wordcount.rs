//! `wordcount`: words stay where they are in the text; the table holds what tells them apart beside their counts.
//!
//! ```text
//!   64 words: split ─▶ head, tail: their first 16 bytes as numbers ─▶ hash ─▶ ask the cache for the place
//!   64 words: place ─▶ same length, head and tail? the same word, up to 16 bytes: count. Otherwise compare, or go on to the next place
//! ```
//!
//! The table is larger than the inner caches and the words come in no order, so the waits of 64 words overlap. Nearly all words are at most
//! 16 bytes long, so they are found by comparing numbers, without following a pointer back into the text.
#![allow(unsafe_code)]

use std::time::Duration;

use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        text::{Lines, VOCABULARY, word_row, words},
    },
};

pub(super) fn run(lines: &Lines, cores: usize) -> (Duration, Answer) {
    let work = |part: usize| {
        let bound = |part: usize| (u128::from(lines.events) * part as u128 / cores as u128) as u64;
        let mut counts = Counts::new(&lines.block, VOCABULARY);
        for piece in lines.pieces(bound(part)..bound(part + 1), usize::MAX) {
            // A piece is whole lines, and the end of a line is white space too: there is no need to find it.
            counts.add(piece);
        }
        counts
    };
    parallel(cores, work, |parts: Vec<Counts<'_>>| {
        let mut parts = parts.into_iter();
        let mut counts = parts.next().unwrap_or_else(|| Counts::new(&lines.block, 0));
        parts.for_each(|part| counts.merge(&part));
        let mut answer = Answer::default();
        counts.iter().for_each(|(word, count)| answer.add(&word_row(word, count)));
        answer
    })
}

/// Counts by word.
struct Counts<'a> {
    /// What all words are slices of; less than 4 GiB.
    text: &'a str,
    /// A power of two of places, at most half of them taken.
    places: Vec<Place>,
    taken: usize,
}

#[derive(Clone, Copy, Default)]
#[repr(align(32))]
struct Place {
    word: Word,
    /// 0 where the place is free.
    count: u64,
}

#[derive(Clone, Copy, Default)]
struct Word {
    /// Bytes 0..8 of the word as a number, with zeroes behind a shorter one.
    head: u64,
    /// Bytes 8..16 of the word.
    tail: u64,
    /// Where it is in the text, and how many bytes it has.
    start: u32,
    len: u32,
}

impl Word {
    #[inline(always)]
    fn of(text: &str, word: &str) -> Word {
        // Where the word is in the text: it is a slice of it.
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let len = word.len();
        let (head, tail) = match text.as_bytes().get(start..).and_then(|rest| rest.first_chunk::<16>()) {
            Some(bytes) => {
                let surplus = 128 - 8 * len.min(16) as u32;
                let bytes = u128::from_le_bytes(*bytes) << surplus >> surplus;
                (bytes as u64, (bytes >> 64) as u64)
            }
            None => last(word),
        };
        Word { head, tail, start: start as u32, len: len as u32 }
    }

    #[inline(always)]
    fn hash(&self) -> usize {
        let product = u128::from(self.head ^ 0x9e37_79b9_7f4a_7c15)
            * u128::from(self.tail.rotate_left(32) ^ 0xd6e8_feb8_6659_fd93 ^ u64::from(self.len));
        (product as u64 ^ (product >> 64) as u64) as usize
    }

    #[inline(always)]
    fn in_text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..][..self.len as usize]
    }

    #[inline(always)]
    fn is(&self, other: &Word, text: &str) -> bool {
        let is_short = self.len <= 16;
        self.head == other.head
            && self.tail == other.tail
            && self.len == other.len
            && (is_short || self.in_text(text) == other.in_text(text))
    }
}

/// Head and tail of a word so near the end of the text that there are no 16 bytes to read.
#[cold]
fn last(word: &str) -> (u64, u64) {
    let mut bytes = [0; 16];
    let len = word.len().min(16);
    bytes[..len].copy_from_slice(&word.as_bytes()[..len]);
    let bytes = u128::from_le_bytes(bytes);
    (bytes as u64, (bytes >> 64) as u64)
}

/// Words whose places are asked for before the first of them is looked at.
const AHEAD: usize = 64;

impl<'a> Counts<'a> {
    fn new(text: &'a str, words: usize) -> Counts<'a> {
        assert!(u32::try_from(text.len()).is_ok(), "places hold positions of 32 bits");
        Counts { text, places: vec![Place::default(); (2 * words).next_power_of_two().max(16)], taken: 0 }
    }

    /// Counts the words of a slice of the text.
    fn add(&mut self, piece: &str) {
        let mut ahead = [(Word::default(), 0); AHEAD];
        let mut fill = 0;
        for word in words(piece) {
            let word = Word::of(self.text, word);
            let hash = word.hash();
            prefetch(&self.places, hash);
            ahead[fill % AHEAD] = (word, hash);
            fill += 1;
            if fill == AHEAD {
                ahead.iter().for_each(|&(word, hash)| self.count(word, hash, 1));
                fill = 0;
            }
        }
        ahead[..fill].iter().for_each(|&(word, hash)| self.count(word, hash, 1));
    }

    #[inline(always)]
    fn count(&mut self, word: Word, hash: usize, count: u64) {
        let mut at = hash & (self.places.len() - 1);
        loop {
            let place = &mut self.places[at];
            if place.word.is(&word, self.text) && place.count > 0 {
                place.count += count;
                return;
            }
            if place.count == 0 {
                return self.insert(at, Place { word, count });
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, at: usize, place: Place) {
        self.places[at] = place;
        self.taken += 1;
        if self.taken * 2 > self.places.len() {
            let mut bigger = Counts { text: self.text, places: vec![Place::default(); self.places.len() * 2], taken: 0 };
            bigger.merge(self);
            *self = bigger;
        }
    }

    /// Adds the counts of another table over the same text.
    fn merge(&mut self, other: &Counts<'a>) {
        other.places.iter().filter(|place| place.count > 0).for_each(|place| self.count(place.word, place.word.hash(), place.count));
    }

    fn iter(&self) -> impl Iterator<Item = (&'a str, u64)> {
        self.places.iter().filter(|place| place.count > 0).map(|place| (place.word.in_text(self.text), place.count))
    }
}

/// Asks the cache for the place that a hash leads to.
#[inline(always)]
fn prefetch(places: &[Place], hash: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let place = &places[hash & (places.len() - 1)];
        // SAFETY: a prefetch reads nothing and never faults; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (places, hash);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_like_a_map(text in prop::collection::vec("[ab]{0,6}|[a-cé]{7,18}|a{0,40}", 0..2_000), sized in 0usize..100, cut in 0usize..50) {
            let text = text.join(" ");
            let cut = text.match_indices(' ').nth(cut).map_or(0, |(at, _)| at);
            let mut counts = Counts::new(&text, sized);
            let mut other = Counts::new(&text, sized);
            counts.add(&text[..cut]);
            other.add(&text[cut..]);
            counts.merge(&other);
            let mut map = HashMap::<&str, u64>::new();
            text.split_ascii_whitespace().for_each(|word| *map.entry(word).or_default() += 1);
            prop_assert_eq!(counts.iter().count(), map.len());
            prop_assert_eq!(counts.iter().collect::<HashMap<_, _>>(), map);
        }
    }
}
