//! The queries as programs on the engine: what they share, and the one place that knows them all.
//!
//! ```text
//!   Feed ─▶ q0::build … q23::build ─▶ Output ── job ends ─▶ Pending ─▶ Results: digest, number of changes, and the rows if they are wanted
//! ```
//!
//! A result that changes takes the row that it replaces out of the digest, so that at the end the digest is that of the final table, and a
//! retraction of a row that was never there shows.

use thalweg::{
    BoundedDisorder, Dataflow, Fold, Record,
    changelog::Change,
    sink::{Folded, Partitions},
    source::Source,
};

use super::{
    feed::Feed,
    files::{self, Folder},
    model::{Arrival, Arrivals, Bid},
    q12::Handled,
    query::Query,
    rows::{Cell, Digest, Kept},
};
use crate::workload::Answer;

pub use super::portable::Bids;

/// The bid, if the event is one.
#[inline(always)]
pub fn bid(arrival: Arrival<'_>) -> Option<Bid<'_>> {
    arrival.event.bid()
}

/// The bid with its number in the order of arrival, if the event is one.
#[inline(always)]
pub fn numbered_bid(arrival: Arrival<'_>) -> Option<(Bid<'_>, u64)> {
    arrival.event.bid().map(|bid| (bid, arrival.number))
}

/// An id as a narrow integer, for state and keys that many events share a cache with: two of them are one number to a table of keys.
///
/// # Panics
/// If it does not fit: q15, q16 and q18 count ids from 0 to 4,294,967,295. The job then ends with this as its error.
#[inline(always)]
pub fn narrow(id: i64) -> u32 {
    u32::try_from(id).unwrap_or_else(|_| panic!("the id {id} is too large: q15, q16 and q18 take ids from 0 to {}", u32::MAX))
}

/// Watermarks are the greatest event time seen, less four seconds.
pub const WATERMARKS: BoundedDisorder = BoundedDisorder::seconds(4);

/// What is kept of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Their digest only.
    Digest,
    /// The rows as well.
    Rows,
}

/// A change of the result: a row that comes, or one that goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Whether the row goes.
    pub goes: bool,
    /// Its columns.
    pub columns: Vec<Kept>,
}

/// What a worker's sink has seen.
#[derive(Clone, Debug)]
pub struct Results {
    digest: Digest,
    /// Rows that came or went.
    pub changes: u64,
    /// Records that the sink left out, because they came too late for what it had committed.
    pub late: u64,
    /// The rows, if they are kept.
    pub lines: Option<Vec<Line>>,
}

impl Results {
    fn new(query: Query, keep: Keep) -> Results {
        Results { digest: Digest::new(query), changes: 0, late: 0, lines: (keep == Keep::Rows).then(Vec::new) }
    }

    /// A row comes.
    #[inline(always)]
    pub fn insert(&mut self, row: &[Cell<'_>]) {
        self.digest.add(row);
        self.note(false, row);
    }

    /// A row goes.
    #[inline(always)]
    pub fn delete(&mut self, row: &[Cell<'_>]) {
        self.digest.remove(row);
        self.note(true, row);
    }

    /// Rows come and go as a change says.
    #[inline(always)]
    pub fn change<T, const N: usize>(&mut self, change: &Change<T>, cells: impl Fn(&T) -> [Cell<'_>; N]) {
        match change {
            Change::Insert(row) => self.insert(&cells(row)),
            Change::Delete(row) => self.delete(&cells(row)),
            Change::Update { before, after } => {
                self.delete(&cells(before));
                self.insert(&cells(after));
            }
        }
    }

    #[inline(always)]
    fn note(&mut self, goes: bool, row: &[Cell<'_>]) {
        self.changes += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(Line { goes, columns: row.iter().map(Kept::of).collect() });
        }
    }

    /// The rows that are there at the end, reduced.
    pub fn answer(&self) -> Answer {
        self.digest.answer()
    }

    /// What two workers have seen together.
    #[must_use]
    pub fn merge(mut self, other: Results) -> Results {
        self.digest.merge(other.digest);
        self.changes += other.changes;
        self.late += other.late;
        if let (Some(lines), Some(more)) = (&mut self.lines, other.lines) {
            lines.extend(more);
        }
        self
    }
}

/// Where a program's rows go.
pub struct Output {
    query: Query,
    keep: Keep,
    from: Option<From>,
}

/// Where its results are found once its job has ended.
enum From {
    /// With the workers of the sink.
    Sink(Folded<Results>),
    /// In files.
    Files(Folder, Partitions),
}

impl Output {
    /// The sink: `step` gives the rows of a record.
    pub fn rows<R, F>(&mut self, step: F) -> Fold<Results, F>
    where
        R: Record,
        F: for<'a> FnMut(&mut Results, R::Of<'a>) + Clone + Send + 'static,
    {
        let (sink, results) = Fold::new(Results::new(self.query, self.keep), step);
        self.from = Some(From::Sink(results));
        sink
    }

    /// The rows go to files below a folder.
    pub fn files(&mut self, folder: Folder, partitions: Partitions) {
        self.from = Some(From::Files(folder, partitions));
    }

    fn pending(self) -> Result<Pending, String> {
        let Output { query, keep, from } = self;
        let from = from.ok_or_else(|| format!("{query} has no sink"))?;
        Ok(Pending { query, keep, from })
    }
}

/// The results of a program whose job may still run.
pub struct Pending {
    query: Query,
    keep: Keep,
    from: From,
}

impl Pending {
    /// The results, of all workers together.
    ///
    /// # Errors
    /// If the job has not ended well: a sink has handed nothing over, or there are files that are not complete.
    pub fn results(self) -> Result<Results, String> {
        match self.from {
            From::Sink(results) => results.merge(Results::merge).ok_or_else(|| "its sink handed nothing over".to_owned()),
            From::Files(folder, partitions) => {
                let mut results = Results::new(self.query, self.keep);
                files::read(folder.path(), &mut results)?;
                if results.changes != partitions.lines() {
                    return Err(format!("{} rows were committed, and {} are in the files", partitions.lines(), results.changes));
                }
                results.late = partitions.late();
                Ok(results)
            }
        }
    }
}

/// Builds a query's program; the results are there once the job has ended. q12 takes each bid as handled at its own event time; see
/// [`build_q12`].
///
/// # Errors
/// If the query has no sink.
pub fn build(query: Query, flow: &mut Dataflow, events: impl Into<Feed>, keep: Keep) -> Result<Pending, String> {
    build_from(query, flow, events.into(), keep)
}

// Not generic: the programs are compiled once, with this module.
fn build_from(query: Query, flow: &mut Dataflow, events: Feed, keep: Keep) -> Result<Pending, String> {
    let mut out = Output { query, keep, from: None };
    match query {
        Query::Q0 => super::q0::build(flow, events, &mut out),
        Query::Q1 => super::q1::build(flow, events, &mut out),
        Query::Q2 => super::q2::build(flow, events, &mut out),
        Query::Q3 => super::q3::build(flow, events, &mut out),
        Query::Q4 => super::q4::build(flow, events, &mut out),
        Query::Q5 => super::q5::build(flow, events, &mut out),
        Query::Q6 => super::q6::build(flow, events, &mut out),
        Query::Q7 => super::q7::build(flow, events, &mut out),
        Query::Q8 => super::q8::build(flow, events, &mut out),
        Query::Q9 => super::q9::build(flow, events, &mut out),
        Query::Q10 => super::q10::build(flow, events, &mut out),
        Query::Q11 => super::q11::build(flow, events, &mut out),
        Query::Q12 => super::q12::build(flow, events, Handled::AtEventTime, &mut out),
        Query::Q13 => super::q13::build(flow, events, &mut out),
        Query::Q14 => super::q14::build(flow, events, &mut out),
        Query::Q15 => super::q15::build(flow, events, &mut out),
        Query::Q16 => super::q16::build(flow, events, &mut out),
        Query::Q17 => super::q17::build(flow, events, &mut out),
        Query::Q18 => super::q18::build(flow, events, &mut out),
        Query::Q19 => super::q19::build(flow, events, &mut out),
        Query::Q20 => super::q20::build(flow, events, &mut out),
        Query::Q21 => super::q21::build(flow, events, &mut out),
        Query::Q22 => super::q22::build(flow, events, &mut out),
        Query::Q23 => super::q23::build(flow, events, &mut out),
    }
    out.pending()
}

/// Builds q12 with another notion of when a bid is handled, over any source.
///
/// # Errors
/// As [`build`].
pub fn build_q12<S: Source<Out = Arrivals>>(flow: &mut Dataflow, events: S, handled: Handled, keep: Keep) -> Result<Pending, String> {
    let mut out = Output { query: Query::Q12, keep, from: None };
    super::q12::build(flow, events, handled, &mut out);
    out.pending()
}
