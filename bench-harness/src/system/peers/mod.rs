//! Peers: other people's stream engines and queues, driven as their own users would drive them to be fast.
//!
//! ```text
//!   timely      data-parallel dataflow: one worker a core, operators written for the workload, frontiers close windows
//!   renoir      data-parallel dataflow: the chain of its own operators, compiled into a thread for each block and core
//!   disruptor   a ring between two threads: the hops
//! ```
//!
//! They are behind the feature `peers`, so that the default build stays lean; renoir is under the LGPL 3.0, and in no build without it.
//! What each was tried with, and what was kept, is in `FAIRNESS.md`.
//!
//! Laws
//! - Input and answer are those of every system: records of the block shifted by the lap, rows reduced to an [`Answer`](crate::workload::Answer).
//! - A run is timed from the first record that enters to the last row that leaves: starting threads and building the graph is not charged.
//! - With several workers the stream is handed out in pieces ([`claim`]), so that event time passes at about the same pace for all of them.

mod claim;
mod disruptor;
mod events;
mod kept;
mod panes;
mod renoir;
mod slide;
mod timely;
mod unbounded;
mod windowed;

pub(super) use self::{disruptor::Disruptor, renoir::Renoir, timely::Timely};

/// Of a hop: each record went from one thread to the other.
fn moved<T>(outcome: super::Outcome) -> super::Outcome {
    super::Outcome { bytes_moved: Some(outcome.n * size_of::<T>() as u64), ..outcome }
}
