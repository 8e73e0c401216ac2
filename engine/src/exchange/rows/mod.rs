//! Edges for rows that may borrow: each to the worker that owns its key.
//!
//! ```text
//!   same worker    RowScatter ── rows as they are, a few hundred at a time ──▶ RowInlet::lend     nothing is copied but the views
//!   other worker   RowScatter ── pack ─▶ parcel ── ring of parcels ──────────▶ RowTask::do_work   texts are copied once
//!                               ◀──────── ring of empty ones ─────────────────
//! ```
//!
//! Laws: as of every edge. What a target on this worker has no room for is packed, and waits in a parcel too. Parcels go round and are never
//! freed while both ends live, so an edge allocates only until each has had its greatest batch.

mod edge;
mod outlet;
mod scatter;

pub(crate) use edge::{RowEdge, RowHead, RowInlet};
pub(crate) use outlet::{RowOutlet, RowOutletSeed};
pub(crate) use scatter::RowScatterEnd;
