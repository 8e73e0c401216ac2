//! Watermarks: how far event time has certainly come.
//!
//! ```text
//!   records ─▶ generate: highest time seen, less the disorder allowed ─▶ in band, after the batch
//!   input 0 ─▶ ┐
//!   input 1 ─▶ ┴ merge: the lowest of all inputs that have not ended ──▶ in band
//! ```
//!
//! Laws: a watermark `w` promises that no later record has an event time at or below `w`; watermarks never go back.

mod generate;
mod merge;
mod processing;

pub(crate) use generate::Watermarks;
pub use generate::{BoundedDisorder, Monotone, WatermarkPolicy};
pub(crate) use merge::Merge;
pub use processing::ProcessingTime;
pub(crate) use processing::{ClockTimes, Ticks};
