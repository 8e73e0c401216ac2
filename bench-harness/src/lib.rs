//! The harness behind `thalweg-bench`: it runs the same checked work on several systems and says which figures can be believed.
//!
//! ```text
//!   command line ──▶ run::matrix (cells, interleaved) ──▶ run::phases: prepare ▶ probe ▶ warm up ▶ measure
//!                                                             │                                     │
//!        workload::prepare ──▶ input, oracle's answer ────────┤                 measure: r v n̄ t̄, CPU, memory, stalls
//!        system::all       ──▶ thalweg, hand, rtrb, … ────────┘                                     │
//!                                                        run::verdict: believed, or why not ◀───────┤
//!                                  report: row (the schema) ▶ compare (ratios) ▶ table, CSV, folder ◀┘
//!                                             │
//!        statistics (intervals, effects) ──▶ compare A B: better, worse, not distinguishable
//!                                        ──▶ experiment: sweep, sustain, tune, scale; each run a process (child)
//! ```
//!
//! Laws: a run whose output differs from the oracle's has no speed. Systems are compared only within one run of this program, interleaved.
//! Nothing is dropped: every repeat is a row, with the environment it ran in.
#![deny(unsafe_code)]

pub mod calibrate;
pub mod child;
pub mod compare;
pub mod experiment;
pub mod generate;
pub mod load;
pub mod measure;
pub mod process;
pub mod quantity;
pub mod query;
pub mod report;
pub mod run;
pub mod statistics;
pub mod system;
pub mod workload;
