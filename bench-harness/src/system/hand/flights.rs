//! `flights`: the CSV parser of the crate `csv` with one record reused, rows that borrow from it, and windows in arrays.
//!
//! ```text
//!   file ─ 64 KiB at a time ─▶ csv ─▶ Flight<'_> ─▶ open windows: a queue of hours, each an array by airport ─ watermark ─▶ rows
//! ```
//!
//! Airports are numbered as they appear, through a table indexed by their three letters. Only the windows that the watermark has not
//! passed are kept. With two cores the file is cut in half at the end of a line; rows of a window that both halves saw are merged at the end.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        flights::{Flight, Flights, HOUR_MS, airport_row},
    },
};

/// Bytes that the parser reads at a time.
const BUFFER: usize = 64 << 10;

pub(super) fn run(flights: &Flights, cores: usize) -> Result<(Duration, Answer), String> {
    let cuts = cuts(&flights.path, cores).map_err(|error| format!("cannot read {}: {error}", flights.path.display()))?;
    let work = |part: usize| {
        let is_whole = cores == 1;
        rows_of(&flights.path, cuts[part]..cuts[part + 1], flights.bound_ms, is_whole)
    };
    let (elapsed, answer) = parallel(cores, work, |parts| {
        let mut answer = Answer::default();
        let mut shared = BTreeMap::new();
        for part in parts {
            let (part, rows) = part?;
            answer = answer.merge(part);
            for (origin, start, cell) in rows {
                let sum: &mut Cell = shared.entry((start, origin)).or_default();
                *sum = Cell { count: sum.count + cell.count, sum: sum.sum + cell.sum };
            }
        }
        shared.iter().for_each(|((start, origin), cell)| answer.add(&airport_row(text(origin), *start, cell.count, cell.sum)));
        Ok::<Answer, String>(answer)
    });
    Ok((elapsed, answer?))
}

/// Where each core's part of the file begins, the header left out, and the file's end.
fn cuts(path: &Path, cores: usize) -> io::Result<Vec<u64>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut line_after = |from: u64| -> io::Result<u64> {
        file.seek(SeekFrom::Start(from))?;
        let mut byte = [0];
        let mut at = from;
        while at < len {
            file.read_exact(&mut byte)?;
            at += 1;
            if byte[0] == b'\n' {
                break;
            }
        }
        Ok(at)
    };
    let mut cuts = vec![line_after(0)?];
    for core in 1..cores as u64 {
        let cut = line_after(len * core / cores as u64)?;
        cuts.push(cut.max(cuts[0]));
    }
    cuts.push(len);
    Ok(cuts)
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u64,
    sum: i64,
}

/// The letters of an airport's code.
type Code = [u8; 3];

/// Rows of windows that another part may have seen too.
type Shared = Vec<(Code, i64, Cell)>;

fn text(code: &Code) -> &str {
    std::str::from_utf8(code).unwrap_or("???")
}

/// One core's part of the file: the answer if it is the whole, all rows if it is not.
fn rows_of(path: &Path, bytes: std::ops::Range<u64>, bound_ms: i64, is_whole: bool) -> Result<(Answer, Shared), String> {
    let fault = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let mut file = File::open(path).map_err(|error| fault(&error))?;
    file.seek(SeekFrom::Start(bytes.start)).map_err(|error| fault(&error))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).buffer_capacity(BUFFER).from_reader(file.take(bytes.end - bytes.start));
    let mut record = csv::StringRecord::new();
    let mut hours = Hours::default();
    let mut answer = Answer::default();
    let mut shared = Shared::new();
    let mut close = |code: Code, start: i64, cell: Cell| {
        if is_whole { answer.add(&airport_row(text(&code), start, cell.count, cell.sum)) } else { shared.push((code, start, cell)) }
    };
    let mut greatest = i64::MIN;
    while reader.read_record(&mut record).map_err(|error| fault(&error))? {
        let flight: Flight<'_> = record.deserialize(None).map_err(|error| fault(&error))?;
        if flight.scheduled > greatest {
            greatest = flight.scheduled;
            // In the second part the watermark may start too late for rows of the first: those windows are merged at the end.
            hours.close_until(greatest - bound_ms, &mut close);
        }
        let &[a, b, c] = flight.origin.as_bytes() else { return Err(fault(&format!("{} is no airport", flight.origin))) };
        hours.add([a, b, c], flight.scheduled, flight.delay);
    }
    hours.close_until(i64::MAX, &mut close);
    Ok((answer, shared))
}

/// The open windows, by airport.
struct Hours {
    /// An airport's number by its letters, five bits each; 0 if it has none yet.
    numbers: Box<[u16; 1 << 15]>,
    /// By number, less one.
    codes: Vec<Code>,
    /// Number of the hour that is first in `open`.
    first: i64,
    /// Each as long as there were airports when it was last added to.
    open: VecDeque<Vec<Cell>>,
    /// Closed ones, to be used again.
    spare: Vec<Vec<Cell>>,
}

impl Default for Hours {
    fn default() -> Hours {
        Hours { numbers: Box::new([0; _]), codes: Vec::new(), first: 0, open: VecDeque::new(), spare: Vec::new() }
    }
}

impl Hours {
    #[inline(always)]
    fn add(&mut self, code: Code, time: i64, delay: i64) {
        let letters = code.iter().fold(0, |letters, &letter| letters << 5 | usize::from(letter & 31));
        let mut number = usize::from(self.numbers[letters]);
        if number == 0 || self.codes[number - 1] != code {
            number = self.number(code, letters);
        }
        let hour = time.div_euclid(HOUR_MS);
        let place = (hour - self.first) as usize;
        if self.open.is_empty() || place >= self.open.len() {
            self.reach(hour);
        }
        let window = &mut self.open[(hour - self.first) as usize];
        if window.len() < number {
            window.resize(number, Cell::default());
        }
        let cell = &mut window[number - 1];
        cell.count += 1;
        cell.sum += delay;
    }

    #[cold]
    #[inline(never)]
    fn number(&mut self, code: Code, letters: usize) -> usize {
        let known = self.codes.iter().position(|&known| known == code);
        let position = known.unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        if known.is_none() && self.numbers[letters] == 0 {
            self.numbers[letters] = u16::try_from(self.codes.len()).unwrap_or(0);
        }
        position + 1
    }

    /// Opens windows until an hour is among them, at either end.
    #[cold]
    #[inline(never)]
    fn reach(&mut self, hour: i64) {
        if self.open.is_empty() {
            self.first = hour;
        }
        while hour < self.first {
            self.first -= 1;
            self.open.push_front(self.spare.pop().unwrap_or_default());
        }
        while hour >= self.first + self.open.len() as i64 {
            self.open.push_back(self.spare.pop().unwrap_or_default());
        }
    }

    /// Closes the windows that end at or before the watermark.
    #[inline]
    fn close_until(&mut self, watermark: i64, mut row: impl FnMut(Code, i64, Cell)) {
        while !self.open.is_empty() && watermark >= (self.first + 1) * HOUR_MS - 1 {
            let Some(mut window) = self.open.pop_front() else { return };
            for (cell, &code) in window.iter().zip(&self.codes) {
                if cell.count > 0 {
                    row(code, self.first * HOUR_MS, *cell);
                }
            }
            window.clear();
            self.spare.push(window);
            self.first += 1;
        }
    }
}
