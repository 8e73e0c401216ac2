//! Lines of text, borrowed from the block they were read into.
//!
//! ```text
//!   share (whole lines) ─▶ window: about `max` lines, checked once to be UTF-8 ─▶ split at `\n` inside the chain's loop ─▶ &str
//! ```
//!
//! Laws
//! - Lines are those of [`str::lines`]: without their `\n` or `\r\n`; empty lines are lines; a last line without `\n` is a line.
//! - Each line is handed out exactly once, whatever the number of readers and the sizes of blocks and shares. In each reader, lines keep
//!   the order they have in the input.
//! - A line that is not UTF-8 or too long goes to the policy for malformed input, alone.
//!
//! Not here: decompression, and text in other encodings.

use std::{io::Read, path::PathBuf, sync::Arc};

use memchr::{memchr, memrchr};

use super::{
    Polled, Reader, Source,
    malformed::{Fault, Malformed, OnMalformed, Rejects},
    share::{Origin, Shares, Sizes},
};
use crate::{
    error::{BuildError, RunError},
    operator::Operator,
    record::Text,
};

/// A source of the lines of a text.
#[derive(Debug)]
pub struct Lines {
    origin: Origin,
    laps: u64,
    sizes: Sizes,
    on_malformed: OnMalformed,
}

impl Lines {
    fn new(origin: Origin) -> Self {
        Self { origin, laps: 1, sizes: Sizes::default(), on_malformed: OnMalformed::default() }
    }

    /// The lines of a file. Several readers divide it as long as it is when the source is opened; one reader reads it to its end.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::File(path.into()))
    }

    /// The lines of a text in memory, borrowed in place.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::new(Origin::Text(text.into()))
    }

    /// The lines of bytes in memory, borrowed in place once they are checked to be UTF-8.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(Origin::Bytes(bytes.into()))
    }

    /// The lines of anything that reads, such as the standard input; `name` is what errors call it. One reader reads all of it.
    ///
    /// A read that blocks holds up its worker.
    pub fn stream(name: impl Into<String>, read: impl Read + Send + 'static) -> Self {
        Self::new(Origin::Stream(name.into(), Box::new(read)))
    }

    /// Reads the input that many times over, from the page cache or from memory. By default once.
    #[must_use]
    pub fn laps(mut self, laps: u64) -> Self {
        self.laps = laps;
        self
    }

    /// Sets how many bytes are read at once. By default 256 KiB.
    #[must_use]
    pub fn block_bytes(mut self, bytes: usize) -> Self {
        self.sizes.block_bytes = bytes;
        self
    }

    /// Sets the longest line that a block grows for, in bytes; a longer one is malformed. By default 16 MiB. Lines in memory and lines that
    /// fit a block are never too long.
    #[must_use]
    pub fn line_bytes_max(mut self, bytes: usize) -> Self {
        self.sizes.line_bytes_max = bytes;
        self
    }

    /// Sets the bytes that a reader claims at once, when there are several. By default 4 MiB.
    #[must_use]
    pub fn share_bytes(mut self, bytes: u64) -> Self {
        self.sizes.share_bytes = bytes;
        self
    }

    /// Sets what becomes of lines that cannot be decoded. By default they fail the job.
    #[must_use]
    pub fn on_malformed(mut self, policy: OnMalformed) -> Self {
        self.on_malformed = policy;
        self
    }

    pub(crate) fn windows(self, readers: usize) -> Result<Vec<Windows>, BuildError> {
        let shares = Shares::open(self.origin, 0, self.laps, self.sizes, readers)?;
        Ok(shares
            .into_iter()
            .map(|shares| Windows { shares, rejects: Rejects::new(self.on_malformed.clone()), line_bytes: FIRST_LINE_BYTES })
            .collect())
    }
}

impl Source for Lines {
    type Out = Text;
    type Reader = LinesReader;

    fn name(&self) -> &'static str {
        "lines"
    }

    fn open(self, readers: usize) -> Result<Vec<LinesReader>, BuildError> {
        Ok(self.windows(readers)?.into_iter().map(|windows| LinesReader { windows }).collect())
    }
}

/// One worker's share of [`Lines`].
#[derive(Debug)]
pub struct LinesReader {
    windows: Windows,
}

impl Reader for LinesReader {
    type Out = Text;

    fn poll<O: Operator<Text>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        self.windows.poll(max, |lines, _| {
            let before = lines.left;
            out.process(&mut *lines);
            Ok(before - lines.left)
        })
    }

    fn drain(&mut self) {
        self.windows.drain();
    }

    fn malformed(&self) -> u64 {
        self.windows.malformed()
    }
}

/// What a line is taken to need before any has been seen.
const FIRST_LINE_BYTES: usize = 64;

/// The lines of one reader's shares, a window of UTF-8 at a time.
#[derive(Debug)]
pub(crate) struct Windows {
    shares: Shares,
    rejects: Rejects,
    /// Bytes of a line in the last window, to guess how much to check for the next batch.
    line_bytes: usize,
}

/// The decoder's side of a poll: what it needs to reject a line.
pub(crate) struct Place<'a> {
    what: &'a str,
    /// Where the window begins: in the input, and in memory.
    offset: u64,
    window: &'a str,
    rejects: &'a mut Rejects,
}

impl<'a> Place<'a> {
    /// Treats a line of the window as the policy says.
    #[cold]
    #[inline(never)]
    pub(crate) fn reject(&mut self, line: &'a str, message: &str) -> Result<(), Fault> {
        let ahead = line.as_ptr().addr() - self.window.as_ptr().addr();
        let offset = self.offset + ahead as u64;
        self.rejects.reject(&Malformed { what: self.what, offset, bytes: line.as_bytes(), message })
    }
}

impl Windows {
    /// Gives `work` up to `max` lines, and reports as records what it says it handed on.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        max: usize,
        work: impl for<'a> FnOnce(&mut Split<'a>, Place<'a>) -> Result<usize, Fault>,
    ) -> Result<Polled, RunError> {
        let max = max.max(1);
        loop {
            if !self.shares.fill(&mut self.rejects)? {
                return Ok(Polled::End);
            }
            let offset = self.shares.offset();
            let window = match self.shares.text() {
                Some(text) => text,
                None => {
                    let whole = self.shares.whole();
                    let window = &whole[..about(whole, max.saturating_mul(self.line_bytes))];
                    match std::str::from_utf8(window) {
                        Ok(text) => text,
                        Err(error) => {
                            // The lines before the bad one, if any, make a window of their own.
                            let good = memrchr(b'\n', &window[..error.valid_up_to()]).map_or(0, |i| i + 1);
                            if good == 0 {
                                let line = &window[..memchr(b'\n', window).map_or(window.len(), |i| i + 1)];
                                let bytes = strip(line);
                                let message = format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1);
                                let malformed = Malformed { what: self.shares.what(), offset, bytes, message: &message };
                                let consumed = line.len();
                                self.rejects.reject(&malformed).map_err(|fault| self.shares.decode_error(&fault))?;
                                self.shares.consume(consumed, 1);
                                continue;
                            }
                            std::str::from_utf8(&window[..good]).expect("cut at a line's end before the first error")
                        }
                    }
                }
            };
            let mut split = Split { rest: window, left: max };
            let place = Place { what: self.shares.what(), offset, window, rejects: &mut self.rejects };
            let worked = work(&mut split, place);
            let (lines, bytes) = (max - split.left, window.len() - split.rest.len());
            self.line_bytes = bytes.checked_div(lines).map_or(self.line_bytes, |line_bytes| line_bytes + 1);
            return match worked {
                Ok(records) => {
                    self.shares.consume(bytes, lines as u64);
                    Ok(Polled::Records(records))
                }
                Err(fault) => Err(self.shares.decode_error(&fault)),
            };
        }
    }

    pub(crate) fn drain(&mut self) {
        self.shares.drain();
    }

    pub(crate) fn malformed(&self) -> u64 {
        self.rejects.count()
    }
}

/// The length of the whole lines in about the first `wanted` bytes, of one line at least.
fn about(whole: &[u8], wanted: usize) -> usize {
    if wanted >= whole.len() {
        return whole.len();
    }
    match memrchr(b'\n', &whole[..wanted]) {
        Some(i) => i + 1,
        None => memchr(b'\n', &whole[wanted..]).map_or(whole.len(), |i| wanted + i + 1),
    }
}

/// A line without its ending.
fn strip(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        line => line,
    }
}

/// Splits a window into at most `left` lines.
#[derive(Debug)]
pub(crate) struct Split<'a> {
    rest: &'a str,
    pub(crate) left: usize,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        if self.left == 0 || self.rest.is_empty() {
            return None;
        }
        self.left -= 1;
        let Some(end) = memchr(b'\n', self.rest.as_bytes()) else {
            return Some(std::mem::take(&mut self.rest));
        };
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
