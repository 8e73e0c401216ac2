//! What a look at the clock costs, clock by clock.

use std::{
    hint::black_box,
    time::{Instant, SystemTime},
};

use serde::Serialize;

/// The cost of one read.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Which clock.
    pub name: &'static str,
    /// Median over batches, in ns.
    pub ns: f64,
}

const READS: u32 = 10_000;
const BATCHES: usize = 51;

/// Measures each clock.
pub fn costs() -> Vec<Cost> {
    let quanta = quanta::Clock::new();
    vec![
        Cost { name: "std::time::Instant", ns: cost(Instant::now) },
        Cost { name: "std::time::SystemTime", ns: cost(SystemTime::now) },
        Cost { name: "quanta::Instant", ns: cost(|| quanta.now()) },
        Cost { name: "quanta raw (time-stamp counter)", ns: cost(|| quanta.raw()) },
    ]
}

/// Median ns of one call, over batches: a stall spoils a batch, not the figure.
fn cost<T>(read: impl Fn() -> T) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..READS {
                black_box(read());
            }
            start.elapsed().as_nanos() as f64 / f64::from(READS)
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}
