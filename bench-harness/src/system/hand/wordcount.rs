//! `wordcount`: words stay where they are in the text; the table holds what it needs to tell them apart beside their counts.
//!
//! ```text
//!   word ─▶ head: its first 8 bytes as a number ─┐ × odd constants, folded ─▶ place: head, word, count
//!        ─▶ tail: its last 8 bytes as a number  ─┘                            same length, head and tail: the same word, up to 16 bytes
//! ```
//!
//! Nearly all words are at most 16 bytes long, so they are found by comparing numbers, without following a pointer back into the text.

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
        let mut counts = Counts::for_words(VOCABULARY);
        for piece in lines.pieces(bound(part)..bound(part + 1), usize::MAX) {
            // A piece is whole lines, and the end of a line is white space too: there is no need to find it.
            words(piece).for_each(|word| counts.add(word, 1));
        }
        counts
    };
    parallel(cores, work, |parts: Vec<Counts<'_>>| {
        let mut parts = parts.into_iter();
        let mut counts = parts.next().unwrap_or_else(|| Counts::for_words(0));
        for part in parts {
            part.iter().for_each(|(word, count)| counts.add(word, count));
        }
        let mut answer = Answer::default();
        counts.iter().for_each(|(word, count)| answer.add(&word_row(word, count)));
        answer
    })
}

/// Counts by word.
struct Counts<'a> {
    /// A power of two of places, at most half of them taken.
    places: Vec<Place<'a>>,
    taken: usize,
}

#[derive(Clone, Copy, Default)]
struct Place<'a> {
    head: u64,
    tail: u64,
    word: &'a str,
    /// 0 where the place is free.
    count: u64,
}

/// The first and the last 8 bytes of a word as numbers; a shorter word's bytes overlap or leave zeroes.
#[inline(always)]
fn ends(word: &str) -> (u64, u64) {
    let bytes = word.as_bytes();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (u64::from_le_bytes(*head), u64::from_le_bytes(*tail))
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
    } else if let [first, .., last] = bytes {
        // Two or three bytes: the middle one is the last but one, or the first again.
        (u64::from(*first) | u64::from(bytes[bytes.len() / 2]) << 8, u64::from(*last))
    } else {
        (bytes.first().copied().map_or(0, u64::from), 0)
    }
}

impl<'a> Counts<'a> {
    fn for_words(words: usize) -> Counts<'a> {
        Counts { places: vec![Place::default(); (2 * words).next_power_of_two().max(16)], taken: 0 }
    }

    #[inline(always)]
    fn add(&mut self, word: &'a str, count: u64) {
        let (head, tail) = ends(word);
        let mask = self.places.len() - 1;
        let mut at = place_of(head, tail, word.len()) & mask;
        loop {
            let place = &mut self.places[at];
            // Up to 16 bytes, both ends and the length are the whole word.
            if place.head == head && place.tail == tail && place.word.len() == word.len() && (word.len() <= 16 || place.word == word) && place.count > 0 {
                place.count += count;
                return;
            }
            if place.count == 0 {
                return self.insert(at, Place { head, tail, word, count });
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, at: usize, place: Place<'a>) {
        self.places[at] = place;
        self.taken += 1;
        if self.taken * 2 > self.places.len() {
            let bigger = vec![Place::default(); self.places.len() * 2];
            self.taken = 0;
            for place in std::mem::replace(&mut self.places, bigger) {
                if place.count > 0 {
                    self.add(place.word, place.count);
                }
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&'a str, u64)> {
        self.places.iter().filter(|place| place.count > 0).map(|place| (place.word, place.count))
    }
}

/// Where a word's place is, if it is free.
#[inline(always)]
fn place_of(head: u64, tail: u64, len: usize) -> usize {
    let product = u128::from(head ^ 0x9e37_79b9_7f4a_7c15) * u128::from(tail.rotate_left(32) ^ 0xd6e8_feb8_6659_fd93 ^ len as u64);
    (product as u64 ^ (product >> 64) as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_like_a_map(words in prop::collection::vec("[ab]{0,6}|[a-cé]{7,18}|a{0,40}", 0..2_000), sized in 0usize..100) {
            let mut counts = Counts::for_words(sized);
            let mut map = HashMap::<&str, u64>::new();
            for word in &words {
                counts.add(word, 1);
                *map.entry(word).or_default() += 1;
            }
            prop_assert_eq!(counts.iter().count(), map.len());
            prop_assert_eq!(counts.iter().collect::<HashMap<_, _>>(), map);
        }
    }
}
