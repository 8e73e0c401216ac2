//! US domestic flights: a real stream, out of order the way the real world makes it. See `data/README.md` for its origin.
//!
//! Rows are in the order of actual departure (scheduled + delay); the event time is the scheduled departure.
//!
//! ```text
//!   hourly     per origin airport and hour: count and sum of the delays, whose quotient is the mean delay
//!   top        per day: the ten airports with the greatest mean delay, with their rank
//!   sessions   per origin airport: flights delayed by 15 minutes or more, until an hour passes without one: first, end, count, sum of delays
//!   program    the queries on the engine     oracle    the same, naively, from the rows in memory
//! ```
//!
//! Fifteen minutes is what the airlines' regulator calls delayed (14 CFR 234.2).
//!
//! ```text
//!   --input FILE, else data/flights-3m.csv (scripts/flights), else the cut that ships
//!        │  as many rows as events are wanted: that file itself
//!        └─ otherwise: a temporary file of exactly that many rows, in laps that are shifted by whole days
//! ```

mod hourly;
pub(super) mod oracle;
pub mod program;
mod sessions;
mod top;

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Deserialize;

/// A row, borrowing from the parser's buffer. The columns of the file are in this order and have these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Flight<'a> {
    /// Scheduled departure, in ms since the Unix epoch (local time of the airport, read as if it were UTC).
    pub scheduled: i64,
    /// In minutes; negative if early.
    pub delay: i64,
    /// In miles.
    pub distance: u32,
    /// IATA code of the airport.
    pub origin: &'a str,
    /// IATA code of the airport.
    pub destination: &'a str,
}

/// What is asked about flights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Delays of each airport by the hour.
    Hourly,
    /// The ten airports with the greatest mean delay of each day.
    Top,
    /// Each airport's delayed flights, in sessions.
    Sessions,
}

/// A file of flights, and what is asked about it.
#[derive(Clone)]
pub struct Flights {
    /// What to compute.
    pub query: Query,
    /// CSV with a header line and exactly as many rows as the input has events.
    pub path: PathBuf,
    /// A watermark of the greatest event time seen, minus this many ms, makes no row late.
    pub bound_ms: i64,
    /// Deletes the file at the end, if it was made for this run.
    pub guard: Option<Arc<Guard>>,
}

/// The header line of the file.
pub const HEADER: &str = "scheduled,delay,distance,origin,destination";

/// Deletes a file when dropped.
#[derive(Debug)]
pub struct Guard(PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        // Nothing depends on it: a file left behind costs space in the temporary folder only.
        let _ = fs::remove_file(&self.0);
    }
}

/// An hour, in ms.
pub const HOUR_MS: i64 = 3_600_000;

/// A day, in ms.
pub const DAY_MS: i64 = 86_400_000;

/// Airports of a day's top.
pub const TOP: usize = 10;

/// A flight is delayed from so many minutes on.
pub const DELAYED_MIN: i64 = 15;

/// A pause longer than this, in ms, ends a session.
pub const GAP_MS: i64 = HOUR_MS;

/// A row of `top`: the airport's row of the day, behind its rank, of which 1 is the greatest.
#[inline]
pub fn top_row(rank: u64, [origin, start, count, sum]: [u64; 4]) -> [u64; 5] {
    [rank, origin, start, count, sum]
}

/// A row of `sessions`.
#[inline]
pub fn session_row(origin: &str, start: i64, end: i64, count: u64, sum: i64) -> [u64; 5] {
    [super::text_column(origin), start as u64, end as u64, count, sum as u64]
}

/// A row of `hourly`: an airport's delays of the window that starts at a time.
#[inline]
pub fn airport_row(origin: &str, start: i64, count: u64, sum: i64) -> [u64; 4] {
    [super::text_column(origin), start as u64, count, sum as u64]
}

/// A row as the oracle sees it: its columns, and the text after the first one.
#[derive(Clone, Debug)]
pub(super) struct Row {
    scheduled: i64,
    delay: i64,
    origin: String,
    rest: String,
}

/// Finds the file, makes one of exactly `events` rows if it has more or fewer, and gives its rows too.
pub(super) fn open(query: Query, input: Option<&Path>, events: u64) -> Result<(Flights, Vec<Row>), String> {
    let path = match input {
        Some(path) => path.to_owned(),
        None => shipped()?,
    };
    let text = fs::read_to_string(&path).map_err(|error| format!("cannot read the flights in {}: {error}", path.display()))?;
    let (rows, is_all) = parse(&text, events).map_err(|what| format!("{}: {what}", path.display()))?;
    let (path, rows, guard) = if is_all && rows.len() as u64 == events {
        (path, rows, None)
    } else {
        let rows = laps(&rows, events);
        let (path, guard) = write(&rows).map_err(|error| format!("cannot write the flights to a temporary file: {error}"))?;
        (path, rows, Some(Arc::new(guard)))
    };
    // Strictly more than the worst disorder, so that nothing is late whichever way a watermark treats equality.
    let bound_ms = (disorder_ms(&rows) / HOUR_MS + 1) * HOUR_MS;
    Ok((Flights { query, path, bound_ms, guard }, rows))
}

/// The full file if it was fetched, else the cut.
fn shipped() -> Result<PathBuf, String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let candidates = [package.join("../data/flights-3m.csv"), package.join("data/flights-50k.csv")];
    let found = candidates.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| format!("{} is missing: name a file of flights with --input", candidates[1].display()))
}

/// At most `events` rows of the text, and whether they are all there are.
fn parse(text: &str, events: u64) -> Result<(Vec<Row>, bool), String> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(format!("the first line must be `{HEADER}`"));
    }
    let row = |line: &str| {
        let (scheduled, rest) = line.split_once(',')?;
        let columns: Vec<&str> = rest.split(',').collect();
        let [delay, distance, origin, _destination] = columns[..] else { return None };
        distance.parse::<u32>().ok()?;
        Some(Row { scheduled: scheduled.parse().ok()?, delay: delay.parse().ok()?, origin: origin.to_owned(), rest: rest.to_owned() })
    };
    let mut rows = Vec::new();
    while (rows.len() as u64) < events {
        let Some(line) = lines.next() else { break };
        rows.push(row(line).ok_or_else(|| format!("line {} is no flight: {line:?}", rows.len() + 2))?);
    }
    if rows.is_empty() { Err("there are no flights in it".to_owned()) } else { Ok((rows, lines.next().is_none())) }
}

/// `events` rows: the rows again and again, each lap later by whole days, so that laps do not overlap in event time.
fn laps(rows: &[Row], events: u64) -> Vec<Row> {
    let first = rows.iter().map(|row| row.scheduled).min().unwrap_or(0);
    let last = rows.iter().map(|row| row.scheduled).max().unwrap_or(0);
    let span = ((last - first) / DAY_MS + 1) * DAY_MS;
    let shifted =
        |i: usize| Row { scheduled: rows[i % rows.len()].scheduled + (i / rows.len()) as i64 * span, ..rows[i % rows.len()].clone() };
    (0..events as usize).map(shifted).collect()
}

fn write(rows: &[Row]) -> std::io::Result<(PathBuf, Guard)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed; the number only has to be unique.
    let name = format!("thalweg-flights-{}-{}.csv", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = fs::File::create_new(&path)?;
    let guard = Guard(path.clone());
    let mut out = BufWriter::new(file);
    writeln!(out, "{HEADER}")?;
    for row in rows {
        writeln!(out, "{},{}", row.scheduled, row.rest)?;
    }
    out.flush()?;
    Ok((path, guard))
}

/// How far a row's event time is behind the greatest one before it, at worst.
fn disorder_ms(rows: &[Row]) -> i64 {
    let mut greatest = i64::MIN;
    let mut worst = 0;
    for row in rows {
        greatest = greatest.max(row.scheduled);
        worst = worst.max(greatest - row.scheduled);
    }
    worst
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_is_in_arrival_order_and_out_of_order_in_event_time() {
        let cut = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights-50k.csv");
        let (flights, rows) = open(Query::Hourly, Some(&cut), 50_000).unwrap();
        assert!(flights.guard.is_none());
        assert!(rows.is_sorted_by_key(|row| row.scheduled + row.delay * 60_000));
        assert!(!rows.is_sorted_by_key(|row| row.scheduled));
        assert!(disorder_ms(&rows) < flights.bound_ms);
    }

    #[test]
    fn laps_move_on_and_the_temporary_file_goes() {
        let cut = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights-50k.csv");
        let (flights, rows) = open(Query::Hourly, Some(&cut), 120_000).unwrap();
        assert_eq!(rows.len(), 120_000);
        assert!(rows.is_sorted_by_key(|row| row.scheduled + row.delay * 60_000));
        let (again, is_all) = parse(&fs::read_to_string(&flights.path).unwrap(), u64::MAX).unwrap();
        assert!(is_all);
        assert_eq!(again.len(), 120_000);
        assert_eq!(again[119_999].scheduled, rows[119_999].scheduled);
        let path = flights.path.clone();
        drop(flights);
        assert!(!path.exists());
    }

    #[test]
    fn garbage_is_refused_with_its_line() {
        assert!(parse("", 9).is_err());
        assert!(parse(HEADER, 9).unwrap_err().contains("no flights"));
        let error = parse(&format!("{HEADER}\n1,2,3,ABC,DEF\n1,x,3,ABC,DEF\n"), 9).unwrap_err();
        assert!(error.starts_with("line 3"), "{error}");
        assert!(parse(&format!("{HEADER}\n1,2,3,ABC\n"), 9).is_err());
    }
}
