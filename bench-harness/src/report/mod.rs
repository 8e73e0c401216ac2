//! What is told of the runs: rows for machines, tables for people, and a folder that keeps both.
//!
//! ```text
//!   run::phases ── Row ──┬──▶ JSON line, CSV line            the schema: results/README.md
//!                        ├──▶ compare: medians, spread, ratios paired by repeat ──▶ table
//!                        └──▶ folder: rows, histograms, definition, environment
//!                                └──▶ Results ──▶ cells ──▶ plots ──▶ chart ──┬──▶ page: one file of HTML
//!                                                                             └──▶ text: for a terminal
//! ```
//!
//! Law: a row whose check failed carries no figure from which a speed can be computed, in any format.

pub mod cells;
pub mod chart;
pub mod compare;
pub mod cost;
pub mod csv;
pub mod folder;
pub mod page;
pub mod plots;
pub mod row;
pub mod selfchecks;
pub mod suite;
pub mod systems;
pub mod table;
pub mod text;
