//! Where records enter.
//!
//! A [`Source`] is a description that can be checked and opened; opening it gives one [`Reader`] for each worker that reads. A reader
//! is polled by its worker and hands a batch to the chain as an iterator, so records may borrow from the reader's block.

mod claim;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "csv")]
mod fields;
mod generate;
mod ingress;
#[cfg(feature = "json")]
mod json;
mod lines;
mod malformed;
mod replay;
mod share;
#[cfg(test)]
pub(crate) mod testing;

#[cfg(feature = "csv")]
pub use self::csv::{Csv, CsvReader};
pub use generate::{Generate, GenerateReader, Paced, PacedReader};
pub(crate) use ingress::Patience;
pub use ingress::{Closed, Ingress, IngressHandle, IngressReader, IngressSource, TryPushError, ingress};
#[cfg(feature = "json")]
pub use json::{JsonLines, JsonLinesReader};
pub use lines::{Lines, LinesReader};
pub use malformed::{DeadLetter, Malformed, OnMalformed};
pub use replay::{Lent, Replay, ReplayLent, ReplayLentReader, ReplayReader};

use std::time::Instant;

use crate::{
    error::{BuildError, RunError},
    operator::Operator,
    record::Record,
};

/// What a poll of a reader did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// That many records went to the chain.
    Records(usize),
    /// Nothing was there. The reader need not be polled before the time given; without one, it wakes its worker itself.
    Idle(Option<Instant>),
    /// No input is attached to this reader, so that nothing can come until one is; then it wakes its worker itself. Event time goes on
    /// without it.
    Unfed,
    /// The source has ended; it will not be polled again.
    End,
}

/// A description of where records come from.
pub trait Source: Send + 'static {
    /// What it reads.
    type Out: Record;
    /// Reads one worker's share.
    type Reader: Reader<Out = Self::Out>;

    /// A short name for reports and errors, such as `lines`.
    fn name(&self) -> &'static str;

    /// Opens the source for `readers` workers, each of which gets a share of the records.
    ///
    /// # Errors
    /// [`BuildError`] if the source cannot be read; the dataflow is refused.
    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError>;
}

/// Reads one worker's share of a source.
pub trait Reader: Send + 'static {
    /// What it reads.
    type Out: Record;

    /// Hands at most about `max` records to `out`, which is ready for one batch: `process` is called at most once.
    ///
    /// # Errors
    /// [`RunError`] if reading fails; the job ends with it.
    fn poll<O: Operator<Self::Out>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError>;

    /// Asks for an orderly end: accept no new records, hand out those already accepted, then report [`Polled::End`].
    fn drain(&mut self);

    /// Gives the reader the handle that wakes its worker, before the first poll.
    fn attach(&mut self, waker: &crate::runtime::Waker) {
        let _ = waker;
    }

    /// Records that were skipped because they could not be decoded, so far.
    fn malformed(&self) -> u64 {
        0
    }

    /// Whether a new reader in this one's place goes on with what comes next, as one does that only passes on what it is handed. While a
    /// source that does not has not ended, a test cannot take a snapshot.
    fn is_resumable(&self) -> bool {
        false
    }
}
