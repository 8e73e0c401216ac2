//! What is measured of a run, each quantity on its own, and the laws that tie them together.
//!
//! ```text
//!            offered          v (at the source)                     r (at the sink)
//!   schedule ───────▶ source ───────────────▶ n̄ records in flight ───────────────▶ sink
//!      │ intended arrival                                                emission │
//!      └───────────────────────────── residence, mean t̄ ──────────────────────────┘
//!                 Little: n̄ = r t̄          stable: v = r = offered rate
//! ```
//!
//! Laws: a quantity that a law relates to another is never computed from it. Arithmetic is in pure functions over plain numbers, so that
//! tests can feed them known answers; the modules that ask the operating system ([`alloc`], [`clock`], [`cpu`], [`rss`], [`stalls`], [`threads`]) keep no policy.
//!
//! Not here: what makes a run believable ([`crate::run::verdict`]) and how many runs there are ([`crate::run::matrix`]).

pub mod alloc;
pub mod backlog;
pub mod clock;
pub mod cpu;
pub mod little;
pub mod residence;
pub mod rss;
pub mod stalls;
pub mod steady;
pub mod threads;
pub mod throughput;
