//! What is computed: for each workload a seeded input, the answer that a naive oracle gives, and how rows are reduced to a checksum.
//!
//! ```text
//!   Spec (name, events, seed, block) ──▶ Input (Arc, shared by all systems) ──▶ every System ──▶ Answer
//!                                              └─────── oracle (naive, independent, rayon) ──────▶ Answer   must be equal
//! ```
//!
//! An answer is compared as a multiset: the number of rows and the wrapping sum of a strong 64-bit mix of each row.

/// The result of a run, reduced so that it can be compared: equal answers mean equal multisets of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// Number of rows.
    pub rows: u64,
    /// Wrapping sum over the rows of a 64-bit mix of all their columns.
    pub checksum: u64,
}
