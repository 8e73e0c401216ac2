//! Two builds, or two configurations: better, worse, or not distinguishable.
//!
//! ```text
//!   A rows ┐                                  per cell and metric:
//!          ├─ cells: what is the same work ──▶ decide ── shift of ln(B/A), interval ──▶ better · worse · not distinguishable
//!   B rows ┘                                     ▲
//!   interleave: A B │ B A │ B A │ A B … ─────────┘ pairs: exact, whatever the machine does
//! ```
//!
//! Laws
//! - All intervals of a comparison hold *together* with the stated confidence: each is taken at 1 − (1 − confidence) / lines. Thirty metrics
//!   looked at one by one at 95 % would find something in two builds that are the same.
//! - A difference is told only if its interval leaves out "the same" and it is at least as large as matters for that metric.
//! - Rows of two moments say less than pairs: what the machine may have changed in between is allowed for, and said.
//!
//! Not here: summaries of one folder and ratios between its systems ([`crate::report::compare`]).

mod cells;
pub mod comparison;
pub mod decide;
pub mod interleave;
pub mod metric;
pub mod text;
