//! Lines of UTF-8 text for `wordcount`.
//!
//! Words are what [`str::split_ascii_whitespace`] yields: the text separates words by ASCII white space only, and words may hold any
//! other character. An event is a line; every line has [`WORDS_PER_LINE`] words.

use std::{ops::Range, sync::Arc};

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
