//! Operators and the chains they fuse into.
//!
//! A chain is operators nested in one another: `Map<F, Filter<P, Count>>`. A batch enters as an iterator; each operator adapts the iterator
//! and hands it to the next, and the last one consumes it, so that the compiler sees one loop over the batch's slice and nothing is
//! stored in between. Only an operator that must (a compacting filter, a window, an exchange) ends the loop and begins another.
//!
//! ```text
//!   reader ── slice of records ─▶ process(iter) ─▶ process(iter.map(f)) ─▶ … ─▶ sink: one loop
//!          ── Watermark, End ───▶ control(c) ────▶ control(c) ──────────▶ …
//!          ◀─ may I go on? ────── ready() ◀────── ready() ◀──────────── …   backpressure
//! ```
//!
//! Laws
//! - A batch (one `process`, or several for its parts) or a `control` comes only after `ready` returned `Ok(true)`, one for each such
//!   answer; all of it is accepted. What cannot leave yet is kept by the operator that produced it, and `ready` says `false` until it has left.
//! - `process` consumes its iterator to the end, unless it panics.
//! - Control keeps its place between records. After [`Control::End`] come no records and no more control.
//! - A fault is reported by `ready`.

pub(crate) mod adapt;
pub(crate) mod aggregate;
pub(crate) mod blame;
mod compact;
pub(crate) mod filter;
pub(crate) mod filter_map;
pub(crate) mod flat_map;
pub(crate) mod function;
pub(crate) mod link;
pub(crate) mod map;
pub(crate) mod rolling;
pub(crate) mod states;
#[cfg(feature = "unfused")]
mod unfused;

pub use aggregate::{
    Aggregate, ApproxDistinct, Count, DistinctCount, First, FloatMean, FloatSum, Last, Max, Mean, Min, Ordered, Reduce, Sketch, Sum,
    SumCount, Tally, Top, TopN, Total, ValueSet, WideSum,
};
pub use function::{Chooser, Expander, IterFn, MapFn, Mapper, Predicate};
pub use link::{ChainCx, Link, Step};
pub use rolling::{Update, Updates};
pub(crate) use states::Copies;
pub use states::States;

use crate::{error::RunError, record::Record, time::EventTime};

/// Records that an operator emits at a time when what it holds fires: the batch size of what does not come from a source.
pub(crate) const EMIT: usize = 1024;

/// What travels in band between records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// No later record has an event time at or below this one.
    Watermark(EventTime),
    /// No record will come before an input is attached; until the next watermark, event time goes on without this input.
    Idle,
    /// A checkpoint barrier with its number. Operators pass it on; state snapshots will hang on it.
    Barrier(u64),
    /// No more records will come.
    End,
}

/// One step over batches of records, together with all the steps after it.
pub trait Operator<R: Record> {
    /// Works on a batch.
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>;

    /// As [`process`](Self::process), of a batch that can be looked ahead in: a clone of the iterator yields the same records, and its least size
    /// is the exact one.
    ///
    /// A source goes this way if its records lie in memory and cost little to make, since what is looked at ahead is made twice. An operator that
    /// has nothing to gain by it ends it, by leaving this as it is.
    fn process_ahead<'a, I>(&mut self, records: I)
    where
        I: DoubleEndedIterator<Item = R::Of<'a>> + Clone,
    {
        self.process(records);
    }

    /// Whether this operator and those after it can take records under a mask, and gain by it.
    const MASKS: bool = false;

    /// As [`process`](Self::process), but only the records whose flag is set count. Those whose flag is not set must leave no trace.
    ///
    /// A filter goes this way, if `MASKS` says so, to spare a branch that nobody can predict: all records are worked on, and arithmetic
    /// cancels those that did not pass.
    fn process_masked<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (bool, R::Of<'a>)>,
    {
        self.process(records.filter_map(function::unmasked));
    }

    /// Handles in-band control, after all records before it.
    fn control(&mut self, control: Control);

    /// Moves on what is still pending here and after, and says whether another batch may come.
    ///
    /// # Errors
    /// A fault of this operator or one after it; the job ends with it.
    fn ready(&mut self) -> Result<bool, RunError>;

    /// Shows what it remembers between batches to `states`, then has the operators after it do the same. Called only while nothing is under
    /// way, so results and control that wait are no part of it; nor are closures, which belong to the job, nor what a sink has given away.
    fn states(&mut self, states: &mut States<'_>);
}
