//! Watermarks: how far event time has certainly come.
//!
//! ```text
//!   records ─▶ generate: highest time seen, less the disorder allowed ─▶ in band, after the batch
//!   input 0 ─▶ ┐
//!   input 1 ─▶ ┴ merge: the lowest of all inputs that have not ended ──▶ in band
//!
//!   punctuate, processing: other ways to make them; idle: an input that falls silent is left out of the merge
//! ```
//!
//! Laws: a watermark `w` promises that no later record has an event time at or below `w`; watermarks never go back.

mod generate;
mod idle;
mod merge;
mod processing;
mod punctuate;

pub(crate) use generate::Watermarks;
pub use generate::{BoundedDisorder, Monotone, WatermarkPolicy};
pub(crate) use idle::IdleAfter;
pub(crate) use merge::Merge;
pub use processing::ProcessingTime;
pub(crate) use processing::{ClockTimes, Ticks};
pub(crate) use punctuate::Punctuate;
