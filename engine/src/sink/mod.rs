//! Where records leave.
//!
//! A [`Sink`] is a description; opening it gives one writer for each worker that writes. A writer is the last [`Operator`] of a chain.

mod callback;
mod collect;
mod count;
mod egress;
mod file;
mod partition;
mod total;

pub use callback::{ForEach, ForEachWriter};
pub use collect::{Collect, CollectWriter, Collected, Fold, FoldWriter, Folded};
pub use count::{Checksum, ChecksumWriter, Count, CountWriter, Counted};
pub use egress::{Egress, EgressSink, EgressWriter, TryNextError, egress};
pub use file::{FileSink, FileWriter};
pub use partition::{PartitionWriter, PartitionedFiles, Partitions};
pub use total::{Total, TotalWriter, Totalled};

use crate::{error::BuildError, operator::Operator, record::Record};

/// A description of where records go.
pub trait Sink<R: Record>: Send + 'static {
    /// Writes one worker's share.
    type Writer: Operator<R> + Send + 'static;

    /// A short name for reports and errors, such as `file`.
    fn name(&self) -> &'static str;

    /// Opens the sink for `writers` workers.
    ///
    /// # Errors
    /// [`BuildError`] if the sink cannot be written; the dataflow is refused.
    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError>;
}
