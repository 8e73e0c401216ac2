//! Lines of UTF-8 text for `wordcount`.
//!
//! Words are what [`str::split_ascii_whitespace`] yields: the text separates words by ASCII white space only, and words may hold any
//! other character. [`words`] yields the same, several times as fast, and every system splits with it. An event is a line; every line has [`WORDS_PER_LINE`] words, drawn from a vocabulary of [`VOCABULARY`] by Zipf's law.

use std::{collections::HashSet, ops::Range, sync::Arc};

use super::draw::Draw;

mod split;

pub use split::{Words, words};

/// Distinct words there are.
pub const VOCABULARY: usize = 50_000;

/// Words of a line.
pub const WORDS_PER_LINE: u64 = 10;

/// A block of lines, replayed in laps.
#[derive(Clone)]
pub struct Lines {
    /// One lap: lines that each end in `\n`.
    pub block: Arc<str>,
    /// Byte offset of each line of the block, and the block's length at the end.
    pub offsets: Arc<[u32]>,
    /// Lines of all laps together.
    pub events: u64,
}

impl Lines {
    /// Lines of the block.
    pub fn block_lines(&self) -> u64 {
        self.offsets.len() as u64 - 1
    }

    /// Cuts a range of the replayed lines into pieces of whole lines, at most `max` lines each and each within one lap.
    pub fn pieces(&self, range: Range<u64>, max: usize) -> impl Iterator<Item = &str> {
        let len = self.block_lines();
        let mut next = range.start;
        std::iter::from_fn(move || {
            if next >= range.end {
                return None;
            }
            let at = next % len;
            let take = (len - at).min(max as u64).min(range.end - next);
            next += take;
            Some(&self.block[self.offsets[at as usize] as usize..self.offsets[(at + take) as usize] as usize])
        })
    }
}

/// A result row: the word and how often it occurred.
#[inline]
pub fn word_row(word: &str, count: u64) -> [u64; 2] {
    [super::text_column(word), count]
}

/// Makes the lines. The block is four times `block_bytes`, so that rare words occur in it too.
pub(super) fn generate(seed: u64, events: u64, block_bytes: usize) -> Lines {
    let vocabulary = vocabulary(seed);
    let ranks = Ranks::new(vocabulary.len());
    let (rank, gap) = (Draw::new(seed, 10), Draw::new(seed, 11));
    let bytes = block_bytes.saturating_mul(4).min(u32::MAX as usize / 2);
    let mut block = String::with_capacity(bytes + 1_000);
    let mut offsets = vec![0];
    let mut word = 0;
    while (block.len() < bytes && (offsets.len() as u64) <= events) || offsets.len() < 2 {
        for place in 0..WORDS_PER_LINE {
            if place > 0 {
                block.push_str(match gap.below(word, 64) {
                    0 => "\t",
                    1 => "  ",
                    _ => " ",
                });
            }
            block.push_str(&vocabulary[ranks.pick(rank.unit(word))]);
            word += 1;
        }
        block.push('\n');
        offsets.push(block.len() as u32);
    }
    Lines { block: block.into(), offsets: offsets.into(), events }
}

/// Distinct words, the frequent ones short as in English: about 4 letters by occurrence, 8 by entry. One in sixteen is not ASCII.
fn vocabulary(seed: u64) -> Vec<String> {
    const COMMON: [char; 20] = ['e', 't', 'a', 'o', 'i', 'n', 's', 'h', 'r', 'd', 'l', 'c', 'u', 'm', 'w', 'f', 'g', 'y', 'p', 'b'];
    const FOREIGN: [char; 12] = ['é', 'ü', 'ø', 'ç', 'ñ', 'ß', 'ж', 'я', 'λ', '語', '水', '流'];
    let (length, letter, foreign) = (Draw::new(seed, 20), Draw::new(seed, 21), Draw::new(seed, 22));
    let mut seen = HashSet::new();
    let mut words = Vec::with_capacity(VOCABULARY);
    let mut attempt = 0;
    while words.len() < VOCABULARY {
        attempt += 1;
        // The more words there are already, the longer the next: 1 + log10(rank) letters at least, and up to twice that and three more.
        let least = 1 + (words.len() + 1).ilog10() as u64 + u64::from(words.len() >= 10);
        let letters = least + length.below(attempt, least + 3);
        let is_foreign = foreign.below(attempt, 16) == 0;
        let word: String = (0..letters)
            .map(|place| {
                let draw = attempt * 32 + place;
                if is_foreign && letter.below(draw ^ (1 << 60), 3) == 0 {
                    FOREIGN[letter.below(draw, FOREIGN.len() as u64) as usize]
                } else {
                    COMMON[letter.below(draw, COMMON.len() as u64) as usize]
                }
            })
            .collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// Draws ranks by Zipf's law: rank `r` (from 0) has the weight 1 / (r + 2.7).
///
/// Source: Mandelbrot's form of Zipf's law, with the shift that fits English.
struct Ranks(Vec<f64>);

impl Ranks {
    fn new(count: usize) -> Ranks {
        let mut total = 0.0;
        Ranks(
            (0..count)
                .map(|rank| {
                    total += 1.0 / (rank as f64 + 2.7);
                    total
                })
                .collect(),
        )
    }

    /// The rank that `unit`, in `0.0..1.0`, falls on.
    fn pick(&self, unit: f64) -> usize {
        let total = self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|&upto| upto <= unit * total).min(self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_ten_words_and_pieces_cover_them() {
        let lines = generate(5, 1_000, 4_096);
        assert!(lines.block.lines().all(|line| words(line).count() as u64 == WORDS_PER_LINE));
        assert_eq!(lines.block.lines().count() as u64, lines.block_lines());
        assert!(lines.block_lines() < 1_000);
        let laps: String = lines.block.repeat(1_000 / lines.block_lines() as usize + 1);
        let all: Vec<&str> = laps.lines().collect();
        for (range, max) in [(0..1_000, 7), (3..999, 1_000_000), (500..501, 1), (10..10, 4)] {
            let seen: Vec<&str> = lines.pieces(range.clone(), max).flat_map(str::lines).collect();
            assert_eq!(seen, all[range.start as usize..range.end as usize]);
        }
    }

    #[test]
    fn words_are_as_frequent_as_in_a_language() {
        let lines = generate(5, u64::MAX, 1 << 20);
        let mut counts = std::collections::HashMap::<&str, u64>::new();
        words(&lines.block).for_each(|word| *counts.entry(word).or_default() += 1);
        let total: u64 = counts.values().sum();
        let greatest = counts.values().max().copied().unwrap_or(0) as f64 / total as f64;
        assert!((0.02..0.06).contains(&greatest), "the most frequent word is {greatest} of the text");
        assert!((30_000..=VOCABULARY).contains(&counts.len()), "{} distinct words", counts.len());
        let length = (lines.block.len() as f64 / total as f64) - 1.0;
        assert!((4.0..7.5).contains(&length), "{length} bytes a word");
        assert!(!lines.block.is_ascii());
    }
}
