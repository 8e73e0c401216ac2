//! Edges: how records go from one task to another.
//!
//! ```text
//!   same worker    Outlet ── a buffer of one batch ──▶ Inlet::take        a direct call; no atomics
//!   other worker   Outlet ── ring + in-band control ─▶ EdgeTask::do_work   claim, fill in place, commit
//!
//!   Forward: all to one target (in turn, a batch each, if there are several)      hop, union
//!   Scatter: each record to the worker that owns its key                          exchange; Split: by a predicate
//!   rows     the same for records that borrow, in parcels                         process, latest, top
//! ```
//!
//! Laws
//! - Records of one upstream task to one target keep their order, and control keeps its place between them.
//! - An outlet that is full keeps what it could not pass on and says so in `ready`; nothing new is produced until it has left.
//!   It therefore holds at most what one input batch expands to.

mod divide;
mod edge;
mod forward;
mod outlet;
mod rows;
mod scatter;
mod split;

pub(crate) use divide::DivideEnd;
pub(crate) use edge::{Edge, EdgeHead};
pub(crate) use forward::{Forward, ForwardEnd, ForwardSeed, forward_seeds};
pub(crate) use outlet::{Outlet, OutletSeed};
pub(crate) use rows::{RowEdge, RowHead, RowScatterEnd};
pub(crate) use scatter::{Scatter, ScatterEnd, ScatterSeed, group_of};
pub(crate) use split::SplitEnd;
