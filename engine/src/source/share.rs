//! Bytes of text in shares of whole lines, from a file in reused blocks or from memory in place.
//!
//! ```text
//!   input   |--- share 0 ---|--- share 1 ---|--- share 2 ---|      readers claim shares from a shared cursor
//!   lines   aaaa.bbbbbbbbbbbbbb.cc.ddddddddddddddddddd.eeeeee
//!   owned   aaaa.bbbbbbbbbbbbbb.               ^ share 1: cc. dddd.   share 2: eeeeee
//!
//!   block   [ whole lines, handed out in place ……… . | carry: the first part of a line ]   the carry moves to the front, then read on
//! ```
//!
//! Laws
//! - A share owns the lines that *start* in it, so every line belongs to exactly one share, whatever the shares' size.
//! - A line is complete when its `\n` has been seen, or the input has ended.
//! - Memory is bounded: a block grows only for a line that does not fit, up to the limit; a longer line is malformed, and skipped
//!   without being stored.
//!
//! One reader reads the whole input as one share, front to back, so it can read from a pipe.

use std::{
    fmt,
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use memchr::{memchr, memchr_iter, memrchr};

use super::{
    claim::Cursor,
    malformed::{Fault, Malformed, Rejects},
};
use crate::error::{BuildError, RunError};

/// Sizes that the user may set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes read at once.
    pub(crate) block_bytes: usize,
    /// The longest line that a block grows for.
    pub(crate) line_bytes_max: usize,
    /// Bytes of a share, when there are several readers.
    pub(crate) share_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        // 256 KiB stays in the L2 cache between the read and the chain's loop; 4 MiB a share makes claims and re-read edges negligible.
        Self { block_bytes: 256 << 10, line_bytes_max: 16 << 20, share_bytes: 4 << 20 }
    }
}

/// Read beyond a share's end, at first: the rest of its last line.
const EDGE_BYTES: u64 = 4 << 10;

/// Where text comes from.
pub(crate) enum Origin {
    File(PathBuf),
    Stream(String, Box<dyn Read + Send>),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
}

impl Origin {
    /// Its name in errors.
    pub(crate) fn what(&self) -> Arc<str> {
        match self {
            Self::File(path) => path.display().to_string().into(),
            Self::Stream(name, _) => name.as_str().into(),
            Self::Text(_) | Self::Bytes(_) => "text in memory".into(),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())
    }
}

/// Opens `path` for reading.
pub(crate) fn open_file(path: &Path) -> Result<File, BuildError> {
    File::open(path).map_err(|source| BuildError::Open { what: format!("reading {}", path.display()), source })
}

/// How the input is divided: `laps` times the bytes from `from` to `len`, in shares.
#[derive(Debug)]
struct Division {
    from: u64,
    /// `u64::MAX`: as far as it goes.
    len: u64,
    share_bytes: u64,
    shares_a_lap: u64,
    cursor: Cursor,
}

/// One reader's view: whole lines of the shares that it claims.
#[derive(Debug)]
pub(crate) struct Shares {
    what: Arc<str>,
    division: Arc<Division>,
    input: Input,
    /// Lines handed out of the current share, to number them when a share is the whole input.
    lines: u64,
    draining: bool,
}

enum Input {
    Text(Arc<str>, Window),
    Bytes(Arc<[u8]>, Window),
    Block(Box<Block>),
}

/// Whole lines not yet handed out: `start..end` of an input in memory.
#[derive(Debug, Default)]
struct Window {
    start: usize,
    end: usize,
}

/// A block over a file or stream. Offsets are bytes from the start of the input.
struct Block {
    read: BlockRead,
    bytes: Vec<u8>,
    bytes_max: usize,
    /// Offset of `bytes[0]`.
    base: u64,
    /// `start <= whole <= end <= bytes.len()`: whole lines are `start..whole`, the carry follows up to `end`.
    start: usize,
    whole: usize,
    end: usize,
    /// No `\n` of interest lies in `start..scanned`.
    scanned: usize,
    /// The share claimed, if any: where it ends.
    share_end: Option<u64>,
    /// The input ended at `end`.
    eof: bool,
    /// Bytes up to and with the next `\n` are to be thrown away.
    discard: bool,
}

enum BlockRead {
    /// A file, its position, and its path.
    File(File, u64),
    Stream(Box<dyn Read + Send>),
    /// The reader that got nothing to read.
    Nothing,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(..) => "text",
            Self::Bytes(..) => "bytes",
            Self::Block(_) => "block",
        })
    }
}

impl Shares {
    /// Opens `origin` for `readers`, leaving out its first `from` bytes.
    pub(crate) fn open(origin: Origin, from: u64, laps: u64, sizes: Sizes, readers: usize) -> Result<Vec<Self>, BuildError> {
        for (option, value) in [("block_bytes", sizes.block_bytes as u64), ("share_bytes", sizes.share_bytes)] {
            if value == 0 {
                return Err(BuildError::Option { option, value: "0".into(), why: "nothing can be read in pieces of no bytes".into() });
            }
        }
        let what = origin.what();
        let mut files = Vec::new();
        let (len, divisible) = match &origin {
            Origin::Text(text) => (text.len() as u64, true),
            Origin::Bytes(bytes) => (bytes.len() as u64, true),
            Origin::Stream(..) => (u64::MAX, false),
            Origin::File(path) => {
                for _ in 0..readers {
                    files.push(open_file(path)?);
                }
                let about = |source| BuildError::Open { what: format!("reading {what}"), source };
                let metadata = files[0].metadata().map_err(about)?;
                if metadata.is_dir() {
                    return Err(about(ErrorKind::IsADirectory.into()));
                }
                // One reader reads as far as the file goes; several divide it as long as it is now.
                if metadata.is_file() && readers > 1 { (metadata.len(), true) } else { (u64::MAX, metadata.is_file()) }
            }
        };
        if laps != 1 && !divisible {
            return Err(BuildError::Option {
                option: "laps",
                value: laps.to_string(),
                why: format!("{what} can be read only once; copy it to a file first"),
            });
        }
        let share_bytes = if readers > 1 && divisible { sizes.share_bytes } else { u64::MAX };
        let shares_a_lap = len.saturating_sub(from).div_ceil(share_bytes);
        let cursor = Cursor::new(shares_a_lap.saturating_mul(laps));
        let division = Arc::new(Division { from, len, share_bytes, shares_a_lap, cursor });
        let mut stream = None;
        let memory = match origin {
            Origin::Text(text) => Some(Ok(text)),
            Origin::Bytes(bytes) => Some(Err(bytes)),
            Origin::Stream(_, read) => {
                stream = Some(read);
                None
            }
            Origin::File(_) => None,
        };
        let mut files = files.into_iter();
        Ok((0..readers)
            .map(|_| {
                let input = match &memory {
                    Some(Ok(text)) => Input::Text(text.clone(), Window::default()),
                    Some(Err(bytes)) => Input::Bytes(bytes.clone(), Window::default()),
                    None => {
                        let read = if let Some(file) = files.next() {
                            BlockRead::File(file, 0)
                        } else if let Some(stream) = stream.take() {
                            BlockRead::Stream(stream)
                        } else {
                            BlockRead::Nothing
                        };
                        Input::Block(Box::new(Block::new(read, sizes)))
                    }
                };
                Self { what: what.clone(), division: division.clone(), input, lines: 0, draining: false }
            })
            .collect())
    }

    /// The input's name in errors.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Claims no further share and reads no further block; lines that are whole are still handed out.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
    }

    /// Makes at least one whole line available; `false` when there are no more.
    pub(crate) fn fill(&mut self, rejects: &mut Rejects) -> Result<bool, RunError> {
        loop {
            if !self.whole().is_empty() {
                return Ok(true);
            }
            if self.draining {
                return Ok(false);
            }
            let in_share = match &mut self.input {
                Input::Text(..) | Input::Bytes(..) => false,
                Input::Block(block) => match block.fill(&self.what, &mut self.lines, rejects) {
                    Ok(in_share) => in_share,
                    Err(BlockFault::Io(source)) => {
                        return Err(RunError::Io {
                            what: format!("reading {} at byte {}", self.what, block.base + block.end as u64),
                            source,
                        });
                    }
                    Err(BlockFault::TooLong(fault)) => return Err(self.decode_error(&fault)),
                },
            };
            if !in_share && !self.claim()? {
                return Ok(false);
            }
        }
    }

    /// Claims the next share; `false` when all are claimed.
    fn claim(&mut self) -> Result<bool, RunError> {
        if matches!(&self.input, Input::Block(block) if matches!(block.read, BlockRead::Nothing)) {
            return Ok(false);
        }
        let division = &*self.division;
        let Some(claimed) = division.cursor.claim(1) else { return Ok(false) };
        let start = division.from + (claimed.start % division.shares_a_lap) * division.share_bytes;
        let end = start.saturating_add(division.share_bytes).min(division.len);
        let first = start == division.from;
        self.lines = 0;
        match &mut self.input {
            Input::Text(text, window) => *window = Window::of(text.as_bytes(), start, end, first),
            Input::Bytes(bytes, window) => *window = Window::of(bytes, start, end, first),
            Input::Block(block) => block
                .begin(start, end, first)
                .map_err(|source| RunError::Io { what: format!("seeking to byte {start} of {}", self.what), source })?,
        }
        Ok(true)
    }

    /// Whole lines not yet consumed, in place.
    #[inline]
    pub(crate) fn whole(&self) -> &[u8] {
        match &self.input {
            Input::Text(text, window) => &text.as_bytes()[window.start..window.end],
            Input::Bytes(bytes, window) => &bytes[window.start..window.end],
            Input::Block(block) => &block.bytes[block.start..block.whole],
        }
    }

    /// The same as text, where the input is known to be UTF-8.
    #[inline]
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.input {
            Input::Text(text, window) => Some(&text[window.start..window.end]),
            _ => None,
        }
    }

    /// Where the whole lines begin, in bytes from the start of the input.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        match &self.input {
            Input::Text(_, window) | Input::Bytes(_, window) => window.start as u64,
            Input::Block(block) => block.base + block.start as u64,
        }
    }

    /// Marks the first `bytes` bytes and `lines` lines of the whole lines as handed out.
    #[inline]
    pub(crate) fn consume(&mut self, bytes: usize, lines: u64) {
        debug_assert!(bytes <= self.whole().len());
        self.lines += lines;
        match &mut self.input {
            Input::Text(_, window) | Input::Bytes(_, window) => window.start += bytes,
            Input::Block(block) => block.start += bytes,
        }
    }

    /// The error that ends the job for a line that begins at or after the first line not yet consumed.
    #[cold]
    pub(crate) fn decode_error(&self, fault: &Fault) -> RunError {
        let record = match &self.input {
            // A share that is the whole input: its lines were counted.
            _ if self.division.share_bytes == u64::MAX => {
                let ahead = (fault.offset.saturating_sub(self.offset()) as usize).min(self.whole().len());
                self.lines + memchr_iter(b'\n', &self.whole()[..ahead]).count() as u64 + 1
            }
            Input::Text(text, _) => 1 + memchr_iter(b'\n', &text.as_bytes()[..fault.offset as usize]).count() as u64,
            Input::Bytes(bytes, _) => 1 + memchr_iter(b'\n', &bytes[..fault.offset as usize]).count() as u64,
            // Several readers do not know each other's lines; the job ends here, so reading the file again costs nothing that counts.
            Input::Block(block) => match &block.read {
                BlockRead::File(file, _) => line_of(file, fault.offset).unwrap_or(0),
                BlockRead::Stream(_) | BlockRead::Nothing => 0,
            },
        };
        RunError::Decode { what: format!("{} at byte {}", self.what, fault.offset), record, message: fault.message.clone() }
    }
}

/// The number of the line that begins at `offset`, counted from 1.
fn line_of(mut file: &File, offset: u64) -> std::io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let (mut before, mut block, mut line) = (file.take(offset), vec![0; 256 << 10], 1);
    loop {
        match before.read(&mut block)? {
            0 => return Ok(line),
            read => line += memchr_iter(b'\n', &block[..read]).count() as u64,
        }
    }
}

impl Window {
    /// The lines of `bytes` that start in `start..end`.
    fn of(bytes: &[u8], start: u64, end: u64, first: bool) -> Self {
        let line_after = |at: usize| memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |i| at + i + 1);
        let (start, end) = (start as usize, (end as usize).min(bytes.len()));
        let start = if first { start } else { line_after(start - 1) };
        let end = if end == 0 { 0 } else { line_after(end - 1) };
        Self { start: start.min(end), end }
    }
}

enum BlockFault {
    Io(std::io::Error),
    TooLong(Fault),
}

impl Block {
    fn new(read: BlockRead, sizes: Sizes) -> Self {
        // One byte more than the longest line, for its `\n`.
        let bytes_max = sizes.block_bytes.max(sizes.line_bytes_max.saturating_add(1));
        let bytes = if matches!(read, BlockRead::Nothing) { Vec::new() } else { vec![0; sizes.block_bytes] };
        Self { read, bytes, bytes_max, base: 0, start: 0, whole: 0, end: 0, scanned: 0, share_end: None, eof: false, discard: false }
    }

    /// Starts on the share `start..end`.
    fn begin(&mut self, start: u64, end: u64, first: bool) -> std::io::Result<()> {
        // A line starts at `start` if the byte before it is a `\n`: begin there and discard through the first `\n`.
        let from = if first { start } else { start - 1 };
        if let BlockRead::File(file, at) = &mut self.read
            && *at != from
        {
            file.seek(SeekFrom::Start(from))?;
            *at = from;
        }
        (self.base, self.start, self.whole, self.end, self.scanned) = (from, 0, 0, 0, 0);
        self.share_end = Some(end);
        self.eof = false;
        self.discard = !first;
        Ok(())
    }

    /// Reads on until there are whole lines (`true`), or the share is done (`false`).
    fn fill(&mut self, what: &str, lines: &mut u64, rejects: &mut Rejects) -> Result<bool, BlockFault> {
        let Some(share_end) = self.share_end else { return Ok(false) };
        loop {
            if self.whole > self.start {
                return Ok(true);
            }
            let done = !self.discard && self.base + self.start as u64 >= share_end;
            if done || (self.eof && (self.discard || self.start == self.end)) {
                self.share_end = None;
                return Ok(false);
            }
            if self.eof {
                // The last line has no `\n`.
                self.whole = self.end;
                continue;
            }
            self.make_room(what, lines, rejects).map_err(BlockFault::TooLong)?;
            self.read_on(share_end).map_err(BlockFault::Io)?;
            self.find_lines(share_end);
        }
    }

    /// Moves the carry to the front and grows the block if a single line fills it.
    fn make_room(&mut self, what: &str, lines: &mut u64, rejects: &mut Rejects) -> Result<(), Fault> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.scanned = self.scanned.saturating_sub(self.start);
            self.end -= self.start;
            self.start = 0;
            self.whole = 0;
        }
        if self.end < self.bytes.len() {
            return Ok(());
        }
        if self.bytes.len() < self.bytes_max {
            let grown = (self.bytes.len() * 2).min(self.bytes_max);
            self.bytes.resize(grown, 0);
            return Ok(());
        }
        let message = format!("the line is longer than {} bytes; raise line_bytes_max if such lines are meant to be", self.bytes_max - 1);
        rejects.reject(&Malformed { what, offset: self.base, bytes: &self.bytes[..self.end], message: &message })?;
        *lines += 1;
        self.discard = true;
        self.base += self.end as u64;
        (self.end, self.scanned) = (0, 0);
        Ok(())
    }

    /// Reads once into the free part.
    fn read_on(&mut self, share_end: u64) -> std::io::Result<()> {
        let wanted = share_end.saturating_sub(self.base + self.end as u64).saturating_add(EDGE_BYTES);
        let free = &mut self.bytes[self.end..];
        let len = free.len().min(usize::try_from(wanted).unwrap_or(usize::MAX));
        let free = &mut free[..len];
        let read = loop {
            let result = match &mut self.read {
                BlockRead::File(file, at) => file.read(free).inspect(|read| *at += *read as u64),
                BlockRead::Stream(stream) => stream.read(free),
                BlockRead::Nothing => Ok(0),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.eof = read == 0;
        self.end += read;
        Ok(())
    }

    /// Finds how far whole lines of the share go, after a read.
    fn find_lines(&mut self, share_end: u64) {
        if self.discard {
            match memchr(b'\n', &self.bytes[self.start..self.end]) {
                Some(i) => {
                    self.discard = false;
                    self.start += i + 1;
                    self.whole = self.start;
                    self.scanned = self.start;
                }
                None => {
                    self.start = self.end;
                    self.whole = self.start;
                    self.scanned = self.start;
                    return;
                }
            }
        }
        let begin = self.base + self.start as u64;
        if begin >= share_end {
            return;
        }
        // The last byte of the share's last line is the first `\n` at or after the share's last byte.
        let last = usize::try_from(share_end - 1 - self.base).unwrap_or(usize::MAX);
        let from = self.scanned.max(self.start);
        let edge = (last < self.end).then(|| last.max(from)).and_then(|at| memchr(b'\n', &self.bytes[at..self.end]).map(|i| at + i + 1));
        let whole = edge.or_else(|| memrchr(b'\n', &self.bytes[from..self.end]).map(|i| from + i + 1));
        if let Some(whole) = whole {
            self.whole = whole;
        }
        self.scanned = if edge.is_some() { self.start } else { self.end };
    }
}
