//! The load: when records are meant to arrive, who makes them, and what is broken on purpose.
//!
//! ```text
//!   --rate 100k --schedule poisson            --inject stall=5ms@1/s
//!          │                                          │
//!   Schedule ── for n records ──▶ Arrivals ──▶ source ──▶ system under test
//!                (fixed before the run)    │                   │
//!                                          └── due(i) ── residence, lateness, number in flight
//! ```
//!
//! Laws: an arrival time is a function of the schedule and the record's number alone. Nothing that the system does moves it, so a system that
//! holds the source back is charged for the wait (G. Tene, "How NOT to Measure Latency"; the `-R` of wrk2).

pub mod apart;
pub mod inject;
pub mod open;
pub mod schedule;

pub use inject::Inject;
pub use schedule::{Arrivals, Schedule, Shape};
