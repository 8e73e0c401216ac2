//! Splits text on ASCII white space, 64 bytes at a time.
//!
//! ```text
//!   text    to␣be␣or␣not␣to␣be\n        one bit for each byte that is white space; the next word ends at the lowest bit set:
//!   ends    ..1..1..1...1..1..1         no loop over the bytes of a word, whose length no processor can guess
//! ```
#![allow(unsafe_code)]

use std::iter::FusedIterator;

/// Bytes looked at together.
const PIECE: usize = 64;

/// The words of a text: exactly those of [`str::split_ascii_whitespace`].
///
/// # Cost
/// A few instructions for each 16 bytes and a few for each word; `split_ascii_whitespace` looks at every byte by itself.
#[inline]
pub fn words(text: &str) -> Words<'_> {
    Words { text, start: 0, piece: 0, ends: spaces_from(text.as_bytes(), 0) }
}

/// Iterator of [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    /// Where the next word starts, or the white space before it. At most one more than the length.
    start: usize,
    /// Where the bytes start that `ends` is about; a multiple of [`PIECE`].
    piece: usize,
    /// White space that was not yet used to end a word.
    ends: u64,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline(always)]
    fn next(&mut self) -> Option<&'a str> {
        loop {
            while self.ends != 0 {
                let end = self.piece + self.ends.trailing_zeros() as usize;
                self.ends &= self.ends - 1;
                let start = std::mem::replace(&mut self.start, end + 1);
                if end > start {
                    // SAFETY: `end` is the place of an ASCII byte in the text, and `start` is 0 or just behind another one: both are within
                    // the text, in this order, and on boundaries of characters.
                    return Some(unsafe { self.text.get_unchecked(start..end) });
                }
            }
            if self.piece + PIECE >= self.text.len() {
                let start = std::mem::replace(&mut self.start, self.text.len());
                return self.text.get(start..).filter(|word| !word.is_empty());
            }
            self.piece += PIECE;
            self.ends = spaces_from(self.text.as_bytes(), self.piece);
        }
    }
}

impl FusedIterator for Words<'_> {}

/// One bit for each byte of `bytes[from..]`, up to 64 of them: whether it is ASCII white space.
#[inline(always)]
fn spaces_from(bytes: &[u8], from: usize) -> u64 {
    let rest = bytes.get(from..).unwrap_or_default();
    if let Some(piece) = rest.first_chunk::<PIECE>() {
        spaces(piece)
    } else if let Some(last) = bytes.last_chunk::<PIECE>().filter(|_| !rest.is_empty()) {
        // The last 64 bytes overlap the piece before; what is its is shifted out.
        spaces(last) >> (PIECE - rest.len())
    } else {
        few_spaces(rest)
    }
}

/// [`spaces_from`] for a text of fewer than 64 bytes: as two halves that overlap, so that no loop depends on the length.
#[inline(always)]
fn few_spaces(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>()) {
        spaces_32(first) | spaces_32(last) << (bytes.len() - 32)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        spaces_16(first) | spaces_16(last) << (bytes.len() - 16)
    } else {
        bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(byte.is_ascii_whitespace()))
    }
}

#[inline(always)]
fn spaces(piece: &[u8; PIECE]) -> u64 {
    let (chunks, _) = piece.as_chunks::<16>();
    chunks.iter().rev().fold(0, |mask, chunk| mask << 16 | spaces_16(chunk))
}

#[inline(always)]
fn spaces_32(bytes: &[u8; 32]) -> u64 {
    let (chunks, _) = bytes.as_chunks::<16>();
    chunks.iter().rev().fold(0, |mask, chunk| mask << 16 | spaces_16(chunk))
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn spaces_16(bytes: &[u8; 16]) -> u64 {
    use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
    // SAFETY: the pointer is to 16 bytes, and the load asks for no alignment; SSE2 is part of x86-64.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()) };
    // SAFETY: SSE2 is part of x86-64.
    let mask = unsafe {
        let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
        let blank = _mm_or_si128(is(b' '), is(b'\t'));
        let line = _mm_or_si128(is(b'\n'), is(b'\r'));
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(blank, line), is(b'\x0c')))
    };
    u64::from(mask as u16)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn spaces_16(bytes: &[u8; 16]) -> u64 {
    bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(byte.is_ascii_whitespace()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(thalweg::testing::cases(2_000)))]
        #[test]
        fn splits_like_the_standard_library(text in "([ab\u{e9}\u{6d41}]{0,9}[ \t\n\r\u{b}\u{c}\u{a0}\u{0}]{0,2}){0,40}") {
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), text.split_ascii_whitespace().collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_length_around_a_piece_works() {
        for len in 0..300 {
            for space in 0..len {
                let mut text = vec![b'x'; len];
                text[space] = b' ';
                let text = String::from_utf8(text).unwrap();
                assert!(words(&text).eq(text.split_ascii_whitespace()), "{len} {space}");
            }
        }
        let mut none = words(" ");
        assert_eq!((none.next(), none.next()), (None, None));
    }
}
