//! US domestic flights: a real stream, out of order the way the real world makes it. See `data/README.md` for its origin.
//!
//! Rows are in the order of actual departure (scheduled + delay); the event time is the scheduled departure. Per origin airport and hour
//! of event time: count and sum of delays, whose quotient is the mean delay.

use std::{path::PathBuf, sync::Arc};

use serde::Deserialize;

/// A row, borrowing from the parser's buffer. The columns of the file are in this order and have these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Flight<'a> {
    /// Scheduled departure, in ms since the Unix epoch (local time of the airport, read as if it were UTC).
    pub date: i64,
    /// In minutes; negative if early.
    pub delay: i64,
    /// In miles.
    pub distance: u32,
    /// IATA code of the airport.
    pub origin: &'a str,
    /// IATA code of the airport.
    pub destination: &'a str,
}

/// A file of flights.
#[derive(Clone)]
pub struct Flights {
    /// CSV with a header line.
    pub path: PathBuf,
    /// A watermark of the greatest event time seen, minus this many ms, makes no row late.
    pub bound_ms: i64,
    /// Deletes the file at the end, if it was made for this run.
    pub guard: Option<Arc<Guard>>,
}

/// Deletes a file when dropped.
#[derive(Debug)]
pub struct Guard(PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        // Nothing depends on it: a file left behind costs space in the temporary folder only.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Length of a window, in ms.
pub const WINDOW_MS: i64 = 3_600_000;

/// A result row.
#[inline]
pub fn airport_row(origin: &str, start: i64, count: u64, sum: i64) -> [u64; 4] {
    [super::text_column(origin), start as u64, count, sum as u64]
}
