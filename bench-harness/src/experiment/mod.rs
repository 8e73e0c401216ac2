//! Experiments: many runs with a question. Each run is a process of its own ([`crate::child`]); what is decided from them is pure.
//!
//! ```text
//!   all     a run that is wanted ─▶ campaign ─▶ a process ─▶ ledger (resumable), within a budget of time
//!   sweep   definition ─▶ every point, in drawn order, repeat by repeat ─▶ medians, Pareto fronts
//!   sustain rate ─▶ run ─▶ does the backlog grow? ─▶ search ─▶ the highest rate that is kept up with ─▶ load curve
//!   tune    configurations, fastest first ─▶ highest rate that keeps the quantile ─▶ config to paste
//! ```
//!
//! Laws
//! - A point is what it is told: option by option, as `run` takes them. Nothing of one run is left for the next.
//! - Repeats are outermost and each is in an order of its own, so that no point always meets the same moment of the machine.
//! - A run that fails is a result of that point, not the end of the experiment.

pub mod campaign;
pub mod curve;
pub mod front;
pub mod ledger;
pub mod place;
pub mod scale;
pub mod search;
pub mod summary;
pub mod sweep;
pub mod trial;
pub mod tune;
