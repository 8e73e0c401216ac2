//! CSV rows, decoded into serde types that may borrow from the row.
//!
//! ```text
//!   bytes ─▶ csv parser ─▶ up to 256 reused rows (unquoted, checked to be UTF-8) ─▶ serde, inside the chain's loop ─▶ R::Of<'a>
//! ```
//!
//! Laws
//! - Every row is handed out exactly once. Where rows are lines (the user says so), several readers divide the input at line ends;
//!   otherwise a quoted field may hold a line end, no reader can tell where a row begins without reading all before it, and so the
//!   first reader reads everything and the others end at once.
//! - A row that is not UTF-8, has another number of fields than the first, or is not a value of the type goes to the policy for malformed
//!   input, alone. Blank lines are no rows.
//! - No allocation a row once the rows' buffers have grown, but for what the user's types own.
//!
//! Rows are checked to be UTF-8 as a whole, which is faster than field by field, also for rows of numbers. Where the headers are the
//! type's fields in their order, fields are taken by position: comparing names would cost as much as decoding.

use std::{
    fmt,
    io::{self, Cursor, Read},
    marker::PhantomData,
    path::PathBuf,
    sync::Arc,
};

use csv::{ByteRecord, ErrorKind, StringRecord};
use serde::Deserialize;

use super::{
    Polled, Reader, Source,
    fields::fields_of,
    malformed::{Fault, Malformed, OnMalformed, Rejects},
    share::{Origin, Shares, Sizes, open_file},
};
use crate::{
    error::{BuildError, RunError},
    operator::Operator,
    record::Record,
};

/// Rows parsed before they are handed on: with rows of some hundred bytes they stay in the L2 cache.
const ROWS: usize = 64;

/// A source of the rows of a CSV text, as records of the family `R`, such as [`Own<Row>`](crate::record::Own).
///
/// With headers (the default) fields go to the struct's fields by name, without to its fields in order.
pub struct Csv<R> {
    origin: Origin,
    delimiter: u8,
    has_headers: bool,
    rows_are_lines: bool,
    sizes: Sizes,
    on_malformed: OnMalformed,
    records: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for Csv<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl<R> Csv<R> {
    fn new(origin: Origin) -> Self {
        Self {
            origin,
            delimiter: b',',
            has_headers: true,
            rows_are_lines: false,
            sizes: Sizes::default(),
            on_malformed: OnMalformed::default(),
            records: PhantomData,
        }
    }

    /// The rows of a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::File(path.into()))
    }

    /// The rows of a text in memory.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(Origin::Bytes(bytes.into()))
    }

    /// Sets the delimiter. By default a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Says whether the first row holds the fields' names. By default it does.
    #[must_use]
    pub fn has_headers(mut self, yes: bool) -> Self {
        self.has_headers = yes;
        self
    }

    /// Promises that no quoted field holds a line end, so that several readers can divide the input.
    #[must_use]
    pub fn rows_are_lines(mut self) -> Self {
        self.rows_are_lines = true;
        self
    }

    /// Sets the bytes that a reader claims at once, when rows are lines and there are several readers. By default 4 MiB.
    #[must_use]
    pub fn share_bytes(mut self, bytes: u64) -> Self {
        self.sizes.share_bytes = bytes;
        self
    }

    /// Sets what becomes of rows that cannot be decoded. By default they fail the job.
    #[must_use]
    pub fn on_malformed(mut self, policy: OnMalformed) -> Self {
        self.on_malformed = policy;
        self
    }

    fn parse<T: Read>(&self, input: T) -> csv::Reader<T> {
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            // Rows of another length are for the policy, not for the parser.
            .flexible(true)
            .buffer_capacity(self.sizes.block_bytes)
            .from_reader(input)
    }
}

impl<R> Source for Csv<R>
where
    R: Record,
    for<'a> R::Of<'a>: Deserialize<'a>,
{
    type Out = R;
    type Reader = CsvReader<R>;

    fn name(&self) -> &'static str {
        "csv"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        let what = self.origin.what();
        let input: Box<dyn Read + Send> = match &self.origin {
            Origin::File(path) => Box::new(open_file(path)?),
            Origin::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Origin::Text(_) | Origin::Stream(..) => unreachable!("no constructor makes these"),
        };
        let mut whole = self.parse(Input::Whole(input));
        let mut first = ByteRecord::new();
        let found = whole
            .read_byte_record(&mut first)
            .map_err(|error| BuildError::Open { what: format!("reading the first row of {what}"), source: error.into() })?;
        let width = first.len();
        let headers = if self.has_headers && found {
            let headers = StringRecord::from_byte_record(first.clone()).map_err(|error| BuildError::Open {
                what: format!("reading the headers of {what}"),
                source: io::Error::new(io::ErrorKind::InvalidData, error),
            })?;
            Some(headers)
        } else {
            None
        };
        let by_position =
            headers.as_ref().zip(fields_of::<R::Of<'static>>()).is_some_and(|(headers, fields)| headers.iter().eq(fields.iter().copied()));
        let from = if headers.is_some() { whole.position().byte() } else { 0 };
        let divide = self.rows_are_lines && readers > 1;
        let parsers: Vec<csv::Reader<Input>> = if divide {
            let (origin, sizes) = (&self.origin, self.sizes);
            let origin = match origin {
                Origin::File(path) => Origin::File(path.clone()),
                Origin::Bytes(bytes) => Origin::Bytes(bytes.clone()),
                Origin::Text(_) | Origin::Stream(..) => unreachable!("no constructor makes these"),
            };
            let shares = Shares::open(origin, from, 1, sizes, readers)?;
            shares
                .into_iter()
                .map(|shares| {
                    let rejects = Rejects::new(self.on_malformed.clone());
                    self.parse(Input::Shares(ShareRead { shares, rejects, read: 0, places: Vec::new() }))
                })
                .collect()
        } else {
            let others = (1..readers).map(|_| self.parse(Input::Whole(Box::new(io::empty()))));
            std::iter::once(whole).chain(others).collect()
        };
        Ok(parsers
            .into_iter()
            .enumerate()
            .map(|(i, parser)| CsvReader {
                what: what.clone(),
                parser,
                headers: headers.clone(),
                by_position,
                width,
                // Without headers, the first row is a row; where shares are read anew it will be met again.
                first: (i == 0 && found && headers.is_none() && !divide).then(|| first.clone()),
                rows: Vec::with_capacity(ROWS),
                spare: Vec::with_capacity(ROWS),
                delimiter: self.delimiter,
                rejects: Rejects::new(self.on_malformed.clone()),
                draining: false,
                records: PhantomData,
            })
            .collect())
    }
}

/// What a parser reads from.
enum Input {
    Whole(Box<dyn Read + Send>),
    Shares(ShareRead),
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Whole(input) => input.read(buf),
            Self::Shares(shares) => shares.read(buf),
        }
    }
}

/// Shares of whole lines, one after the other, as one stream.
struct ShareRead {
    shares: Shares,
    rejects: Rejects,
    /// Bytes given so far.
    read: u64,
    /// For the runs of bytes that a parser may still be in: where in the stream each begins, and where in the input.
    places: Vec<(u64, u64)>,
}

impl ShareRead {
    /// Where the byte at `at` of the stream lies in the input.
    fn offset(&self, at: u64) -> u64 {
        let place = self.places.partition_point(|&(begin, _)| begin <= at);
        self.places.get(place.saturating_sub(1)).map_or(at, |&(begin, offset)| offset + (at - begin))
    }

    /// Forgets the places of runs before the byte at `at` of the stream.
    fn forget(&mut self, at: u64) {
        let place = self.places.partition_point(|&(begin, _)| begin <= at);
        self.places.drain(..place.saturating_sub(1));
    }
}

impl Read for ShareRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.shares.fill(&mut self.rejects).map_err(io::Error::other)? {
            return Ok(0);
        }
        let whole = self.shares.whole();
        let len = whole.len().min(buf.len());
        buf[..len].copy_from_slice(&whole[..len]);
        let offset = self.shares.offset();
        if self.places.last().is_none_or(|&(begin, at)| at + (self.read - begin) != offset) {
            self.places.push((self.read, offset));
        }
        self.shares.consume(len, 0);
        self.read += len as u64;
        Ok(len)
    }
}

/// One worker's share of a [`Csv`].
pub struct CsvReader<R> {
    what: Arc<str>,
    parser: csv::Reader<Input>,
    headers: Option<StringRecord>,
    /// Whether the headers are the type's own fields, in their order.
    by_position: bool,
    /// Fields of the first row.
    width: usize,
    /// The first row, when it had to be read to open the source.
    first: Option<ByteRecord>,
    /// Parsed, to be handed on.
    rows: Vec<StringRecord>,
    /// Handed on, to be used again.
    spare: Vec<StringRecord>,
    delimiter: u8,
    rejects: Rejects,
    draining: bool,
    records: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for CsvReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader").field("what", &self.what).finish_non_exhaustive()
    }
}

impl<R> CsvReader<R> {
    /// Parses up to `max` rows that are UTF-8 and of the right width into `rows`; gives a fault that comes after them.
    fn parse(&mut self, max: usize) -> Result<Option<(Fault, u64)>, RunError> {
        self.spare.append(&mut self.rows);
        let mut first = self.first.take();
        while self.rows.len() < max {
            let row = match first.take() {
                Some(first) => first,
                None if self.draining => break,
                None => {
                    let mut row = self.spare.pop().map_or_else(ByteRecord::new, StringRecord::into_byte_record);
                    match self.parser.read_byte_record(&mut row) {
                        Ok(true) => row,
                        Ok(false) => break,
                        Err(error) => return Err(read_error(&self.what, error)),
                    }
                }
            };
            let (row, message) = if row.len() == self.width {
                match StringRecord::from_byte_record(row) {
                    Ok(row) => {
                        self.rows.push(row);
                        continue;
                    }
                    Err(error) => {
                        let field = error.utf8_error().field();
                        (error.into_byte_record(), format!("field {} is not UTF-8", field + 1))
                    }
                }
            } else {
                let message = format!("the row has {} fields, the first row has {}", row.len(), self.width);
                (row, message)
            };
            let aside = Aside { what: &self.what, delimiter: self.delimiter, input: self.parser.get_ref() };
            if let Err(fault) = aside.reject(&row, &message, &mut self.rejects) {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }

    /// The error for a row that fails the job.
    fn decode_error(&self, (fault, record): (Fault, u64)) -> RunError {
        match self.parser.get_ref() {
            Input::Shares(input) => input.shares.decode_error(&fault),
            Input::Whole(_) => RunError::Decode {
                what: format!("{} at byte {}", self.what, fault.offset),
                record: if self.headers.is_some() { record } else { record + 1 },
                message: fault.message,
            },
        }
    }
}

/// What the parser's error means for the job.
#[cold]
fn read_error(what: &str, error: csv::Error) -> RunError {
    let what = format!("reading {what}");
    match error.into_kind() {
        ErrorKind::Io(source) => match source.downcast::<RunError>() {
            Ok(error) => error,
            Err(source) => RunError::Io { what, source },
        },
        other => RunError::Io { what, source: io::Error::other(format!("{other:?}")) },
    }
}

impl<R> Reader for CsvReader<R>
where
    R: Record,
    for<'a> R::Of<'a>: Deserialize<'a>,
{
    type Out = R;

    fn poll<O: Operator<R>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let fault = self.parse(max.clamp(1, ROWS))?;
        if self.rows.is_empty() {
            return match fault {
                Some(fault) => Err(self.decode_error(fault)),
                None => Ok(Polled::End),
            };
        }
        let aside = Aside { what: &self.what, delimiter: self.delimiter, input: self.parser.get_ref() };
        let mut decode = Decode::<R> {
            rows: self.rows.iter(),
            headers: self.headers.as_ref(),
            names: self.headers.as_ref().filter(|_| !self.by_position),
            rejects: &mut self.rejects,
            aside,
            records: 0,
            fault,
            family: PhantomData,
        };
        out.process(&mut decode);
        let (records, fault) = (decode.records, decode.fault.take());
        if let Some(fault) = fault {
            return Err(self.decode_error(fault));
        }
        let at = self.parser.position().byte();
        if let Input::Shares(input) = self.parser.get_mut() {
            input.forget(at);
        }
        Ok(Polled::Records(records))
    }

    fn drain(&mut self) {
        self.draining = true;
    }

    fn malformed(&self) -> u64 {
        let too_long = match self.parser.get_ref() {
            Input::Shares(input) => input.rejects.count(),
            Input::Whole(_) => 0,
        };
        self.rejects.count() + too_long
    }
}

/// What it takes to describe a malformed row.
struct Aside<'a> {
    what: &'a str,
    delimiter: u8,
    input: &'a Input,
}

impl Aside<'_> {
    /// Treats a row as the policy says; an error comes with the row's index as the parser counts.
    #[cold]
    #[inline(never)]
    fn reject(&self, row: &ByteRecord, message: &str, rejects: &mut Rejects) -> Result<(), (Fault, u64)> {
        let (at, record) = row.position().map_or((0, 0), |position| (position.byte(), position.record()));
        let offset = match self.input {
            Input::Whole(_) => at,
            Input::Shares(input) => input.offset(at),
        };
        let bytes = row.iter().collect::<Vec<_>>().join(&self.delimiter);
        rejects.reject(&Malformed { what: self.what, offset, bytes: &bytes, message }).map_err(|fault| (fault, record))
    }
}

/// Decodes parsed rows as they are asked for.
struct Decode<'s, 'a, R> {
    rows: std::slice::Iter<'a, StringRecord>,
    headers: Option<&'a StringRecord>,
    /// The headers, if fields are to be found by them.
    names: Option<&'a StringRecord>,
    rejects: &'s mut Rejects,
    aside: Aside<'a>,
    records: usize,
    fault: Option<(Fault, u64)>,
    family: PhantomData<fn() -> R>,
}

impl<'a, R> Iterator for Decode<'_, 'a, R>
where
    R: Record,
    R::Of<'a>: Deserialize<'a>,
{
    type Item = R::Of<'a>;

    #[inline]
    fn next(&mut self) -> Option<R::Of<'a>> {
        loop {
            let row = self.rows.next()?;
            // A type that only understands names, although it lists its fields, gets them in the second attempt.
            match row.deserialize(self.names).or_else(|_| row.deserialize(self.headers)) {
                Ok(record) => {
                    self.records += 1;
                    return Some(record);
                }
                Err(error) => {
                    if !self.reject(row, &error) {
                        return None;
                    }
                }
            }
        }
    }
}

impl<'a, R> Decode<'_, 'a, R> {
    /// Whether to go on after a row that cannot be decoded.
    #[cold]
    #[inline(never)]
    fn reject(&mut self, row: &'a StringRecord, error: &csv::Error) -> bool {
        let message = match error.kind() {
            ErrorKind::Deserialize { err, .. } => {
                let field = err.field().map(|field| field as usize);
                let name = field.and_then(|field| self.headers?.get(field));
                let problem = err.kind();
                match (field, name) {
                    (Some(field), Some(name)) => format!("field {} ({name}): {problem}", field + 1),
                    (Some(field), None) => format!("field {}: {problem}", field + 1),
                    (None, _) => problem.to_string(),
                }
            }
            _ => error.to_string(),
        };
        match self.aside.reject(row.as_byte_record(), &message, self.rejects) {
            Ok(()) => true,
            Err(fault) => {
                self.fault = Some(fault);
                self.rows = [].iter();
                false
            }
        }
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
