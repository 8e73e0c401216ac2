//! One invocation: which runs, in which order, what happens around each, and what is believed of it.
//!
//! ```text
//!   matrix ── cells ──▶ phases:  prepare input ▶ refuse ▶ probe ▶ warm up ▶ ┌ once ▶ verdict ▶ row ┐ ▶ next repeat, all cells again
//!                                                                           └─ floor · run · floor ┘
//! ```
//!
//! Laws
//! - Repeats are the outer loop and cells the inner one, so that a drift of the machine hits every system alike.
//! - Every run, warm-ups too, is checked against the oracle. A system that fails once is not run again in this invocation.
//! - A run has threads of its own, started from one that nothing has pinned.

pub mod checks;
pub mod environment;
pub mod estimate;
pub mod matrix;
pub mod once;
pub mod phases;
pub mod selftest;
pub mod verdict;
